/// \file
/// Moving evenly spaced elements without looking at their values, and turning their bytes round.
#pragma once

#include <cstddef>

#include <npymap/shape.hpp>

namespace npymap::detail {

/// Evenly spaced bytes of elements, at any address.
template <class Byte>
struct byte_run {
  Byte* first;
  index_t step_bytes;
};

/// Copy `count` elements of `itemsize` bytes.
void copy_run(byte_run<const std::byte> from, byte_run<std::byte> to, index_t itemsize,
              std::size_t count);

/// Copy them, and reverse each group of `unit` bytes, of which an item is made. `from` and `to` may
/// be the same.
void swap_run(byte_run<const std::byte> from, byte_run<std::byte> to, index_t itemsize,
              index_t unit, std::size_t count);

}  // namespace npymap::detail
