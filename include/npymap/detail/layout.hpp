/// \file
/// Where the elements of an array lie, without their type: what NumPy's views compute.
///
/// All of these are compiled, take any itemsize from 0 up, and touch no element. Axes count from
/// the end when they are negative. What they return stays inside what they were given: offsets are
/// checked where a caller's numbers come in, and cannot overflow after that.
#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <string_view>

#include <npymap/detail/export.hpp>
#include <npymap/shape.hpp>
#include <npymap/slice.hpp>

namespace npymap::detail {

/// A layout that is looked at: borrows its extents and strides, which are of equal length.
struct layout_ref {
  std::span<const index_t> shape;
  std::span<const index_t> byte_strides;
  index_t itemsize = 0;

  int rank() const noexcept { return static_cast<int>(shape.size()); }
};

/// A layout that was computed from another.
struct layout {
  npymap::shape shape;
  strides byte_strides;
  index_t offset_bytes =
      0;  ///< from the other's element (0, ..., 0) to the one of this; 0 if empty
};

/// The bytes that a layout touches, counted from its element (0, ..., 0); both 0 when it is empty.
struct byte_reach {
  index_t begin = 0;  ///< 0 or negative
  index_t end = 0;    ///< one past the last byte
};

/// More than any address space holds, and so little that a step past the end cannot overflow.
inline constexpr index_t max_reach_bytes = index_t{1} << 62;

/// Nothing when the reach is longer than `max_reach_bytes`.
NPYMAP_EXPORT std::optional<byte_reach> reach(const layout_ref& from) noexcept;

/// A dense layout. \throws error invalid_argument (a negative extent), size_overflow
NPYMAP_EXPORT layout dense(std::span<const index_t> shape, index_t itemsize, order storage);

/// Refuse a layout that a caller spelled out, unless its extents and its reach are sane, and each
/// of its elements is aligned. \throws error invalid_argument, size_overflow, layout_mismatch
/// (alignment)
NPYMAP_EXPORT void check(const layout_ref& given, const void* data, index_t alignment);

/// True if each element lies at a multiple of `alignment`, as far as there are any.
NPYMAP_EXPORT bool is_aligned(const layout_ref& where, const void* data,
                              std::size_t alignment) noexcept;

/// As NumPy's flags of these names: axes of extent 1 do not count, an empty array is both.
NPYMAP_EXPORT bool is_c_contiguous(const layout_ref& from) noexcept;
NPYMAP_EXPORT bool is_f_contiguous(const layout_ref& from) noexcept;

NPYMAP_EXPORT bool same_shape(const layout_ref& a, const layout_ref& b) noexcept;
/// \throws error layout_mismatch unless elements of one can be copied to the other's, one by one
NPYMAP_EXPORT void require_same_shape(const layout_ref& from, const layout_ref& to);

/// \throws error layout_mismatch when it is neither C nor F contiguous
NPYMAP_EXPORT void require_contiguous(const layout_ref& from);
/// \throws error layout_mismatch
[[noreturn]] NPYMAP_EXPORT void refuse_rank(int expected, std::size_t found);

/// Strides of axes too short to use them are rounded.
/// \throws error layout_mismatch when another is no whole number of elements
NPYMAP_EXPORT strides element_strides(const layout_ref& from);

/// The place of one element; an index may be negative. \throws error out_of_range
NPYMAP_EXPORT index_t element_offset_bytes(const layout_ref& from, std::span<const index_t> index);

/// x[items]. \throws error out_of_range (an index, or too many of them), invalid_argument (a step
/// of 0, two ellipses, more than max_rank axes)
NPYMAP_EXPORT layout slice(const layout_ref& from, std::span<const slice_item> items);
/// The same from text. \throws error as `parse_slice` too
NPYMAP_EXPORT layout slice(const layout_ref& from, std::string_view text);

/// A sub-array within each item, `offset_bytes` from where the item begins: its axes come last.
/// \throws error invalid_argument beyond max_rank, size_overflow
NPYMAP_EXPORT layout part(const layout_ref& from, index_t offset_bytes,
                          std::span<const index_t> subshape, index_t itemsize);

/// numpy.transpose. \throws error invalid_argument when `axes` is no permutation, out_of_range
NPYMAP_EXPORT layout permute(const layout_ref& from, std::span<const index_t> axes);
NPYMAP_EXPORT layout transpose(const layout_ref& from);
/// \throws error out_of_range
NPYMAP_EXPORT layout swapaxes(const layout_ref& from, int axis1, int axis2);
/// \throws error out_of_range
NPYMAP_EXPORT layout moveaxis(const layout_ref& from, int source, int destination);

/// Every axis turned round, or one. \throws error out_of_range
NPYMAP_EXPORT layout flip(const layout_ref& from);
NPYMAP_EXPORT layout flip(const layout_ref& from, int axis);

/// Without the axes of extent 1, or without the one named.
/// \throws error out_of_range, layout_mismatch when its extent is not 1
NPYMAP_EXPORT layout squeeze(const layout_ref& from);
NPYMAP_EXPORT layout squeeze(const layout_ref& from, int axis);
/// \throws error out_of_range, invalid_argument beyond max_rank
NPYMAP_EXPORT layout expand_dims(const layout_ref& from, int axis);

/// numpy.diagonal: the new axis is the last.
/// \throws error layout_mismatch (rank below 2), out_of_range, invalid_argument (one axis twice)
NPYMAP_EXPORT layout diagonal(const layout_ref& from, index_t offset, int axis1, int axis2);

/// \throws error layout_mismatch when it does not broadcast, invalid_argument, size_overflow
NPYMAP_EXPORT layout broadcast_to(const layout_ref& from, std::span<const index_t> shape);

/// numpy.lib.stride_tricks.sliding_window_view; one axis may be named more than once.
/// \throws error layout_mismatch (window larger than the axis), invalid_argument, out_of_range,
/// size_overflow
NPYMAP_EXPORT layout sliding_window_view(const layout_ref& from, std::span<const index_t> window,
                                         std::span<const index_t> axes);
/// A window for every axis.
NPYMAP_EXPORT layout sliding_window_view(const layout_ref& from, std::span<const index_t> window);

/// numpy.reshape where NumPy would not copy; one extent may be -1, for what is left over.
/// \throws error invalid_argument (another number of elements), layout_mismatch (needs a copy)
NPYMAP_EXPORT layout reshape(const layout_ref& from, std::span<const index_t> shape,
                             order read_order);

}  // namespace npymap::detail
