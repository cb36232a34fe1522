#include "stream/copy/byte_runs.hpp"

#include <algorithm>

#include "view/wrapping.hpp"

namespace npymap::detail {

index_vector axes_inside_out(std::span<const index_t> byte_strides) {
  index_vector axes(static_cast<int>(byte_strides.size()));
  for (int i = 0; i < axes.rank(); ++i) axes[i] = axes.rank() - 1 - i;
  const auto step_of = [&](index_t axis) {
    const index_t step = step_length(byte_strides[static_cast<std::size_t>(axis)]);
    return step == 0 ? max_reach_bytes : step;
  };
  std::stable_sort(axes.begin(), axes.end(),
                   [&](index_t a, index_t b) { return step_of(a) < step_of(b); });
  return axes;
}

byte_runs::byte_runs(const layout_ref& box, const index_vector& inside_out, index_t gap_bytes)
    : size_bytes_(box.itemsize) {
  bool runs_on = true;
  for (const index_t axis : inside_out) {
    const auto i = static_cast<std::size_t>(axis);
    const index_t extent = box.shape[i], step = step_length(box.byte_strides[i]);
    if (box.byte_strides[i] < 0) first_bytes_ -= (extent - 1) * step;
    runs_on &= extent == 1 || step <= size_bytes_ + gap_bytes;
    if (runs_on) {
      size_bytes_ += (extent - 1) * step;
      ++joined_;
    } else if (extent != 1) {
      outer_extents_.push_back(extent);
      outer_strides_.push_back(step);
    }
  }
}

index_t byte_runs::count() const noexcept { return element_count(outer_extents_).value_or(0); }

}  // namespace npymap::detail
