/// \file
/// Whether two arrays share bytes.
#pragma once

#include <cstddef>

#include <npymap/any_array.hpp>
#include <npymap/detail/array_storage.hpp>
#include <npymap/detail/layout.hpp>

namespace npymap::detail {

/// True unless it is certain that no element of one has a byte of the other's. `distance_bytes` is
/// from the first element of `a` to that of `b`.
///
/// Certain are elements in different places, and those that interlace: columns of one matrix,
/// every second element, fields of records.
bool may_overlap(const layout_ref& a, const layout_ref& b, index_t distance_bytes);

/// Elements of an array, and whose memory they are.
struct stored_elements {
  const array_storage& storage;
  const std::byte* data;
  layout_ref where;
};

/// The same of arrays, wherever they lie: two maps may show one file.
bool may_overlap(const stored_elements& from, const stored_elements& to);
inline bool may_overlap(const any_array& from, const any_array& to) {
  return may_overlap(stored_elements{from, from.data(), from.layout()},
                     stored_elements{to, to.data(), to.layout()});
}

}  // namespace npymap::detail
