#include "array/block_of_rows.hpp"

#include <cstddef>

#include <fmt/format.h>

#include <npymap/convert.hpp>
#include <npymap/error.hpp>

#include "array/convert/require_cast.hpp"

namespace npymap::detail {
namespace {

// A row gets the axis along which the file grows.
layout with_axis(const layout_ref& row, int rank, int axis) {
  layout block{shape(rank), strides(rank)};
  for (int i = 0, from = 0; i < rank; ++i) {
    block.shape[i] = i == axis ? 1 : row.shape[static_cast<std::size_t>(from)];
    block.byte_strides[i] = i == axis ? 0 : row.byte_strides[static_cast<std::size_t>(from)];
    if (i != axis) ++from;
  }
  return block;
}

}  // namespace

layout block_of_rows(const layout_ref& where, const shape& whole, int axis,
                     const std::string& path) {
  const bool is_row = where.rank() + 1 == whole.rank();
  layout block = is_row ? with_axis(where, whole.rank(), axis)
                        : layout{shape(where.shape), strides(where.byte_strides)};
  bool fits = block.shape.rank() == whole.rank();
  for (int i = 0; fits && i < whole.rank(); ++i) fits = i == axis || block.shape[i] == whole[i];
  if (fits) return block;
  shape row;
  for (int i = 0; i < whole.rank(); ++i) {
    if (i != axis) row.push_back(whole[i]);
  }
  throw error(
      errc::layout_mismatch,
      {.path = path,
       .subject = "rows to append",
       .expected = fmt::format("shape {}, or some of these along axis {}", to_string(row), axis),
       .found = to_string(where.shape)});
}

void require_appendable(const dtype& from, const dtype& to) {
  if (from == to) return;
  const bool has_text =
      to.is_record() || to.kind() == dtype_kind::bytes || to.kind() == dtype_kind::unicode;
  require_cast(from, to, has_text ? casting::safe : casting::same_kind);
}

}  // namespace npymap::detail
