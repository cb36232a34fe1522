/// \file
/// The least or greatest of a short dense row.
#pragma once

#include <type_traits>

#include <npymap/shape.hpp>

#include "stream/kernel/lanes.hpp"
#include "stream/kernel/moments.hpp"

namespace npymap::detail {

/// Which of two numbers is looked for, and what none is worse than.
struct lesser {
  template <class S>
  static constexpr S worst() {
    return greatest<S>();
  }
  template <class V>
  NPYMAP_KERNEL static void keep(V& best, const V& x) {
    best = x < best ? x : best;  // false for NaN
  }
};
struct greater {
  template <class S>
  static constexpr S worst() {
    return least<S>();
  }
  template <class V>
  NPYMAP_KERNEL static void keep(V& best, const V& x) {
    best = x > best ? x : best;
  }
};

template <class S>
struct extreme_and_nan {
  S value;
  bool has_nan;
};

template <class Which, class S, class Registers>
NPYMAP_KERNEL extreme_and_nan<S> extreme_of(Registers, const S* x, index_t count) {
  S best = Which::template worst<S>();
  bool has_nan = false;
  index_t i = 0;
  if constexpr (!std::is_same_v<S, long double>) {
    constexpr index_t step = Registers::bytes / sizeof(S);
    using vector = typename vector_of<S, step>::type;
    vector even = vector{} + best, odd = even;
    auto not_numbers = even != even;
    for (; i + 2 * step <= count; i += 2 * step) {
      vector a, b;
      std::memcpy(&a, x + i, sizeof a);
      std::memcpy(&b, x + i + step, sizeof b);
      Which::keep(even, a);
      Which::keep(odd, b);
      if constexpr (std::is_floating_point_v<S>) not_numbers |= (a != a) | (b != b);
    }
    Which::keep(even, odd);
    for (int lane = 0; lane < static_cast<int>(step); ++lane) {
      Which::keep(best, S{even[lane]});
      has_nan = has_nan || not_numbers[lane] != 0;
    }
  }
  for (; i < count; ++i) {
    Which::keep(best, x[i]);
    has_nan = has_nan || is_nan(x[i]);
  }
  return {best, has_nan};
}

}  // namespace npymap::detail
