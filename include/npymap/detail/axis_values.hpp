/// \file
/// What views and their iterators are made of.
#pragma once

#include <array>
#include <cstddef>
#include <type_traits>

#include <npymap/shape.hpp>

namespace npymap::detail {

template <int Rank>
struct axis_values_of {
  using type = std::array<index_t, static_cast<std::size_t>(Rank)>;
};
template <>
struct axis_values_of<dynamic_rank> {
  using type = index_vector;
};

/// One number for each axis: in an array where the rank is known, else in an index_vector.
template <int Rank>
using axis_values = typename axis_values_of<Rank>::type;

/// The bytes of a T, as const as it is.
template <class T>
using byte_of = std::conditional_t<std::is_const_v<T>, const std::byte, std::byte>;

/// The element that lies `offset_bytes` from another.
template <class T>
T* displaced(T* from, index_t offset_bytes) noexcept {
  return reinterpret_cast<T*>(reinterpret_cast<byte_of<T>*>(from) + offset_bytes);
}

}  // namespace npymap::detail
