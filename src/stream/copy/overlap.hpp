/// \file
/// Whether two arrays share bytes.
#pragma once

#include <npymap/any_array.hpp>
#include <npymap/detail/layout.hpp>

namespace npymap::detail {

/// True unless it is certain that no element of one has a byte of the other's. `distance_bytes` is
/// from the first element of `a` to that of `b`.
///
/// Certain are elements in different places, and those that interlace: columns of one matrix,
/// every second element, fields of records.
bool may_overlap(const layout_ref& a, const layout_ref& b, index_t distance_bytes);

/// The same of arrays, wherever they lie: two maps may show one file.
bool may_overlap(const any_array& from, const any_array& to);

}  // namespace npymap::detail
