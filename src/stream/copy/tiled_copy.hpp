/// \file
/// Copying tile by tile, within a budget of memory.
#pragma once

#include <cstddef>
#include <cstdint>

#include <npymap/any_array.hpp>
#include <npymap/detail/layout.hpp>
#include <npymap/dtype.hpp>
#include <npymap/pass.hpp>

#include "io/file.hpp"

namespace npymap::detail {

/// Where copied elements go: to memory, which may be pages of a file, or to a file by writing.
struct tile_target {
  const dtype& type;
  layout_ref where;
  std::byte* data = nullptr;        ///< of the first element, in memory
  const file_map* pages = nullptr;  ///< of which that memory is
  const file_map* map = nullptr;    ///< the same, if what has been written is to leave memory
  io::file* file = nullptr;         ///< instead of memory
  std::uint64_t offset_bytes = 0;   ///< of the first element, in that file
};

/// True if elements in a file can be written without reading what lies between them.
bool lie_side_by_side(const layout_ref& where);

/// Copy elements that share no bytes, have one shape, and whose dtypes allow it.
/// \throws error invalid_argument (a budget too small), stopped, truncated, out_of_range (a time),
/// the system's
void copy_tiles(const any_array& from, const tile_target& to, const pass_options& options);

}  // namespace npymap::detail
