#include "stream/statistics/along_axis.hpp"

#include <algorithm>

#include <fmt/format.h>

#include <npymap/error.hpp>

#include "stream/threads.hpp"
#include "view/wrapping.hpp"

namespace npymap::detail {
namespace {

// With fewer rows than these, threads share the rows themselves.
constexpr index_t enough_rows = 1024;
constexpr index_t stretch_bytes = 1 << 20;

}  // namespace

int checked_axis_of(const shape& whole, int axis) {
  const int rank = whole.rank();
  if (axis >= -rank && axis < rank) return axis < 0 ? axis + rank : axis;
  throw error(errc::out_of_range, {.subject = "axis of a pass",
                                   .expected = rank == 0 ? "none, in an array of rank 0"
                                                         : fmt::format("{} to {}", -rank, rank - 1),
                                   .found = fmt::format("{}", axis)});
}

shape without_axis(const shape& whole, int axis) {
  shape rest;
  const int left_out = checked_axis_of(whole, axis);
  for (int i = 0; i < whole.rank(); ++i) {
    if (i != left_out) rest.push_back(whole[i]);
  }
  return rest;
}

row_parts::row_parts(const shape& whole, int axis, const index_vector& start,
                     const layout_ref& block)
    : block_(block), axis_(axis), row_steps_(whole.rank()) {
  index_t step = 1, rows = 1;
  for (int i = whole.rank() - 1; i >= 0; --i) {
    if (i == axis) continue;
    const auto at = static_cast<std::size_t>(i);
    row_steps_[i] = step;
    first_row_ += start[i] * step;
    step *= whole[i];
    rows *= block.shape[at];
    const auto reach = [&](int k) {
      const auto place = static_cast<std::size_t>(k);
      return block.shape[place] == 1 ? max_reach_bytes : step_length(block.byte_strides[place]);
    };
    if (near_ < 0 || reach(i) < reach(near_)) near_ = i;
  }
  const index_t length = block.shape[static_cast<std::size_t>(axis)];
  stretch_ = std::max<index_t>(length, 1);
  if (rows < enough_rows) {
    const index_t row_bytes = std::max<index_t>(rows * block.itemsize, 1);
    stretch_ = std::clamp<index_t>(stretch_bytes / row_bytes, 1, stretch_);
  }
  stretches_ = length == 0 ? 0 : (length - 1) / stretch_ + 1;
  const index_t neighbours = near_ < 0 ? 1 : block.shape[static_cast<std::size_t>(near_)];
  groups_ = (neighbours + row_part::most_rows - 1) / row_part::most_rows;
  count_ = neighbours == 0 ? 0 : rows / neighbours * groups_ * stretches_;
}

row_part row_parts::at(index_t n) const {
  const auto extent = [&](int axis) { return block_.shape[static_cast<std::size_t>(axis)]; };
  const auto stride = [&](int axis) { return block_.byte_strides[static_cast<std::size_t>(axis)]; };
  const index_t begin = n % stretches_ * stretch_;
  n /= stretches_;
  row_part part{.offset_bytes = begin * stride(axis_),
                .rows = 1,
                .row_stride = 0,
                .count = std::min(stretch_, extent(axis_) - begin),
                .step = stride(axis_),
                .first_row = first_row_,
                .row_step = 0};
  if (near_ < 0) return part;
  const index_t row = n % groups_ * row_part::most_rows;
  n /= groups_;
  part.rows = std::min(row_part::most_rows, extent(near_) - row);
  part.row_stride = stride(near_);
  part.row_step = row_steps_[near_];
  part.offset_bytes += row * part.row_stride;
  part.first_row += row * part.row_step;
  for (int i = static_cast<int>(block_.rank()) - 1; i >= 0; --i) {
    if (i == axis_ || i == near_) continue;
    part.offset_bytes += n % extent(i) * stride(i);
    part.first_row += n % extent(i) * row_steps_[i];
    n /= extent(i);
  }
  return part;
}

void in_threads(index_t count, int threads, const std::function<void(index_t n)>& work) {
  in_parts(static_cast<std::size_t>(count), 1, threads,
           [&](std::size_t n, std::size_t) { work(static_cast<index_t>(n)); });
}

}  // namespace npymap::detail
