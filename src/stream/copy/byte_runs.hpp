/// \file
/// The bytes of a box of elements, as the runs that they form in a file or in memory.
#pragma once

#include <cstddef>
#include <cstdint>

#include <npymap/detail/layout.hpp>
#include <npymap/shape.hpp>

namespace npymap::detail {

/// The axes from the innermost in memory to the outermost; those that take no step come last.
index_vector axes_inside_out(std::span<const index_t> byte_strides);

/// Runs of equal length, from the lowest address up. Gaps of up to `gap_bytes` do not end a run.
class byte_runs {
 public:
  byte_runs(const layout_ref& box, const index_vector& inside_out, index_t gap_bytes = 0);

  /// Of each run.
  index_t size_bytes() const noexcept { return size_bytes_; }
  index_t count() const noexcept;
  /// How many of the axes, from the innermost, are within a run.
  int joined() const noexcept { return joined_; }

  /// Call `visit(offset_bytes)`, from element (0, ..., 0), for each run, in the
  /// order of the axes; until it says false.
  template <class Visit>
  void visit(Visit&& visit) const {
    index_vector index(outer_extents_.rank());
    index_t offset = first_bytes_;
    for (;;) {
      if (!visit(offset)) return;
      int i = 0;
      for (; i < index.rank(); ++i) {
        offset += outer_strides_[i];
        if (++index[i] < outer_extents_[i]) break;
        offset -= outer_extents_[i] * outer_strides_[i];
        index[i] = 0;
      }
      if (i == index.rank()) return;
    }
  }

 private:
  index_t size_bytes_;
  index_t first_bytes_ = 0;  // of the lowest run
  int joined_ = 0;
  shape outer_extents_;
  strides outer_strides_;
};

}  // namespace npymap::detail
