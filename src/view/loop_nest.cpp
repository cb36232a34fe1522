#include <npymap/detail/loop_nest.hpp>

#include <algorithm>
#include <array>
#include <bit>
#include <cstdint>
#include <tuple>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include <npymap/error.hpp>

#include "core/shape_text.hpp"
#include "view/wrapping.hpp"

namespace npymap::detail {
namespace {

constexpr std::uint64_t cache_line_bytes = 64;

// Small enough for the first cache, even where rows are a power of two apart.
constexpr index_t tile_elements = 16 * 16;

struct loop_axis {
  index_t extent = 1;
  index_t byte_strides[loop_block::max_operands] = {};
};

std::uint64_t magnitude(index_t value) noexcept {
  return value < 0 ? 0 - static_cast<std::uint64_t>(value) : static_cast<std::uint64_t>(value);
}

/// The axes of a walk over some operands, fastest first once they are arranged.
class loop_axes {
 public:
  explicit loop_axes(std::span<const layout_ref> operands)
      : operands_(static_cast<int>(operands.size())) {
    axes_.reserve(operands.front().shape.size());
    for (std::size_t i = operands.front().shape.size(); i-- > 0;) {
      if (operands.front().shape[i] == 1) continue;
      loop_axis& axis = axes_.emplace_back();
      axis.extent = operands.front().shape[i];
      for (int o = 0; o < operands_; ++o) {
        axis.byte_strides[o] = operands[static_cast<std::size_t>(o)].byte_strides[i];
      }
    }
  }

  /// Let no axis run down in all operands; the first elements move to the other end.
  void turn_falling(loop_block& block) noexcept {
    for (loop_axis& axis : axes_) {
      const std::span strides(axis.byte_strides, static_cast<std::size_t>(operands_));
      if (std::any_of(strides.begin(), strides.end(), [](index_t s) { return s > 0; })) continue;
      for (int o = 0; o < operands_; ++o) {
        block.operands[o].offset_bytes += (axis.extent - 1) * axis.byte_strides[o];
        axis.byte_strides[o] = -axis.byte_strides[o];
      }
    }
  }

  /// Short steps inside; where operands disagree evenly, the last one, which is written, decides.
  void sort() {
    const auto cost = [this](const loop_axis& axis) {
      double step_bytes = 0;  // no need to be exact, but to be free of overflow
      for (int o = 0; o < operands_; ++o) {
        step_bytes += static_cast<double>(magnitude(axis.byte_strides[o]));
      }
      return std::tuple(step_bytes, magnitude(axis.byte_strides[operands_ - 1]), -axis.extent);
    };
    std::stable_sort(axes_.begin(), axes_.end(),
                     [&](const loop_axis& a, const loop_axis& b) { return cost(a) < cost(b); });
  }

  /// Make one axis of neighbours that run on without a gap in every operand.
  void join() {
    std::size_t kept = 0;
    for (std::size_t i = 1; i < axes_.size(); ++i) {
      bool runs_on = true;
      for (int o = 0; o < operands_; ++o) {
        runs_on &= axes_[i].byte_strides[o] ==
                   wrapping_multiply(axes_[kept].extent, axes_[kept].byte_strides[o]);
      }
      if (runs_on) {
        axes_[kept].extent *= axes_[i].extent;
      } else {
        axes_[++kept] = axes_[i];
      }
    }
    if (!axes_.empty()) axes_.resize(kept + 1);
  }

  /// If an operand has its neighbours along another axis than the innermost, take that one second,
  /// for tiles of the two. False if all agree, or if the two are no more than a tile.
  bool pair_for_tiles() {
    if (axes_.size() < 2) return false;
    for (int o = 0; o < operands_; ++o) {
      if (magnitude(axes_[0].byte_strides[o]) < cache_line_bytes) continue;
      const auto nearest = std::min_element(
          axes_.begin(), axes_.end(),
          [o](const loop_axis& a, const loop_axis& b) { return nearness(a, o) < nearness(b, o); });
      if (nearest == axes_.begin() || nearness(*nearest, o) >= cache_line_bytes) continue;
      std::rotate(axes_.begin() + 1, nearest, nearest + 1);
      return axes_[0].extent > tile_elements / axes_[1].extent;
    }
    return false;
  }

  std::vector<loop_axis> take() { return std::move(axes_); }

 private:
  // An axis that stands still brings no new neighbours.
  static std::uint64_t nearness(const loop_axis& axis, int o) noexcept {
    return magnitude(axis.byte_strides[o]) - 1;
  }

  int operands_;
  std::vector<loop_axis> axes_;
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
                                        .expected = "shape " + shape_text(first.shape),
                                        .found = shape_text(other.shape)});
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
  std::vector<loop_axis> axes = arranged.take();

  const std::size_t inner = std::min<std::size_t>(axes.size(), is_tiled ? 2 : loop_block::rank);
  for (std::size_t i = 0; i < inner; ++i) {
    block_.extents[i] = axes[i].extent;
    for (int o = 0; o < count; ++o) {
      block_.operands[o].byte_strides[i] = axes[i].byte_strides[o];
    }
  }
  if (!is_tiled && axes.size() == inner) return;
  axes.erase(axes.begin(), axes.begin() + static_cast<std::ptrdiff_t>(inner));
  std::vector<index_t> index(axes.size());
  rest_ = new rest{count, std::move(axes), std::move(index), block_, is_tiled};
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
