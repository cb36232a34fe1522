/// \file
/// Arrays that Python pickled, alone or within dicts, lists and tuples: read, and nothing is run.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <variant>
#include <vector>

#include <npymap/any_array.hpp>
#include <npymap/array.hpp>
#include <npymap/detail/export.hpp>
#include <npymap/dtype.hpp>
#include <npymap/error.hpp>
#include <npymap/file_map.hpp>
#include <npymap/shape.hpp>

namespace npymap {

/// How much of a pickle to take. What is more is an error, out_of_range.
struct pickle_limits {
  /// How many containers may lie within one another. Python itself pickles no more than its
  /// recursion limit, 1000.
  int depth = 1000;
  /// Memory for all that is not bytes of an array, some 200 bytes for each value: a list of a
  /// million numbers fits.
  std::uint64_t memory_bytes = std::uint64_t{256} << 20;
  /// The largest array that is read into memory, because the pickle does not have it as it is in
  /// memory: of the protocols 0 to 2.
  std::uint64_t decoded_bytes = std::uint64_t{4} << 30;
};

/// How to open an array in a pickle.
struct pickle_options {
  /// `read` or `copy_on_write`.
  open_mode mode = open_mode::read;
  pickle_limits limits = {};
};

/// An array in a pickle.
struct pickled_array {
  /// How Python would reach it from the root object: `$`, `$['x']`, `$[0]['y'][2]`; the first of
  /// the ways where there are several.
  std::string name;
  npymap::dtype dtype;
  npymap::shape shape;
  npymap::order order = order::c;
  /// Where its elements begin, from the start of the file; nothing where they are not there as they
  /// are in memory: protocols 0 to 2, and Python objects.
  std::optional<std::uint64_t> data_offset_bytes = {};
};

/// A complex number among Python objects.
struct pickled_complex {
  double real = 0;
  double imag = 0;
  friend bool operator==(const pickled_complex&, const pickled_complex&) = default;
};
/// Bytes among Python objects, where `std::string` is text in UTF-8.
struct pickled_bytes {
  std::string bytes;
  friend bool operator==(const pickled_bytes&, const pickled_bytes&) = default;
};

/// What an element of an array of Python objects may be: None, a bool, an int of 64 bits (unsigned
/// from 2**63 on), a float, a complex, a str, bytes. NumPy's scalars become those.
using pickled_value = std::variant<std::monostate, bool, std::int64_t, std::uint64_t, double,
                                   pickled_complex, std::string, pickled_bytes>;

/// True if a file that begins with these bytes, 16 or all, is a pickle: by the opcode PROTO, or for
/// the protocols 0 and 1 by what arrays, lists, tuples and dicts begin with. Never throws.
NPYMAP_EXPORT bool is_pickle(std::span<const std::byte> start) noexcept;

/// List all arrays of a pickle: of a file of `pickle.dump`, of any protocol, or of joblib without
/// compression; or of a `.npy` of Python objects.
///
/// A machine of its own reads the pickle, which builds plain data and NumPy's arrays, and resolves
/// no other name: whatever would call something is refused by that name. Bytes of arrays are passed
/// over, so that the cost is that of the rest. Python: `pickle.load`, which runs what the file
/// says. \throws error not_pickle, bad_pickle, refused_object, truncated, out_of_range (a limit),
/// bad_dtype, size_overflow, the system's
NPYMAP_EXPORT std::vector<pickled_array> pickled_arrays(const std::string& path,
                                                        const pickle_options& options = {});

/// Open an array of a pickle by name; the only one there is when the name is empty.
///
/// Mapped where it is if its bytes are one record of the file, as the protocols 3 to 5 have them,
/// at a cost that its size means nothing to; they are seldom aligned, so that most are read as
/// `read_pickled_array<stored<double>>`. Else read into memory. Python objects are for
/// `read_pickled_objects`. \throws error as `pickled_arrays`; out_of_range for a name that is not
/// there; object_dtype; invalid_argument for another mode
NPYMAP_EXPORT any_array read_pickled_array(const std::string& path, std::string_view name = {},
                                           const pickle_options& options = {});
template <element T>
array<T> read_pickled_array(const std::string& path, std::string_view name = {},
                            const pickle_options& options = {}) {
  return read_pickled_array(path, name, options).template as<T>();
}

/// Read an array of Python objects as a list of values, in the order of its elements in C.
/// \throws error as `pickled_arrays`; refused_object for an object that is none of those values;
/// dtype_mismatch for an array of something else
NPYMAP_EXPORT std::vector<pickled_value> read_pickled_objects(const std::string& path,
                                                              std::string_view name = {},
                                                              const pickle_options& options = {});

}  // namespace npymap
