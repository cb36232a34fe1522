#include "array/write_mapped.hpp"

#include <algorithm>
#include <system_error>

#include <npymap/error.hpp>

#include "io/file.hpp"

namespace npymap::detail {

// Of bytes that it cannot read the system says EFAULT, and names the file that is written.
void write_mapped(io::file& to, std::span<const std::byte> bytes, std::uint64_t offset,
                  const file_map& map) try {
  to.write_at(bytes, offset);
} catch (const error& e) {
  if (e.code() == std::errc::bad_address && e.byte_offset() && map.is_open()) {
    constexpr std::size_t near_bytes = std::size_t{4} << 20;  // more than is copied at once
    const auto unread = bytes.subspan(static_cast<std::size_t>(*e.byte_offset() - offset));
    map.advise(advice::populate, static_cast<std::size_t>(unread.data() - map.data()),
               std::min(unread.size(), near_bytes));
  }
  throw;
}

}  // namespace npymap::detail
