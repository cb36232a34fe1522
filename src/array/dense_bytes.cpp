#include "array/dense_bytes.hpp"

#include <algorithm>
#include <cstdint>

#include <npymap/convert.hpp>
#include <npymap/shape.hpp>

#include "io/aligned_buffer.hpp"

namespace npymap::detail {
namespace {

// Enough rows at once that each page of a Fortran-ordered source is touched about once, when it
// has a thousand columns; small enough to stay in the cache of one core.
constexpr std::size_t gather_bytes = std::size_t{4} << 20;

class gatherer {
 public:
  gatherer(const dtype& from, const dtype& to, const byte_sink& take)
      : from_(from), to_(to), take_(take), buffer_(gather_bytes) {}

  // As many rows at a time as fit, or a row by its own rows.
  void gather(const std::byte* data, const layout_ref& where) {
    const index_t bytes = *array_bytes(where.shape, to_.itemsize());
    if (bytes <= index_t{gather_bytes} || where.rank() == 0) return hand_over(data, where);
    const index_t rows = where.shape[0], row_bytes = bytes / rows;
    const index_t rows_at_once = index_t{gather_bytes} / row_bytes;
    if (rows_at_once == 0) {
      const layout_ref row{where.shape.subspan(1), where.byte_strides.subspan(1), where.itemsize};
      for (index_t i = 0; i < rows; ++i) gather(data + i * where.byte_strides[0], row);
      return;
    }
    shape extents(where.shape);
    for (index_t first = 0; first < rows; first += rows_at_once) {
      extents[0] = std::min(rows_at_once, rows - first);
      hand_over(data + first * where.byte_strides[0],
                {extents, where.byte_strides, where.itemsize});
    }
  }

 private:
  void hand_over(const std::byte* data, const layout_ref& where) {
    const auto bytes = static_cast<std::size_t>(*array_bytes(where.shape, to_.itemsize()));
    if (bytes > buffer_.size_bytes()) buffer_ = io::aligned_buffer(bytes);  // one long element
    const strides packed = dense_byte_strides(where.shape, to_.itemsize(), order::c);
    convert_elements(from_, data, where, to_, buffer_.data(),
                     {where.shape, packed, to_.itemsize()});
    take_(buffer_.bytes().first(bytes));
  }

  const dtype& from_;
  const dtype& to_;
  const byte_sink& take_;
  io::aligned_buffer buffer_;
};

}  // namespace

void for_dense_bytes(const dtype& from, const std::byte* data, const layout_ref& where,
                     const dtype& to, const byte_sink& take) {
  const index_t bytes = *array_bytes(where.shape, to.itemsize());
  if (bytes == 0) return;
  if (from == to && is_c_contiguous(where)) return take({data, static_cast<std::size_t>(bytes)});
  gatherer(from, to, take).gather(data, where);
}

}  // namespace npymap::detail
