#include "stream/copy/tile_plan.hpp"

#include <algorithm>
#include <cstdlib>
#include <numeric>

#include "stream/copy/byte_runs.hpp"

namespace npymap::detail {
namespace {

// What is longer is read and written no faster.
constexpr index_t long_run_bytes = index_t{8} << 20;

// A shorter part of a tile at the end of an axis is not worth runs of its own.
constexpr index_t parts_of_slivers = 16;

constexpr index_t page_bytes = 4096;  // or a part of a page, where these are larger

index_t run_bytes(const tile_side& side, const shape& extents) {
  return byte_runs({extents, side.where.byte_strides, side.where.itemsize}, side.inside_out,
                   side.gap_bytes)
      .size_bytes();
}

// The innermost axis that is cut; -1 if none is.
int cut_axis(const tile_side& side, const shape& cut) {
  for (const index_t axis : side.inside_out) {
    const auto i = static_cast<int>(axis);
    if (cut[i] < side.where.shape[static_cast<std::size_t>(i)]) return i;
  }
  return -1;
}

index_t parts_of(index_t whole, index_t part) { return whole / part + (whole % part == 0 ? 0 : 1); }

// Along an axis.
index_t elements_of_pages(const tile_side& side, int axis) {
  const index_t step = std::abs(side.where.byte_strides[static_cast<std::size_t>(axis)]);
  return step == 0 ? 1 : page_bytes / std::gcd(step, page_bytes);
}

}  // namespace

tile_plan::tile_plan(const tile_side& from, const tile_side& to, index_t most_elements)
    : whole_(to.where.shape),
      cut_(whole_.rank(), 1),
      lead_(whole_.rank()),
      joined_(whole_.rank()),
      order_(to.inside_out) {
  if (element_count(whole_).value_or(0) == 0) return;
  for (int round = 0; round < 2; ++round) {  // evened out, there may be room to grow elsewhere
    while (grow(from, to, most_elements)) {
    }
    even_out(from, to);
  }
  meet_at_pages(from);
  meet_at_pages(to);
  join_slivers(most_elements);
  count_ = 1;
  for (int axis = 0; axis < whole_.rank(); ++axis) count_ *= count_along(axis);
}

bool tile_plan::grow(const tile_side& from, const tile_side& to, index_t most_elements) {
  const index_t from_bytes = run_bytes(from, cut_), to_bytes = run_bytes(to, cut_);
  if (std::min(from_bytes, to_bytes) >= long_run_bytes) return false;
  const int axis = cut_axis(from_bytes < to_bytes ? from : to, cut_);
  if (axis < 0) return false;
  const index_t others = *element_count(cut_) / cut_[axis];
  const index_t longer = std::min({2 * cut_[axis], whole_[axis], most_elements / others});
  if (longer == cut_[axis]) return false;
  cut_[axis] = longer;
  return true;
}

// As few tiles as these make, of about one length, which is one of whole pages where it may be.
void tile_plan::even_out(const tile_side& from, const tile_side& to) {
  for (int axis = 0; axis < whole_.rank(); ++axis) {
    index_t& cut = cut_[axis];
    index_t unit = 1;
    for (const tile_side* const side : {&from, &to}) {
      if (cut_axis(*side, cut_) == axis) unit = std::max(unit, elements_of_pages(*side, axis));
    }
    if (unit > cut) unit = 1;
    cut = cut / unit * unit;
    const index_t tiles = parts_of(whole_[axis], cut);
    cut = std::min(cut, parts_of(parts_of(whole_[axis], tiles), unit) * unit);
  }
}

void tile_plan::meet_at_pages(const tile_side& side) {
  const int axis = cut_axis(side, cut_);
  if (axis < 0) return;
  const index_t step = side.where.byte_strides[static_cast<std::size_t>(axis)];
  if (step <= 0 || cut_[axis] * step % page_bytes != 0) return;
  const index_t behind_bytes = side.first_byte % page_bytes;
  if (behind_bytes % step == 0) lead_[axis] = cut_[axis] - behind_bytes / step;
}

void tile_plan::join_slivers(index_t most_elements) {
  shape largest = cut_;
  for (int axis = 0; axis < whole_.rank(); ++axis) {
    const index_t others = *element_count(largest) / cut_[axis];
    const index_t sliver = (whole_[axis] - lead_[axis]) % cut_[axis];
    const bool has_other = whole_[axis] - lead_[axis] > cut_[axis];
    if (!has_other || sliver > cut_[axis] / parts_of_slivers) continue;
    if ((cut_[axis] + sliver) > most_elements / others) continue;
    joined_[axis] = sliver;
    largest[axis] += sliver;
  }
}

index_t tile_plan::count_along(int axis) const noexcept {
  const index_t lead = lead_[axis];
  return (lead > 0 ? 1 : 0) + parts_of(whole_[axis] - lead - joined_[axis], cut_[axis]);
}

tile tile_plan::at(index_t n) const {
  tile found{index_vector(whole_.rank()), shape(whole_.rank())};
  for (const index_t i : order_) {
    const auto axis = static_cast<int>(i);
    const index_t count = count_along(axis), along = n % count, lead = lead_[axis],
                  cut = cut_[axis];
    n /= count;
    const index_t begin = lead == 0 ? along * cut : along == 0 ? 0 : lead + (along - 1) * cut;
    const bool is_last = along + 1 == count;
    const index_t end = lead == 0 || along > 0 ? begin + cut : lead;
    found.start[axis] = begin;
    found.extents[axis] = (is_last ? whole_[axis] : std::min(end, whole_[axis])) - begin;
  }
  return found;
}

}  // namespace npymap::detail
