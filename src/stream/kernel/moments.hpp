/// \file
/// Count, extremes, sum and spread of numbers, from one pass over them.
#pragma once

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <limits>
#include <type_traits>

#include <npymap/shape.hpp>

#include "stream/kernel/lanes.hpp"

namespace npymap::detail {

template <class S>
NPYMAP_KERNEL constexpr bool is_nan(const S& value) {
  if constexpr (std::is_floating_point_v<S>) {
    return value != value;
  } else {
    return false;
  }
}

template <class S>
constexpr S greatest() {
  if constexpr (std::is_floating_point_v<S>) return std::numeric_limits<S>::infinity();
  return std::numeric_limits<S>::max();
}
template <class S>
constexpr S least() {
  if constexpr (std::is_floating_point_v<S>) return -std::numeric_limits<S>::infinity();
  return std::numeric_limits<S>::min();
}

/// Of those numbers that are no NaN.
template <class S>
struct moments {
  using real = wide_real<S>;

  index_t count = 0;
  index_t nan_count = 0;
  S min = greatest<S>();
  S max = least<S>();
  twofold<real> sum;
  real squares = 0;  ///< of their distances from the mean

  /// In twice the precision: distances between means may be small beside these.
  twofold<real> mean() const {
    const auto n = static_cast<real>(count);
    const real high = sum.value() / n;
    if (!std::isfinite(high)) return {high, 0};
    return {high, (std::fma(-n, high, sum.high) + sum.low) / n};
  }

  /// As Chan, Golub and LeVeque merge two samples (1979).
  void add(const moments& other) {
    nan_count += other.nan_count;
    if (other.count == 0) return;
    if (count > 0) {
      const twofold<real> mine = mean(), others = other.mean();
      const real apart = (others.high - mine.high) + (others.low - mine.low);
      const auto a = static_cast<real>(count), b = static_cast<real>(other.count);
      squares += apart * apart * (a * (b / (a + b)));
    }
    squares += other.squares;
    count += other.count;
    min = other.min < min ? other.min : min;
    max = max < other.max ? other.max : max;
    sum.add(other.sum);
  }
};

/// Of so many first numbers, what to expect of a row is guessed.
inline constexpr index_t sampled = 16;

/// Exact where all are equal, since each step doubles.
template <class R>
NPYMAP_KERNEL R sum_of(R (&few)[sampled]) {
  for (index_t half = sampled / 2; half > 0; half /= 2) {
    for (index_t i = 0; i < half; ++i) few[i] += few[i + half];
  }
  return few[0];
}

/// A number near the mean of a dense row, to guess: the mean of its first few that are finite;
/// exact where they are equal, so that constants do not vary.
template <class S>
NPYMAP_KERNEL wide_real<S> near_mean(const S* x, index_t count) {
  wide_real<S> few[sampled];
  index_t found = 0;
  for (index_t i = 0; i < count && found < sampled; ++i) {
    const auto value = static_cast<wide_real<S>>(x[i]);
    if (std::isfinite(value)) few[found++] = value / sampled;
  }
  if (found == 0) return 0;
  for (index_t i = found; i < sampled; ++i) few[i] = few[i - found];
  return sum_of(few);
}

/// What a pass over numbers gathers in lanes; NaNs are passed over, and `squares` are of distances
/// from `centre`.
template <class S, class Registers>
struct lane_moments {
  using group = lanes<S, Registers::bytes>;
  using vector = typename group::vector;
  using real_vector = typename group::real_vector;

  vector min = vector{} + greatest<S>();
  vector max = vector{} + least<S>();
  twofold<real_vector> sum;
  real_vector squares{};
  real_vector numbers{};  // that are no NaN

  NPYMAP_KERNEL void add(const S* from, double centre) {
    vector x;
    group::load(x, from);
    min = x < min ? x : min;  // false for NaN
    max = x > max ? x : max;
    real_vector wide = __builtin_convertvector(x, real_vector);
    real_vector apart = wide - centre;
    numbers += wide == wide ? real_vector{} + 1 : real_vector{};
    apart = wide == wide ? apart : real_vector{};
    wide = wide == wide ? wide : real_vector{};
    squares += apart * apart;
    sum.add(wide);
  }

