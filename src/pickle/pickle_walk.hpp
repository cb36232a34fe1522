/// \file
/// The way from the root of a pickle to its arrays.
#pragma once

#include <string>
#include <vector>

#include "pickle/pickle_value.hpp"

namespace npymap::pickle {

struct named_value {
  std::string name;  ///< as Python would reach it: `$['x'][0]`
  value_ref at;
};

/// All arrays within lists, tuples and dicts, each by the first way to it. Goes round no cycle.
/// \throws error out_of_range for what lies deeper, or has longer names, than makes sense
std::vector<named_value> arrays_of(const pickle_bytes& from, const value_pool& pool, value_ref root,
                                   int depth_limit);

}  // namespace npymap::pickle
