#include "array/convert/item_unit.hpp"

#include <algorithm>

namespace npymap::detail {

index_t swapped_unit_bytes(const dtype& type) noexcept {
  if (type.kind() == dtype_kind::complex_floating) return type.itemsize() / 2;
  if (type.kind() == dtype_kind::unicode) return 4;
  return type.itemsize();
}

std::size_t natural_alignment(const dtype& type) noexcept {
  if (type.is_record()) {
    std::size_t widest = 1;
    for (const field& f : type.fields()) widest = std::max(widest, natural_alignment(f.type));
    return static_cast<std::size_t>(type.itemsize()) % widest == 0 ? widest : 1;
  }
  if (type.byte_order() == byte_order::none) return 1;
  return static_cast<std::size_t>(swapped_unit_bytes(type));
}

}  // namespace npymap::detail
