#include "array/convert/time_cast.hpp"

#include <fmt/format.h>

#include <npymap/error.hpp>

namespace npymap::detail {
namespace {

tick_ratio reduced(wide_int from, wide_int to) noexcept {
  wide_int a = from, b = to;
  while (b != 0) {
    const wide_int rest = a % b;
    a = b;
    b = rest;
  }
  return {from / a, to / a};
}

[[noreturn]] void refuse(std::int64_t ticks) {
  throw error(errc::out_of_range, {.subject = "time",
                                   .expected = "one that fits 64 bits in the other unit",
                                   .found = fmt::format("{} ticks", ticks)});
}

}  // namespace

bool is_finer(time_step from, time_step to) noexcept {
  constexpr wide_int numpys_limit = wide_int{1} << 56;  // get_datetime_units_factor gives up there
  const bool same_scale = is_calendar(from.unit) == is_calendar(to.unit);
  if (!same_scale) return is_calendar(from.unit);
  const wide_int most = length(from) / length({to.unit, 1});
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
    value = divide_down(value, by.divide).whole;
    return true;
  };
  for (std::size_t i = 0; i < count; ++i) {
    if (from[i] == not_a_time) {
      to[i] = not_a_time;
      continue;
    }
    wide_int value = from[i];
    bool fits = scaled(value, first);
    if (fits && calendar == middle::months_to_days) value = days_of_month(value);
    if (fits && calendar == middle::days_to_months) value = month_of_days(value);
    fits = fits && scaled(value, second);
    if (!fits || value <= not_a_time || value > INT64_MAX) refuse(from[i]);
    to[i] = static_cast<std::int64_t>(value);
  }
}

}  // namespace npymap::detail
