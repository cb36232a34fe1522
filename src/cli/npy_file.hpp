/// \file
/// An NPY file as far as its header and size tell, be it whole or not.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>

#include <npymap/error.hpp>
#include <npymap/header.hpp>

#include "io/file.hpp"

namespace npymap::cli {

struct npy_file {
  io::file opened;
  std::uint64_t file_bytes = 0;  ///< when it was opened
  header facts;

  /// What the elements take; nothing for Python objects, of which no header tells.
  std::optional<std::uint64_t> data_bytes() const;
  /// What is behind the elements; 0 when these are cut short.
  std::optional<std::uint64_t> trailing_bytes() const;
  /// The error of a file that ends before its elements do.
  std::optional<error> truncation() const;
  /// The same, of one that turned out to hold just so many bytes of them.
  error cut_short(std::uint64_t available) const;
};

/// Read the header at the start of a file; maps nothing, however large it is. \throws error
npy_file read_npy(io::file opened, std::size_t header_limit);

}  // namespace npymap::cli
