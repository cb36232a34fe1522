/// \file
/// The rule of a conversion, asked.
#pragma once

#include <npymap/convert.hpp>

namespace npymap::detail {

/// \throws error dtype_mismatch unless `can_cast`
void require_cast(const dtype& from, const dtype& to, casting rule);

}  // namespace npymap::detail
