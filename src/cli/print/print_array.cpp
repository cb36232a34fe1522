#include "cli/print/print_array.hpp"

#include <algorithm>
#include <limits>
#include <string>
#include <utility>

#include <fmt/format.h>

#include <npymap/error.hpp>

#include "cli/print/elements.hpp"
#include "cli/print/format.hpp"
#include "format/unicode.hpp"

namespace npymap::cli {
namespace {

constexpr index_t line_width = 75;  // numpy.get_printoptions()['linewidth']

constexpr index_t too_many = std::numeric_limits<index_t>::max();

index_t values_in(const dtype& type);

// An empty pair of brackets is printed too, and counts as a value.
index_t values_in(const field& f) {
  index_t values = values_in(f.type);
  for (int axis = f.subshape.rank() - 1; axis >= 0; --axis) {
    if (__builtin_mul_overflow(values, f.subshape[axis], &values)) return too_many;
    values = std::max<index_t>(values, 1);
  }
  return values;
}

// The values in one item: the leaves of a record, at least one.
index_t values_in(const dtype& type) {
  if (!type.is_record()) return 1;
  index_t values = 1;
  for (const field& f : type.fields()) {
    if (__builtin_add_overflow(values, values_in(f), &values)) return too_many;
  }
  return values;
}

// A few bytes of header can declare items without end that take no bytes; NumPy would print on.
void check_amount(const dtype& type, const printed_elements& elements) {
  constexpr index_t most_values = 10'000'000;
  constexpr index_t largest_item = 16 << 20;
  if (type.itemsize() > largest_item) {
    throw error(errc::invalid_argument,
                {.subject = "printing",
                 .expected = fmt::format("items of at most {} bytes", largest_item),
                 .found = fmt::format("{}", type.itemsize())});
  }
  const auto count = elements.printed_count();
  index_t values = 0;
  if (!count || __builtin_mul_overflow(*count, values_in(type), &values) || values > most_values) {
    throw error(errc::invalid_argument, {.subject = "printing",
                                         .expected = fmt::format("at most {} values", most_values),
                                         .found = "more"});
  }
}

// numpy.core.arrayprint._formatArray: brackets inside brackets, the innermost wrapped.
class array_printer {
 public:
  array_printer(const text_sink& out, const printed_elements& elements, element_format format)
      : out_(out),
        axes_(elements.axes()),
        format_(std::move(format)),
        indent_(axes_.size(), ' '),
        room_(line_width - 2 * static_cast<index_t>(axes_.size())) {}

  void print(const std::byte* origin) { print_axis(origin, 0); }

 private:
  void print_axis(const std::byte* at, std::size_t axis);
  void print_row(const std::byte* at);
  void append_word(std::string_view word);

  const text_sink& out_;
  std::span<const printed_axis> axes_;
  element_format format_;
  std::string indent_;  // of a line that goes on: below the innermost bracket's content
  index_t room_;        // characters between the indent and as many closing brackets
  std::string line_;    // without its indent
};

void array_printer::print_axis(const std::byte* at, std::size_t axis) {
  out_("[");
  if (axis + 1 == axes_.size()) {
    print_row(at);
  } else {
    const std::string separator =
        std::string(axes_.size() - 1 - axis, '\n') + std::string(axis + 1, ' ');
    for (index_t i = 0; i < axes_[axis].printed_extent(); ++i) {
      if (i > 0) out_(separator);
      if (axes_[axis].abbreviated && i == printed_axis::edge) out_("..." + separator);
      print_axis(at + axes_[axis].offset_bytes(i), axis + 1);
    }
  }
  out_("]");
}

void array_printer::print_row(const std::byte* at) {
  const printed_axis& axis = axes_.back();
  std::string word;
  for (index_t i = 0; i < axis.printed_extent(); ++i) {
    if (i > 0) line_ += ' ';
    if (axis.abbreviated && i == printed_axis::edge) {
      append_word("...");
      line_ += ' ';
    }
    word.clear();
    format_(word, at + axis.offset_bytes(i));
    append_word(word);
  }
  out_(line_);
  line_.clear();
}

// Python's len(): characters, however wide a terminal draws them.
index_t length_of(std::string_view text) {
  return static_cast<index_t>(detail::utf8_length(text).value_or(text.size()));
}

// A word that is too long for any line begins one.
void array_printer::append_word(std::string_view word) {
  if (!line_.empty() && length_of(line_) + length_of(word) > room_) {
    line_.erase(line_.find_last_not_of(' ') + 1);
    out_(line_ + "\n" + indent_);
    line_.clear();
  }
  line_ += word;
}

}  // namespace

void print_array(const text_sink& out, const dtype& type, const std::byte* origin,
                 std::span<const index_t> extents, std::span<const index_t> byte_strides) {
  const printed_elements elements(origin, extents, byte_strides);
  if (elements.printed_count() == 0) return out("[]");
  check_amount(type, elements);
  if (elements.is_scalar()) return out(scalar_text(type, origin));
  array_printer(out, elements, format_of(type, elements)).print(origin);
}

void print_objects(const text_sink& out, std::span<const pickled_value> values,
                   std::span<const index_t> extents) {
  if (values.empty()) return out("[]");
  if (extents.empty()) return out(object_text(values[0]));
  const auto* const origin = reinterpret_cast<const std::byte*>(values.data());
  const strides steps = dense_byte_strides(shape(extents), sizeof(pickled_value), order::c);
  array_printer(out, {origin, extents, steps}, object_format()).print(origin);
}

}  // namespace npymap::cli
