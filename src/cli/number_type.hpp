/// \file
/// From the dtype of a file to the C++ type of its numbers.
#pragma once

#include <cstdint>
#include <type_traits>

#include <npymap/dtype.hpp>
#include <npymap/error.hpp>
#include <npymap/float16.hpp>
#include <npymap/header.hpp>

namespace npymap::cli {

/// Call `f(std::type_identity<T>())` for the T of bools, integers and real floats, in any byte
/// order. \throws error dtype_mismatch for every other dtype
template <class F>
void with_number_type(const dtype& type, const F& f) {
  const index_t size = type.itemsize();
  switch (type.kind()) {
    case dtype_kind::boolean:
      return f(std::type_identity<bool8>());
    case dtype_kind::signed_integer:
      if (size == 1) return f(std::type_identity<std::int8_t>());
      if (size == 2) return f(std::type_identity<std::int16_t>());
      if (size == 4) return f(std::type_identity<std::int32_t>());
      return f(std::type_identity<std::int64_t>());
    case dtype_kind::unsigned_integer:
      if (size == 1) return f(std::type_identity<std::uint8_t>());
      if (size == 2) return f(std::type_identity<std::uint16_t>());
      if (size == 4) return f(std::type_identity<std::uint32_t>());
      return f(std::type_identity<std::uint64_t>());
    case dtype_kind::floating:
      if (size == 2) return f(std::type_identity<float16>());
      if (size == 4) return f(std::type_identity<float>());
      if (size == 8) return f(std::type_identity<double>());
      return f(std::type_identity<long double>());
    default:
      throw error(errc::dtype_mismatch, {.subject = "statistics",
                                         .expected = "bools, integers or real floats",
                                         .found = descr(type)});
  }
}

}  // namespace npymap::cli
