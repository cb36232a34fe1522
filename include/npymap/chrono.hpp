/// \file
/// std::chrono's durations and time points as elements: timedelta64 and datetime64.
///
/// Not part of <npymap/npymap.hpp>: <chrono> costs every source that includes it a third of a
/// second. Arrays hold NaT as the least value of their type, which chrono's operators, unlike
/// NumPy's, take for a time of long ago: ask `is_nat` first.
#pragma once

#include <array>
#include <chrono>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <ratio>
#include <type_traits>

#include <npymap/dtype.hpp>

namespace npymap {
namespace detail {

template <class T>
inline constexpr bool is_duration = false;
template <class Rep, class Period>
inline constexpr bool is_duration<std::chrono::duration<Rep, Period>> = true;

/// Of the system clock, which counts from 1970 as NumPy does.
template <class T>
inline constexpr bool is_system_time = false;
template <class Duration>
inline constexpr bool is_system_time<std::chrono::time_point<std::chrono::system_clock, Duration>> =
    true;

/// How many of `Unit` make a Period; 0 when that is no whole number that NumPy can hold.
template <class Period, class Unit>
constexpr std::int32_t whole_units() noexcept {
  // By hand, as std::ratio_divide does not compile where its result overflows. A Period is in
  // lowest terms, and one side of each Unit is 1.
  if constexpr (Period::num % Unit::num != 0 || Unit::den % Period::den != 0) {
    return 0;
  } else {
    constexpr std::intmax_t count = Period::num / Unit::num;
    constexpr std::intmax_t parts = Unit::den / Period::den;
    constexpr std::intmax_t most = std::numeric_limits<std::int32_t>::max();
    return count > most / parts ? 0 : static_cast<std::int32_t>(count * parts);
  }
}

/// The coarsest unit that a Period is a multiple of; a generic step when there is none.
template <class Period>
constexpr time_step step_of() noexcept {
  const time_step candidates[] = {
      {time_unit::week, whole_units<Period, std::ratio<604800>>()},
      {time_unit::day, whole_units<Period, std::ratio<86400>>()},
      {time_unit::hour, whole_units<Period, std::ratio<3600>>()},
      {time_unit::minute, whole_units<Period, std::ratio<60>>()},
      {time_unit::second, whole_units<Period, std::ratio<1>>()},
      {time_unit::millisecond, whole_units<Period, std::milli>()},
      {time_unit::microsecond, whole_units<Period, std::micro>()},
      {time_unit::nanosecond, whole_units<Period, std::nano>()},
      {time_unit::picosecond, whole_units<Period, std::pico>()},
      {time_unit::femtosecond, whole_units<Period, std::femto>()},
      {time_unit::attosecond, whole_units<Period, std::atto>()},
  };
  for (const time_step& step : candidates) {
    if (step.count != 0) return step;
  }
  return {};
}

/// A duration as a time_step, or a message of the compiler's.
template <class Duration>
struct numpy_step {
  using rep = typename Duration::rep;
  using period = typename Duration::period::type;  // in lowest terms
  static constexpr time_step value = step_of<period>();

  static_assert(std::signed_integral<rep> && sizeof(rep) == 8,
                "NumPy's times are 64-bit signed integers: use a duration of std::int64_t");
  static_assert(period::den != 1 || period::num % std::chrono::months::period::num != 0,
                "chrono's months and years are averages, NumPy's those of the calendar:"
                " use datetime64<time_unit::year> or <time_unit::month> of <npymap/datetime.hpp>");
  static_assert(value.unit != time_unit::generic,
                "the period of this duration is no multiple of a unit that NumPy has");
};

}  // namespace detail

/// 'm8[...]', of the unit that has exactly this period: std::chrono::minutes is 'm8[m]', a
/// duration of std::ratio<25> 'm8[25s]'.
template <class T>
requires detail::is_duration<T>
struct dtype_traits<T> {
  static_assert(sizeof(detail::numpy_step<T>) > 0);
  static dtype value() { return dtype::time(dtype_kind::timedelta, detail::numpy_step<T>::value); }
};

/// 'M8[...]', in the same units: `std::chrono::sys_time<std::chrono::nanoseconds>` is 'M8[ns]'.
template <class T>
requires detail::is_system_time<T>
struct dtype_traits<T> {
  static_assert(sizeof(detail::numpy_step<typename T::duration>) > 0);
  static dtype value() {
    return dtype::time(dtype_kind::datetime, detail::numpy_step<typename T::duration>::value);
  }
};

/// Not a time: NumPy's NaT as a duration or a time point of chrono's.
template <class T>
requires(detail::is_duration<T> || detail::is_system_time<T>) constexpr T nat() noexcept {
  return T::min();
}

/// True for NumPy's NaT. numpy.isnat.
template <class T>
requires(detail::is_duration<T> ||
         detail::is_system_time<T>) constexpr bool is_nat(const T& time) noexcept {
  return time == T::min();
}

}  // namespace npymap
