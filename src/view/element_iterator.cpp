#include <npymap/detail/element_iterator.hpp>

#include "view/wrapping.hpp"

namespace npymap::detail {

int join_axes(std::span<index_t> extents, std::span<index_t> byte_strides) noexcept {
  std::size_t kept = 0;
  for (std::size_t axis = 0; axis < extents.size(); ++axis) {
    if (extents[axis] == 1) continue;
    const index_t run_bytes = wrapping_multiply(extents[axis], byte_strides[axis]);
    if (kept > 0 && byte_strides[kept - 1] == run_bytes) {
      extents[kept - 1] *= extents[axis];
    } else {
      extents[kept++] = extents[axis];
    }
    byte_strides[kept - 1] = byte_strides[axis];
  }
  return static_cast<int>(kept);
}

index_t offset_bytes_at(index_t position, std::span<const index_t> extents,
                        std::span<const index_t> byte_strides) noexcept {
  index_t offset_bytes = 0;
  for (std::size_t axis = extents.size(); axis-- > 1;) {
    offset_bytes += position % extents[axis] * byte_strides[axis];
    position /= extents[axis];
  }
  // The slowest axis needs no division, so that an evenly spaced view needs none at all.
  return extents.empty() ? 0 : offset_bytes + position * byte_strides[0];
}

}  // namespace npymap::detail
