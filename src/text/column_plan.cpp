#include "text/column_plan.hpp"

#include <algorithm>

#include <fmt/format.h>

#include <npymap/error.hpp>
#include <npymap/header.hpp>
#include <npymap/shape.hpp>

namespace npymap::text {
namespace {

// A row of more could not be told apart from a mistake: a sub-array that was meant to be rows.
constexpr std::size_t most_elements = std::size_t{1} << 24;

bool begins_as_number(std::string_view word) {
  return !word.empty() &&
         std::string_view("+-.0123456789iInNTF").find(word[0]) != std::string_view::npos;
}

}  // namespace

column_plan::column_plan(const load_text_options& options, const text_dialect& dialect)
    : dtype_(options.dtype), dialect_(&dialect), use_columns_(options.use_columns) {
  flatten(dtype_, 0);
  if (is_record()) {
    columns_ = static_cast<index_t>(elements_.size());
    row_bytes_ = dtype_.itemsize();
    if (use_columns_ && use_columns_->size() != elements_.size()) {
      throw error(errc::invalid_argument,
                  {.subject = "use_columns",
                   .expected = fmt::format("{}, one for each field of the dtype", elements_.size()),
                   .found = fmt::format("{}", use_columns_->size())});
    }
  } else if (use_columns_) {
    set_columns(static_cast<index_t>(use_columns_->size()));
  }
  if (options.missing) take_missing(*options.missing, dialect);
}

column_plan column_plan::of_lengths(const load_text_options& options, const text_dialect& dialect) {
  column_plan made(options, dialect);
  made.dtype_ = dtype_of<std::int64_t>();
  made.values_ = {field_value::length()};
  if (made.columns_) made.set_columns(*made.columns_);
  return made;
}

void column_plan::add(const npymap::dtype& type, index_t offset_bytes) {
  if (elements_.size() == most_elements) {
    throw error(errc::bad_dtype, {.subject = "dtype of a text",
                                  .expected = fmt::format("at most {} columns", most_elements),
                                  .found = "more"});
  }
  const auto same = std::find_if(values_.begin(), values_.end(),
                                 [&](const field_value& value) { return value.type() == type; });
  if (same != values_.end()) {
    elements_.push_back({static_cast<std::size_t>(same - values_.begin()), offset_bytes});
    return;
  }
  values_.emplace_back(type);
  elements_.push_back({values_.size() - 1, offset_bytes});
}

void column_plan::flatten(const npymap::dtype& type, index_t offset_bytes) {
  if (!type.is_record()) return add(type, offset_bytes);
  for (const field& part : type.fields()) {
    if (part.type.is_record() && part.type.fields().empty()) continue;
    index_t count = 1;
    for (const index_t extent : part.subshape) count *= extent;  // proved when the dtype was made
    for (index_t i = 0; i < count; ++i) {
      flatten(part.type, offset_bytes + part.offset_bytes + i * part.type.itemsize());
    }
  }
}

void column_plan::set_columns(index_t n) {
  if (is_record()) return;
  const shape row{n};
  row_bytes_ = array_bytes(row, dtype_.itemsize()).value_or(-1);
  if (row_bytes_ < 0) {
    throw error(errc::size_overflow,
                {.subject = "a row", .found = fmt::format("{} columns of {}", n, descr(dtype_))});
  }
  columns_ = n;
  require_fillings_of(n);
}

void column_plan::require_fillings_of(index_t columns) const {
  if (fillings_.size() <= 1 || static_cast<index_t>(fillings_.size()) == columns) return;
  throw error(errc::invalid_argument,
              {.subject = "fillings of missing fields",
               .expected = fmt::format("one, or one for each of {} columns", columns),
               .found = fmt::format("{}", fillings_.size())});
}

std::vector<column_place> column_plan::places(index_t fields) const {
  std::vector<column_place> found;
  index_t in_row = 0;
  for (const index_t column : *use_columns_) {
    const index_t in_text = column < 0 ? column + fields : column;
    if (in_text < 0 || in_text >= fields) throw column;
    found.push_back({in_text, in_row++});
  }
  std::stable_sort(found.begin(), found.end(), [](const column_place& a, const column_place& b) {
    return a.in_text < b.in_text;
  });
  return found;
}

void column_plan::take_missing(const missing_fields& missing, const text_dialect& dialect) {
  has_missing_ = true;
  for (const std::string& word : missing.words) {
    missing_words_.push_back(dialect.encoded(word));
    may_miss_numbers_ = may_miss_numbers_ || begins_as_number(word);
  }
  for (const std::string& filling : missing.fillings) fillings_.push_back(dialect.encoded(filling));
  if (columns_) require_fillings_of(*columns_);
  for (std::size_t i = 0; i < fillings_.size(); ++i) {
    if (fillings_.size() > 1 && columns_) {
      require_filling(value(static_cast<index_t>(i)), fillings_[i]);
    } else {
      for (const field_value& how : values_) require_filling(how, fillings_[i]);
    }
  }
}

void column_plan::require_filling(const field_value& how, const std::string& filling) const {
  std::vector<std::byte> made(static_cast<std::size_t>(how.itemsize()));
  if (how.parse(filling, *dialect_, made.data())) return;
  throw error(errc::invalid_argument, {.subject = "fillings of missing fields",
                                       .expected = how.expected(),
                                       .found = quoted(filling)});
}

bool column_plan::is_missing(std::string_view field) const noexcept {
  const std::string_view word = dialect_->stripped(field);
  return word.empty() ||
         std::find(missing_words_.begin(), missing_words_.end(), word) != missing_words_.end();
}

bool column_plan::put(index_t column, std::string_view field, std::byte* row) const noexcept {
  const auto n = static_cast<std::size_t>(column);
  const field_value& how = value(column);
  std::byte* const out = row + (is_record() ? elements_[n].offset_bytes : column * how.itemsize());
  if (!has_missing_ || !is_missing(field)) return how.parse(field, *dialect_, out);
  if (!fillings_.empty()) {
    return how.parse(fillings_[fillings_.size() > 1 ? n : 0], *dialect_, out);
  }
  const auto filling = how.default_filling();
  return filling && how.parse(*filling, *dialect_, out);
}

}  // namespace npymap::text
