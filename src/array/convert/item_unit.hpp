/// \file
/// What the items of a dtype are made of, for those who move bytes.
#pragma once

#include <cstddef>

#include <npymap/dtype.hpp>

namespace npymap::detail {

/// The bytes that a foreign byte order reverses together: a number, or a character.
index_t swapped_unit_bytes(const dtype& type) noexcept;

/// Where C++ wants the numbers of an item to lie: at multiples of this, a power of two. 1 for text,
/// raw bytes, and records that are packed.
std::size_t natural_alignment(const dtype& type) noexcept;

}  // namespace npymap::detail
