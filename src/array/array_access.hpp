/// \file
/// The way into arrays for this room: the public types have no constructor that could be misused.
#pragma once

#include <npymap/any_array.hpp>
#include <npymap/file_map.hpp>
#include <npymap/header.hpp>

#include "io/aligned_buffer.hpp"

namespace npymap::detail {

struct array_access {
  /// The dense array that `facts` describe, over a map of just its elements.
  static any_array over(file_map map, const header& facts);
  /// The same over memory, read from the file `path`; the elements begin at `first_byte`.
  static any_array over(io::aligned_buffer bytes, std::string path, const header& facts,
                        std::size_t first_byte = 0);
};

}  // namespace npymap::detail
