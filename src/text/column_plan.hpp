/// \file
/// Which field of a row becomes which element, and where.
#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <npymap/dtype.hpp>
#include <npymap/load_text.hpp>
#include <npymap/shape.hpp>

#include "text/field_value.hpp"
#include "text/text_dialect.hpp"

namespace npymap::text {

/// A field of a row that is read: where it stands in the text, and where it goes.
struct column_place {
  index_t in_text;
  index_t in_row;
};

class column_plan {
 public:
  /// \throws error bad_dtype, object_dtype, invalid_argument
  column_plan(const load_text_options& options, const text_dialect& dialect);
  /// The same rows, of the lengths of their fields.
  static column_plan of_lengths(const load_text_options& options, const text_dialect& dialect);

  /// Of an element of the array: a record holds all of a row.
  const npymap::dtype& dtype() const noexcept { return dtype_; }
  bool is_record() const noexcept { return dtype_.is_record(); }
  /// How many fields are read of a row; nothing while no row has told that.
  std::optional<index_t> columns() const noexcept { return columns_; }
  /// As the first row has them. \throws error size_overflow
  void set_columns(index_t n);
  index_t row_bytes() const noexcept { return row_bytes_; }

  /// Null if all columns are read.
  const std::vector<index_t>* use_columns() const noexcept {
    return use_columns_ ? &*use_columns_ : nullptr;
  }
  /// Sorted by where they stand in a row of so many fields. \throws index_t, the one that is
  /// outside
  std::vector<column_place> places(index_t fields) const;

  /// One for all, or null.
  const field_value* only_value() const noexcept {
    return values_.size() == 1 && !is_record() ? values_.data() : nullptr;
  }
  const field_value& value(index_t column) const noexcept {
    return is_record() ? values_[elements_[static_cast<std::size_t>(column)].value] : values_[0];
  }
  /// Put a field where it belongs; false if it is no such element.
  bool put(index_t column, std::string_view field, std::byte* row) const noexcept;
  /// Whether a field that looks like a number may stand for nothing.
  bool may_miss_numbers() const noexcept { return may_miss_numbers_; }

 private:
  struct element {
    std::size_t value;
    index_t offset_bytes;
  };

  void flatten(const npymap::dtype& type, index_t offset_bytes);
  void add(const npymap::dtype& type, index_t offset_bytes);
  void take_missing(const missing_fields& missing, const text_dialect& dialect);
  void require_fillings_of(index_t columns) const;
  void require_filling(const field_value& how, const std::string& filling) const;
  bool is_missing(std::string_view field) const noexcept;

  npymap::dtype dtype_;
  const text_dialect* dialect_;
  std::vector<field_value> values_;
  std::vector<element> elements_;  // of a record
  std::optional<std::vector<index_t>> use_columns_;
  std::optional<index_t> columns_;
  index_t row_bytes_ = 0;

  bool has_missing_ = false;
  bool may_miss_numbers_ = false;
  std::vector<std::string> missing_words_;
  std::vector<std::string> fillings_;  // their text: none, one, or one for each column
};

}  // namespace npymap::text
