/// \file
/// An NPY within an open file: its header, and where its elements are, all of it proved against the
/// file.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>

#include <npymap/any_array.hpp>
#include <npymap/header.hpp>

#include "io/file.hpp"

namespace npymap::detail {

/// Read the header at `base` of a file, which has `available` bytes from there on. Reads little
/// more than the header, and maps nothing. Errors name neither the file nor where in it `base` is.
header read_header(const io::file& opened, std::uint64_t base, std::uint64_t available,
                   std::size_t limit);

/// The bytes of all elements. \throws error object_dtype, which names no file
std::uint64_t element_bytes(const header& facts);
/// \throws error truncated, which names no file, where fewer bytes follow the header: `available`
/// counts from the magic
void require_elements(const header& facts, std::uint64_t available);

/// The elements to open: all of them, or a window of rows.
struct npy_elements {
  header facts;                    ///< with the shape of the window
  std::uint64_t offset_bytes = 0;  ///< from the start of the file
  std::uint64_t size_bytes = 0;
};

/// Of all elements, only some rows: along the first axis in C order, the last in Fortran order.
/// \throws error out_of_range, which names no file
void place_window(npy_elements& found, const row_range& rows);

/// Read and check the header, prove that the file holds every element, and place the window.
/// Errors name the file, and bytes from its start.
npy_elements find_elements(const io::file& opened, const open_options& options);

}  // namespace npymap::detail
