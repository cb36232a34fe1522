/// \file
/// What the lines of a text look like.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <npymap/dtype.hpp>
#include <npymap/save_text.hpp>
#include <npymap/shape.hpp>

#include "text/field_quotes.hpp"
#include "text/put_value.hpp"

namespace npymap::text {

/// A value of a row, and the text in front of it. A complex number is two values.
struct row_cell {
  std::string before;
  conversion how;
  dtype type;
  index_t offset_bytes = 0;  ///< in the element: of a field, or of the imaginary part
  put_function put = nullptr;
  bool may_want_quotes = false;
};

/// The format of each row, as `numpy.savetxt` puts it together.
class row_format {
 public:
  /// For rows of arrays of a dtype and shape. \throws error as `save_text`; it names no file
  row_format(const save_text_options& options, const dtype& type, const shape& extents);

  /// Values of a row.
  index_t cells() const noexcept { return columns_ * cells_per_column_; }
  index_t cells_per_column() const noexcept { return cells_per_column_; }
  const row_cell& at(index_t cell) const noexcept {
    if (period_ == 0) return cells_[static_cast<std::size_t>(cell)];
    if (cell < period_) return cells_[static_cast<std::size_t>(cell)];
    return cells_[static_cast<std::size_t>(period_ == 1 ? 1 : period_ + cell % period_)];
  }
  /// Behind the last value, the end of the line included.
  std::string_view line_end() const noexcept { return line_end_; }
  /// Whether "+-" in a line becomes "-": of complex numbers.
  bool drops_plus() const noexcept { return cells_per_column_ == 2; }
  /// For cells that may want some.
  const field_quotes& quotes() const noexcept { return *quotes_; }
  /// About how many characters a value takes, with what is in front of it.
  std::size_t usual_length() const noexcept { return usual_length_; }

 private:
  void repeat(const percent_format& column, const save_text_options& options);
  void join(const save_text_options& options);
  void take(const percent_format& row, const save_text_options& options);
  void add(const std::string& before, const conversion& how, const save_text_options& options);

  const dtype type_;
  std::optional<field_quotes> quotes_;
  index_t columns_ = 1;
  index_t cells_per_column_ = 1;
  // Of rows whose columns are alike, the cells of the first column and of the others; else all.
  index_t period_ = 0;
  std::vector<row_cell> cells_;
  std::string line_end_;
  std::size_t usual_length_ = 0;
};

/// Text in UTF-8 as it stands in the file. \throws error invalid_argument
std::string encoded_option(const char* what, std::string_view utf8, text_encoding encoding);

}  // namespace npymap::text
