#include <npymap/npy_writer.hpp>

#include <utility>

#include <npymap/append.hpp>
#include <npymap/error.hpp>

#include "array/growing_file.hpp"
#include "array/row_writer.hpp"

namespace npymap {

npy_writer::npy_writer(const std::string& path, const npymap::dtype& type, const npymap::shape& row,
                       const npy_writer_options& options)
    : writer_(detail::shared<detail::row_writer>::adopt(
          new detail::row_writer(detail::growing_file(path, type, row, options.order),
                                 {.buffer_bytes = options.buffer_bytes}))),
      durability_(options.durability) {}
npy_writer::npy_writer(npy_writer&&) noexcept = default;
npy_writer& npy_writer::operator=(npy_writer&&) noexcept = default;
npy_writer::~npy_writer() = default;

detail::row_writer& npy_writer::writer() const {
  if (!writer_) {
    throw error(errc::closed,
                {.subject = "append", .expected = "a writer", .found = "one that was moved from"});
  }
  return *writer_;
}

void npy_writer::append(const npymap::dtype& type, const void* data,
                        const detail::layout_ref& where, const file_map& map) {
  writer().append(type, data, where, map);
}

const dtype& npy_writer::dtype() const { return writer().type(); }
const shape& npy_writer::shape() const { return writer().extents(); }
index_t npy_writer::rows() const { return writer().rows(); }
void npy_writer::commit() { writer().commit(durability_); }

namespace detail {

shape row_of_block(const layout_ref& block, order layout, const std::string& path) {
  if (block.rank() == 0) {
    throw error(errc::layout_mismatch, {.path = path,
                                        .subject = "blocks to save",
                                        .expected = "an axis along which they are put together",
                                        .found = "()"});
  }
  shape row;
  for (int i = 0; i < block.rank(); ++i) {
    const bool grows = i == (layout == order::c ? 0 : block.rank() - 1);
    if (!grows) row.push_back(block.shape[static_cast<std::size_t>(i)]);
  }
  return row;
}

void refuse_no_blocks(const std::string& path) {
  throw error(errc::invalid_argument, {.path = path,
                                       .subject = "blocks to save",
                                       .expected = "one or more, or an npy_writer",
                                       .found = "none"});
}

}  // namespace detail
}  // namespace npymap
