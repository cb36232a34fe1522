/// \file
/// NumPy's times in numbers: how long units are, and the proleptic Gregorian calendar.
#pragma once

#include <cstdint>

#include <npymap/dtype.hpp>

namespace npymap::detail {

/// NumPy's NaT, of dates and of spans.
inline constexpr std::int64_t not_a_time = INT64_MIN;

/// Wide enough for every value times every count of every unit, where NumPy's 64 bits wrap.
__extension__ using wide_int = __int128;

struct quotient {
  wide_int whole;
  wide_int rest;  ///< never negative
};

constexpr quotient divide_down(wide_int value, wide_int by) noexcept {
  const wide_int whole = value / by - (value % by < 0 ? 1 : 0);
  return {whole, value - whole * by};
}

/// Years and months, which have no fixed length.
constexpr bool is_calendar(time_unit unit) noexcept {
  return unit == time_unit::year || unit == time_unit::month;
}

/// Of a unit of fixed length. The longest, a week, is less than 2**80.
constexpr wide_int attoseconds(time_unit unit) noexcept {
  constexpr wide_int second = 1'000'000'000'000'000'000;
  switch (unit) {
    case time_unit::week:
      return second * 86400 * 7;
    case time_unit::day:
      return second * 86400;
    case time_unit::hour:
      return second * 3600;
    case time_unit::minute:
      return second * 60;
    default: {
      wide_int length = 1;
      for (int u = static_cast<int>(unit); u < static_cast<int>(time_unit::attosecond); ++u) {
        length *= 1000;
      }
      return length;
    }
  }
}

/// What a tick lasts: in months for calendar units, else in attoseconds. Not for generic steps.
constexpr wide_int length(time_step step) noexcept {
  const wide_int count = step.count;
  if (is_calendar(step.unit)) return count * (step.unit == time_unit::year ? 12 : 1);
  return count * attoseconds(step.unit);
}

// Years begin in March here, so that the leap day is their last; they repeat after 400. See
// Hinnant, "chrono-compatible date algorithms".
inline constexpr int days_in_era = 146097;
inline constexpr int days_to_1970 = 719468;  // from 0000-03-01

/// Days from 1970-01-01 to the first of a month, counted from January 1970.
constexpr wide_int days_of_month(wide_int months_since_1970) noexcept {
  const auto [era, months] = divide_down(months_since_1970 + 1970 * 12 - 2, 4800);
  const int year = static_cast<int>(months) / 12, month = static_cast<int>(months) % 12;
  const int day_of_era = year * 365 + year / 4 - year / 100 + (153 * month + 2) / 5;
  return era * days_in_era + day_of_era - days_to_1970;
}

/// The month, counted from January 1970, that a day is in.
constexpr wide_int month_of_days(wide_int days_since_1970) noexcept {
  const auto [era, days] = divide_down(days_since_1970 + days_to_1970, days_in_era);
  const int day = static_cast<int>(days);
  const int year = (day - day / 1460 + day / 36524 - day / 146096) / 365;
  const int day_of_year = day - (365 * year + year / 4 - year / 100);
  const int month = (5 * day_of_year + 2) / 153;
  return era * 4800 + year * 12 + month + 2 - 1970 * 12;
}

static_assert(days_of_month(0) == 0 && days_of_month(-1) == -31 && days_of_month(26) == 790);
static_assert(month_of_days(0) == 0 && month_of_days(-1) == -1 && month_of_days(789) == 25);

}  // namespace npymap::detail
