/// \file
/// Moments as NumPy writes them.
#pragma once

#include <cstdint>
#include <string>

#include <npymap/dtype.hpp>

namespace npymap::detail {

/// ISO 8601 to the unit of the step and no further: "2020-02", "1969-12-31T23:59:59.999". "NaT" for
/// what is no time. NumPy cannot write times without a unit: they are counts.
std::string iso_time(std::int64_t value, time_step step);

/// What a timedelta counts: "75 seconds" for three steps of 25; "NaT".
std::string time_span_text(std::int64_t value, time_step step);

}  // namespace npymap::detail
