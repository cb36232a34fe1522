/// \file
/// What values of a pickle say of dtypes and arrays.
#pragma once

#include <cstdint>
#include <unordered_map>

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
  bool has_object = false;       ///< of Python objects, or of records with some
  std::uint64_t size_bytes = 0;  ///< of Python objects, how many there are
  value_ref data = 0;            ///< bytes, or a list of Python objects
};

/// The dtypes of a pickle, each made once. Those that share parts may have twice as many fields
/// with each step: more than make sense are refused.
class dtype_store {
 public:
  /// Both outlive it.
  dtype_store(const pickle_bytes& from, const value_pool& pool) : from_(from), pool_(pool) {}

  struct made {
    npymap::dtype dtype;
    bool has_object;
  };

  /// \throws error bad_pickle, bad_dtype; out_of_range over the limit
  const made& of(value_ref type);
  /// \throws error bad_pickle
  shape shape_of(value_ref at);
  /// Of one that was looked at, values have changed.
  void forget() { known_.clear(); }

  const pickle_bytes& from() const noexcept { return from_; }
  const value_pool& pool() const noexcept { return pool_; }

 private:
  const pickle_bytes& from_;
  const value_pool& pool_;
  std::unordered_map<value_ref, made> known_;
  std::uint64_t work_ = 0;  // fields that were made, of all dtypes together
};

/// \throws error as `dtype_store`, size_overflow
array_facts facts_of(dtype_store& dtypes, value_ref array);

/// What joblib says of an array that follows: of one with Python objects no more than that.
struct joblib_state {
  value_ref shape = 0, dtype = 0;
  bool has_object = false;
  bool is_fortran = false;
  bool is_aligned = false;
  std::uint64_t size_bytes = 0;
};

/// \throws error as `facts_of`
joblib_state read_joblib_state(dtype_store& dtypes, value_ref state, std::uint64_t opcode_offset);

}  // namespace npymap::pickle
