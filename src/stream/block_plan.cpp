#include "stream/block_plan.hpp"

#include <algorithm>
#include <string>

#include <fmt/format.h>

#include <npymap/error.hpp>

#include "view/wrapping.hpp"

namespace npymap::detail {
namespace {

// An array that is broadcast may have so many elements that their bytes cannot be counted in 64.
__extension__ using wide = unsigned __int128;

void require_least(const char* what, index_t least, index_t found) {
  if (found >= least) return;
  throw error(errc::invalid_argument, {.subject = std::string(what) + " of blocks",
                                       .expected = fmt::format("at least {}", least),
                                       .found = fmt::format("{}", found)});
}

void require_tile(const shape& tile, int rank, const block_options& options) {
  if (options.axis || options.extent) {
    throw error(errc::invalid_argument, {.subject = "options of blocks",
                                         .expected = "a tile, or an axis and an extent",
                                         .found = "both"});
  }
  if (tile.rank() != rank) {
    throw error(errc::invalid_argument, {.subject = "tile of blocks",
                                         .expected = fmt::format("{} extents", rank),
                                         .found = fmt::format("{}", tile.rank())});
  }
  for (const index_t extent : tile) require_least("extent of a tile", 1, extent);
}

}  // namespace

int checked_axis(int axis, int rank) {
  if (axis >= -rank && axis < rank) return axis < 0 ? axis + rank : axis;
  throw error(errc::out_of_range, {.subject = "axis of blocks",
                                   .expected = rank == 0 ? "none, in an array of rank 0"
                                                         : fmt::format("{} to {}", -rank, rank - 1),
                                   .found = fmt::format("{}", axis)});
}

index_vector axes_by_stride(const layout_ref& where) {
  index_vector axes(where.rank());
  for (int axis = 0; axis < axes.rank(); ++axis) axes[axis] = axis;
  const auto reach = [&](index_t axis) {
    const auto place = static_cast<std::size_t>(axis);
    return where.shape[place] == 1 ? 0 : step_length(where.byte_strides[place]);
  };
  std::stable_sort(axes.begin(), axes.end(),
                   [&](index_t a, index_t b) { return reach(a) > reach(b); });
  return axes;
}

block_plan::block_plan(const layout_ref& where, const block_limit& limit,
                       const block_options& options, index_t short_of)
    : limit_(limit),
      axes_(axes_by_stride(where)),
      whole_(where.shape),
      cut_(where.shape),
      halo_(std::min(options.halo, index_t{1} << 60)),
      is_tiled_(!options.tile.empty()) {
  require_least("halo", 0, options.halo);
  if (options.extent) require_least("extent", 1, *options.extent);
  if (is_tiled_) require_tile(options.tile, whole_.rank(), options);
  if (options.axis) {
    const index_t first = checked_axis(*options.axis, where.rank());
    auto* const found = std::find(axes_.begin(), axes_.end(), first);
    std::rotate(axes_.begin(), found, found + 1);
  }
  if (element_count(whole_) == 0) return;
  if (is_tiled_) {
    for (int at = 0; at < whole_.rank(); ++at) cut_[at] = std::min(options.tile[at], whole_[at]);
  } else if (options.extent && !axes_.empty()) {
    cut_[axis()] = std::min(*options.extent, whole_[axis()]);
    if (cut_[axis()] < whole_[axis()]) short_of_ = short_of;
  } else {
    cut_to_fit();
  }
  count_ = 1;
  for (const index_t axis : axes_) count_ *= places_along(static_cast<int>(axis));
}

index_t block_plan::places_along(int axis) const noexcept {
  const index_t before = axis == this->axis() ? short_of_ : 0;
  return (before + whole_[axis] - 1) / cut_[axis] + 1;
}

index_t block_plan::halo_of(index_t axis) const noexcept {
  return is_tiled_ || axis == this->axis() ? halo_ : 0;
}

index_t block_plan::with_halo(index_t axis, index_t extent) const noexcept {
  const index_t whole = whole_[static_cast<int>(axis)], halo = halo_of(axis);
  return halo >= whole ? whole : std::min(extent + 2 * halo, whole);
}

index_t block_plan::largest_size() const noexcept {
  if (count_ == 0) return 0;
  index_t size = 1;
  for (const index_t axis : axes_) size *= with_halo(axis, cut_[static_cast<int>(axis)]);
  return size;
}

const block_plan& block_plan::fitting() const {
  if (count_ == 0) return *this;
  auto bytes = static_cast<wide>(limit_.bytes_per_element);
  for (const index_t axis : axes_) {
    bytes *= static_cast<wide>(with_halo(axis, cut_[static_cast<int>(axis)]));
  }
  if (bytes <= limit_.bytes) return *this;
  throw error(errc::invalid_argument,
              {.subject = "budget_bytes of blocks",
               .expected = fmt::format("at least {}, for one block",
                                       static_cast<std::uint64_t>(bytes) * limit_.scale),
               .found = fmt::format("{}", limit_.budget_bytes)});
}

// As many places along the first axis as fit; where not one does, one, and so on along the next.
void block_plan::cut_to_fit() {
  auto bytes = static_cast<wide>(limit_.bytes_per_element);  // of a block, as it is cut so far
  for (const index_t extent : whole_) bytes *= static_cast<wide>(extent);
  for (const index_t axis : axes_) {
    index_t& cut = cut_[static_cast<int>(axis)];
    const wide one = std::max<wide>(bytes / static_cast<wide>(cut), 1);
    const wide room = limit_.bytes / one;
    if (room >= static_cast<wide>(cut)) return;
    const index_t halos = 2 * halo_of(axis);
    if (room > static_cast<wide>(halos)) {
      cut = static_cast<index_t>(room) - halos;
      return;
    }
    cut = 1;
    bytes = one * static_cast<wide>(with_halo(axis, 1));
  }
}

block_box block_plan::at(index_t n) const {
  block_box box{index_vector(whole_.rank()), whole_};
  for (int i = axes_.rank() - 1; i >= 0; --i) {  // the last axis is walked first
    const int axis = static_cast<int>(axes_[i]);
    const index_t places = places_along(axis), before = i == 0 ? short_of_ : 0;
    const index_t behind = n % places * cut_[axis] - before;
    index_t& start = box.start[axis];
    index_t& extent = box.extents[axis];
    start = std::max<index_t>(behind, 0);
    extent = std::min(behind + cut_[axis], whole_[axis]) - start;
    n /= places;
    box.halo_before[axis] = std::min(halo_of(axis), start);
    box.halo_after[axis] = std::min(halo_of(axis), whole_[axis] - start - extent);
    start -= box.halo_before[axis];
    extent += box.halo_before[axis] + box.halo_after[axis];
  }
  return box;
}

}  // namespace npymap::detail
