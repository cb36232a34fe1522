/// \file
/// Elements that C++ may not touch in place: of another byte order, or at any address.
#pragma once

#include <array>
#include <bit>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <type_traits>
#include <utility>

#include <npymap/detail/export.hpp>
#include <npymap/dtype.hpp>

namespace npymap {
namespace detail {

/// The bytes that change places together when the byte order of a T does: one number, of which
/// a complex has two, or one character.
template <class T>
inline constexpr std::size_t swapped_unit = sizeof(T);
template <dtype_complex T>
inline constexpr std::size_t swapped_unit<T> = sizeof(T) / 2;
template <class T, std::size_t N>
inline constexpr std::size_t swapped_unit<std::array<T, N>> = swapped_unit<T>;

/// Reverse `Unit` bytes at `at`.
template <std::size_t Unit>
void reverse_unit(std::byte* at) noexcept {
  if constexpr (Unit == 2) {
    std::uint16_t word;
    std::memcpy(&word, at, Unit);
    word = __builtin_bswap16(word);
    std::memcpy(at, &word, Unit);
  } else if constexpr (Unit == 4) {
    std::uint32_t word;
    std::memcpy(&word, at, Unit);
    word = __builtin_bswap32(word);
    std::memcpy(at, &word, Unit);
  } else if constexpr (Unit == 8) {
    std::uint64_t word;
    std::memcpy(&word, at, Unit);
    word = __builtin_bswap64(word);
    std::memcpy(at, &word, Unit);
  } else {
    for (std::size_t i = 0; i < Unit / 2; ++i) std::swap(at[i], at[Unit - 1 - i]);
  }
}

template <class T>
inline constexpr bool is_stored = false;

/// `type` with numbers of another byte order; a record keeps its own, whose members say theirs.
/// \throws error bad_dtype for a record in foreign order
NPYMAP_EXPORT dtype in_order(const dtype& type, byte_order order);

}  // namespace detail

/// A T as a file holds it: its bytes in the order `Order`, at any address.
///
/// A value of the size of T and of alignment 1, which reads as a T and is assigned from one, so
/// that arrays and views of it behave as those of T do, a value at a time. The bytes of a complex,
/// a half or a long double are swapped number by number. For whole arrays `convert` is faster, and
/// what Eigen needs. As a member of a struct, it makes a record of foreign order, or a packed one.
/// NumPy: an array whose dtype is not native, or not aligned.
template <element T, byte_order Order = native_byte_order>
class stored {
  static_assert(Order != byte_order::none, "a byte order is little or big");
  static_assert(!detail::is_stored<T>, "a stored value is in an order already");
  static_assert(
      Order == native_byte_order || !requires { npymap_record(std::type_identity<T>()); },
      "the bytes of a struct change places within its members: make these stored");

 public:
  using value_type = T;

  stored() noexcept = default;
  stored(const T& value) noexcept {
    std::memcpy(bytes_, &value, sizeof(T));
    swap_if_foreign(bytes_);
  }
  operator T() const noexcept { return value(); }
  T value() const noexcept {
    struct aligned {
      alignas(T) std::byte bytes[sizeof(T)];
    } copy;
    std::memcpy(copy.bytes, bytes_, sizeof(T));
    swap_if_foreign(copy.bytes);
    return std::bit_cast<T>(copy);
  }

  stored& operator+=(const T& other) noexcept { return *this = stored(T(value() + other)); }
  stored& operator-=(const T& other) noexcept { return *this = stored(T(value() - other)); }
  stored& operator*=(const T& other) noexcept { return *this = stored(T(value() * other)); }
  stored& operator/=(const T& other) noexcept { return *this = stored(T(value() / other)); }

 private:
  static void swap_if_foreign(std::byte* bytes) noexcept {
    constexpr std::size_t unit = detail::swapped_unit<T>;
    if constexpr (Order != native_byte_order && unit > 1) {
      for (std::size_t at = 0; at < sizeof(T); at += unit) detail::reverse_unit<unit>(bytes + at);
    }
  }

  std::byte bytes_[sizeof(T)];
};

template <class T, byte_order Order>
inline constexpr bool detail::is_stored<stored<T, Order>> = true;

// Numbers compare as what they convert to. To compare a complex, a half or a duration, C++ would
// have to convert twice, or to see a template's argument through a conversion.
template <class T, byte_order Order, class U, byte_order OtherOrder>
requires(!std::is_arithmetic_v<T>) && requires(const T& a, const U& b) {
  { a == b } -> std::convertible_to<bool>;
}
bool operator==(const stored<T, Order>& a, const stored<U, OtherOrder>& b) noexcept {
  return a.value() == b.value();
}
template <class T, byte_order Order, class U>
requires(!std::is_arithmetic_v<T> && !detail::is_stored<U>) && requires(const T& a, const U& b) {
  { a == b } -> std::convertible_to<bool>;
}
bool operator==(const stored<T, Order>& a, const U& b) noexcept { return a.value() == b; }

namespace detail {

/// What an element is once it has been read: a T of a `stored<T>`, else itself, not const.
template <class T>
struct read_as {
  using type = T;
};
template <class T, byte_order Order>
struct read_as<stored<T, Order>> {
  using type = T;
};
template <class T>
using value_read = typename read_as<std::remove_const_t<T>>::type;

}  // namespace detail

template <class T, byte_order Order>
struct dtype_traits<stored<T, Order>> {
  static dtype value() { return detail::in_order(dtype_of<T>(), Order); }
};

}  // namespace npymap

// The two convert into each other: say which one algorithms of std::ranges compare in.
template <class T, npymap::byte_order Order>
struct std::common_type<npymap::stored<T, Order>, T> {
  using type = T;
};
template <class T, npymap::byte_order Order>
struct std::common_type<T, npymap::stored<T, Order>> {
  using type = T;
};
