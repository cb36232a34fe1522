/// \file
/// Times of one unit as times of another.
#pragma once

#include <cstddef>
#include <cstdint>

#include <npymap/dtype.hpp>

#include "core/calendar.hpp"

namespace npymap::detail {

/// A number of ticks times a fraction, rounded down as NumPy does.
struct tick_ratio {
  wide_int multiply = 1;
  wide_int divide = 1;
};

/// How ticks of one step become ticks of another. Where one of them is of no fixed length, which
/// only dates allow, the ticks become months or days half-way, by the proleptic Gregorian calendar.
struct time_cast {
  enum class middle : char { none, months_to_days, days_to_months };

  tick_ratio first;
  middle calendar = middle::none;
  tick_ratio second;

  static time_cast between(time_step from, time_step to);

  /// NaT stays NaT. \throws error out_of_range for a time that does not fit
  void run(const std::int64_t* from, std::int64_t* to, std::size_t count) const;
};

/// True if times of `from` are times of `to` without loss: each tick is a whole number of the
/// other's, and of no more than NumPy likes to count with.
bool is_finer(time_step from, time_step to) noexcept;

}  // namespace npymap::detail
