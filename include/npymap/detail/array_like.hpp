/// \file
/// What is no array of npymap's, and is written as one all the same.
#pragma once

#include <span>
#include <type_traits>

#include <npymap/dtype.hpp>
#include <npymap/shape.hpp>
#include <npymap/view.hpp>

namespace npymap::detail {

/// What is written from memory: elements, and bool, which no file promises, and so is no element.
template <class T>
using as_written = std::conditional_t<std::is_same_v<std::remove_cv_t<T>, bool>, bool8, T>;
template <class T>
concept written_element = element<as_written<T>>;

template <written_element T>
dtype dtype_written() {
  return dtype_of<as_written<T>>();
}

/// How a type is seen as an array, as `static auto of(const X&)`: a view of what `x` holds, or a
/// value that is seen as an array in turn. `eigen.hpp` specialises it.
template <class X>
struct array_traits;

template <class X>
concept has_array_traits = requires(const X& x) {
  array_traits<X>::of(x);
};

/// A contiguous range of elements: std::vector, std::array, std::span and their like.
template <class X>
concept element_range = requires(const X& x) {
  requires written_element<typename decltype(std::span(x))::element_type>;
};

template <class X>
concept array_like = has_array_traits<X> || element_range<X>;

/// `x` as an array, a range as one of shape (n,), for as long as `x` lives.
template <array_like X>
auto as_array(const X& x) {
  if constexpr (has_array_traits<X>) {
    return array_traits<X>::of(x);
  } else {
    const std::span elements(x);
    using value = typename decltype(elements)::value_type;
    return view<const value, 1>(elements.data(), {static_cast<index_t>(elements.size())});
  }
}

}  // namespace npymap::detail
