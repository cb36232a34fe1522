/// \file
/// Numbers and words in lines of text, read into arrays or straight into `.npy` files.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include <npymap/any_array.hpp>
#include <npymap/array.hpp>
#include <npymap/detail/export.hpp>
#include <npymap/dtype.hpp>
#include <npymap/file_map.hpp>
#include <npymap/pass.hpp>
#include <npymap/shape.hpp>
#include <npymap/text_encoding.hpp>

namespace npymap {

/// What to do about a first line `# shape: (2, 3, 4)`, as `save_text` writes it for more than two
/// axes.
enum class told_shape : char {
  restore,  ///< the array has that shape; text that does not fill it is an error
  ignore,   ///< a comment as any other, as NumPy has it
};

/// Fields that stand for nothing. NumPy: `genfromtxt`'s missing_values and filling_values.
struct missing_fields {
  /// What such a field holds, without the space around it. Empty fields are missing as well.
  std::vector<std::string> words = {};
  /// What is put there, as it would stand in the text: nothing, one for all columns, or one for
  /// each column that is read. Nothing is genfromtxt's: NaN, -1, false and NaT; but empty text, and
  /// an error for unsigned integers.
  std::vector<std::string> fillings = {};
};

/// How to read text. Strings are UTF-8, whatever the encoding of the file. NumPy: the arguments of
/// `numpy.loadtxt`, in whose order they are told where that makes sense.
struct load_text_options {
  /// Of an element. Records take a column for each field, sub-arrays one for each element, in the
  /// order of the fields; `S` and `U` of length 0 become as long as the longest field.
  npymap::dtype dtype = {};
  /// Between fields; empty for any run of white space. NumPy takes but one character.
  std::string delimiter = {};
  /// What begins a comment, up to the end of the line; none for no comments.
  std::vector<std::string> comments = {"#"};
  /// One character, around fields that hold delimiters, comments or ends of lines; doubled within
  /// them it stands for itself. Empty for none.
  std::string quote = {};
  /// Lines, comments and empty ones included, that are passed over first.
  index_t skip_rows = 0;
  /// No more rows than these; lines that hold none do not count.
  std::optional<index_t> max_rows = {};
  /// The columns to read, in this order, negative ones from the end of each row; all when left out.
  std::optional<std::vector<index_t>> use_columns = {};
  /// Axes of extent 1 are dropped, down to so many: 0, 1 or 2. (With 2, the array has two.)
  int ndmin = 0;
  std::optional<missing_fields> missing = {};
  text_encoding encoding = text_encoding::utf8;
  told_shape shape_line = told_shape::restore;
  /// A longer line is an error, and so is one of more than half of the budget (or 1 MiB).
  std::uint64_t longest_line_bytes = std::uint64_t{64} << 20;
  /// Budget, threads, progress (in bytes of the file) and stop. The budget is for text and rows on
  /// their way; the array that is loaded is not counted.
  pass_options pass = {};
};

/// Read an array from text, into memory of its own.
///
/// Fields are what `numpy.loadtxt` (1.24) takes them for, every double the nearest; besides, hex
/// floats (`0x1.8p3`), `True` and `False` as bool, and a byte order mark are taken. NULs, text
/// whose last quote is not closed, and digits with underscores (which NumPy takes for float16) are
/// not. Gzip (also of several members) is told by its first bytes, unpacked as it streams, and
/// checked. Reads the file once, on all cores, twice to find the length of `S` or `U`. The locale
/// means nothing. Errors name line and column, both from 1, where lines count from the start of the
/// file and columns are fields. \throws error bad_text; bad_dtype, object_dtype for what text
/// cannot hold; invalid_argument; checksum_mismatch, truncated of gzip; stopped; the system's
NPYMAP_EXPORT any_array load_text(const std::string& path, const load_text_options& options = {});

/// The same with the dtype of T. Example: `auto x = npymap::load_text<float>("x.csv", {.delimiter =
/// ","});`
template <element T>
array<std::remove_const_t<T>> load_text(const std::string& path, load_text_options options = {}) {
  options.dtype = dtype_of<T>();
  return load_text(path, std::as_const(options)).template as<std::remove_const_t<T>>();
}

/// How to write what is read.
struct text_to_npy_options {
  /// `full` returns only when file and folder have reached the disk.
  npymap::durability durability = durability::none;
};

/// Read text, and write the array as `numpy.save(to, numpy.loadtxt(from))` would: whole or not at
/// all, in C order.
///
/// In memory of the budget, however large the text is. `from` and `to` may be one file. \throws
/// error as `load_text` and `save`
NPYMAP_EXPORT void text_to_npy(const std::string& from, const std::string& to,
                               const load_text_options& options = {},
                               const text_to_npy_options& how = {});

}  // namespace npymap
