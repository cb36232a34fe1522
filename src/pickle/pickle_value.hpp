/// \file
/// What a pickle is made of, once its machine has run: values in a pool, which refer to one another
/// by place, so that cycles and depths of any kind cost nothing to build and to destroy.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <npymap/error.hpp>

#include "pickle/pickle_bytes.hpp"

namespace npymap::pickle {

/// The place of a value in its pool.
using value_ref = std::uint32_t;

/// Of a value that may come from many opcodes: errors name no byte.
inline constexpr std::uint64_t no_offset = ~std::uint64_t{0};

enum class value_kind : std::uint8_t {
  none,
  boolean,
  integer,        ///< of 64 bits
  large_integer,  ///< its bytes, little-endian, in two's complement
  floating,
  complex,  ///< parts: real, imaginary
  text,
  bytes,
  tuple,
  list,
  dict,  ///< parts: key, value, key, value, ...
  set,
  global,        ///< a name that is allowed
  dtype,         ///< parts: what it was made of, and then its state
  array,         ///< parts: shape, dtype, data; none before it has a state
  scalar,        ///< parts: dtype, data
  joblib_array,  ///< what joblib writes in front of an array's bytes
};

/// How characters or bytes were written.
enum class coding : std::uint8_t {
  plain,           ///< bytes as they are, text as UTF-8
  raw_escape,      ///< text in latin-1, with \uXXXX for the rest: of protocol 0
  string_escape,   ///< bytes as Python 2 would have written them between quotes: of protocol 0
  latin1_in_utf8,  ///< bytes that are the code points of UTF-8: of protocols 1 and 2
  latin1_in_raw_escape,  ///< the same of raw_escape: of protocol 0
  decimal,               ///< digits of a large integer: of protocol 0
};

/// The names that a pickle may use. All that are written differently and mean the same are one.
enum class global_name : std::uint8_t {
  reconstruct,  ///< numpy.core.multiarray._reconstruct
  from_buffer,  ///< numpy.core.numeric._frombuffer
  scalar,       ///< numpy.core.multiarray.scalar
  ndarray,
  dtype,
  record,  ///< the type of the items of a recarray
  encode,  ///< _codecs.encode
  bytes,
  bytearray,
  complex,
  list,
  set,
  frozenset,
  dict,  ///< or an OrderedDict
  object,
  new_object,      ///< copyreg._reconstructor
  joblib_wrapper,  ///< joblib.numpy_pickle.NumpyArrayWrapper
};

struct value {
  value_kind kind = value_kind::none;
  pickle::coding coding = coding::plain;
  bool is_fortran = false;                 ///< of an array
  global_name name = global_name::object;  ///< of a global
  std::int64_t integer = 0;                ///< also of a boolean
  double floating = 0;
  /// Of text, bytes and large integers; of the rest its begin is that of the opcode that made it.
  byte_range range = {};
  std::vector<value_ref> parts = {};
};

/// The values of a pickle. Counts what they take, and refuses more than the caller allows.
class value_pool {
 public:
  explicit value_pool(std::uint64_t most_bytes) : most_bytes_(most_bytes) {}

  /// \throws error out_of_range over the limit; also `grow`
  value_ref add(value made);
  value_ref add(value_kind kind) { return add(value{.kind = kind}); }
  /// Count `n` parts, or entries of a memo, that are to come.
  void grow(std::uint64_t n) { count(n * sizeof(value_ref) * 2); }  // vectors double

  const value& operator[](value_ref at) const { return values_[at]; }
  value& operator[](value_ref at) { return values_[at]; }
  std::size_t size() const noexcept { return values_.size(); }

 private:
  void count(std::uint64_t bytes);

  std::vector<value> values_;
  const std::uint64_t most_bytes_;
  std::uint64_t bytes_ = 0;
};

/// As errors tell it.
std::optional<std::uint64_t> told_offset(std::uint64_t at) noexcept;

/// \throws error bad_pickle always
[[noreturn]] void refuse(std::string subject, std::string expected, std::string found,
                         std::uint64_t at);

/// \throws error out_of_range always
[[noreturn]] void refuse_memory(std::uint64_t most_bytes);

/// "a tuple": for messages.
const char* name_of(value_kind kind) noexcept;

/// A short text in UTF-8, or short bytes as they are. \throws error bad_pickle for anything else,
/// or what is longer than `most_bytes`
std::string text_of(const pickle_bytes& from, const value& text, std::uint64_t most_bytes);

}  // namespace npymap::pickle
