#include <npymap/record.hpp>

#include <algorithm>

namespace npymap::detail {

dtype record_of_members(std::vector<field> fields, std::size_t size_bytes) {
  std::ranges::stable_sort(fields, {}, &field::offset_bytes);  // the only order that files have
  return dtype::record(std::move(fields), static_cast<index_t>(size_bytes));
}

}  // namespace npymap::detail
