/// \file
/// Count, extremes, sum and spread of numbers, from one pass over them.
#pragma once

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

  real mean() const { return sum.value() / static_cast<real>(count); }

  /// As Chan, Golub and LeVeque merge two samples (1979).
  void add(const moments& other) {
    nan_count += other.nan_count;
    if (other.count == 0) return;
    if (count > 0) {
      const real apart = other.mean() - mean();
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

/// The same of numbers in lanes; NaNs are passed over where `MayHaveNan`, and else spoil the sum.
template <class S, class Registers, bool MayHaveNan>
struct lane_moments {
  using group = lanes<S, Registers::bytes>;
  using vector = typename group::vector;
  using real_vector = typename group::real_vector;

  vector min = vector{} + greatest<S>();
  vector max = vector{} + least<S>();
  twofold<real_vector> sum;
  real_vector numbers{};  // that are no NaN

  NPYMAP_KERNEL void add(const S* from) {
    vector x;
    group::load(x, from);
    min = x < min ? x : min;  // false for NaN
    max = x > max ? x : max;
    real_vector wide = __builtin_convertvector(x, real_vector);
    if constexpr (MayHaveNan) {
      numbers += wide == wide ? real_vector{} + 1 : real_vector{};
      wide = wide == wide ? wide : real_vector{};
    }
    sum.add(wide);
  }

  NPYMAP_KERNEL void add_to(moments<S>& all) const {
    for (int lane = 0; lane < group::count; ++lane) {
      all.min = min[lane] < all.min ? min[lane] : all.min;
      all.max = max[lane] > all.max ? max[lane] : all.max;
      all.count += static_cast<index_t>(numbers[lane]);
      all.sum.add(twofold<double>{sum.high[lane], sum.low[lane]});
    }
  }
};

template <bool MayHaveNan, class S, class Registers>
NPYMAP_KERNEL moments<S> first_pass(Registers, const S* x, index_t count) {
  moments<S> all;
  index_t i = 0;
  if constexpr (!std::is_same_v<S, long double>) {
    // Two at once, because each addition waits for the one before.
    lane_moments<S, Registers, MayHaveNan> even, odd;
    constexpr index_t step = lanes<S, Registers::bytes>::count;
    for (; i + 2 * step <= count; i += 2 * step) {
      even.add(x + i);
      odd.add(x + i + step);
    }
    even.add_to(all);
    odd.add_to(all);
  }
  if (!MayHaveNan) all.count = i;
  for (; i < count; ++i) {
    if (MayHaveNan && is_nan(x[i])) continue;
    all.min = x[i] < all.min ? x[i] : all.min;
    all.max = x[i] > all.max ? x[i] : all.max;
    all.sum.add(static_cast<wide_real<S>>(x[i]));
    ++all.count;
  }
  all.nan_count = count - all.count;
  return all;
}

template <bool MayHaveNan, class S, class Registers>
NPYMAP_KERNEL wide_real<S> squares_around(wide_real<S> mean, Registers, const S* x, index_t count) {
  wide_real<S> all = 0;
  index_t i = 0;
  if constexpr (!std::is_same_v<S, long double>) {
    using group = lanes<S, Registers::bytes>;
    using real_vector = typename group::real_vector;
    const auto add_square = [mean](real_vector & to, const S* from) __attribute__((always_inline)) {
      real_vector wide;
      group::load_wide(wide, from);
      real_vector apart = wide - mean;
      if constexpr (MayHaveNan) apart = wide == wide ? apart : real_vector{};
      to += apart * apart;
    };
    real_vector even{}, odd{};
    for (; i + 2 * group::count <= count; i += 2 * group::count) {
      // The memory is idle meanwhile: let it bring what comes behind this row.
      __builtin_prefetch(x + i + count);
      __builtin_prefetch(x + i + count + group::count);
      add_square(even, x + i);
      add_square(odd, x + i + group::count);
    }
    for (int lane = 0; lane < group::count; ++lane) all += even[lane] + odd[lane];
  }
  for (; i < count; ++i) {
    if (MayHaveNan && is_nan(x[i])) continue;
    const wide_real<S> apart = static_cast<wide_real<S>>(x[i]) - mean;
    all += apart * apart;
  }
  return all;
}

/// Of a short dense row, which is gone over twice, so that nothing is lost where the numbers are
/// large and their spread is small.
template <class S, class Registers>
NPYMAP_KERNEL moments<S> moments_of(Registers wide, const S* x, index_t count) {
  moments<S> all = first_pass<false>(wide, x, count);
  if (!std::is_floating_point_v<S> || std::isfinite(all.sum.high)) {
    all.squares = squares_around<false>(all.mean(), wide, x, count);
    return all;
  }
  all = first_pass<true>(wide, x, count);  // with NaNs, or infinities
  if (all.count > 0) all.squares = squares_around<true>(all.mean(), wide, x, count);
  return all;
}

}  // namespace npymap::detail
