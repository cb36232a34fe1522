/// \file
/// The elements of an array that are printed: where they lie, and which of them.
#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <vector>

#include <npymap/shape.hpp>

namespace npymap::cli {

/// One axis of what is printed. Of a long axis NumPy shows the first and the last three.
struct printed_axis {
  static constexpr index_t edge = 3;  ///< numpy.get_printoptions()['edgeitems']

  index_t extent = 0;  ///< of the array
  index_t byte_stride = 0;
  bool abbreviated = false;  ///< the middle is not shown

  index_t printed_extent() const noexcept { return abbreviated ? 2 * edge : extent; }
  /// From the first element of the axis to the `i`th that is printed, in bytes.
  index_t offset_bytes(index_t i) const noexcept {
    return (abbreviated && i >= edge ? extent - 2 * edge + i : i) * byte_stride;
  }
};

/// Borrowed elements, of which only the printed ones are ever touched. The bytes may be unaligned.
class printed_elements {
 public:
  explicit printed_elements(const std::byte* origin) noexcept : origin_(origin) {}
  /// All of an array when it is small, its corners when it has more than 1000 elements, as
  /// NumPy's 'threshold' and 'edgeitems' have it. Extents and strides have one entry an axis.
  printed_elements(const std::byte* origin, std::span<const index_t> extents,
                   std::span<const index_t> byte_strides);

  const std::byte* origin() const noexcept { return origin_; }
  std::span<const printed_axis> axes() const noexcept { return axes_; }
  bool is_scalar() const noexcept { return axes_.empty(); }
  /// How many are printed; nothing when that does not fit.
  std::optional<index_t> printed_count() const noexcept;

  /// The same elements, seen `offset_bytes` further in: a field, or the imaginary part.
  printed_elements part(index_t offset_bytes) const;
  /// `part` of a sub-array: its axes come last and are printed in full.
  printed_elements part(index_t offset_bytes, std::span<const index_t> subshape,
                        index_t itemsize) const;

  /// Call `visit(const std::byte*)` for each printed element, last axis fastest.
  template <class Visit>
  void for_each(const Visit& visit) const {
    visit_axis(origin_, axes_, visit);
  }

 private:
  template <class Visit>
  static void visit_axis(const std::byte* at, std::span<const printed_axis> axes,
                         const Visit& visit) {
    if (axes.empty()) return visit(at);
    for (index_t i = 0; i < axes.front().printed_extent(); ++i) {
      visit_axis(at + axes.front().offset_bytes(i), axes.subspan(1), visit);
    }
  }

  const std::byte* origin_;
  std::vector<printed_axis> axes_;
};

}  // namespace npymap::cli
