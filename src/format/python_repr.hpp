/// \file
/// Python's `repr`, of what a header is made of.
#pragma once

#include <span>
#include <string>
#include <string_view>

#include <npymap/shape.hpp>

namespace npymap::detail {

/// Append `repr(text)` of a str. \throws error bad_dtype unless `text` is UTF-8
void append_repr(std::string& out, std::string_view text);

/// Append `repr` of a tuple of integers: `()`, `(6,)`, `(2, 3)`.
void append_repr(std::string& out, std::span<const index_t> extents);

}  // namespace npymap::detail
