/// \file
/// An NPY file as far as its header and size tell, be it whole or not.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>

#include <npymap/error.hpp>
#include <npymap/file_map.hpp>
#include <npymap/header.hpp>

#include "cli/commands.hpp"

namespace npymap::cli {

struct npy_file {
  file_map map;  ///< all of the file
  header facts;

  std::uint64_t file_bytes() const noexcept { return map.size_bytes(); }
  /// What the elements take; nothing for Python objects, of which no header tells.
  std::optional<std::uint64_t> data_bytes() const;
  /// What is behind the elements; 0 when these are cut short.
  std::optional<std::uint64_t> trailing_bytes() const;
  /// The error of a file that ends before its elements do.
  std::optional<error> truncation() const;
};

/// Map a file, whatever is in it. A SIGBUS is a message from then on. \throws error
file_map map_file(const source_options& source);

/// Read the header at the start of a mapped file. \throws error
npy_file read_npy(const file_map& map, const source_options& source);

/// A tuple as Python writes it: `(3, 4)`, `(3,)`, `()`.
std::string python_tuple(std::span<const index_t> values);

}  // namespace npymap::cli
