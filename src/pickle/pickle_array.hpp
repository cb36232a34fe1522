/// \file
/// What values of a pickle say of dtypes and arrays.
#pragma once

#include <cstdint>

#include <npymap/any_array.hpp>
#include <npymap/dtype.hpp>
#include <npymap/shape.hpp>

#include "pickle/pickle_value.hpp"

namespace npymap::pickle {

/// All of an array but its elements.
struct array_facts {
  npymap::dtype dtype;
  npymap::shape shape;
  npymap::order order = order::c;
  std::uint64_t size_bytes = 0;  ///< of Python objects, how many there are
  value_ref data = 0;            ///< bytes, or a list of Python objects
};

/// \throws error bad_pickle, bad_dtype, size_overflow; object_dtype for records of objects
array_facts facts_of(const pickle_bytes& from, const value_pool& pool, value_ref array);

/// \throws error bad_pickle, bad_dtype
dtype dtype_of(const pickle_bytes& from, const value_pool& pool, value_ref type);

/// What joblib says of an array whose bytes follow.
struct joblib_state {
  value_ref shape, dtype;
  bool is_fortran;
  bool is_aligned;
  std::uint64_t size_bytes;
};

/// \throws error as `facts_of`; refused_object for an array of Python objects
joblib_state read_joblib_state(const pickle_bytes& from, const value_pool& pool, value_ref state,
                               std::uint64_t opcode_offset);

}  // namespace npymap::pickle
