#include <npymap/detail/loop_nest.hpp>

#include <algorithm>
#include <bit>
#include <cstdint>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include <npymap/error.hpp>

#include "view/wrapping.hpp"

namespace npymap::detail {
namespace {

constexpr std::uint64_t cache_line_bytes = 64;

// The lines of both its sides fit in a first cache of 32 KiB, if not all at once where rows are a
// power of two apart: smaller tiles measured slower all the same.
constexpr index_t tile_elements = 32 * 32;

struct loop_axis {
  index_t extent;
  std::uint64_t step_bytes;  // of all operands together, without their signs
  index_t byte_strides[loop_block::max_operands];
};

std::uint64_t magnitude(index_t value) noexcept {
  return value < 0 ? 0 - static_cast<std::uint64_t>(value) : static_cast<std::uint64_t>(value);
}

/// The axes of a walk over some operands, fastest first once they are arranged.
class loop_axes {
 public:
  explicit loop_axes(std::span<const layout_ref> operands) noexcept
      : operands_(static_cast<int>(operands.size())) {
    const std::span<const index_t> shape = operands.front().shape;
    for (std::size_t i = shape.size(); i-- > 0;) {
      if (shape[i] == 1) continue;
      loop_axis& axis = axes_[size_++];
      axis.extent = shape[i];
      for (int o = 0; o < operands_; ++o) {
        axis.byte_strides[o] = operands[static_cast<std::size_t>(o)].byte_strides[i];
      }
    }
  }

  std::span<loop_axis> all() noexcept { return {axes_, static_cast<std::size_t>(size_)}; }

  /// Let no axis run down in all operands; the first elements move to the other end.
  void turn_falling(loop_block& block) noexcept {
    for (loop_axis& axis : all()) {
      bool rises = false;
      for (int o = 0; o < operands_; ++o) rises |= axis.byte_strides[o] > 0;
      if (rises) continue;
      for (int o = 0; o < operands_; ++o) {
        block.operands[o].offset_bytes += (axis.extent - 1) * axis.byte_strides[o];
        axis.byte_strides[o] = -axis.byte_strides[o];
      }
    }
  }

  /// Short steps inside; where operands differ evenly, the last one, which is written, decides.
  void sort() noexcept {
    for (loop_axis& axis : all()) {
      axis.step_bytes = 0;
      for (int o = 0; o < operands_; ++o) {
        if (__builtin_add_overflow(axis.step_bytes, magnitude(axis.byte_strides[o]),
                                   &axis.step_bytes)) {
          axis.step_bytes = UINT64_MAX;
        }
      }
    }
    const auto is_faster = [last = operands_ - 1](const loop_axis& a, const loop_axis& b) {
      if (a.step_bytes != b.step_bytes) return a.step_bytes < b.step_bytes;
      const std::uint64_t a_last = magnitude(a.byte_strides[last]);
      const std::uint64_t b_last = magnitude(b.byte_strides[last]);
      return a_last != b_last ? a_last < b_last : a.extent > b.extent;
    };
    for (int i = 1; i < size_; ++i) {  // few axes, and mostly in order already
      for (int j = i; j > 0 && is_faster(axes_[j], axes_[j - 1]); --j) {
        std::swap(axes_[j], axes_[j - 1]);
      }
    }
  }

  /// Make one axis of neighbours that run on without a gap in every operand.
  void join() noexcept {
    int last = 0;
    for (int i = 1; i < size_; ++i) {
      bool runs_on = true;
      for (int o = 0; o < operands_; ++o) {
        runs_on &= axes_[i].byte_strides[o] ==
                   wrapping_multiply(axes_[last].extent, axes_[last].byte_strides[o]);
      }
      if (runs_on) {
        axes_[last].extent *= axes_[i].extent;
      } else {
        axes_[++last] = axes_[i];
      }
    }
    size_ = std::min(size_, last + 1);
  }

  /// If an operand has its neighbours along another axis than the innermost, take that one second,
  /// for tiles of the two. False if all agree, or if the two are no more than a tile.
  bool pair_for_tiles() noexcept {
    for (int o = 0; o < operands_; ++o) {
      const auto is_near = [o](const loop_axis& axis) {
        const std::uint64_t step = magnitude(axis.byte_strides[o]);
        return step != 0 && step < cache_line_bytes;
      };
      const std::span<loop_axis> axes = all();
      const auto nearest = std::find_if(axes.begin(), axes.end(), is_near);
      if (nearest == axes.begin() || nearest == axes.end()) continue;
      std::rotate(axes.begin() + 1, nearest, nearest + 1);
      return axes[0].extent > tile_elements / axes[1].extent;
    }
    return false;
  }

