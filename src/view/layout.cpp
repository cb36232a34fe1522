#include <npymap/detail/layout.hpp>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <string>
#include <utility>

#include <fmt/format.h>

#include <npymap/detail/checked.hpp>
#include <npymap/error.hpp>

#include "view/wrapping.hpp"

namespace npymap::detail {
namespace {

std::size_t place(int axis) noexcept { return static_cast<std::size_t>(axis); }

int checked_axis(index_t axis, int rank) {
  if (axis < -rank || axis >= rank) {
    throw error(errc::out_of_range,
                {.subject = "axis",
                 .expected = rank == 0 ? "none, in an array of rank 0"
                                       : fmt::format("{} to {}", -rank, rank - 1),
                 .found = fmt::format("{}", axis)});
  }
  return static_cast<int>(axis < 0 ? axis + rank : axis);
}

index_t checked_index(index_t index, index_t extent, int axis) {
  if (index < -extent || index >= extent) {
    throw error(errc::out_of_range,
                {.subject = fmt::format("index of axis {}", axis),
                 .expected = extent == 0 ? "none, its extent is 0"
                                         : fmt::format("{} to {}", -extent, extent - 1),
                 .found = fmt::format("{}", index)});
  }
  return index < 0 ? index + extent : index;
}

bool is_empty(std::span<const index_t> extents) noexcept {
  return std::find(extents.begin(), extents.end(), 0) != extents.end();
}

// Without elements, the place of the first one is nowhere: it must not lead a pointer astray.
layout finished(layout to) {
  if (is_empty(to.shape)) to.offset_bytes = 0;
  return to;
}

layout same(const layout_ref& from) { return {from.shape, from.byte_strides, 0}; }

void append_axis(layout& to, index_t extent, index_t byte_stride) {
  to.shape.push_back(extent);
  to.byte_strides.push_back(byte_stride);
}

struct resolved_range {
  index_t start = 0;
  index_t step = 1;
  index_t count = 0;
};

// Python's slice.indices(extent), and NumPy's rule that a range of no places starts at 0 and
// steps by 1.
resolved_range resolve(range places, index_t extent) {
  // The most negative step has no opposite; Python moves it by one too.
  const index_t step = std::max(places.step().value_or(1), -std::numeric_limits<index_t>::max());
  if (step == 0) {
    throw error(errc::invalid_argument,
                {.subject = "step of a range", .expected = "an integer but 0", .found = "0"});
  }
  const index_t lowest = step < 0 ? -1 : 0;
  const index_t highest = step < 0 ? extent - 1 : extent;
  const auto clipped = [&](range::bound bound, index_t otherwise) {
    if (!bound.given()) return otherwise;
    const index_t value = bound.value_or(0);
    return std::clamp(value < 0 ? value + extent : value, lowest, highest);
  };
  const index_t start = clipped(places.start(), step < 0 ? highest : lowest);
  const index_t stop = clipped(places.stop(), step < 0 ? lowest : highest);
  const index_t distance = step < 0 ? start - stop : stop - start;
  if (distance <= 0) return {};
  return {start, step, (distance - 1) / (step < 0 ? -step : step) + 1};
}

// How many axes an ellipsis stands for, written or not.
int axes_left_over(std::span<const slice_item> items, int rank) {
  int ellipses = 0;
  int indices = 0;
  for (const slice_item& item : items) {
    ellipses += item.is_ellipsis() ? 1 : 0;
    indices += item.is_index() || item.is_range() ? 1 : 0;
  }
  if (ellipses > 1) {
    throw error(errc::invalid_argument, {.subject = "subscript",
                                         .expected = "one ellipsis at most",
                                         .found = fmt::format("{}", ellipses)});
  }
  if (indices > rank) {
    throw error(errc::out_of_range, {.subject = "subscript",
                                     .expected = fmt::format("{} indices at most", rank),
                                     .found = fmt::format("{}", indices)});
  }
  return rank - indices;
}

void turn_round(layout& to, int axis) noexcept {
  const index_t extent = to.shape[axis];
  const index_t byte_stride = to.byte_strides[axis];
  if (extent == 0) return;
  to.offset_bytes = wrapping_add(to.offset_bytes, wrapping_multiply(extent - 1, byte_stride));
  to.byte_strides[axis] = wrapping_multiply(byte_stride, -1);
}

void check_size(std::span<const index_t> shape, index_t itemsize) {
  if (array_bytes(shape, itemsize) && element_count(shape)) return;
  if (std::any_of(shape.begin(), shape.end(), [](index_t extent) { return extent < 0; })) {
    throw error(errc::invalid_argument,
                {.subject = "shape", .expected = "no negative extent", .found = to_string(shape)});
  }
  throw error(errc::size_overflow,
              {.subject = "shape",
               .expected = "a size that fits 63 bits",
               .found = fmt::format("{} of {} bytes each", to_string(shape), itemsize)});
}

bool is_contiguous(const layout_ref& from, order storage) noexcept {
  if (is_empty(from.shape)) return true;
  const int rank = from.rank();
  index_t dense_stride = from.itemsize;
  for (int i = 0; i < rank; ++i) {
    const std::size_t axis = place(storage == order::c ? rank - 1 - i : i);
    if (from.shape[axis] == 1) continue;
    if (from.byte_strides[axis] != dense_stride) return false;
    dense_stride = wrapping_multiply(dense_stride, from.shape[axis]);
  }
  return true;
}

}  // namespace

std::optional<byte_reach> reach(const layout_ref& from) noexcept {
  if (is_empty(from.shape)) return byte_reach{};
  byte_reach bytes{0, from.itemsize};
  for (std::size_t axis = 0; axis < from.shape.size(); ++axis) {
    const auto last = checked_multiply(from.shape[axis] - 1, from.byte_strides[axis]);
    if (!last) return std::nullopt;
    index_t& side = *last < 0 ? bytes.begin : bytes.end;
    const auto moved = checked_add(side, *last);
    if (!moved) return std::nullopt;
    side = *moved;
  }
  if (bytes.begin < -max_reach_bytes || bytes.end > max_reach_bytes + bytes.begin) {
    return std::nullopt;
  }
  return bytes;
}

layout dense(std::span<const index_t> shape, index_t itemsize, order storage) {
  check_size(shape, itemsize);
  return {shape, dense_byte_strides(shape, itemsize, storage), 0};
}

void check(const layout_ref& given, const void* data, index_t alignment) {
  if (given.shape.size() != given.byte_strides.size()) {
    throw error(errc::invalid_argument, {.subject = "byte strides",
                                         .expected = fmt::format("{}", given.shape.size()),
                                         .found = fmt::format("{}", given.byte_strides.size())});
  }
  check_size(given.shape, given.itemsize);
  if (!reach(given)) {
    throw error(errc::size_overflow,
                {.subject = "byte strides",
                 .expected = "a reach that fits 63 bits",
                 .found = fmt::format("{} for shape {}", to_string(given.byte_strides),
                                      to_string(given.shape))});
  }
  if (is_empty(given.shape)) return;
  const auto odd = reinterpret_cast<std::uintptr_t>(data) % static_cast<std::uintptr_t>(alignment);
  if (odd != 0) {
    throw error(errc::layout_mismatch, {.subject = "address of the elements",
                                        .expected = fmt::format("a multiple of {}", alignment),
                                        .found = fmt::format("{} bytes above one", odd)});
  }
  for (std::size_t axis = 0; axis < given.shape.size(); ++axis) {
    if (given.shape[axis] > 1 && given.byte_strides[axis] % alignment != 0) {
      throw error(errc::layout_mismatch,
                  {.subject = fmt::format("byte stride of axis {}", axis),
                   .expected = fmt::format("a multiple of the alignment, {}", alignment),
                   .found = fmt::format("{}", given.byte_strides[axis])});
    }
  }
}

bool is_aligned(const layout_ref& where, const void* data, std::size_t alignment) noexcept {
  if (is_empty(where.shape)) return true;
  const auto misplaced = [alignment](std::uint64_t at) { return at % alignment != 0; };
  if (misplaced(reinterpret_cast<std::uintptr_t>(data))) return false;
  for (std::size_t axis = 0; axis < where.shape.size(); ++axis) {
    const auto step = static_cast<std::uint64_t>(where.byte_strides[axis]);
    if (where.shape[axis] > 1 && misplaced(step)) return false;
  }
  return true;
}

bool is_c_contiguous(const layout_ref& from) noexcept { return is_contiguous(from, order::c); }
bool is_f_contiguous(const layout_ref& from) noexcept {
  return is_contiguous(from, order::fortran);
}

bool same_shape(const layout_ref& a, const layout_ref& b) noexcept {
  return std::equal(a.shape.begin(), a.shape.end(), b.shape.begin(), b.shape.end());
}

void require_same_shape(const layout_ref& from, const layout_ref& to) {
  if (same_shape(from, to)) return;
  throw error(errc::layout_mismatch, {.subject = "shape of the target",
                                      .expected = to_string(from.shape),
                                      .found = to_string(to.shape)});
}

void require_contiguous(const layout_ref& from) {
  if (is_c_contiguous(from) || is_f_contiguous(from)) return;
  throw error(errc::layout_mismatch,
              {.subject = "elements as one span",
               .expected = "a dense view (slicing made it otherwise: copy it to one)",
               .found = fmt::format("shape {} with byte strides {}", to_string(from.shape),
                                    to_string(from.byte_strides))});
}

void refuse_rank(int expected, std::size_t found) {
  throw error(errc::layout_mismatch, {.subject = "rank of the view",
                                      .expected = fmt::format("{}", expected),
                                      .found = fmt::format("{}", found)});
}

strides element_strides(const layout_ref& from) {
  strides elements(from.byte_strides);
  for (int axis = 0; axis < elements.rank(); ++axis) {
    const bool is_used = from.shape[place(axis)] > 1;
    if (from.itemsize == 0 || (is_used && elements[axis] % from.itemsize != 0)) {
      throw error(errc::layout_mismatch,
                  {.subject = fmt::format("byte stride of axis {}", axis),
                   .expected = fmt::format("a multiple of the itemsize, {}", from.itemsize),
                   .found = fmt::format("{}", elements[axis])});
    }
    elements[axis] /= from.itemsize;
  }
  return elements;
}

index_t element_offset_bytes(const layout_ref& from, std::span<const index_t> index) {
  if (index.size() != from.shape.size()) {
    throw error(errc::out_of_range, {.subject = "index of an element",
                                     .expected = fmt::format("{} integers", from.shape.size()),
                                     .found = fmt::format("{}", index.size())});
  }
  index_t offset_bytes = 0;
  for (int axis = 0; axis < from.rank(); ++axis) {
    const index_t along = checked_index(index[place(axis)], from.shape[place(axis)], axis);
    offset_bytes =
        wrapping_add(offset_bytes, wrapping_multiply(along, from.byte_strides[place(axis)]));
  }
  return offset_bytes;
}

layout slice(const layout_ref& from, std::span<const slice_item> items) {
  const int left_over = axes_left_over(items, from.rank());
  layout to;
  int axis = 0;
  const auto take = [&](int count) {
    for (; count > 0; --count, ++axis) {
      append_axis(to, from.shape[place(axis)], from.byte_strides[place(axis)]);
    }
  };
  const auto move = [&](index_t index) {
    to.offset_bytes =
        wrapping_add(to.offset_bytes, wrapping_multiply(index, from.byte_strides[place(axis)]));
  };
  bool ellipsis_seen = false;
  for (const slice_item& item : items) {
    if (item.is_index()) {
      move(checked_index(item.index(), from.shape[place(axis)], axis));
      ++axis;
    } else if (item.is_range()) {
      const resolved_range places = resolve(item.range(), from.shape[place(axis)]);
      move(places.start);
      append_axis(to, places.count, wrapping_multiply(from.byte_strides[place(axis)], places.step));
      ++axis;
    } else if (item.is_newaxis()) {
      append_axis(to, 1, 0);
    } else {
      take(left_over);
      ellipsis_seen = true;
    }
  }
  if (!ellipsis_seen) take(left_over);
  return finished(std::move(to));
}

layout slice(const layout_ref& from, std::string_view text) {
  return slice(from, parse_slice(text));
}

layout permute(const layout_ref& from, std::span<const index_t> axes) {
  const int rank = from.rank();
  std::array<bool, max_rank> used{};
  layout to;
  for (const index_t given : axes) {
    const int axis = checked_axis(given, rank);
    if (std::exchange(used[place(axis)], true)) break;
    append_axis(to, from.shape[place(axis)], from.byte_strides[place(axis)]);
  }
  if (to.shape.rank() != rank || std::ssize(axes) != rank) {
    throw error(errc::invalid_argument, {.subject = "axes",
                                         .expected = fmt::format("a permutation of {} axes", rank),
                                         .found = to_string(axes)});
  }
  return to;
}

layout part(const layout_ref& from, index_t offset_bytes, std::span<const index_t> subshape,
            index_t itemsize) {
  layout to = same(from);
  const strides inner = dense_byte_strides(subshape, itemsize, order::c);
  for (std::size_t axis = 0; axis < subshape.size(); ++axis) {
    to.shape.push_back(subshape[axis]);
    to.byte_strides.push_back(inner[static_cast<int>(axis)]);
  }
  // Items of few bytes, or none, can make more elements than can be counted.
  check({to.shape, to.byte_strides, itemsize}, nullptr, 1);
  if (!is_empty(to.shape)) to.offset_bytes = offset_bytes;
  return to;
}

layout transpose(const layout_ref& from) {
  layout to = same(from);
  std::reverse(to.shape.begin(), to.shape.end());
  std::reverse(to.byte_strides.begin(), to.byte_strides.end());
  return to;
}

layout swapaxes(const layout_ref& from, int axis1, int axis2) {
  axis1 = checked_axis(axis1, from.rank());
  axis2 = checked_axis(axis2, from.rank());
  layout to = same(from);
  std::swap(to.shape[axis1], to.shape[axis2]);
  std::swap(to.byte_strides[axis1], to.byte_strides[axis2]);
  return to;
}

layout moveaxis(const layout_ref& from, int source, int destination) {
  source = checked_axis(source, from.rank());
  destination = checked_axis(destination, from.rank());
  layout to = same(from);
  const auto move = [&](index_t* values) {
    if (source < destination) {
      std::rotate(values + source, values + source + 1, values + destination + 1);
    } else {
      std::rotate(values + destination, values + source, values + source + 1);
    }
  };
  move(to.shape.data());
  move(to.byte_strides.data());
  return to;
}

layout flip(const layout_ref& from) {
  layout to = same(from);
  for (int axis = 0; axis < from.rank(); ++axis) turn_round(to, axis);
  return finished(std::move(to));
}

layout flip(const layout_ref& from, int axis) {
  axis = checked_axis(axis, from.rank());
  layout to = same(from);
  turn_round(to, axis);
  return finished(std::move(to));
}

layout squeeze(const layout_ref& from) {
  layout to;
  for (std::size_t axis = 0; axis < from.shape.size(); ++axis) {
    if (from.shape[axis] != 1) append_axis(to, from.shape[axis], from.byte_strides[axis]);
  }
  return to;
}

layout squeeze(const layout_ref& from, int axis) {
  axis = checked_axis(axis, from.rank());
  if (from.shape[place(axis)] != 1) {
    throw error(errc::layout_mismatch, {.subject = fmt::format("squeeze of axis {}", axis),
                                        .expected = "extent 1",
                                        .found = fmt::format("{}", from.shape[place(axis)])});
  }
  layout to;
  for (int kept = 0; kept < from.rank(); ++kept) {
    if (kept != axis) append_axis(to, from.shape[place(kept)], from.byte_strides[place(kept)]);
  }
  return to;
}

layout expand_dims(const layout_ref& from, int axis) {
  axis = checked_axis(axis, from.rank() + 1);
  npymap::shape shape;
  for (int old = 0; old <= from.rank(); ++old) {
    if (old == axis) shape.push_back(1);
    if (old < from.rank()) shape.push_back(from.shape[place(old)]);
  }
  return reshape(from, shape, order::c);  // as NumPy does: the new axis gets a stride like others
}

layout diagonal(const layout_ref& from, index_t offset, int axis1, int axis2) {
  if (from.rank() < 2) {
    throw error(errc::layout_mismatch, {.subject = "diagonal",
                                        .expected = "rank 2 or more",
                                        .found = fmt::format("{}", from.rank())});
  }
  axis1 = checked_axis(axis1, from.rank());
  axis2 = checked_axis(axis2, from.rank());
  if (axis1 == axis2) {
    throw error(errc::invalid_argument, {.subject = "axes of the diagonal",
                                         .expected = "two different ones",
                                         .found = fmt::format("{} twice", axis1)});
  }
  const auto rows = from.shape[place(axis1)];
  const auto columns = from.shape[place(axis2)];
  const index_t right = std::clamp<index_t>(offset, 0, columns);
  const index_t down = -std::clamp<index_t>(offset, -rows, 0);
  layout to;
  for (int axis = 0; axis < from.rank(); ++axis) {
    if (axis == axis1 || axis == axis2) continue;
    append_axis(to, from.shape[place(axis)], from.byte_strides[place(axis)]);
  }
  const index_t row_stride = from.byte_strides[place(axis1)];
  const index_t column_stride = from.byte_strides[place(axis2)];
  append_axis(to, std::min(rows - down, columns - right), wrapping_add(row_stride, column_stride));
  to.offset_bytes =
      wrapping_add(wrapping_multiply(down, row_stride), wrapping_multiply(right, column_stride));
  return finished(std::move(to));
}

layout broadcast_to(const layout_ref& from, std::span<const index_t> shape) {
  check_size(shape, from.itemsize);
  const auto new_axes = static_cast<std::ptrdiff_t>(shape.size()) - from.rank();
  bool fits = new_axes >= 0;
  layout to{shape, strides(static_cast<int>(std::min<std::size_t>(shape.size(), max_rank))), 0};
  for (int axis = 0; fits && axis < from.rank(); ++axis) {
    const int target = axis + static_cast<int>(new_axes);
    const index_t extent = from.shape[place(axis)];
    if (extent == 1) continue;
    fits = extent == to.shape[target];
    to.byte_strides[target] = from.byte_strides[place(axis)];
  }
  if (!fits) {
    throw error(errc::layout_mismatch,
                {.subject = "broadcast_to",
                 .expected = "a shape that broadcasts to " + to_string(shape),
                 .found = to_string(from.shape)});
  }
  return to;
}

layout sliding_window_view(const layout_ref& from, std::span<const index_t> window,
                           std::span<const index_t> axes) {
  if (window.size() != axes.size()) {
    throw error(errc::invalid_argument,
                {.subject = "sliding_window_view",
                 .expected = fmt::format("one axis for each of {} window extents", window.size()),
                 .found = to_string(axes)});
  }
  layout to = same(from);
  for (std::size_t i = 0; i < window.size(); ++i) {
    const int axis = checked_axis(axes[i], from.rank());
    if (window[i] < 0 || window[i] > to.shape[axis]) {
      throw error(window[i] < 0 ? errc::invalid_argument : errc::layout_mismatch,
                  {.subject = fmt::format("window along axis {}", axis),
                   .expected = fmt::format("0 to {}", to.shape[axis]),
                   .found = fmt::format("{}", window[i])});
    }
    to.shape[axis] = wrapping_add(to.shape[axis], 1 - window[i]);  // a window of 0 adds a place
    append_axis(to, window[i], from.byte_strides[place(axis)]);
  }
  check_size(to.shape, from.itemsize);
  return to;
}

layout sliding_window_view(const layout_ref& from, std::span<const index_t> window) {
  index_vector axes(from.rank());
  for (int axis = 0; axis < axes.rank(); ++axis) axes[axis] = axis;
  return sliding_window_view(from, window, axes);
}

}  // namespace npymap::detail
