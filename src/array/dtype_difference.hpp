/// \file
/// Whether a file's dtype is the one that a C++ type maps, and where not.
#pragma once

#include <optional>
#include <string>

#include <npymap/dtype.hpp>

namespace npymap::detail {

/// The first difference, as an error tells of it.
struct dtype_difference {
  std::string subject;
  std::string expected;
  std::string found;
};

/// Nothing when items of `found` can be touched as those of `wanted`: records have the same size,
/// and the same fields by name, at the same bytes; titles and the order of listing do not matter.
std::optional<dtype_difference> difference(const dtype& wanted, const dtype& found);

}  // namespace npymap::detail
