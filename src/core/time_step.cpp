#include "core/time_step.hpp"

#include <array>
#include <cstddef>

#include "core/calendar.hpp"

namespace npymap::detail {
bool same_length(time_step a, time_step b) noexcept {
  if (a.unit == time_unit::generic || b.unit == time_unit::generic) return a == b;
  return is_calendar(a.unit) == is_calendar(b.unit) && length(a) == length(b);
}

bool same_meaning(const dtype& a, const dtype& b) noexcept {
  if (a == b) return true;
  const bool are_times = a.kind() == dtype_kind::datetime || a.kind() == dtype_kind::timedelta;
  return are_times && a.kind() == b.kind() && a.byte_order() == b.byte_order() &&
         same_length(a.step(), b.step());
}

const char* name_of(time_unit unit) noexcept {
  constexpr auto names = std::to_array<const char*>(
      {"generic", "year", "month", "week", "day", "hour", "minute", "second", "millisecond",
       "microsecond", "nanosecond", "picosecond", "femtosecond", "attosecond"});
  return names.at(static_cast<std::size_t>(unit));
}

}  // namespace npymap::detail
