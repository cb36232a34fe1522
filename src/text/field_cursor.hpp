/// \file
/// The fields of rows.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include <npymap/shape.hpp>

#include "text/text_dialect.hpp"

namespace npymap::text {

struct text_field {
  std::string_view text;        ///< until the cursor goes on
  const char* begin = nullptr;  ///< where it stands, with its quote
  bool is_quoted = false;
};

/// Where a text is at fault, for whoever knows what came before.
struct text_fault {
  index_t line = 0;    ///< from 0, in the text
  index_t column = 0;  ///< from 1; 0 for all of the row
  std::size_t offset_bytes = 0;
  std::string expected;
  std::string found;
};

/// Goes over the fields of rows, by the rules of NumPy's reader. The text ends with the end of a
/// line, or within quotes. For one thread at a time.
class field_cursor {
 public:
  explicit field_cursor(const text_dialect& dialect) : dialect_(dialect) {}

  /// Begin a text.
  void begin(const char* begin, const char* end) noexcept {
    begin_ = at_ = begin;
    end_ = end;
    line_ = line_end_ = 0;
    column_ = 0;
    goes_on_ = false;
  }
  /// Go on with the row at `at`, behind so many lines.
  void begin_row(const char* at, index_t line) noexcept {
    at_ = at;
    line_ = line_end_ = line;
    column_ = 0;
    goes_on_ = true;
  }
  /// The next field of the row, if there is one more; else the next row begins at `position()`.
  /// \throws text_fault
  bool next(text_field& field);

  const char* position() const noexcept { return at_; }
  const char* end() const noexcept { return end_; }
  /// Lines before `position()`, when a row is over.
  index_t line() const noexcept { return line_end_; }
  /// A fault in the row, at `at`. `column` counts from 1.
  text_fault fault_at(const char* at, index_t column, std::string expected,
                      std::string found) const {
    return {line_, column, static_cast<std::size_t>(at - begin_), std::move(expected),
            std::move(found)};
  }

 private:
  void take_quoted(text_field& field);
  void end_field(const char* stop) noexcept;
  const char* end_line(const char* at) noexcept;

  const text_dialect& dialect_;
  const char* begin_ = nullptr;
  const char* end_ = nullptr;
  const char* at_ = nullptr;
  index_t line_ = 0;      // of the row
  index_t line_end_ = 0;  // quotes may hold some
  index_t column_ = 0;
  bool goes_on_ = false;
  std::string joined_;  // of a quoted field, where it does not stand so in the text
};

}  // namespace npymap::text
