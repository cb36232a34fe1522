/// \file
/// Values as JSON text.
#pragma once

#include <span>
#include <string>
#include <string_view>

#include <npymap/dtype.hpp>
#include <npymap/shape.hpp>

namespace npymap::cli {

/// A string, in ASCII. What is not UTF-8 becomes lone surrogates U+DC80 to U+DCFF, as Python's
/// `surrogateescape` has it, so that a path can be turned back into its bytes.
std::string json_string(std::string_view text);

/// A list of integers.
std::string json_list(std::span<const index_t> values);

/// The descr that NumPy writes for a dtype, tuples as lists: `[["x", "<f8"], ["y", "<i4", [2]]]`.
std::string json_descr(const dtype& type);

}  // namespace npymap::cli
