#include <algorithm>
#include <limits>
#include <string>
#include <string_view>

#include <fmt/format.h>

#include "cli/print/format.hpp"
#include "cli/print/stored.hpp"
#include "core/time_step.hpp"

namespace npymap::cli {
namespace {

// Wide enough for every value times every count, where NumPy's 64 bits wrap.
__extension__ using wide_int = __int128;

constexpr std::int64_t not_a_time = std::numeric_limits<std::int64_t>::min();

std::int64_t load_time(const dtype& type, const std::byte* at) {
  return load_signed(at, 8, type.byte_order());
}

struct quotient {
  wide_int whole;
  wide_int rest;  // never negative
};

quotient divide_down(wide_int value, wide_int by) {
  wide_int whole = value / by;
  if (value % by < 0) --whole;
  return {whole, value - whole * by};
}

// "1969-12-31" for -1: days since 1970-01-01 in the proleptic Gregorian calendar. Years begin in
// March here, so that the leap day is the last; see Hinnant, "chrono-compatible date algorithms".
std::string date_text(wide_int days_since_1970) {
  constexpr int days_per_era = 146097;  // 400 years, after which the calendar repeats
  const auto [era, day_of_era_wide] = divide_down(days_since_1970 + 719468, days_per_era);
  const int day_of_era = static_cast<int>(day_of_era_wide);
  const int year_of_era =
      (day_of_era - day_of_era / 1460 + day_of_era / 36524 - day_of_era / 146096) / 365;
  const int day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
  const int month_from_march = (5 * day_of_year + 2) / 153;
  const int day = day_of_year - (153 * month_from_march + 2) / 5 + 1;
  const int month = month_from_march < 10 ? month_from_march + 3 : month_from_march - 9;
  const wide_int year = era * 400 + year_of_era + (month <= 2 ? 1 : 0);
  return fmt::format("{:04}-{:02}-{:02}", year, month, day);
}

// How many there are in a day, of the units that divide it.
wide_int units_per_day(time_unit unit) {
  wide_int units = 24;
  if (unit >= time_unit::minute) units *= 60;
  if (unit >= time_unit::second) units *= 60;
  for (auto u = time_unit::second; u < unit; u = time_unit(static_cast<int>(u) + 1)) {
    units *= 1000;
  }
  return units;
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
