/// \file
/// Vectors of numbers, as wide as a processor's registers: wider ones compilers keep in memory.
#pragma once

#include <cmath>
#include <cstring>
#include <type_traits>

#include <npymap/shape.hpp>

#include "stream/kernel/processor.hpp"

namespace npymap::detail {

/// What sums of S are counted in.
template <class S>
using wide_real = std::conditional_t<std::is_same_v<S, long double>, long double, double>;

/// Call a kernel of numbers of type S as `run_on` does for this processor; there are no vectors of
/// long double to choose among.
template <class S, class Kernel>
void run_for(const Kernel& kernel) {
  if constexpr (std::is_same_v<wide_real<S>, long double>) {
    kernel(registers<16>());
  } else {
    run_on(this_processor(), kernel);
  }
}

template <class S, int Count>
struct vector_of {
  using type [[gnu::vector_size(sizeof(S) * Count)]] = S;
};

/// Numbers of type S, as many as there are `wide_real`s in a register of so many bytes.
template <class S, int RegisterBytes>
struct lanes {
  static constexpr int count = RegisterBytes / int{sizeof(double)};
  using vector = typename vector_of<S, count>::type;
  using real_vector = typename vector_of<double, count>::type;

  // Vectors go by reference: how they are returned depends on the processor.
  NPYMAP_KERNEL static void load(vector& to, const S* from) { std::memcpy(&to, from, sizeof to); }
  NPYMAP_KERNEL static void load_wide(real_vector& to, const S* from) {
    vector x;
    load(x, from);
    to = __builtin_convertvector(x, real_vector);
  }
};

/// A sum in twice the precision: what rounding took from `high` is kept in `low` (Knuth's TwoSum).
/// The lanes of a vector, or one number.
template <class A>
struct twofold {
  A high{};
  A low{};

  NPYMAP_KERNEL void add(const A& value) {
    const A sum = high + value;
    const A part = sum - high;
    low += (high - (sum - part)) + (value - part);
    high = sum;
  }
  NPYMAP_KERNEL void add(const twofold& other) {
    add(other.high);
    low += other.low;
  }
  /// Rounded once. Infinities have left a NaN in `low`.
  A value() const { return std::isfinite(high) ? high + low : high; }
};

}  // namespace npymap::detail
