/// \file
/// NumPy's datetime64 and timedelta64 in every unit; <npymap/chrono.hpp> has those of <chrono>.
#pragma once

#include <compare>
#include <cstdint>
#include <limits>

#include <npymap/dtype.hpp>

namespace npymap {
namespace detail {

/// A count of `Count` times `Unit`: since 1970 for a datetime, of any start for a timedelta.
///
/// NumPy's NaT is the least count. As a NaN it equals nothing, itself included, and has no order.
template <dtype_kind Kind, time_unit Unit, std::int32_t Count>
class time_value {
  static_assert(Count >= 1, "a time counts a positive number of units");
  static_assert(Unit != time_unit::generic || Count == 1, "a generic time has no count");

 public:
  time_value() noexcept = default;
  constexpr explicit time_value(std::int64_t count) noexcept : count_(count) {}
  static constexpr time_value nat() noexcept {
    return time_value(std::numeric_limits<std::int64_t>::min());
  }

  constexpr std::int64_t count() const noexcept { return count_; }
  constexpr bool is_nat() const noexcept { return count_ == nat().count_; }
  static constexpr time_step step() noexcept { return {Unit, Count}; }

  friend constexpr bool operator==(time_value a, time_value b) noexcept {
    return a.count_ == b.count_ && !a.is_nat();
  }
  friend constexpr std::partial_ordering operator<=>(time_value a, time_value b) noexcept {
    if (a.is_nat() || b.is_nat()) return std::partial_ordering::unordered;
    return a.count_ <=> b.count_;
  }

 private:
  std::int64_t count_;
};

}  // namespace detail

/// A point in time: `datetime64<time_unit::second, 25>` is the element of 'M8[25s]'.
///
/// Counts from 1970-01-01T00:00 in NumPy's calendar, which has no time zone and no leap seconds.
/// NumPy: numpy.datetime64.
template <time_unit Unit, std::int32_t Count = 1>
using datetime64 = detail::time_value<dtype_kind::datetime, Unit, Count>;

/// A span of time: `timedelta64<time_unit::month>` is the element of 'm8[M]', of which no
/// std::chrono::duration has the length. NumPy: numpy.timedelta64.
template <time_unit Unit, std::int32_t Count = 1>
using timedelta64 = detail::time_value<dtype_kind::timedelta, Unit, Count>;

template <dtype_kind Kind, time_unit Unit, std::int32_t Count>
struct dtype_traits<detail::time_value<Kind, Unit, Count>> {
  static dtype value() { return dtype::time(Kind, {Unit, Count}); }
};

}  // namespace npymap
