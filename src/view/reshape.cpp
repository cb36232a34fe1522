#include <algorithm>
#include <optional>
#include <string>
#include <utility>

#include <fmt/format.h>

#include <npymap/detail/checked.hpp>
#include <npymap/detail/layout.hpp>
#include <npymap/error.hpp>

#include "view/wrapping.hpp"

namespace npymap::detail {
namespace {

// The shape with its -1 filled in.
npymap::shape completed(std::span<const index_t> shape, std::span<const index_t> old) {
  const index_t count = *element_count(old);
  npymap::shape extents(shape);
  int unknown = -1;
  for (int axis = 0; axis < extents.rank(); ++axis) {
    if (extents[axis] == -1 && unknown < 0) {
      unknown = axis;
      extents[axis] = 1;
    } else if (extents[axis] < 0) {
      throw error(errc::invalid_argument, {.subject = "shape",
                                           .expected = "extents from 0, and one -1 at most",
                                           .found = to_string(shape)});
    }
  }
  const std::optional<index_t> known = element_count(extents);
  const bool divides = known && *known != 0 && count % *known == 0;
  if (unknown >= 0 && divides) {
    extents[unknown] = count / *known;
  } else if (unknown >= 0 || known != count) {
    throw error(
        errc::invalid_argument,
        {.subject = "reshape",
         .expected = fmt::format("a shape of {} elements, as {} has", count, to_string(old)),
         .found = to_string(shape)});
  }
  return extents;
}

// True if the old axes [begin, end) follow each other without a gap, as one axis would.
bool is_one_axis(const layout& old, int begin, int end, order read_order) {
  for (int axis = begin; axis + 1 < end; ++axis) {
    const int fast = read_order == order::c ? axis + 1 : axis;
    const int slow = read_order == order::c ? axis : axis + 1;
    if (old.byte_strides[slow] != wrapping_multiply(old.shape[fast], old.byte_strides[fast])) {
      return false;
    }
  }
  return true;
}

// Lay the new axes [begin, end) over one old axis whose neighbours are `byte_stride` apart.
void divide(strides& to, const npymap::shape& shape, int begin, int end, index_t byte_stride,
            order read_order) {
  for (int i = 0; i < end - begin; ++i) {
    const int axis = read_order == order::c ? end - 1 - i : begin + i;
    to[axis] = byte_stride;
    byte_stride = wrapping_multiply(byte_stride, shape[axis]);
  }
}

// Both lists of axes run through the same elements. Cut them where their running products agree;
// each piece of old axes must be one axis, which the piece of new ones divides. Strides of extent 1
// come out as NumPy's do. `old` and `shape` hold equally many elements, and at least one.
std::optional<strides> divided(const layout& old, const npymap::shape& shape, order read_order) {
  strides byte_strides(shape.rank());
  int new_begin = 0;
  for (int old_begin = 0; old_begin < old.shape.rank();) {
    int old_end = old_begin + 1;
    int new_end = new_begin + 1;
    index_t old_count = old.shape[old_begin];
    index_t new_count = shape[new_begin];
    while (old_count != new_count) {
      if (new_count < old_count) {
        new_count *= shape[new_end++];
      } else {
        old_count *= old.shape[old_end++];
      }
    }
    if (!is_one_axis(old, old_begin, old_end, read_order)) return std::nullopt;
    const int fastest = read_order == order::c ? old_end - 1 : old_begin;
    divide(byte_strides, shape, new_begin, new_end, old.byte_strides[fastest], read_order);
    old_begin = old_end;
    new_begin = new_end;
  }
  for (; new_begin < shape.rank(); ++new_begin) {  // what is left has extent 1
    const int before = new_begin - 1;
    byte_strides[new_begin] = read_order == order::c
                                  ? byte_strides[before]
                                  : wrapping_multiply(byte_strides[before], shape[before]);
  }
  return byte_strides;
}

}  // namespace

layout reshape(const layout_ref& from, std::span<const index_t> shape, order read_order) {
  if (std::equal(shape.begin(), shape.end(), from.shape.begin(), from.shape.end())) {
    return {from.shape, from.byte_strides, 0};
  }
  npymap::shape extents = completed(shape, from.shape);
  if (read_order == order::c ? is_c_contiguous(from) : is_f_contiguous(from)) {
    return dense(extents, from.itemsize, read_order);
  }
  // Not contiguous, so neither empty nor a single element: there is an axis to divide.
  std::optional<strides> byte_strides = divided(squeeze(from), extents, read_order);
  if (!byte_strides) {
    throw error(errc::layout_mismatch,
                {.subject = fmt::format("reshape to {}", to_string(extents)),
                 .expected = "axes that can be joined in place (or else a dense copy of them)",
                 .found = fmt::format("shape {} with byte strides {}", to_string(from.shape),
                                      to_string(from.byte_strides))});
  }
  return {std::move(extents), *std::move(byte_strides), 0};
}

}  // namespace npymap::detail
