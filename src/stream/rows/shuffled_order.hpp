/// \file
/// A permutation that is computed place by place, and so takes no memory.
#pragma once

#include <array>
#include <cstdint>

#include <npymap/shape.hpp>

namespace npymap::detail {

/// The numbers from 0 to `count` - 1 in an order that a seed and an epoch decide: the same on every
/// machine. Of all orders it reaches 2^64 at most for each epoch, as any generator with such a
/// seed.
class shuffled_order {
 public:
  shuffled_order(index_t count, std::uint64_t seed, std::uint64_t epoch) noexcept;

  /// The number at `place`, which is in 0 to count - 1.
  index_t operator[](index_t place) const noexcept;

 private:
  std::uint64_t scrambled(std::uint64_t value) const noexcept;

  std::uint64_t count_;
  int half_bits_;
  std::array<std::uint64_t, 8> keys_;
};

}  // namespace npymap::detail
