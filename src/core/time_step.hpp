/// \file
/// Dtypes that differ in spelling alone.
#pragma once

#include <npymap/dtype.hpp>

namespace npymap::detail {

/// True if both count the same: 60 seconds and a minute, 7 days and a week, 12 months and a year.
bool same_length(time_step a, time_step b) noexcept;

/// True if items of one dtype mean in the other what they mean in their own: equal but for how the
/// step of a time is spelled. Records must be equal.
bool same_meaning(const dtype& a, const dtype& b) noexcept;

/// "second": its enumerator's name.
const char* name_of(time_unit unit) noexcept;

}  // namespace npymap::detail
