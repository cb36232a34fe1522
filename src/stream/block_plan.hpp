/// \file
/// Where the blocks of an array begin and end: arithmetic on shapes, which touches no element.
#pragma once

#include <cstdint>

#include <npymap/blocks.hpp>
#include <npymap/detail/layout.hpp>
#include <npymap/shape.hpp>

namespace npymap::detail {

/// What the blocks of a plan may take.
struct block_limit {
  std::uint64_t bytes;         ///< of one block
  index_t bytes_per_element;   ///< that an element counts for
  std::uint64_t scale;         ///< bytes of budget for a byte of block, to tell the smallest budget
  std::uint64_t budget_bytes;  ///< as it was given
};

/// An array cut into boxes, which are counted in the order of the file.
class block_plan {
 public:
  /// The first block has `short_of` places fewer along the axis that is cut first, where blocks
  /// have an extent of their own there, which is more. \throws error as `blocks`, but for the
  /// budget
  block_plan(const layout_ref& where, const block_limit& limit, const block_options& options,
             index_t short_of = 0);

  /// The plan itself. \throws error invalid_argument for a budget below what one block takes
  const block_plan& fitting() const;

  index_t count() const noexcept { return count_; }
  /// The axis that is cut first.
  int axis() const noexcept { return axes_.empty() ? 0 : static_cast<int>(axes_[0]); }
  /// The most elements that a block has, halo included.
  index_t largest_size() const noexcept;
  block_box at(index_t n) const;

 private:
  void cut_to_fit();
  index_t places_along(int axis) const noexcept;
  index_t halo_of(index_t axis) const noexcept;
  index_t with_halo(index_t axis, index_t extent) const noexcept;

  block_limit limit_;
  index_vector axes_;  // from the one that is cut first to the innermost
  shape whole_;
  shape cut_;  // of a block, without its halo
  index_t halo_;
  bool is_tiled_;
  index_t short_of_ = 0;
  index_t count_ = 0;
};

/// An axis of blocks, counted from 0. \throws error out_of_range
int checked_axis(int axis, int rank);

/// The axes of an array from the outermost in memory to the innermost.
index_vector axes_by_stride(const layout_ref& where);

}  // namespace npymap::detail
