#include "text/row_format.hpp"

#include <algorithm>
#include <utility>

#include <fmt/format.h>

#include <npymap/error.hpp>
#include <npymap/header.hpp>

namespace npymap::text {
namespace {

// Text, and what is written with the name of its unit: "3 days".
bool has_words(const dtype& type) {
  return type.kind() == dtype_kind::bytes || type.kind() == dtype_kind::unicode ||
         type.kind() == dtype_kind::timedelta;
}

bool is_complex(const dtype& type) { return type.kind() == dtype_kind::complex_floating; }

[[noreturn]] void refuse_count(std::string expected, std::size_t found) {
  throw error(errc::invalid_argument, {.subject = "values of the format",
                                       .expected = std::move(expected),
                                       .found = fmt::format("{}", found)});
}

[[noreturn]] void refuse_type(const std::string& subject, const dtype& type) {
  throw error(errc::dtype_mismatch,
              {.subject = subject, .expected = "numbers, text or times", .found = descr(type)});
}

// Formats of one column put between others are parts of one text for NumPy, and so is what is
// between them.
std::string literal_of(const std::string& delimiter) {
  const percent_format parsed = parse_percent_format(delimiter);
  if (parsed.cells.empty()) return parsed.after;
  throw error(errc::invalid_argument, {.subject = "delimiter",
                                       .expected = "text in which %% stands for a percent sign",
                                       .found = quoted(delimiter)});
}

index_t columns_of(const dtype& type, const shape& extents) {
  if (extents.rank() >= 2) {
    if (type.is_record()) {
      throw error(errc::dtype_mismatch, {.subject = "text of records",
                                         .expected = "rank 1, whose fields are columns",
                                         .found = fmt::format("rank {}", extents.rank())});
    }
    return extents[extents.rank() - 1];
  }
  return type.is_record() ? static_cast<index_t>(type.fields().size()) : 1;
}

}  // namespace

std::string encoded_option(const char* what, std::string_view utf8, text_encoding encoding) try {
  return encoded(utf8, encoding);
} catch (const unfit_value& e) {
  throw error(errc::invalid_argument, {.subject = what, .expected = e.expected, .found = e.found});
}

row_format::row_format(const save_text_options& options, const dtype& type, const shape& extents)
    : type_(type),
      columns_(columns_of(type, extents)),
      cells_per_column_(is_complex(type) ? 2 : 1) {
  if (!options.quote.empty()) {
    save_text_options as_written = options;
    as_written.delimiter = literal_of(options.delimiter);
    quotes_.emplace(as_written);
  }
  if (!options.formats.empty()) {
    join(options);
  } else {
    const percent_format given = parse_percent_format(options.format);
    if (given.cells.size() == 1) {
      repeat(given, options);
    } else {
      take(given, options);
    }
  }
  line_end_ += encoded_option("newline", options.newline, options.encoding);
  usual_length_ += cells_.empty() ? 0 : line_end_.size() / static_cast<std::size_t>(cells()) + 1;
}

// NumPy takes complex numbers as " (%s+%sj)" of the format twice.
void row_format::repeat(const percent_format& column, const save_text_options& options) {
  if (columns_ == 0) return;
  const std::string delimiter = columns_ > 1 ? literal_of(options.delimiter) : std::string();
  const cell_format& value = column.cells.front();
  const bool is_pair = cells_per_column_ == 2;
  const std::string before = (is_pair ? " (" : "") + value.before;
  const std::string after = column.after + (is_pair ? "j)" : "");
  const bool are_alike = !type_.is_record();
  const index_t count = are_alike ? std::min<index_t>(columns_, 2) : columns_;
  std::string between = after;
  between += delimiter;
  between += before;
  for (index_t n = 0; n < count; ++n) {
    add(n == 0 ? before : between, value.how, options);
    if (is_pair) add(column.after + "+" + value.before, value.how, options);
  }
  if (are_alike && columns_ > 1) period_ = cells_per_column_;
  line_end_ = encoded_option("format", after, options.encoding);
}

void row_format::join(const save_text_options& options) {
  if (std::cmp_not_equal(options.formats.size(), columns_)) {
    throw error(errc::invalid_argument, {.subject = "formats",
                                         .expected = fmt::format("{}, one a column", columns_),
                                         .found = fmt::format("{}", options.formats.size())});
  }
  const std::string delimiter = columns_ > 1 ? literal_of(options.delimiter) : std::string();
  percent_format row;
  for (const std::string& each : options.formats) {
    percent_format column = parse_percent_format(each);
    if (&each != &options.formats.front()) row.after += delimiter;
    for (cell_format& value : column.cells) {
      row.cells.push_back({std::exchange(row.after, {}) + value.before, value.how});
    }
    row.after += column.after;
  }
  take(row, options);
}

void row_format::take(const percent_format& row, const save_text_options& options) {
  if (std::cmp_not_equal(row.cells.size(), cells())) {
    const char* const one = options.formats.empty() ? "1 or " : "";
    refuse_count(
        fmt::format("{}{}, {}", one, cells(),
                    cells_per_column_ == 2 ? "two a column of complex numbers" : "one a column"),
        row.cells.size());
  }
  for (const cell_format& value : row.cells) add(value.before, value.how, options);
  line_end_ = encoded_option("format", row.after, options.encoding);
}

void row_format::add(const std::string& before, const conversion& how,
                     const save_text_options& options) {
  row_cell cell{encoded_option("format", before, options.encoding), how, type_};
  const auto n = static_cast<index_t>(cells_.size());
  std::string subject = fmt::format("format of column {}", n / cells_per_column_);
  if (type_.is_record()) {
    const field& from = type_.fields()[cells_.size()];
    subject += fmt::format(", {}", quoted(from.name));
    if (from.subshape.rank() > 0) refuse_type(subject + ", a sub-array", type_);
    cell.type = from.type;
    cell.offset_bytes = from.offset_bytes;
  } else if (cells_per_column_ == 2) {
    const index_t half = type_.itemsize() / 2;
    cell.type = dtype::scalar(dtype_kind::floating, half);
    cell.offset_bytes = n % 2 * half;
  }
  const bool is_item = !cell.type.is_record() && cell.type.kind() != dtype_kind::object;
  if (!is_item) refuse_type(subject, cell.type);
  cell.put = find_put(cell.type, how);
  cell.may_want_quotes = quotes_ && has_words(cell.type);
  if (cell.put == nullptr) {
    throw error(errc::invalid_argument, {.subject = subject,
                                         .expected = "one for " + descr(cell.type),
                                         .found = fmt::format("%{}", how.letter)});
  }
  const std::size_t length = cell.before.size() + text::usual_length(cell.type, how);
  usual_length_ = std::max(usual_length_, length);
  cells_.push_back(std::move(cell));
}

}  // namespace npymap::text
