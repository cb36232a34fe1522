/// \file
/// NumPy's type strings: `<f8`, `M8[25s]`, `float64`, `i4,(2,3)f8`.
#pragma once

#include <string>
#include <string_view>

#include <npymap/dtype.hpp>

#include "format/item.hpp"

namespace npymap::detail {

/// What `numpy.dtype(text)` makes. \throws error bad_dtype
item read_type_string(std::string_view text);

/// `dtype.str`: the type string that NumPy writes for anything but a record.
std::string type_string(const dtype& type);

}  // namespace npymap::detail
