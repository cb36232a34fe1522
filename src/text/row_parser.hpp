/// \file
/// Rows of text as rows of elements.
#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <vector>

#include <npymap/shape.hpp>

#include "text/column_plan.hpp"
#include "text/field_cursor.hpp"
#include "text/text_dialect.hpp"

namespace npymap::text {

/// Reads the rows of a text, as many at a time as there is room for. For one thread at a time.
class row_parser {
 public:
  /// The plan knows its columns, and with the dialect outlives this.
  row_parser(const column_plan& plan, const text_dialect& dialect);

  /// Begin a text, which `field_cursor::begin` describes.
  void begin(const char* begin, const char* end) noexcept;
  /// Fill `out` with whole rows; answers how many. Fewer than fit at the end of the text, or in
  /// front of a fault.
  index_t parse(std::span<std::byte> out);

  bool is_over() const noexcept { return at_ == end_ || fault_.has_value(); }
  const std::optional<text_fault>& fault() const noexcept { return fault_; }
  /// Lines that were passed.
  index_t lines() const noexcept { return line_; }

 private:
  /// Read rows that are plain numbers from `at_`, as long as they are; answers how many.
  using fast_rows = index_t (*)(row_parser&, std::byte* out, index_t most);
  template <class T>
  static index_t take_numbers(row_parser& self, std::byte* out, index_t most);
  static fast_rows fast_rows_of(const column_plan& plan, const text_dialect& dialect);

  bool take_row(std::byte* out);
  bool take_all_columns(std::byte* out);
  bool take_some_columns(std::byte* out);
  void put(index_t column, index_t in_text, const text_field& field, std::byte* out);
  index_t count_fields();
  void arrange(index_t fields);

  const column_plan& plan_;
  const text_dialect& dialect_;
  const index_t columns_;
  const fast_rows fast_;
  field_cursor cursor_;
  const char* begin_ = nullptr;
  const char* at_ = nullptr;
  const char* end_ = nullptr;
  index_t line_ = 0;
  std::optional<text_fault> fault_;
  bool counts_fields_ = false;           // where columns are told from the end
  std::vector<column_place> places_;     // of `use_columns`
  std::optional<index_t> arranged_for_;  // rows of so many fields
};

}  // namespace npymap::text
