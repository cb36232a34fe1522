#include <algorithm>
#include <utility>

#include <npymap/any_array.hpp>
#include <npymap/detail/layout.hpp>
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
  detail::dense(extents, type.itemsize(), layout);  // refuses what is no shape, or too large
  io::aligned_buffer memory(static_cast<std::size_t>(*array_bytes(extents, type.itemsize())));
  std::ranges::fill(memory.bytes(), std::byte{0});
  header facts;
  facts.dtype = type;
  facts.shape = extents;
  facts.order = layout;
  return detail::array_access::over(std::move(memory), {}, facts);
}

}  // namespace npymap
