/// \file
/// The first bytes of an NPY file, before the text of its header.
#pragma once

#include <cstddef>
#include <string_view>

#include <npymap/header.hpp>

namespace npymap::detail {

inline constexpr std::string_view magic = "\x93NUMPY";

/// Magic, version and length: the length has 16 bits in version 1.0, and 32 since.
constexpr std::size_t prefix_bytes(npy_version version) noexcept {
  return magic.size() + 2 + (version.major == 1 ? 2 : 4);
}

}  // namespace npymap::detail
