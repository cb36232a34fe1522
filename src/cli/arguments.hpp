/// \file
/// What is typed behind an option, as the value it stands for.
///
/// Each throws npymap::error invalid_argument, with what was expected and what was found.
#pragma once

#include <charconv>
#include <concepts>
#include <cstdint>
#include <limits>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

#include <npymap/append.hpp>
#include <npymap/convert.hpp>
#include <npymap/dtype.hpp>
#include <npymap/shape.hpp>

#include "cli/commands.hpp"

namespace npymap::cli {

/// Refuse what was typed. \throws error invalid_argument
[[noreturn]] void refuse_argument(std::string expected, const std::string& found);

/// Digits and, where the least number is below 0, a sign: no more and no less.
template <std::integral Number, Number Least = 0, Number Most = std::numeric_limits<Number>::max()>
Number parse_number(const std::string& text) {
  Number number = 0;
  const char* const end = text.data() + text.size();
  const auto [stop, failure] = std::from_chars(text.data(), end, number);
  const bool negative = text.starts_with('-') && Least >= 0;
  if (failure != std::errc() || stop != end || negative || number < Least || number > Most) {
    refuse_argument("a whole number from " + std::to_string(Least) + " to " + std::to_string(Most),
                    text);
  }
  return number;
}

/// Bytes: `65536`, `512MiB`, `2GB`.
std::uint64_t parse_size(const std::string& text);

/// Two finite numbers, the lower one first: `-1,2.5`.
std::pair<double, double> parse_range(const std::string& text);

/// `C` or `F`.
order parse_order(const std::string& text);

/// A dtype in one of NumPy's spellings: `<f4`, `float32`, `[('x', '<f8'), ('y', '>i4', (2,))]`.
dtype parse_dtype(const std::string& text);

/// `safe`, `same_kind` or `unsafe`.
casting parse_casting(const std::string& text);

/// `none` or `on_close`: of one append, there is no block before its end.
append_durability parse_append_durability(const std::string& text);

/// `rewrite` or `refuse`.
full_header parse_full_header(const std::string& text);

/// The name of a file, which may be any but none: as the shell passes a variable that is not set.
std::string parse_path(const std::string& text);

/// The name of a file to write, in a format that can be written.
std::string parse_destination(const std::string& text);

/// `name=IN.npy`, or `IN.npy` alone, whose name is then that of the file without `.npy`, or that of
/// a member in its archive.
packed_file parse_packed_file(const std::string& text);

/// The name of a member to write, with or without `.npy`, that `unpack` can make a file of.
std::string parse_new_member(const std::string& text);

/// How to write a number, or a row of them, as text: the format itself, if Python has a sense for
/// it.
std::string parse_text_format(const std::string& text);

/// Columns of text, negative ones from the end: `1,-1`.
std::vector<index_t> parse_columns(const std::string& text);

/// What is between fields of text: the text itself, `\t` for a tab.
std::string parse_delimiter(const std::string& text);

/// The name of an archive to write.
std::string parse_archive(const std::string& text);

/// \throws error invalid_argument for two of one name
void require_different_names(const std::vector<packed_file>& files);

/// The text itself, if `any_array::slice` may take it, whatever the file holds.
std::string parse_slice_text(const std::string& text);

}  // namespace npymap::cli
