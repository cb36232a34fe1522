#include <npymap/load_text.hpp>

#include <algorithm>

#include <fmt/format.h>

#include <npymap/error.hpp>

#include "text/column_plan.hpp"
#include "text/row_sink.hpp"
#include "text/text_dialect.hpp"
#include "text/text_pass.hpp"
#include "text/text_source.hpp"

namespace npymap {
namespace {

void require(bool holds, const char* subject, const char* expected, index_t found) {
  if (holds) return;
  throw error(errc::invalid_argument,
              {.subject = subject, .expected = expected, .found = fmt::format("{}", found)});
}

void require_options(const load_text_options& options) {
  require(options.skip_rows >= 0, "skip_rows", "0 or more", options.skip_rows);
  require(options.max_rows.value_or(0) >= 0, "max_rows", "0 or more", options.max_rows.value_or(0));
  require(options.ndmin >= 0 && options.ndmin <= 2, "ndmin", "0, 1 or 2", options.ndmin);
}

// As NumPy squeezes what has more axes than are wanted, and then adds some.
shape squeezed(const text::column_plan& plan, index_t rows, int ndmin) {
  if (plan.is_record()) {
    if (ndmin == 2) return {rows, 1};
    return ndmin == 1 || rows != 1 ? shape{rows} : shape{};
  }
  const index_t columns = plan.columns().value_or(1);
  if (ndmin == 2) return {rows, columns};
  shape kept;
  if (rows != 1) kept.push_back(rows);
  if (columns != 1) kept.push_back(columns);
  return kept.rank() == 0 && ndmin == 1 ? shape{1} : kept;
}

// The told shape, where it is that of these rows; of no elements, there need be none.
shape restored(const shape& told, const text::column_plan& plan, index_t rows,
               const std::string& path) {
  const index_t columns = plan.columns().value_or(1);
  const auto count = element_count(told);
  const bool fits =
      count &&
      (*count == 0 ? rows == 0 : *count == rows * columns && told[told.rank() - 1] == columns);
  if (fits) return told;
  throw error(errc::bad_text,
              {.path = path,
               .subject = "rows",
               .expected = "those of shape " + to_string(told) + ", as the first line says",
               .found = fmt::format("{} of {} columns", rows, columns)});
}

shape shape_of(const text::text_pass& pass, const text::column_plan& plan, index_t rows,
               const load_text_options& options, const std::string& path) {
  if (pass.told_shape()) return restored(*pass.told_shape(), plan, rows, path);
  return squeezed(plan, rows, options.ndmin);
}

bool is_of_any_length(const dtype& type) {
  const bool is_text = type.kind() == dtype_kind::bytes || type.kind() == dtype_kind::unicode;
  return is_text && type.itemsize() == 0;
}

// What one call reads, checked.
struct opened_text {
  opened_text(const std::string& path, const load_text_options& given)
      : options(given),
        dialect(given),
        plan(given, dialect),
        source(path, given.pass.budget_bytes) {
    if (!is_of_any_length(options.dtype)) return;
    options.dtype = dtype::text(options.dtype.kind(), longest(), options.dtype.byte_order());
    plan = text::column_plan(options, dialect);
    source.rewind();
  }

  load_text_options options;
  const text::text_dialect dialect;
  text::column_plan plan;
  text::text_source source;

 private:
  // NumPy has no text of length 0.
  index_t longest() {
    auto lengths = text::column_plan::of_lengths(options, dialect);
    load_text_options quiet = options;
    quiet.pass.progress = {};
    text::text_pass pass(source, dialect, lengths, quiet);
    pass.find_first_row();
    text::longest_sink found;
    pass.run(found);
    return std::max<index_t>(found.longest(), 1);
  }
};

}  // namespace

any_array load_text(const std::string& path, const load_text_options& options) try {
  require_options(options);
  opened_text text(path, options);
  text::text_pass pass(text.source, text.dialect, text.plan, text.options);
  pass.find_first_row();
  text::memory_sink to;
  pass.run(to);
  return to.finish(text.plan.dtype(), shape_of(pass, text.plan, pass.rows(), options, path), path);
} catch (const error& e) {
  throw e.in_file(path);
}

void text_to_npy(const std::string& from, const std::string& to, const load_text_options& options,
                 const text_to_npy_options& how) try {
  require_options(options);
  opened_text text(from, options);
  text::text_pass pass(text.source, text.dialect, text.plan, text.options);
  pass.find_first_row();
  try {
    text::npy_sink made(to, text.plan.dtype(), options.pass.budget_bytes / 4);
    constexpr index_t many = 2;  // rows, as most texts have
    made.expect(pass.told_shape() ? *pass.told_shape() : squeezed(text.plan, many, options.ndmin));
    pass.run(made);
    made.finish(shape_of(pass, text.plan, pass.rows(), options, from), how.durability);
  } catch (const error& e) {
    throw e.in_file(to);
  }
} catch (const error& e) {
  throw e.in_file(from);
}

}  // namespace npymap
