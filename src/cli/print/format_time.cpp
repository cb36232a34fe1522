#include <algorithm>
#include <limits>
#include <string>
#include <string_view>

#include <fmt/format.h>

#include "cli/print/format.hpp"
#include "cli/print/stored.hpp"
#include "core/calendar.hpp"
#include "format/iso_time.hpp"

namespace npymap::cli {
namespace {

using detail::not_a_time;

std::int64_t load_time(const dtype& type, const std::byte* at) {
  return load_signed(at, 8, type.byte_order());
}

// numpy.core.arrayprint._TimelikeFormat: as wide as the longer of the first and the last moment.
template <class Text>
element_format time_format(const dtype& type, const printed_elements& elements, const Text& text) {
  std::int64_t first = std::numeric_limits<std::int64_t>::max();
  std::int64_t last = not_a_time;
  bool has_nat = false;
  elements.for_each([&](const std::byte* at) {
    const std::int64_t value = load_time(type, at);
    if (value == not_a_time) {
      has_nat = true;
    } else {
      first = std::min(first, value);
      last = std::max(last, value);
    }
  });
  constexpr std::string_view nat = "'NaT'";
  std::size_t width = has_nat ? nat.size() : 0;
  if (last != not_a_time) width = std::max({width, text(first).size(), text(last).size()});
  return [=](std::string& out, const std::byte* at) {
    const std::int64_t value = load_time(type, at);
    if (value == not_a_time) {
      out += fmt::format("{:>{}}", nat, width);
    } else {
      out += fmt::format("{:>{}}", text(value), width);
    }
  };
}

}  // namespace

element_format datetime_format(const dtype& type, const printed_elements& elements) {
  return time_format(type, elements, [step = type.step()](std::int64_t value) {
    return "'" + detail::iso_time(value, step) + "'";
  });
}

// In an array NumPy shows the bare number, whatever the unit and its count.
element_format timedelta_format(const dtype& type, const printed_elements& elements) {
  return time_format(type, elements, [](std::int64_t value) { return fmt::format("{}", value); });
}

std::string datetime_text(const dtype& type, const std::byte* at) {
  return detail::iso_time(load_time(type, at), type.step());
}

std::string timedelta_text(const dtype& type, const std::byte* at) {
  return detail::time_span_text(load_time(type, at), type.step());
}

}  // namespace npymap::cli
