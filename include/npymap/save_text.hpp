/// \file
/// Arrays as lines of text.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include <npymap/array.hpp>
#include <npymap/detail/array_like.hpp>
#include <npymap/detail/export.hpp>
#include <npymap/detail/layout.hpp>
#include <npymap/dtype.hpp>
#include <npymap/file_map.hpp>
#include <npymap/pass.hpp>
#include <npymap/source.hpp>
#include <npymap/text_encoding.hpp>
#include <npymap/view.hpp>

namespace npymap {

/// What to do about arrays of more than two axes.
enum class more_axes : char {
  refuse,  ///< as NumPy
  /// Write the rows of each slice along the last two axes below a comment `slice: (0,)`, and the
  /// shape in the first line, `shape: (2, 3, 4)`, which `load_text` restores. To NumPy's loadtxt
  /// these are comments.
  slices,
};

/// How to write text. Strings are UTF-8, whatever the encoding of the file. NumPy: the arguments of
/// `numpy.savetxt`.
struct save_text_options {
  /// For each column, or with as many values as a row has for whole rows, as "%d: %.3f"; then the
  /// delimiter means nothing. As Python's `%`: `%e %f %g %d %x %o %c %s %r %a` with flags, width
  /// and precision, capitals too; `%%` is a percent sign. `%r` has the fewest digits that read back
  /// as the same number. Of complex numbers one is written as " (%e+%ej)".
  std::string format = "%.18e";
  /// One for each column instead; for complex columns with two values each.
  std::vector<std::string> formats = {};
  std::string delimiter = " ";
  /// One character, put around texts and durations that hold a delimiter, a comment's mark, the end
  /// of a line or this, which is doubled, and around empty ones, so that `load_text` and readers of
  /// CSV get back the texts that were there, but for NULs, which it refuses. None when empty, as
  /// NumPy.
  std::string quote = {};
  std::string newline = "\n";
  /// Lines in front of all rows and behind them, each as a comment; none when empty.
  std::string header = {};
  std::string footer = {};
  /// What makes a line a comment.
  std::string comments = "# ";
  npymap::text_encoding encoding = text_encoding::utf8;
  npymap::more_axes more_axes = npymap::more_axes::refuse;
  /// Of files whose names end in `.gz`: from 1, the fastest, to 12, the smallest.
  int level = 6;
  /// `full` returns only when file and folder have reached the disk.
  npymap::durability durability = durability::none;
  /// Budget, threads, progress (in bytes of the array) and stop.
  pass_options pass = {};
};

/// Write an array as text, byte for byte as `numpy.savetxt`, whole or not at all.
///
/// Of one axis each element, or each record, is a line, of two each row. On all cores, in memory of
/// the budget and some megabytes for each thread, whatever the size; reads the array once, in the
/// order of its rows, so that one in Fortran order is read as often as the budget's columns are too
/// short. A name that ends in `.gz` is compressed. The locale means nothing. Unlike NumPy's, the
/// text is UTF-8 in any locale, `%%` may stand beside one value for all columns, `*` is refused,
/// and so are complex fields and times as numbers, which lose something.
/// \throws error invalid_argument for formats that are none, or do not suit columns or values,
/// which are named by row and column from 0, for no axis or too many, for `.bz2` and `.xz`;
/// dtype_mismatch, object_dtype; stopped; as `save`
NPYMAP_EXPORT void save_text(const std::string& path, const source& x,
                             const save_text_options& options = {});

namespace detail {

NPYMAP_EXPORT void save_text(const std::string& path, const dtype& type, const void* data,
                             const layout_ref& where, const save_text_options& options);

}  // namespace detail

/// The same of a view, which must not be of a mapped file that may shrink: arrays are guarded.
template <detail::written_element T, int Rank>
void save_text(const std::string& path, const view<T, Rank>& x,
               const save_text_options& options = {}) {
  detail::save_text(path, detail::dtype_written<T>(), x.data(), x.layout(), options);
}

template <element T>
void save_text(const std::string& path, const array<T>& x, const save_text_options& options = {}) {
  save_text(path, source(x), options);
}

/// The same of a vector or another contiguous range of elements, each of which is a line; with
/// `eigen.hpp` of a matrix, of which a row is a line, of a vector or of an expression.
template <detail::array_like X>
void save_text(const std::string& path, const X& x, const save_text_options& options = {}) {
  save_text(path, detail::as_array(x), options);
}

}  // namespace npymap
