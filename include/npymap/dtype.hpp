/// \file
/// What one element is: NumPy's dtype as a value, and the C++ types that match it.
#pragma once

#include <array>
#include <bit>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

#include <npymap/detail/export.hpp>
#include <npymap/detail/shared.hpp>
#include <npymap/shape.hpp>

namespace npymap {

/// NumPy's kind character.
enum class dtype_kind : char {
  boolean = 'b',
  signed_integer = 'i',
  unsigned_integer = 'u',
  floating = 'f',
  complex_floating = 'c',
  timedelta = 'm',
  datetime = 'M',
  bytes = 'S',    ///< bytes, zero-padded
  unicode = 'U',  ///< UTF-32, zero-padded
  raw = 'V',      ///< opaque bytes
  record = 'r',   ///< fields; NumPy calls it 'V' too
  object = 'O',
};

/// How the bytes of one number are ordered; `none` where there is nothing to order.
enum class byte_order : char { little = '<', big = '>', none = '|' };

inline constexpr byte_order native_byte_order =
    std::endian::native == std::endian::little ? byte_order::little : byte_order::big;

/// The unit of datetime64 and timedelta64, coarsest first. `generic` is NumPy's unitless one.
enum class time_unit : std::uint8_t {
  generic,
  year,
  month,
  week,
  day,
  hour,
  minute,
  second,
  millisecond,
  microsecond,
  nanosecond,
  picosecond,
  femtosecond,
  attosecond,
};

/// What a datetime64 or timedelta64 counts: `count` times `unit`, as in `M8[25s]`.
struct time_step {
  time_unit unit = time_unit::generic;
  std::int32_t count = 1;  ///< at least 1; a generic time has no other
  friend bool operator==(const time_step&, const time_step&) = default;
};

struct field;

/// NumPy's dtype: kind, size, byte order, and what records and times add to these.
///
/// An immutable value; copies are cheap (fields are shared) and safe to read from any thread. Every
/// dtype that NumPy saves without a pickle can be held, and `object`, so that it can be named when
/// it is refused. Sizes are in bytes and at most `max_itemsize`.
class NPYMAP_EXPORT dtype {
 public:
  /// NumPy keeps an itemsize in a C int; so does every file that it can read.
  static constexpr index_t max_itemsize = INT32_MAX;

  /// float64 in native byte order, as `numpy.dtype(None)`.
  dtype() noexcept = default;

  /// boolean, integers of 1, 2, 4 or 8 bytes, floating of 2, 4, 8 or 16 (the x86 long double),
  /// complex_floating of 8, 16 or 32, raw of any size. The order of one-byte items is ignored.
  /// \throws error bad_dtype for any other size
  static dtype scalar(dtype_kind kind, index_t itemsize, byte_order order = native_byte_order);

  /// datetime or timedelta, 8 bytes. \throws error bad_dtype for another kind, or a count below 1
  static dtype time(dtype_kind kind, time_step step, byte_order order = native_byte_order);

  /// bytes (1 byte a character) or unicode (4 bytes a character); length 0 is legal.
  /// \throws error bad_dtype for another kind, a negative length, or more than max_itemsize
  static dtype text(dtype_kind kind, index_t length, byte_order order = native_byte_order);

  /// Fields at their offsets, in NumPy's order; `itemsize` may leave padding behind the last.
  /// \throws error bad_dtype for a field that does not fit, a sub-array of more than `max_itemsize`
  /// elements (of no bytes, that is), or a name or title used twice
  static dtype record(std::vector<field> fields, index_t itemsize);

  /// numpy.dtype('O'): known, and refused by everything that would touch elements.
  static dtype object() noexcept;

  dtype_kind kind() const noexcept { return kind_; }
  index_t itemsize() const noexcept { return itemsize_; }
  npymap::byte_order byte_order() const noexcept { return order_; }
  /// Of datetime and timedelta; generic for all others.
  time_step step() const noexcept { return step_; }
  /// Of a record, in NumPy's order; empty for all others. Lives as long as this dtype or a copy.
  std::span<const field> fields() const noexcept;
  /// The field of that name or title, or nullptr.
  const field* find(std::string_view name) const noexcept;

  bool is_record() const noexcept { return kind_ == dtype_kind::record; }
  /// True if C++ reads the numbers in place as far as byte order goes, in every field.
  bool is_native() const noexcept;
  /// True if any part is a Python object.
  bool has_object() const noexcept;

  /// The same with its numbers in another byte order, those of every field too; what has no order
  /// keeps none. numpy.dtype.newbyteorder. \throws error invalid_argument for `none`
  dtype with_byte_order(npymap::byte_order order) const;

  /// Equal as numpy.dtype compares: titles, names and offsets of fields count.
  friend NPYMAP_EXPORT bool operator==(const dtype& a, const dtype& b) noexcept;

 private:
  dtype(dtype_kind kind, index_t itemsize, npymap::byte_order order) noexcept
      : kind_(kind), order_(order), itemsize_(itemsize) {}

  dtype_kind kind_ = dtype_kind::floating;
  npymap::byte_order order_ = native_byte_order;
  time_step step_;
  index_t itemsize_ = 8;
  struct layout;
  detail::shared<layout> fields_;  // of a record alone
};

/// One field of a record. Names and titles are UTF-8.
struct field {
  std::string name;
  dtype type;                   ///< of one element, when there is a subshape
  npymap::shape subshape = {};  ///< of a sub-array, nested ones included; rank 0 without one
  index_t offset_bytes = 0;     ///< from the start of the record
  std::optional<std::string> title = {};

