#pragma once

#include <cstdint>
#include <limits>

#include <npymap/shape.hpp>

namespace npymap::detail {

// A layout that holds elements was checked when its numbers came in, and no view leads out of it.
// What is left to overflow is the stride of an axis too short to use it, and places in an empty
// array: there NumPy wraps, and so do these, without undefined behaviour.

constexpr index_t wrapping_add(index_t a, index_t b) noexcept {
  return static_cast<index_t>(static_cast<std::uint64_t>(a) + static_cast<std::uint64_t>(b));
}

constexpr index_t wrapping_multiply(index_t a, index_t b) noexcept {
  return static_cast<index_t>(static_cast<std::uint64_t>(a) * static_cast<std::uint64_t>(b));
}

/// A stride without its sign; one that has no opposite becomes the longest.
constexpr index_t step_length(index_t step) noexcept {
  constexpr index_t longest = std::numeric_limits<index_t>::max();
  if (step >= 0) return step;
  return step < -longest ? longest : -step;
}

}  // namespace npymap::detail
