#include "format/iso_time.hpp"

#include <fmt/format.h>

#include "core/calendar.hpp"
#include "core/time_step.hpp"

namespace npymap::detail {
namespace {

// "1969-12-31" for -1: days since 1970-01-01.
std::string date_text(wide_int days_since_1970) {
  const wide_int months = month_of_days(days_since_1970);
  const auto [years, month] = divide_down(months, 12);
  const wide_int day = days_since_1970 - days_of_month(months);
  return fmt::format("{:04}-{:02}-{:02}", 1970 + years, month + 1, day + 1);
}

// How many there are in a day, of the units that divide it.
wide_int units_per_day(time_unit unit) { return attoseconds(time_unit::day) / attoseconds(unit); }

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

}  // namespace

std::string iso_time(std::int64_t value, time_step step) {
  if (value == not_a_time) return "NaT";
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

std::string time_span_text(std::int64_t value, time_step step) {
  if (value == not_a_time) return "NaT";
  const std::string plural = step.unit == time_unit::generic
                                 ? "generic time units"
                                 : std::string(name_of(step.unit)) + "s";
  return fmt::format("{} {}", wide_int{value} * step.count, plural);
}

}  // namespace npymap::detail
