/// \file
/// The part of a type string that says what a datetime64 or timedelta64 counts: `[25s]`.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include <npymap/dtype.hpp>

namespace npymap::detail {

/// Read what follows `M8` or `m8`; the empty text is generic. A divisor, as in `[s/10]`, is
/// resolved into a smaller unit, `[100ms]`, as NumPy does it. \throws error bad_dtype; a divisor or
/// a count below 1 too, where NumPy wraps, or dies
time_step read_time_step(std::string_view text);

/// What NumPy writes for it; empty for the generic one.
std::string time_step_string(time_step step);

/// Take an integer off `text` as C's strtol does: white space and a sign may precede it, and what
/// does not fit comes back as the nearest that does. Nothing, and `text` as it was, without a
/// digit.
std::optional<index_t> take_c_integer(std::string_view& text) noexcept;

}  // namespace npymap::detail
