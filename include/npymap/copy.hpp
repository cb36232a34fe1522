/// \file
/// Elements of any layout and dtype into those of any other, on disk or in memory.
#pragma once

#include <optional>
#include <string>
#include <type_traits>

#include <npymap/any_array.hpp>
#include <npymap/array.hpp>
#include <npymap/convert.hpp>
#include <npymap/detail/export.hpp>
#include <npymap/dtype.hpp>
#include <npymap/file_map.hpp>
#include <npymap/pass.hpp>
#include <npymap/shape.hpp>

namespace npymap {

/// Copy elements into others of the same shape and any dtype, on all cores.
///
/// What is mapped and does not fit the budget goes tile by tile: boxes whose bytes lie in long runs
/// on both sides. One tile is read while the one before is written, to the file rather than through
/// its map, where they lie side by side. Elements that overlap come out as if all had been read
/// before any is written, as long as a copy of them fits the budget. A failure or a stop leaves
/// `to` written in part. NumPy: `numpy.copyto(to, from, casting)`.
/// \throws error as `convert`; layout_mismatch when the shapes differ; read_only; stopped;
/// invalid_argument for a budget below a few elements, threads below 1, and a large overlap;
/// truncated; the system's (ENOSPC)
NPYMAP_EXPORT void copy(const any_array& from, const any_array& to,
                        casting rule = casting::same_kind, const pass_options& options = {});

/// The same between arrays whose types are known.
template <element T, element U>
requires(!std::is_const_v<U>) void copy(const array<T>& from, const array<U>& to,
                                        casting rule = casting::same_kind,
                                        const pass_options& options = {}) {
  copy(any_array(from), any_array(to), rule, options);
}

/// How to save as something else; the defaults change the order alone.
struct save_as_options {
  npymap::order order = npymap::order::c;
  /// In either byte order; that of the elements when left out.
  std::optional<npymap::dtype> dtype = {};
  npymap::casting casting = npymap::casting::same_kind;
  npymap::durability durability = npymap::durability::none;
};

/// Write all elements to `path` in an order and as a dtype of choice, whole or not at all.
///
/// As `save` of what `copy` makes, within the budget: a failure or a stop leaves the old file and
/// no other, and `path` may be the very file that is mapped. The disk's space is reserved first.
/// NumPy: `numpy.save(path, numpy.asarray(x, dtype, order=order))`.
/// \throws error as `create` and `copy`
NPYMAP_EXPORT void save_as(const std::string& path, const any_array& elements,
                           const save_as_options& how = {}, const pass_options& options = {});
template <element T>
void save_as(const std::string& path, const array<T>& elements, const save_as_options& how = {},
             const pass_options& options = {}) {
  save_as(path, any_array(elements), how, options);
}

}  // namespace npymap
