/// \file
/// The numbers that NumPy has, and how one becomes another.
#pragma once

#include <complex>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <optional>
#include <tuple>
#include <type_traits>

#include <npymap/dtype.hpp>
#include <npymap/float16.hpp>

namespace npymap::detail {

/// In the order of `number_index`.
using numbers =
    std::tuple<bool8, std::int8_t, std::int16_t, std::int32_t, std::int64_t, std::uint8_t,
               std::uint16_t, std::uint32_t, std::uint64_t, float16, float, double, long double,
               std::complex<float>, std::complex<double>, std::complex<long double>>;

inline constexpr std::size_t number_count = std::tuple_size_v<numbers>;

/// Which of `numbers` a dtype is, whatever its byte order; nothing when it is none.
std::optional<std::size_t> number_index(const dtype& type) noexcept;

template <class T>
inline constexpr bool is_complex = false;
template <class T>
inline constexpr bool is_complex<std::complex<T>> = true;

/// The nearest integer towards zero that T holds; 0 for NaN. Every step is defined, and compilers
/// vectorise it.
template <std::integral To, std::floating_point From>
To saturated(From value) noexcept {
  // The smallest is a power of two or 0; one past the largest is a power of two.
  constexpr From low = static_cast<From>(std::numeric_limits<To>::min());
  constexpr To half_beyond = std::numeric_limits<To>::max() / 2 + 1;
  constexpr From beyond = static_cast<From>(half_beyond) * 2;
  if (value >= beyond) return std::numeric_limits<To>::max();
  if (value < low) return std::numeric_limits<To>::min();
  return value == value ? static_cast<To>(value) : To{0};
}

/// One number as another, as `convert` describes it.
template <class To, class From>
To number_cast(const From& value) noexcept {
  if constexpr (std::is_same_v<To, From>) {
    return value;
  } else if constexpr (std::is_same_v<To, bool8>) {
    return bool8(value != From{});  // From{} is 0, also of a complex; NaN is true
  } else if constexpr (is_complex<From> && is_complex<To>) {
    using part = typename To::value_type;
    return To(static_cast<part>(value.real()), static_cast<part>(value.imag()));
  } else if constexpr (is_complex<From>) {
    return number_cast<To>(value.real());
  } else if constexpr (is_complex<To>) {
    return To(number_cast<typename To::value_type>(value));
  } else if constexpr (std::is_same_v<From, float16>) {
    return number_cast<To>(static_cast<float>(value));
  } else if constexpr (std::is_same_v<From, bool8>) {
    return static_cast<To>(static_cast<bool>(value));
  } else if constexpr (std::is_same_v<From, long double> && std::is_same_v<To, float16>) {
    return float16(static_cast<float>(value));  // rounded twice, as NumPy does
  } else if constexpr (std::floating_point<From> && std::integral<To>) {
    return saturated<To>(value);
  } else {
    return static_cast<To>(value);  // integers wrap; floats round, or become infinite
  }
}

}  // namespace npymap::detail