  NPYMAP_KERNEL void add_to(moments<S>& all) const {
    for (int lane = 0; lane < group::count; ++lane) {
      all.min = min[lane] < all.min ? min[lane] : all.min;
      all.max = max[lane] > all.max ? max[lane] : all.max;
      all.count += static_cast<index_t>(numbers[lane]);
      all.squares += squares[lane];
      all.sum.add(twofold<double>{sum.high[lane], sum.low[lane]});
    }
  }
};

/// Give `all.squares`, which are of distances from `centre`, the mean as centre instead. False if
/// `centre` was so far off that the difference has lost more than three bits, or that squares were
/// beyond any number which distances from the mean may not be.
template <class S>
NPYMAP_KERNEL bool centre_squares(moments<S>& all, wide_real<S> centre) {
  using real = wide_real<S>;
  if (all.count == 0) return true;
  if (std::isinf(all.squares) && std::isfinite(all.sum.high)) return false;
  // The sum of the distances, rounded once: the mean may be large beside them.
  const auto n = static_cast<real>(all.count);
  const real apart = std::fma(-n, centre, all.sum.high) + all.sum.low;
  const real surplus = apart * (apart / n);
  const bool is_near = surplus <= all.squares * real{0.875} || !std::isfinite(all.sum.high);
  all.squares = std::max(all.squares - surplus, real{0});
  return is_near;
}

/// Of any numbers, NaNs and infinities among them; squares of distances from `centre`.
template <class S, class Registers>
NPYMAP_KERNEL moments<S> moments_of_any(wide_real<S> centre, Registers, const S* x, index_t count) {
  moments<S> all;
  index_t i = 0;
  if constexpr (!std::is_same_v<S, long double>) {
    // Two at once, because each addition waits for the one before.
    lane_moments<S, Registers> even, odd;
    constexpr index_t step = lanes<S, Registers::bytes>::count;
    for (; i + 2 * step <= count; i += 2 * step) {
      even.add(x + i, centre);
      odd.add(x + i + step, centre);
    }
    even.add_to(all);
    odd.add_to(all);
  }
  for (; i < count; ++i) {
    if (is_nan(x[i])) continue;
    const auto wide = static_cast<wide_real<S>>(x[i]);
    all.min = x[i] < all.min ? x[i] : all.min;
    all.max = x[i] > all.max ? x[i] : all.max;
    all.squares += (wide - centre) * (wide - centre);
    all.sum.add(wide);
    ++all.count;
  }
  all.nan_count = count - all.count;
  return all;
}
template <class S, class Registers>
NPYMAP_KERNEL moments<S> moments_of_any(Registers wide, const S* x, index_t count) {
  wide_real<S> centre = near_mean(x, count);
  moments<S> all = moments_of_any(centre, wide, x, count);
  if (centre_squares(all, centre)) return all;
  centre = all.mean().high;
  all = moments_of_any(centre, wide, x, count);
  centre_squares(all, centre);
  return all;
}

/// A sum in twice the precision of few numbers, in half as many steps: `high` begins with an anchor
/// beside which their sum is small, so that its last bit stays the same, and no addition to it
/// rounds but what goes to `low` (Dekker's FastTwoSum, which asks for the larger one first).
template <class A>
struct anchored_sum {
  A high{};
  A low{};

  NPYMAP_KERNEL void add(const A& value) {
    const A sum = high + value;
    low += value - (sum - high);
    high = sum;
  }
};

/// Six times the greatest power of two in the sum of `count` numbers as far from zero as `largest`:
/// half-way between two powers that no such sum can reach from there. NaN or infinite for such.
NPYMAP_KERNEL double anchor_for(double largest, index_t count) {
  constexpr std::uint64_t exponent = 0x7ff0'0000'0000'0000;  // IEEE 754
  const double bound = largest * static_cast<double>(count);
  return 6 * std::bit_cast<double>(std::bit_cast<std::uint64_t>(bound) & exponent);
}

/// Moments around `centre`, of numbers without NaN whose sum is anchored, two registers at once,
/// because each addition waits for the one before. What is left over at the end is up to others.
template <class S, class Registers>
struct anchored_moments {
  using group = lanes<S, Registers::bytes>;
  using vector = typename group::vector;
  using real_vector = typename group::real_vector;
  static constexpr index_t step = 2 * group::count;

