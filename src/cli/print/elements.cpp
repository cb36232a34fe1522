#include "cli/print/elements.hpp"

namespace npymap::cli {

printed_elements::printed_elements(const std::byte* origin, std::span<const index_t> extents,
                                   std::span<const index_t> byte_strides)
    : origin_(origin) {
  constexpr index_t threshold = 1000;  // numpy.get_printoptions()['threshold']
  const auto count = element_count(extents);
  const bool long_array = !count || *count > threshold;
  for (std::size_t i = 0; i < extents.size(); ++i) {
    axes_.push_back({.extent = extents[i],
                     .byte_stride = byte_strides[i],
                     .abbreviated = long_array && extents[i] > 2 * printed_axis::edge});
  }
}

std::optional<index_t> printed_elements::printed_count() const noexcept {
  std::vector<index_t> extents;
  for (const printed_axis& axis : axes_) extents.push_back(axis.printed_extent());
  return element_count(extents);
}

printed_elements printed_elements::part(index_t offset_bytes) const {
  printed_elements moved = *this;
  moved.origin_ += offset_bytes;
  return moved;
}

printed_elements printed_elements::part(index_t offset_bytes, std::span<const index_t> subshape,
                                        index_t itemsize) const {
  printed_elements inner = part(offset_bytes);
  const strides byte_strides = dense_byte_strides(subshape, itemsize, order::c);
  for (std::size_t i = 0; i < subshape.size(); ++i) {
    inner.axes_.push_back(
        {.extent = subshape[i], .byte_stride = byte_strides[static_cast<int>(i)]});
  }
  return inner;
}

}  // namespace npymap::cli
