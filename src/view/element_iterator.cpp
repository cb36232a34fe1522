#include <npymap/detail/element_iterator.hpp>

#include "view/wrapping.hpp"

namespace npymap::detail {

element_runs::table::~table() = default;

element_runs element_runs::of(const layout_ref& view) {
  index_vector extents;
  index_vector byte_strides;
  for (std::size_t axis = 0; axis < view.shape.size(); ++axis) {
    const index_t extent = view.shape[axis];
    const index_t byte_stride = view.byte_strides[axis];
    if (extent == 0) return {};
    if (extent == 1) continue;
    const int last = extents.rank() - 1;
    if (last >= 0 && byte_strides[last] == wrapping_multiply(extent, byte_stride)) {
      extents[last] *= extent;
      byte_strides[last] = byte_stride;
    } else {
      extents.push_back(extent);
      byte_strides.push_back(byte_stride);
    }
  }
  if (extents.empty()) return {.length = 1, .step_bytes = view.itemsize, .starts = {}};
  element_runs runs{extents.end()[-1], byte_strides.end()[-1], {}};
  if (extents.rank() > 1) {
    auto* starts = new table;
    runs.starts = shared<table>::adopt(starts);
    starts->extents.swap(extents);
    starts->byte_strides.swap(byte_strides);
  }
  return runs;
}

index_t offset_bytes_at(index_t position, const element_runs::table& starts) noexcept {
  index_t offset_bytes = 0;
  for (int axis = starts.extents.rank() - 1; axis > 0; --axis) {
    const index_t extent = starts.extents[axis];
    offset_bytes += position % extent * starts.byte_strides[axis];
    position /= extent;
  }
  return offset_bytes + position * starts.byte_strides[0];
}

}  // namespace npymap::detail
