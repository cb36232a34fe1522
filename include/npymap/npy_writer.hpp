/// \file
/// New files that are written a block at a time, by those who do not have all elements at once.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <type_traits>
#include <utility>

#include <npymap/any_array.hpp>
#include <npymap/array.hpp>
#include <npymap/detail/array_like.hpp>
#include <npymap/detail/export.hpp>
#include <npymap/detail/layout.hpp>
#include <npymap/detail/shared.hpp>
#include <npymap/dtype.hpp>
#include <npymap/file_map.hpp>
#include <npymap/shape.hpp>
#include <npymap/view.hpp>

namespace npymap {

namespace detail {
class row_writer;
}

/// How to write a file block by block.
struct npy_writer_options {
  /// Blocks are put together along the first axis in C order, along the last one in Fortran order.
  npymap::order order = order::c;
  /// `full` has `commit` return only when file and folder have reached the disk.
  npymap::durability durability = durability::none;
  /// Rows are gathered to so many bytes, or to one row, before they are written.
  std::size_t buffer_bytes = std::size_t{1} << 20;
};

/// Writes a new `.npy` file, row by row or in blocks of rows, of which nobody need know how many
/// there will be. It appears whole under its name with `commit`, or not at all.
///
/// Until then an older file of that name stays; destroyed before `commit`, as by an exception, the
/// writer leaves nothing. Memory: the buffer. Move-only; not safe to use from two threads. To go on
/// with a file later, see `appender`. NumPy: `numpy.save(path, numpy.concatenate(blocks))`.
class NPYMAP_EXPORT npy_writer {
 public:
  /// Begin a file of rows of `row` elements, `{}` for one each.
  /// \throws error object_dtype, bad_dtype, size_overflow, not_regular_file, the system's
  npy_writer(const std::string& path, const npymap::dtype& type, const npymap::shape& row,
             const npy_writer_options& options = {});
  npy_writer(npy_writer&&) noexcept;
  npy_writer& operator=(npy_writer&&) noexcept;
  ~npy_writer();

  /// Add a row, or a block of rows, of any layout. Other dtypes are cast by the rule `same_kind`.
  /// After a failure of the system the writer takes no more, and each further call throws the same.
  /// \throws error layout_mismatch, dtype_mismatch, size_overflow, and nothing is added; the
  /// system's, and truncated, also of rows in a map; closed
  void append(const any_array& rows) {
    append(rows.dtype(), rows.data(), rows.layout(), rows.map());
  }
  template <element T>
  void append(const array<T>& rows) {
    append(dtype_of<T>(), rows.data(), rows.layout(), rows.map());
  }
  template <detail::written_element T, int Rank>
  void append(const view<T, Rank>& rows) {
    append(detail::dtype_written<T>(), rows.data(), rows.layout(), {});
  }
  /// What is like an array: a vector or another contiguous range of elements is one of shape (n,);
  /// with `eigen.hpp` a matrix, a vector or an expression is what `save` makes of it.
  template <detail::array_like X>
  void append(const X& rows) {
    append(detail::as_array(rows));
  }

  /// Of the file, with all rows so far.
  const npymap::dtype& dtype() const;
  const npymap::shape& shape() const;
  index_t rows() const;

  /// Finish the file and give it its name, byte for byte as `numpy.save` would have written it.
  /// \throws error the system's, and the name stands for what it did before
  void commit();

 private:
  void append(const npymap::dtype& type, const void* data, const detail::layout_ref& where,
              const file_map& map);
  detail::row_writer& writer() const;

  detail::shared<detail::row_writer> writer_;
  npymap::durability durability_;
};

namespace detail {

inline dtype dtype_of_block(const any_array& block) { return block.dtype(); }
template <element T>
dtype dtype_of_block(const array<T>&) {
  return dtype_of<std::remove_const_t<T>>();
}
template <written_element T, int Rank>
dtype dtype_of_block(const view<T, Rank>&) {
  return dtype_written<T>();
}

/// What a block in a sequence of blocks is viewed as. Ranges of elements are no blocks: of rows in
/// vectors nobody could tell whether they are meant to be one vector, or a matrix.
template <class Block>
decltype(auto) view_of_block(const Block& block) {
  if constexpr (has_array_traits<Block>) {
    return as_array(block);
  } else {
    return (block);
  }
}

template <class Block>
concept viewable_block = requires(const std::remove_cvref_t<Block>& block) {
  dtype_of_block(view_of_block(block));
  view_of_block(block).layout();
};
template <class Blocks>
concept block_sequence = requires(Blocks& blocks) {
  { *blocks.begin() } -> viewable_block;
  blocks.begin() == blocks.end();
};

/// The rows of a file that begins with such a block. \throws error layout_mismatch for rank 0
NPYMAP_EXPORT shape row_of_block(const layout_ref& block, order layout, const std::string& path);
/// \throws error invalid_argument
[[noreturn]] NPYMAP_EXPORT void refuse_no_blocks(const std::string& path);

}  // namespace detail

/// Write a range of blocks, one behind the other, whole or not at all: see `npy_writer`.
///
/// A block is a view or an array, or with `eigen.hpp` a matrix in memory; all have the extents of
/// the first, but along the axis that grows. Example: `npymap::save("squares.npy",
/// npymap::blocks(x) | std::views::transform(square));` \throws error as `npy_writer`;
/// invalid_argument for no blocks, of which nobody knows the shape; and what the range throws
template <class Blocks>
requires detail::block_sequence<Blocks>
void save(const std::string& path, Blocks&& blocks, const npy_writer_options& options = {}) {
  std::optional<npy_writer> to;
  for (auto&& block : blocks) {
    const auto& elements = detail::view_of_block(block);
    if (!to) {
      to.emplace(path, detail::dtype_of_block(elements),
                 detail::row_of_block(elements.layout(), options.order, path), options);
    }
    to->append(elements);
  }
  if (!to) detail::refuse_no_blocks(path);
  to->commit();
}

}  // namespace npymap
