/// \file
/// Arrays whose elements tell their place.
#pragma once

#include <string>

#include <npymap/array.hpp>

namespace npymap_test {

/// A new file of 0, 1, 2, ... in the order of memory.
inline npymap::array<double> counting(const std::string& path, const npymap::shape& extents,
                                      npymap::order layout = npymap::order::c) {
  auto x = npymap::create<double>(path, extents, {.order = layout});
  for (npymap::index_t i = 0; i < x.size(); ++i) x.data()[i] = double(i);
  return x;
}

}  // namespace npymap_test
