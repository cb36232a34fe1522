/// \file
/// Which box of an array to copy at a time: arithmetic on strides, which touches no element.
#pragma once

#include <npymap/detail/layout.hpp>
#include <npymap/shape.hpp>

namespace npymap::detail {

/// A part of an array.
struct tile {
  index_vector start;
  shape extents;
};

/// One side of a copy.
struct tile_side {
  layout_ref where;
  index_vector inside_out;  ///< as `axes_inside_out` tells
  index_t first_byte;       ///< of element (0, ..., 0), from the start of any page
  index_t gap_bytes;        ///< that a run may hold, because its pages are moved whole
};

/// An array cut into tiles for a copy between two layouts.
///
/// Each tile is a box whose runs of bytes are about equally long on both sides, and as long as its
/// size allows; but no longer than a disk can tell. Where strides allow, tiles meet at the borders
/// of pages, so that none is touched by two, and what is left of an axis is part of the tile in
/// front of it, if it is short. They are counted in the order of the target.
class tile_plan {
 public:
  /// A tile has at most `most_elements`, which is at least 1.
  tile_plan(const tile_side& from, const tile_side& to, index_t most_elements);

  index_t count() const noexcept { return count_; }
  tile at(index_t n) const;
  /// Of all tiles but those at the ends of an axis.
  const shape& extents() const noexcept { return cut_; }

 private:
  bool grow(const tile_side& from, const tile_side& to, index_t most_elements);
  void even_out(const tile_side& from, const tile_side& to);
  void meet_at_pages(const tile_side& side);
  void join_slivers(index_t most_elements);
  index_t count_along(int axis) const noexcept;

  shape whole_;
  shape cut_;            // of a tile
  index_vector lead_;    // of the first tile along each axis, where it is shorter; else 0
  index_vector joined_;  // how much longer than the cut the last one along each axis is
  index_vector order_;   // of the axes, that which is counted first in front
  index_t count_ = 0;
};

}  // namespace npymap::detail
