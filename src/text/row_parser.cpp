#include "text/row_parser.hpp"

#include <algorithm>
#include <concepts>
#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>

#include <fmt/format.h>

#include <npymap/error.hpp>

#include "text/number_text.hpp"
#include "text/plain_number.hpp"

namespace npymap::text {
namespace {

constexpr bool is_blank(char c) { return c == ' ' || c == '\t'; }

// Whether a mark could be taken for a part of a number, or for the space around one.
bool is_part_of_numbers(const std::string& mark) {
  const char c = mark.empty() ? '\0' : mark[0];
  return is_blank(c) || c == '+' || c == '-' || c == '.' || (c >= '0' && c <= '9') ||
         (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

}  // namespace

row_parser::row_parser(const column_plan& plan, const text_dialect& dialect)
    : plan_(plan),
      dialect_(dialect),
      columns_(plan.columns().value_or(1)),
      fast_(fast_rows_of(plan, dialect)),
      cursor_(dialect) {
  if (plan.use_columns() != nullptr) {
    counts_fields_ = std::any_of(plan.use_columns()->begin(), plan.use_columns()->end(),
                                 [](index_t column) { return column < 0; });
  }
}

void row_parser::begin(const char* begin, const char* end) noexcept {
  begin_ = at_ = begin;
  end_ = end;
  line_ = 0;
  fault_.reset();
  cursor_.begin(begin, end);
}

// Most text is nothing but numbers. Whatever else there is, be it a comment, is left to `take_row`.
row_parser::fast_rows row_parser::fast_rows_of(const column_plan& plan,
                                               const text_dialect& dialect) {
  const field_value* const value = plan.only_value();
  if (value == nullptr || plan.use_columns() != nullptr || plan.may_miss_numbers() ||
      value->is_swapped() || !value->is_of_fields()) {
    return nullptr;
  }
  if (dialect.delimiter().size() > 1 || is_part_of_numbers(dialect.quote()) ||
      (is_part_of_numbers(dialect.delimiter()) && !is_blank(dialect.delimiter()[0])) ||
      std::any_of(dialect.comments().begin(), dialect.comments().end(), is_part_of_numbers)) {
    return nullptr;
  }
  const index_t size = value->itemsize();
  switch (value->type().kind()) {
    case dtype_kind::floating:
      if (size == 4) return take_numbers<float>;
      return size == 8 ? take_numbers<double> : nullptr;
    case dtype_kind::signed_integer:
      if (size < 4) return size == 1 ? take_numbers<std::int8_t> : take_numbers<std::int16_t>;
      return size == 4 ? take_numbers<std::int32_t> : take_numbers<std::int64_t>;
    case dtype_kind::unsigned_integer:
      if (size < 4) return size == 1 ? take_numbers<std::uint8_t> : take_numbers<std::uint16_t>;
      return size == 4 ? take_numbers<std::uint32_t> : take_numbers<std::uint64_t>;
    default:
      return nullptr;
  }
}

template <class T>
index_t row_parser::take_numbers(row_parser& self, std::byte* out, index_t most) {
  const bool at_space = self.dialect_.splits_at_space();
  const char delimiter = at_space ? '\n' : self.dialect_.delimiter()[0];
  const auto skip_blanks = [delimiter](const char* at) {
    while (is_blank(*at) && *at != delimiter) ++at;
    return at;
  };
  // The text ends with the end of a line, so that whatever stops there stops in time.
  const char* const end = self.end_;
  index_t rows = 0;
  while (rows < most && self.at_ != end) {
    const char* at = self.at_;
    for (index_t column = 0;;) {
      T value;
      const char* const stop = take_plain(skip_blanks(at), end, value);
      if (stop == nullptr) return rows;
      std::memcpy(out, &value, sizeof value);
      out += sizeof value;
      at = skip_blanks(stop);
      if (++column == self.columns_) break;
      if (at_space ? at == stop : *at++ != delimiter) return rows;
    }
    if (*at == '\n') {
      ++at;
    } else if (*at == '\r') {
      at += at + 1 != end && at[1] == '\n' ? 2 : 1;
    } else {
      return rows;
    }
    self.at_ = at;
    ++self.line_;
    ++rows;
  }
  return rows;
}

index_t row_parser::parse(std::span<std::byte> out) {
  const index_t row_bytes = plan_.row_bytes();
  constexpr index_t most_empty_rows = index_t{1} << 20;  // which need no room
  const index_t most =
      row_bytes == 0 ? most_empty_rows : static_cast<index_t>(out.size()) / row_bytes;
  index_t rows = 0;
  try {
    while (rows < most && at_ != end_) {
      if (fast_ != nullptr) rows += fast_(*this, out.data() + rows * row_bytes, most - rows);
      if (rows < most && at_ != end_ && take_row(out.data() + rows * row_bytes)) ++rows;
    }
  } catch (const text_fault& fault) {
    fault_ = fault;
  }
  return rows;
}

// False for a line that holds none.
bool row_parser::take_row(std::byte* out) {
  cursor_.begin_row(at_, line_);
  const bool is_row =
      plan_.use_columns() == nullptr ? take_all_columns(out) : take_some_columns(out);
  at_ = cursor_.position();
  line_ = cursor_.line();
  return is_row;
}

void row_parser::put(index_t column, index_t in_text, const text_field& field, std::byte* out) {
  if (plan_.put(column, field.text, out)) return;
  throw cursor_.fault_at(field.begin, in_text + 1, plan_.value(column).expected(),
                         quoted(field.text));
}

bool row_parser::take_all_columns(std::byte* out) {
  text_field field;
  index_t fields = 0;
  for (; cursor_.next(field); ++fields) {
    if (fields < columns_) put(fields, fields, field, out);
  }
  if (fields == 0) return false;
  if (fields == columns_) return true;
  throw cursor_.fault_at(at_, 0, fmt::format("{} columns", columns_), fmt::format("{}", fields));
}

index_t row_parser::count_fields() {
  text_field field;
  index_t fields = 0;
  while (cursor_.next(field)) ++fields;
  cursor_.begin_row(at_, line_);
  return fields;
}

void row_parser::arrange(index_t fields) {
  if (arranged_for_ == fields) return;
  try {
    places_ = plan_.places(fields);
  } catch (const index_t& column) {
    throw cursor_.fault_at(at_, 0, fmt::format("a column {}", column),
                           fmt::format("{} columns", fields));
  }
  arranged_for_ = fields;
}

bool row_parser::take_some_columns(std::byte* out) {
  const index_t counted = counts_fields_ || !arranged_for_ ? count_fields() : *arranged_for_;
  if (counted > 0) arrange(counted);
  text_field field;
  index_t fields = 0;
  auto place = places_.begin();
  for (; cursor_.next(field); ++fields) {
    for (; place != places_.end() && place->in_text == fields; ++place) {
      put(place->in_row, fields, field, out);
    }
  }
  if (fields == 0) return false;
  if (place != places_.end()) {
    throw cursor_.fault_at(at_, 0, fmt::format("a column {}", place->in_text),
                           fmt::format("{} columns", fields));
  }
  return true;
}

}  // namespace npymap::text
