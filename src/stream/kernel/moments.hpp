/// \file
/// Count, extremes, sum and spread of numbers, from one pass over them.
#pragma once

#include <algorithm>
#include <cmath>
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

/// A number near the mean of a dense row: the mean of its first few that are finite; exact where
/// they are equal, so that constants do not vary. Distances from it square to what distances from
/// the mean do, and no more than about count / sampled times that beside it (Cauchy and Schwarz):
/// log2 of this many bits at most are lost to the difference.
template <class S>
NPYMAP_KERNEL wide_real<S> near_mean(const S* x, index_t count) {
  constexpr index_t sampled = 16;
  wide_real<S> few[sampled];
  index_t found = 0;
  for (index_t i = 0; i < count && found < sampled; ++i) {
    const auto value = static_cast<wide_real<S>>(x[i]);
    if (std::isfinite(value)) few[found++] = value / sampled;
  }
  if (found == 0) return 0;
  for (index_t i = found; i < sampled; ++i) few[i] = few[i - found];
  for (index_t half = sampled / 2; half > 0; half /= 2) {
    for (index_t i = 0; i < half; ++i) few[i] += few[i + half];
  }
  return few[0];
}

/// The same of numbers in lanes, but `squares` are of distances from `centre`; NaNs are passed over
/// where `MayHaveNan`, and else spoil the sum.
template <class S, class Registers, bool MayHaveNan>
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
    if constexpr (MayHaveNan) {
      numbers += wide == wide ? real_vector{} + 1 : real_vector{};
      apart = wide == wide ? apart : real_vector{};
      wide = wide == wide ? wide : real_vector{};
    }
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

template <bool MayHaveNan, class S, class Registers>
NPYMAP_KERNEL moments<S> moments_around(wide_real<S> centre, Registers, const S* x, index_t count) {
  moments<S> all;
  index_t i = 0;
  if constexpr (!std::is_same_v<S, long double>) {
    // Two at once, because each addition waits for the one before.
    lane_moments<S, Registers, MayHaveNan> even, odd;
    constexpr index_t step = lanes<S, Registers::bytes>::count;
    // So much arithmetic hides from the processor what is to be read next. 6 KiB was best of 1 to
    // 16 on two Xeons of 2023: 0.9 of what the memory gives, where it is 0.6 without.
    constexpr index_t ahead = 6144 / index_t{sizeof(S)};
    for (; i + 2 * step <= count; i += 2 * step) {
      __builtin_prefetch(x + i + ahead);
      __builtin_prefetch(x + i + ahead + step);
      even.add(x + i, centre);
      odd.add(x + i + step, centre);
    }
    even.add_to(all);
    odd.add_to(all);
  }
  if (!MayHaveNan) all.count = i;
  for (; i < count; ++i) {
    if (MayHaveNan && is_nan(x[i])) continue;
    const auto wide = static_cast<wide_real<S>>(x[i]);
    all.min = x[i] < all.min ? x[i] : all.min;
    all.max = x[i] > all.max ? x[i] : all.max;
    all.squares += (wide - centre) * (wide - centre);
    all.sum.add(wide);
    ++all.count;
  }
  all.nan_count = count - all.count;
  if (all.count == 0) return all;
  // The sum of the distances, rounded once: the mean may be large beside them.
  const auto n = static_cast<wide_real<S>>(all.count);
  const wide_real<S> apart = std::fma(-n, centre, all.sum.high) + all.sum.low;
  all.squares = std::max(all.squares - apart * (apart / n), wide_real<S>{0});
  return all;
}

/// Of a short dense row.
template <class S, class Registers>
NPYMAP_KERNEL moments<S> moments_of(Registers wide, const S* x, index_t count) {
  const wide_real<S> centre = near_mean(x, count);
  const moments<S> all = moments_around<false>(centre, wide, x, count);
  if constexpr (std::is_floating_point_v<S>) {
    if (!std::isfinite(all.sum.high)) {  // with NaNs, or infinities
      return moments_around<true>(centre, wide, x, count);
    }
  }
  return all;
}

}  // namespace npymap::detail
