/// \file
/// From the literal of a descr to a dtype.
#pragma once

#include <npymap/dtype.hpp>

#include "format/literal.hpp"

namespace npymap::detail {

/// What `numpy.lib.format.descr_to_dtype` makes of a descr, where the whole of it may not be a
/// sub-array. \throws error bad_dtype
dtype read_descr(const literal& descr);

}  // namespace npymap::detail
