/// \file
/// Dates and spans as text has them.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include <npymap/dtype.hpp>

namespace npymap::text {

/// ISO 8601 as NumPy reads it, `2024-02-29T12:30:05.25` or less of that, with `Z` or without; in
/// steps, rounded down. `NaT`, and nothing, are NaT. Nothing for what is no date, or does not fit.
std::optional<std::int64_t> parse_datetime(std::string_view text, time_step step) noexcept;
/// A number of steps, or NaT.
std::optional<std::int64_t> parse_timedelta(std::string_view text) noexcept;

}  // namespace npymap::text
