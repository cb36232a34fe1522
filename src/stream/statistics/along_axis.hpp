/// \file
/// Rows along an axis, cut into parts that threads can work on: arithmetic on shapes.
#pragma once

#include <functional>

#include <npymap/detail/layout.hpp>
#include <npymap/shape.hpp>

namespace npymap::detail {

/// Some neighbouring rows of a block, all of each or a stretch: a matrix, whose rows they are.
struct row_part {
  /// Enough that a cache line that is fetched for one of them serves others.
  static constexpr index_t most_rows = 64;

  index_t offset_bytes;  ///< from the block's first element
  index_t rows;
  index_t row_stride;  ///< in bytes
  index_t count;
  index_t step;       ///< in bytes
  index_t first_row;  ///< among all rows of the array, in C order
  index_t row_step;
};

/// The shape of the rows' places: `whole` without the axis. \throws error out_of_range
shape without_axis(const shape& whole, int axis);
/// \throws error out_of_range
int checked_axis_of(const shape& whole, int axis);

/// The parts of a block that begins at `start` of an array of shape `whole`.
class row_parts {
 public:
  /// What depends on how the block lies; `axis` is checked.
  row_parts(const shape& whole, int axis, const index_vector& start, const layout_ref& block);

  index_t count() const noexcept { return count_; }
  /// False where rows are cut, so that parts have to be put together, in their order.
  bool have_whole_rows() const noexcept { return stretches_ == 1; }
  row_part at(index_t n) const;

 private:
  layout_ref block_;
  int axis_;
  int near_ = -1;      // of the other axes, the one whose elements lie closest; none of rank 1
  strides row_steps_;  // in rows, of each axis; 0 of `axis_`
  index_t first_row_ = 0;
  index_t stretch_ = 1;  // elements of a row in a part
  index_t stretches_ = 1;
  index_t groups_ = 1;  // of neighbouring rows
  index_t count_ = 1;
};

/// Call `work(n)` for each n below `count`, in so many threads, in no order.
void in_threads(index_t count, int threads, const std::function<void(index_t n)>& work);

}  // namespace npymap::detail
