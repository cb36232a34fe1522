/// \file
/// Headers of a length that is given: those of files that grow where they are.
#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <string>

#include <npymap/header.hpp>

namespace npymap::detail {

/// As `header_bytes`, but of this version and so many bytes in all, with spaces where there is
/// room; nothing where there is not enough. \throws error as `header_bytes`
std::optional<std::string> header_bytes_of_length(const dtype& type,
                                                  std::span<const index_t> extents, order layout,
                                                  npy_version version, std::size_t length_bytes);

}  // namespace npymap::detail
