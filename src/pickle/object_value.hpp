/// \file
/// Python objects that are values: what is in an array of them.
#pragma once

#include <cstdint>

#include <npymap/pickle.hpp>

#include "pickle/pickle_value.hpp"

namespace npymap::pickle {

/// \throws error refused_object for anything that is not a `pickled_value`; bad_pickle
pickled_value object_value(const pickle_bytes& from, const value_pool& pool, value_ref at,
                           std::uint64_t most_bytes);

}  // namespace npymap::pickle
