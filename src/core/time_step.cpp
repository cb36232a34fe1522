#include "core/time_step.hpp"

#include <array>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <utility>

namespace npymap::detail {
namespace {

// By time_unit: how many of the next finer unit make one; 0 where that is no fixed number.
constexpr auto finer_units =
    std::to_array<std::int64_t>({0, 12, 0, 7, 24, 60, 60, 1000, 1000, 1000, 1000, 1000, 1000, 0});

}  // namespace

bool same_length(time_step a, time_step b) noexcept {
  if (a.unit > b.unit) std::swap(a, b);
  constexpr std::int64_t most = std::numeric_limits<std::int32_t>::max();
  std::int64_t count = a.count;
  for (auto unit = static_cast<std::size_t>(a.unit); unit < static_cast<std::size_t>(b.unit);
       ++unit) {
    count *= finer_units.at(unit);
    if (count == 0 || count > most) return false;
  }
  return count == b.count;
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