  /// What the field takes, sub-array included, in bytes.
  /// \throws error bad_dtype when it has no such size; `dtype::record` takes no such field
  NPYMAP_EXPORT index_t size_bytes() const;
  friend bool operator==(const field&, const field&) = default;
};

/// NumPy's bool_ in a file: one byte, where any value but 0 is true.
///
/// A C++ bool may hold only 0 and 1, which no file can promise; reading another value through one
/// is undefined behaviour. This type reads all of them. (Exported, or what the library instantiates
/// over it would be hidden.)
class NPYMAP_EXPORT bool8 {
 public:
  bool8() noexcept = default;
  constexpr bool8(bool value) noexcept : byte_(value ? 1 : 0) {}
  constexpr operator bool() const noexcept { return byte_ != 0; }

 private:
  std::uint8_t byte_;
};

/// The dtype of a C++ type, as `static dtype value()`: numbers in native byte order. Specialise it
/// for a type of your own that a dtype describes byte by byte.
template <class T>
struct dtype_traits;

/// The types whose elements npymap maps in place.
template <class T>
concept element =
    std::is_trivially_copyable_v<T> && !std::is_same_v<std::remove_cv_t<T>, bool> && requires {
  { dtype_traits<std::remove_cv_t<T>>::value() } -> std::same_as<dtype>;
};

namespace detail {

/// `type`, unless its items are not as large as the C++ type that is bound to it.
/// \throws error bad_dtype
NPYMAP_EXPORT dtype of_size(dtype type, std::size_t size_bytes);

}  // namespace detail

/// The dtype that a file must have to be read as T; `numpy.dtype(...)` of the same C type.
/// \throws error bad_dtype when a `dtype_traits` of your own gives one of another size than T's
template <class T>
dtype dtype_of() {
  return detail::of_size(dtype_traits<std::remove_cv_t<T>>::value(), sizeof(T));
}

namespace detail {

template <class T>
concept dtype_integer = std::integral<T> && sizeof(T) <= 8 && !std::is_same_v<T, bool> &&
                        !std::is_same_v<T, char> && !std::is_same_v<T, wchar_t> &&
                        !std::is_same_v<T, char8_t> && !std::is_same_v<T, char16_t> &&
                        !std::is_same_v<T, char32_t>;

/// The floats that NumPy has. Of those that compilers add, a file holds what has the same bytes, as
/// std::float16_t: not std::bfloat16_t, which is as large, nor __float128.
template <class T>
concept dtype_float = std::floating_point<T> &&
    (std::is_same_v<std::remove_cv_t<T>, long double> ||
     (sizeof(T) == 2 && std::numeric_limits<T>::digits == 11) ||
     (sizeof(T) == 4 && std::numeric_limits<T>::digits == 24) ||
     (sizeof(T) == 8 && std::numeric_limits<T>::digits == 53));

/// std::complex, told by its shape: naming it would bring in <complex>, half a second of iostreams.
template <class T>
concept dtype_complex = requires(const T& z) {
  requires dtype_float<typename T::value_type>;
  requires sizeof(T) == 2 * sizeof(typename T::value_type);
  { z.real() } -> std::convertible_to<typename T::value_type>;
  { z.imag() } -> std::convertible_to<typename T::value_type>;
};

}  // namespace detail

template <detail::dtype_integer T>
struct dtype_traits<T> {
  static dtype value() {
    return dtype::scalar(
        std::is_signed_v<T> ? dtype_kind::signed_integer : dtype_kind::unsigned_integer, sizeof(T));
  }
};

template <detail::dtype_float T>
struct dtype_traits<T> {
  static dtype value() { return dtype::scalar(dtype_kind::floating, sizeof(T)); }
};

template <detail::dtype_complex T>
struct dtype_traits<T> {
  static dtype value() { return dtype::scalar(dtype_kind::complex_floating, sizeof(T)); }
};

template <>
struct dtype_traits<bool8> {
  static dtype value() { return dtype::scalar(dtype_kind::boolean, 1); }
};

template <>
struct dtype_traits<std::byte> {
  static dtype value() { return dtype::scalar(dtype_kind::raw, 1); }
};

/// Items of a fixed length: 'S<N>', 'U<N>' and 'V<N>'. Text is padded with NULs, which `text_of`
/// takes off. C++ has no empty object, and so no type for items of zero bytes.
template <std::size_t N>
requires(N > 0) struct dtype_traits<std::array<char, N>> {
  static dtype value() { return dtype::text(dtype_kind::bytes, N); }
};
template <std::size_t N>
requires(N > 0) struct dtype_traits<std::array<char32_t, N>> {
  static dtype value() { return dtype::text(dtype_kind::unicode, N); }
};
template <std::size_t N>
requires(N > 0) struct dtype_traits<std::array<std::byte, N>> {
  static dtype value() { return dtype::scalar(dtype_kind::raw, N); }
};

}  // namespace npymap

// The two convert into each other: say which one a comparison is made in, as that of
// std::ranges::count(mask, true).
template <>
struct std::common_type<npymap::bool8, bool> {
  using type = bool;
};
template <>
struct std::common_type<bool, npymap::bool8> {
  using type = bool;
};
