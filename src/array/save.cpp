#include <algorithm>
#include <cstdint>
#include <span>
#include <utility>

#include <npymap/any_array.hpp>
#include <npymap/array.hpp>
#include <npymap/detail/loop_nest.hpp>
#include <npymap/error.hpp>

#include "io/aligned_buffer.hpp"
#include "io/new_file.hpp"

namespace npymap::detail {
namespace {

// Enough rows at once that each page of a Fortran-ordered source is touched about once, when it
// has a thousand columns; small enough to stay in the cache of one core.
constexpr std::size_t gather_bytes = std::size_t{4} << 20;

class dense_writer {
 public:
  dense_writer(io::file& to, std::uint64_t offset) : to_(to), offset_(offset) {}

  void write(std::span<const std::byte> bytes) {
    to_.write_at(bytes, offset_);
    offset_ += bytes.size();
  }

  // Write in C order through a buffer: as many rows at a time as fit, or a row by its own rows.
  void write_gathered(const std::byte* from, const layout_ref& where) {
    const index_t bytes = *array_bytes(where.shape, where.itemsize);
    if (bytes == 0) return;
    if (where.rank() == 0) return write({from, static_cast<std::size_t>(bytes)});
    if (buffer_.size_bytes() == 0) buffer_ = io::aligned_buffer(gather_bytes);

    const index_t rows = where.shape[0], row_bytes = bytes / rows;
    const index_t rows_at_once = static_cast<index_t>(gather_bytes) / row_bytes;
    if (rows_at_once == 0) {
      const layout_ref row{where.shape.subspan(1), where.byte_strides.subspan(1), where.itemsize};
      for (index_t i = 0; i < rows; ++i) write_gathered(from + i * where.byte_strides[0], row);
      return;
    }
    shape extents(where.shape);
    for (index_t first = 0; first < rows; first += rows_at_once) {
      extents[0] = std::min(rows_at_once, rows - first);
      const strides packed = dense_byte_strides(extents, where.itemsize, order::c);
      copy_elements(from + first * where.byte_strides[0],
                    {extents, where.byte_strides, where.itemsize}, buffer_.data(),
                    {extents, packed, where.itemsize});
      write(buffer_.bytes().first(static_cast<std::size_t>(extents[0] * row_bytes)));
    }
  }

 private:
  io::file& to_;
  std::uint64_t offset_;
  io::aligned_buffer buffer_;
};

}  // namespace

void save_elements(const std::string& path, const dtype& type, const void* data,
                   const layout_ref& where, const save_options& options) try {
  const bool dense = is_c_contiguous(where) || is_f_contiguous(where);
  const order written = is_c_contiguous(where) || !dense ? order::c : order::fortran;
  const std::string head = header_bytes(type, where.shape, written);

  io::new_file fresh(path, io::existing::replace);
  dense_writer writer(fresh.contents(), 0);
  writer.write(std::as_bytes(std::span(head)));
  const auto* const elements = static_cast<const std::byte*>(data);
  if (dense) {
    writer.write({elements, static_cast<std::size_t>(*array_bytes(where.shape, where.itemsize))});
  } else {
    writer.write_gathered(elements, where);
  }
  std::move(fresh).commit(options.durability).close();
} catch (const error& e) {
  throw e.in_file(path);
}

}  // namespace npymap::detail

namespace npymap {

void save(const std::string& path, const any_array& elements, const save_options& options) {
  detail::save_elements(path, elements.dtype(), elements.data(), elements.layout(), options);
}

}  // namespace npymap
