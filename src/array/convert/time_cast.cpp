#include "array/convert/time_cast.hpp"

#include <fmt/format.h>

#include <npymap/error.hpp>

namespace npymap::detail {
namespace {

// Of a unit of fixed length. The longest, a week, is less than 2**80.
wide_int attoseconds(time_unit unit) noexcept {
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

wide_int months(time_step step) noexcept {
  return wide_int{step.count} * (step.unit == time_unit::year ? 12 : 1);
}

wide_int length(time_step step) noexcept {
  return is_calendar(step.unit) ? months(step) : wide_int{step.count} * attoseconds(step.unit);
}

tick_ratio reduced(wide_int from, wide_int to) noexcept {
  wide_int a = from, b = to;
  while (b != 0) {
    const wide_int rest = a % b;
    a = b;
    b = rest;
  }
  return {from / a, to / a};
}

constexpr wide_int divided_down(wide_int value, wide_int by) noexcept {
  return value / by - (value % by < 0 ? 1 : 0);
}

[[noreturn]] void refuse(std::int64_t ticks) {
  throw error(errc::out_of_range, {.subject = "time",
                                   .expected = "one that fits 64 bits in the other unit",
                                   .found = fmt::format("{} ticks", ticks)});
}

// Years begin in March here, so that the leap day is their last; they repeat after 400. See
// Hinnant, "chrono-compatible date algorithms".
constexpr int days_in_era = 146097;
constexpr int days_to_1970 = 719468;  // from 0000-03-01

// Days from 1970-01-01 to the first of a month, counted from January 1970.
constexpr wide_int days_of_month(wide_int months_since_1970) noexcept {
  const wide_int from_march = months_since_1970 + 1970 * 12 - 2;
  const wide_int era = divided_down(from_march, 4800);
  const auto month_of_era = static_cast<int>(from_march - era * 4800);
  const int year = month_of_era / 12, month = month_of_era % 12;
  const int day_of_year = (153 * month + 2) / 5;
  const int day_of_era = year * 365 + year / 4 - year / 100 + day_of_year;
  return era * days_in_era + day_of_era - days_to_1970;
}

// The month, counted from January 1970, that a day is in.
constexpr wide_int month_of_days(wide_int days_since_1970) noexcept {
  const wide_int days = days_since_1970 + days_to_1970;
  const wide_int era = divided_down(days, days_in_era);
  const auto day = static_cast<int>(days - era * days_in_era);
  const int year = (day - day / 1460 + day / 36524 - day / 146096) / 365;
  const int day_of_year = day - (365 * year + year / 4 - year / 100);
  const int month = (5 * day_of_year + 2) / 153;
  return era * 4800 + year * 12 + month + 2 - 1970 * 12;
}

static_assert(days_of_month(0) == 0 && days_of_month(-1) == -31 && days_of_month(26) == 790);
static_assert(month_of_days(0) == 0 && month_of_days(-1) == -1 && month_of_days(789) == 25);

}  // namespace

bool is_finer(time_step from, time_step to) noexcept {
  constexpr wide_int numpys_limit = wide_int{1} << 56;  // get_datetime_units_factor gives up there
  const bool same_scale = is_calendar(from.unit) == is_calendar(to.unit);
  if (!same_scale) return is_calendar(from.unit);
  const wide_int most =
      length(from) / (is_calendar(from.unit) ? months({to.unit, 1}) : attoseconds(to.unit));
  return length(from) % length(to) == 0 && most < numpys_limit;
}

time_cast time_cast::between(time_step from, time_step to) {
  constexpr time_step day{time_unit::day, 1};
  constexpr time_step month{time_unit::month, 1};
  if (from.unit == time_unit::generic || to.unit == time_unit::generic) return {};  // just a count
  if (is_calendar(from.unit) == is_calendar(to.unit)) {
    return {.first = reduced(length(from), length(to)), .second = {}};
  }
  if (is_calendar(from.unit)) {
    return {.first = reduced(length(from), length(month)),
            .calendar = middle::months_to_days,
            .second = reduced(length(day), length(to))};
  }
  return {.first = reduced(length(from), length(day)),
          .calendar = middle::days_to_months,
          .second = reduced(length(month), length(to))};
}

void time_cast::run(const std::int64_t* from, std::int64_t* to, std::size_t count) const {
  const auto scaled = [](wide_int& value, const tick_ratio& by) {
    if (__builtin_mul_overflow(value, by.multiply, &value)) return false;
    value = divided_down(value, by.divide);
    return true;
  };
  for (std::size_t i = 0; i < count; ++i) {
    if (from[i] == nat) {
      to[i] = nat;
      continue;
    }
    wide_int value = from[i];
    bool fits = scaled(value, first);
    if (fits && calendar == middle::months_to_days) value = days_of_month(value);
    if (fits && calendar == middle::days_to_months) value = month_of_days(value);
    fits = fits && scaled(value, second);
    if (!fits || value <= nat || value > INT64_MAX) refuse(from[i]);
    to[i] = static_cast<std::int64_t>(value);
  }
}

}  // namespace npymap::detail
