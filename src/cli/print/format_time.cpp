#include <algorithm>
#include <limits>
#include <string>
#include <string_view>

#include <fmt/format.h>

#include "cli/print/format.hpp"
#include "cli/print/stored.hpp"
#include "core/calendar.hpp"
#include "core/time_step.hpp"

namespace npymap::cli {
namespace {

using detail::divide_down;
using detail::not_a_time;
using detail::wide_int;

std::int64_t load_time(const dtype& type, const std::byte* at) {
  return load_signed(at, 8, type.byte_order());
}

// "1969-12-31" for -1: days since 1970-01-01.
std::string date_text(wide_int days_since_1970) {
  const wide_int months = detail::month_of_days(days_since_1970);
  const auto [years, month] = divide_down(months, 12);
  const wide_int day = days_since_1970 - detail::days_of_month(months);
  return fmt::format("{:04}-{:02}-{:02}", 1970 + years, month + 1, day + 1);
}

// How many there are in a day, of the units that divide it.
wide_int units_per_day(time_unit unit) {
  return detail::attoseconds(time_unit::day) / detail::attoseconds(unit);
}

// "13", "13:05", "13:05:59", "13:05:59.000000001": to the unit and no further.
std::string clock_text(wide_int since_midnight, time_unit unit) {
  wide_int per_hour = units_per_day(unit) / 24;
  std::string text = fmt::format("{:02}", divide_down(since_midnight, per_hour).whole);
  if (unit == time_unit::hour) return text;
  const wide_int in_hour = divide_down(since_midnight, per_hour).rest;
  const wide_int per_minute = per_hour / 60;
  text += fmt::format(":{:02}", in_hour / per_minute);
  if (unit == time_unit::minute) return text;
  const wide_int in_minute = in_hour % per_minute;
  const wide_int per_second = per_minute / 60;
  text += fmt::format(":{:02}", in_minute / per_second);
  if (unit == time_unit::second) return text;
  const int digits = 3 * (static_cast<int>(unit) - static_cast<int>(time_unit::second));
  return text + fmt::format(".{:0{}}", in_minute % per_second, digits);
}

std::string plural_of(time_unit unit) {
  return unit == time_unit::generic ? "generic time units"
                                    : std::string(detail::name_of(unit)) + "s";
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

// ISO 8601 to the unit of the dtype. NumPy cannot print times without a unit: here they are counts.
std::string iso_text(std::int64_t value, time_step step) {
  const wide_int count = wide_int{value} * step.count;
  switch (step.unit) {
    case time_unit::generic:
      return fmt::format("{}", count);
    case time_unit::year:
      return fmt::format("{:04}", 1970 + count);
    case time_unit::month: {
      const auto [years, month] = divide_down(count, 12);
      return fmt::format("{:04}-{:02}", 1970 + years, month + 1);
    }
    case time_unit::week:
      return date_text(7 * count);
    case time_unit::day:
      return date_text(count);
    default: {
      const auto [days, time] = divide_down(count, units_per_day(step.unit));
      return date_text(days) + "T" + clock_text(time, step.unit);
    }
  }
}

}  // namespace

element_format datetime_format(const dtype& type, const printed_elements& elements) {
  return time_format(type, elements, [step = type.step()](std::int64_t value) {
    return "'" + iso_text(value, step) + "'";
  });
}

// In an array NumPy shows the bare number, whatever the unit and its count.
element_format timedelta_format(const dtype& type, const printed_elements& elements) {
  return time_format(type, elements, [](std::int64_t value) { return fmt::format("{}", value); });
}

std::string datetime_text(const dtype& type, const std::byte* at) {
  const std::int64_t value = load_time(type, at);
  return value == not_a_time ? "NaT" : iso_text(value, type.step());
}

std::string timedelta_text(const dtype& type, const std::byte* at) {
  const std::int64_t value = load_time(type, at);
  if (value == not_a_time) return "NaT";
  return fmt::format("{} {}", wide_int{value} * type.step().count, plural_of(type.step().unit));
}

}  // namespace npymap::cli
