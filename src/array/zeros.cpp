#include <algorithm>
#include <utility>

#include <npymap/any_array.hpp>
#include <npymap/error.hpp>

#include "array/array_access.hpp"
#include "io/aligned_buffer.hpp"

namespace npymap {

any_array zeros(const dtype& type, const npymap::shape& extents, order layout) {
  if (type.has_object()) {
    throw error(errc::object_dtype, {.subject = "dtype of zeros",
                                     .expected = "elements that are bytes",
                                     .found = "Python objects"});
  }
  const bool is_shape = std::ranges::all_of(extents, [](index_t n) { return n >= 0; });
  if (!is_shape) {
    throw error(errc::invalid_argument, {.subject = "shape of zeros",
                                         .expected = "extents of 0 and more",
                                         .found = to_string(extents)});
  }
  const auto bytes = array_bytes(extents, type.itemsize());
  if (!bytes) {
    throw error(
        errc::size_overflow,
        {.subject = "bytes of zeros", .expected = "less than 2^63", .found = to_string(extents)});
  }
  io::aligned_buffer memory(static_cast<std::size_t>(*bytes));
  std::ranges::fill(memory.bytes(), std::byte{0});
  header facts;
  facts.dtype = type;
  facts.shape = extents;
  facts.order = layout;
  return detail::array_access::over(std::move(memory), {}, facts);
}

}  // namespace npymap
