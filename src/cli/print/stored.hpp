/// \file
/// Numbers as they are stored: any byte order, any alignment.
#pragma once

#include <cstddef>
#include <cstdint>

#include <npymap/dtype.hpp>

namespace npymap::cli {

/// Read an unsigned integer from unaligned bytes.
template <class Unsigned>
Unsigned load(const std::byte* at, byte_order order) noexcept {
  Unsigned value = 0;
  for (std::size_t i = 0; i < sizeof(Unsigned); ++i) {
    const std::size_t from = order == byte_order::big ? i : sizeof(Unsigned) - 1 - i;
    value = static_cast<Unsigned>(value << 8 | std::to_integer<Unsigned>(at[from]));
  }
  return value;
}

/// `load` of 1, 2, 4 or 8 bytes.
inline std::uint64_t load_unsigned(const std::byte* at, index_t itemsize, byte_order order) {
  switch (itemsize) {
    case 1:
      return load<std::uint8_t>(at, order);
    case 2:
      return load<std::uint16_t>(at, order);
    case 4:
      return load<std::uint32_t>(at, order);
    default:
      return load<std::uint64_t>(at, order);
  }
}

/// `load_unsigned`, in two's complement.
inline std::int64_t load_signed(const std::byte* at, index_t itemsize, byte_order order) {
  const int unused = 64 - 8 * static_cast<int>(itemsize);
  return static_cast<std::int64_t>(load_unsigned(at, itemsize, order) << unused) >> unused;
}

}  // namespace npymap::cli
