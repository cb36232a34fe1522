/// \file
/// What a descr describes at any depth: an element, or a sub-array of elements.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include <npymap/dtype.hpp>
#include <npymap/shape.hpp>

#include "format/literal.hpp"

namespace npymap::detail {

/// A dtype as NumPy has it: where NumPy nests sub-arrays, `subshape` has all their axes.
struct item {
  dtype type;
  shape subshape = {};  ///< rank 0 when it is no sub-array

  index_t size_bytes() const noexcept { return *array_bytes(subshape, type.itemsize()); }
};

/// Throw `bad_dtype`; the byte is up to those who know it.
[[noreturn]] void refuse_dtype(std::string expected, std::string found);

/// What `numpy.dtype((base, extents))` makes: a sub-array, or `S`, `U` or `V` with its length.
/// \throws error bad_dtype
item sub_array(const item& base, const literal& extents);

/// Fields put one behind the other, as a descr lists them.
class packed_record {
 public:
  /// \throws error bad_dtype when the record grows over `dtype::max_itemsize`
  void add(std::string name, std::optional<std::string> title, item part);
  void pad(const item& unnamed);

  /// \throws error bad_dtype for a name or a title used twice
  dtype finish() &&;

 private:
  void grow(index_t bytes);

  std::vector<field> fields_;
  index_t itemsize_ = 0;
};

}  // namespace npymap::detail
