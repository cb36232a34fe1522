/// \file
/// What to call instead, as the end of a message about a dtype.
#pragma once

#include <string>

#include <npymap/dtype.hpp>

namespace npymap::detail {

/// What reads elements of a dtype that is no number; empty for others.
std::string reader_of(const dtype& type);

/// What to call, or to change, where elements of `found` were asked for as those of `wanted`; empty
/// when nothing helps.
std::string advice_for(const dtype& found, const dtype& wanted);

}  // namespace npymap::detail
