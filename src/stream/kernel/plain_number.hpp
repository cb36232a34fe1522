/// \file
/// The numbers that kernels take, and what elements become them.
#pragma once

#include <cstdint>
#include <type_traits>

#include <npymap/dtype.hpp>
#include <npymap/float16.hpp>

namespace npymap::detail {

template <class T>
struct plain_number_of {
  using type = T;
};
template <class T>
requires std::is_integral_v<T>
struct plain_number_of<T> {
  using type = std::conditional_t<
      sizeof(T) < 4, std::int32_t,
      std::conditional_t<sizeof(T) == 4,
                         std::conditional_t<std::is_signed_v<T>, std::int32_t, std::uint32_t>,
                         std::conditional_t<std::is_signed_v<T>, std::int64_t, std::uint64_t>>>;
};
template <>
struct plain_number_of<bool8> {
  using type = std::int32_t;
};
template <>
struct plain_number_of<float16> {
  using type = float;
};

/// What an element is worked on as: halves as floats, truth values as 0 or 1, and short integers as
/// what every vector unit turns into doubles. Of two types of the same integers it is one.
template <class T>
using plain_number = typename plain_number_of<T>::type;

template <class T>
plain_number<T> plain(const T& value) {
  if constexpr (std::is_same_v<T, float16>) {
    return static_cast<float>(value);
  } else if constexpr (std::is_same_v<T, bool8>) {
    return static_cast<bool>(value) ? 1 : 0;
  } else {
    return value;
  }
}

}  // namespace npymap::detail