 private:
  int operands_;
  int size_ = 0;
  loop_axis axes_[max_rank];  // the first size_ count
};

/// The tiles of a plane of two axes. Each half of the plane is done before the other, and so on
/// down: whatever the size of a cache or of memory, what fits in it is reused while it is there.
class tiles {
 public:
  struct tile {
    index_t begin[2];
    index_t extents[2];
  };

  void restart(const index_t* extents) noexcept {
    pending_[0] = {{0, 0}, {extents[0], extents[1]}};
    count_ = 1;
  }

  bool empty() const noexcept { return count_ == 0; }

  tile take() noexcept {
    tile first = pending_[--count_];
    while (first.extents[0] > tile_elements / first.extents[1]) {
      const int longer = first.extents[0] > first.extents[1] ? 0 : 1;
      tile second = first;
      // Powers of two keep to the borders of cache lines and pages, if the rows do.
      const auto most = static_cast<std::uint64_t>(first.extents[longer] - 1);
      first.extents[longer] = static_cast<index_t>(std::bit_floor(most));
      second.begin[longer] += first.extents[longer];
      second.extents[longer] -= first.extents[longer];
      pending_[count_++] = second;
    }
    return first;
  }

 private:
  // Each tile that waits is at most half of the one before, along one of two axes of 63 bits.
  tile pending_[2 * 64];
  std::size_t count_ = 0;
};

}  // namespace

struct loop_nest::rest {
  int operands;
  std::vector<loop_axis> axes;  // beyond those of the block
  std::vector<index_t> index;   // the block's place along them
  loop_block whole;             // the block at that index, before it is cut into tiles
  bool is_tiled;
  tiles to_come = {};

  bool advance() noexcept {
    for (std::size_t i = 0; i < axes.size(); ++i) {
      const bool steps = ++index[i] < axes[i].extent;
      const index_t moved = steps ? 1 : 1 - axes[i].extent;
      for (int o = 0; o < operands; ++o) {
        whole.operands[o].offset_bytes += moved * axes[i].byte_strides[o];
      }
      if (steps) return true;
      index[i] = 0;
    }
    return false;
  }

  void place(const tiles::tile& part, loop_block& block) const noexcept {
    for (int axis = 0; axis < 2; ++axis) block.extents[axis] = part.extents[axis];
    for (int o = 0; o < operands; ++o) {
      const loop_block::operand& start = whole.operands[o];
      block.operands[o].offset_bytes = start.offset_bytes + part.begin[0] * start.byte_strides[0] +
                                       part.begin[1] * start.byte_strides[1];
    }
  }
};

loop_nest::loop_nest(std::span<const layout_ref> operands) {
  const int count = static_cast<int>(operands.size());
  const layout_ref& first = operands.front();
  for (const layout_ref& other : operands) {
    if (same_shape(first, other)) continue;
    throw error(errc::layout_mismatch, {.subject = "loop over several views",
                                        .expected = "shape " + to_string(first.shape),
                                        .found = to_string(other.shape)});
  }
  if (std::all_of(operands.begin(), operands.end(), is_c_contiguous)) {
    block_.extents[0] = element_count(first.shape).value_or(0);
    for (int o = 0; o < count; ++o) {
      block_.operands[o].byte_strides[0] = operands[static_cast<std::size_t>(o)].itemsize;
    }
    return;  // an empty view ends here too: it counts as contiguous
  }

  loop_axes arranged(operands);
  arranged.turn_falling(block_);
  arranged.sort();
  arranged.join();
  const bool is_tiled = arranged.pair_for_tiles();

  const std::span<const loop_axis> axes = arranged.all();
  const auto inner = std::min<std::size_t>(axes.size(), is_tiled ? 2 : loop_block::rank);
  for (std::size_t i = 0; i < inner; ++i) {
    block_.extents[i] = axes[i].extent;
    for (int o = 0; o < count; ++o) {
      block_.operands[o].byte_strides[i] = axes[i].byte_strides[o];
    }
  }
  if (!is_tiled && axes.size() == inner) return;
  const std::span outer = axes.subspan(inner);
  rest_ = new rest{
      count, {outer.begin(), outer.end()}, std::vector<index_t>(outer.size()), block_, is_tiled};
  if (is_tiled) {
    rest_->to_come.restart(block_.extents);
    rest_->place(rest_->to_come.take(), block_);
  }
}

loop_nest::~loop_nest() { delete rest_; }

bool loop_nest::next_of_rest() noexcept {
  if (!rest_->to_come.empty()) {
    rest_->place(rest_->to_come.take(), block_);
    return true;
  }
  if (!rest_->advance()) return false;
  if (rest_->is_tiled) {
    rest_->to_come.restart(rest_->whole.extents);
    rest_->place(rest_->to_come.take(), block_);
  } else {
    block_ = rest_->whole;
  }
  return true;
}

}  // namespace npymap::detail
