/// \file
/// Rows from all over an array, with many reads under way.
#pragma once

#include <cstddef>
#include <span>
#include <type_traits>

#include <npymap/any_array.hpp>
#include <npymap/array.hpp>
#include <npymap/detail/array_storage.hpp>
#include <npymap/detail/export.hpp>
#include <npymap/detail/layout.hpp>
#include <npymap/dtype.hpp>
#include <npymap/file_map.hpp>
#include <npymap/pass.hpp>
#include <npymap/shape.hpp>
#include <npymap/view.hpp>

namespace npymap {

namespace detail {

/// What rows are taken from; borrows.
struct row_source {
  const array_storage& storage;
  const npymap::dtype& type;
  const std::byte* data;
  layout_ref where;
};

/// \throws error as `gather`
NPYMAP_EXPORT any_array gather_rows(const row_source& from, std::span<const index_t> rows,
                                    const dtype& wanted, const pass_options& options);
/// Elements to write, and the map that they are in, if any: its pages may be lost.
struct row_target {
  void* data;
  layout_ref where;
  file_map map = {};
};

/// The same, into elements of `wanted` that lie elsewhere. \throws error as `gather`
NPYMAP_EXPORT void gather_rows(const row_source& from, std::span<const index_t> rows,
                               const dtype& wanted, const row_target& to,
                               const pass_options& options);

}  // namespace detail

/// Copy rows of an array, places along its first axis, into memory: in any order, any of them
/// repeatedly, negative ones counted from the end.
///
/// The result is dense, in C order, aligned to 64 bytes. What is not in memory is read with dozens
/// of reads under way, and no page is mapped for it, where rows are far apart; neighbours are read
/// together. The budget bounds what is read ahead and scratch, beside the rows themselves. A file
/// in Fortran order has its rows all over it: a read for each column of each row. For another axis:
/// `gather(x.moveaxis(1, 0), rows)`. NumPy: `x[rows]`.
/// \throws error out_of_range for a row, before anything is read; layout_mismatch for rank 0;
/// invalid_argument (threads), truncated, stopped, ENOMEM, the system's
template <element T>
array<std::remove_const_t<T>> gather(const array<T>& x, std::span<const index_t> rows,
                                     const pass_options& options = {}) {
  using value = std::remove_const_t<T>;
  const dtype type = dtype_of<value>();
  return detail::gather_rows({x, type, reinterpret_cast<const std::byte*>(x.data()), x.layout()},
                             rows, type, options)
      .template as<value>();
}

/// The same of any dtype that `convert` makes a T of by the rule `same_kind`.
/// \throws error also dtype_mismatch
template <element T>
array<std::remove_const_t<T>> gather(const any_array& x, std::span<const index_t> rows,
                                     const pass_options& options = {}) {
  using value = std::remove_const_t<T>;
  return detail::gather_rows({x, x.dtype(), x.data(), x.layout()}, rows, dtype_of<value>(), options)
      .template as<value>();
}

/// The same into memory of the caller's, which must not overlap the array, as elements of U by the
/// rule `same_kind`. Rows that are dense there, and in the file, are read to where they belong:
/// `gather(x, rows, as_view(m))` fills a row-major matrix of Eigen without another copy.
/// A view must not be of a mapped file that may shrink: arrays are guarded.
/// NumPy: `numpy.take(x, rows, axis=0, out=out)`.
/// \throws error also dtype_mismatch, and layout_mismatch when the shape of `out` is another
template <element T, element U, int Rank>
requires(!std::is_const_v<U>) void gather(const array<T>& x, std::span<const index_t> rows,
                                          const view<U, Rank>& out,
                                          const pass_options& options = {}) {
  const dtype type = dtype_of<T>();
  detail::gather_rows({x, type, reinterpret_cast<const std::byte*>(x.data()), x.layout()}, rows,
                      dtype_of<U>(), {out.data(), out.layout()}, options);
}
template <element U, int Rank>
requires(!std::is_const_v<U>) void gather(const any_array& x, std::span<const index_t> rows,
                                          const view<U, Rank>& out,
                                          const pass_options& options = {}) {
  detail::gather_rows({x, x.dtype(), x.data(), x.layout()}, rows, dtype_of<U>(),
                      {out.data(), out.layout()}, options);
}
template <element T, element U>
requires(!std::is_const_v<U>) void gather(const array<T>& x, std::span<const index_t> rows,
                                          const array<U>& out, const pass_options& options = {}) {
  const dtype type = dtype_of<T>();
  detail::gather_rows({x, type, reinterpret_cast<const std::byte*>(x.data()), x.layout()}, rows,
                      dtype_of<U>(), {out.data(), out.layout(), out.map()}, options);
}
template <element U>
requires(!std::is_const_v<U>) void gather(const any_array& x, std::span<const index_t> rows,
                                          const array<U>& out, const pass_options& options = {}) {
  detail::gather_rows({x, x.dtype(), x.data(), x.layout()}, rows, dtype_of<U>(),
                      {out.data(), out.layout(), out.map()}, options);
}

}  // namespace npymap