  vector min = vector{} + greatest<S>();
  vector max = vector{} + least<S>();
  anchored_sum<real_vector> even;
  anchored_sum<real_vector> odd;
  real_vector even_squares{};
  real_vector odd_squares{};

  NPYMAP_KERNEL void add(const S* from, double centre) {
    vector x, y;
    group::load(x, from);
    group::load(y, from + group::count);
    min = x < min ? x : min;  // false for NaN
    max = x > max ? x : max;
    min = y < min ? y : min;
    max = y > max ? y : max;
    real_vector v = __builtin_convertvector(x, real_vector);
    real_vector w = __builtin_convertvector(y, real_vector);
    even.add(v);
    odd.add(w);
    v -= centre;
    w -= centre;
    even_squares += v * v;
    odd_squares += w * w;
  }

  NPYMAP_KERNEL void add_to(moments<S>& all, double anchor) const {
    // Exact, as are the sums of these.
    const real_vector high = (even.high - anchor) + (odd.high - anchor);
    const real_vector low = even.low + odd.low;
    const real_vector squares = even_squares + odd_squares;
    twofold<double> sum;
    for (int lane = 0; lane < group::count; ++lane) {
      all.min = min[lane] < all.min ? min[lane] : all.min;
      all.max = max[lane] > all.max ? max[lane] : all.max;
      all.squares += squares[lane];
      sum.high += high[lane];
      sum.low += low[lane];
    }
    all.sum.add(sum);
  }
};

template <class S, class Registers>
NPYMAP_KERNEL moments<S> moments_around(double centre, double anchor, Registers, const S* x,
                                        index_t count) {
  anchored_moments<S, Registers> found;
  found.even.high += anchor;
  found.odd.high += anchor;
  // So much arithmetic hides from the processor what is to be read next: 0.6 of what the memory
  // gives without this, 0.92 with it, into the second cache, which keeps more reads going than the
  // first. 8 KiB was best of 2 to 32 on a Xeon of 2023.
  constexpr index_t ahead = 8192 / index_t{sizeof(S)};
  index_t i = 0;
  for (; i + found.step <= count; i += found.step) {
    __builtin_prefetch(x + i + ahead, 0, 2);
    __builtin_prefetch(x + i + ahead + found.step / 2, 0, 2);
    found.add(x + i, centre);
  }
  moments<S> all;
  found.add_to(all, anchor);
  for (; i < count; ++i) {
    const auto value = static_cast<double>(x[i]);
    all.min = x[i] < all.min ? x[i] : all.min;
    all.max = x[i] > all.max ? x[i] : all.max;
    all.squares += (value - centre) * (value - centre);
    all.sum.add(value);
  }
  all.count = count;
  return all;
}

template <class S>
NPYMAP_KERNEL double farthest(const moments<S>& all) {
  return std::max(std::abs(static_cast<double>(all.min)), std::abs(static_cast<double>(all.max)));
}

/// Of a short dense row. How far its numbers are from zero, and their mean, is guessed from the
/// first few. The row is read again where they are a thousand times farther, or the mean is
/// elsewhere.
template <class S, class Registers>
NPYMAP_KERNEL moments<S> moments_of(Registers wide, const S* x, index_t count) {
  if (std::is_same_v<S, long double> || count < sampled) return moments_of_any(wide, x, count);
  if constexpr (!std::is_same_v<S, long double>) {
    double few[sampled], sizes[sampled];
    for (index_t i = 0; i < sampled; ++i) {
      few[i] = static_cast<double>(x[i]) / sampled;
      sizes[i] = std::abs(few[i]);
    }
    double centre = sum_of(few);  // as `near_mean`, where all are finite
    double anchor = anchor_for(1024 * sum_of(sizes), count);
    constexpr int last = 2;
    for (int tries = 0; tries <= last && std::isfinite(anchor); ++tries) {
      moments<S> all = moments_around(centre, anchor, wide, x, count);
      const double needed = anchor_for(farthest(all), count);
      if (needed <= anchor) {
        if (!std::isfinite(all.sum.low)) break;  // with NaNs
        if (centre_squares(all, centre) || tries == last) return all;
        centre = all.mean().high;
      }
      anchor = needed;
    }
  }
  return moments_of_any(wide, x, count);
}

}  // namespace npymap::detail
