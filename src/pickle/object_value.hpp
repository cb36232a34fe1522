/// \file
/// Python objects that are values: what is in an array of them.
#pragma once

#include <cstdint>

#include <npymap/pickle.hpp>

#include "pickle/pickle_array.hpp"

namespace npymap::pickle {

/// \throws error refused_object for anything that is not a `pickled_value`; bad_pickle
pickled_value object_value(dtype_store& dtypes, value_ref at);

}  // namespace npymap::pickle
