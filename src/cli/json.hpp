/// \file
/// Values as JSON text.
#pragma once

#include <cstdint>
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

/// A number, exact: with as few digits as tell it from its neighbours, and a point or an exponent
/// if it is a float. What JSON has no word for is `NaN`, `Infinity` and `-Infinity`, as Python's
/// json writes and reads it.
std::string json_number(bool value);
std::string json_number(std::int64_t value);
std::string json_number(std::uint64_t value);
std::string json_number(double value);
std::string json_number(long double value);

/// The descr that NumPy writes for a dtype, tuples as lists: `[["x", "<f8"], ["y", "<i4", [2]]]`.
std::string json_descr(const dtype& type);

}  // namespace npymap::cli
