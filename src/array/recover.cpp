#include <algorithm>
#include <array>
#include <cstring>

#include <fmt/format.h>

#include <npymap/append.hpp>
#include <npymap/error.hpp>

#include "array/growing_file.hpp"
#include "format/magic.hpp"

namespace npymap {
namespace {

// As numpy.save to one open file, again and again.
void require_no_other_npy(const detail::growing_file& found, io::file& file, std::uint64_t end) {
  std::array<std::byte, detail::magic.size()> start{};
  const std::size_t got = file.read_at(start, end);
  if (got < start.size() || std::memcmp(start.data(), detail::magic.data(), got) != 0) return;
  throw error(errc::layout_mismatch, {.path = found.path(),
                                      .subject = "what is behind the rows",
                                      .expected = "more of them",
                                      .found = "another NPY",
                                      .byte_offset = end});
}

}  // namespace

recovery recover(const std::string& path, const recover_options& options) {
  detail::growing_file found(path, options.header_limit, options.order, options.locking);
  io::file& file = found.file();
  const std::uint64_t bytes = file.size_bytes();
  recovery done{.rows_before = found.rows(), .rows = found.rows()};
  const std::uint64_t end = found.offset_of(0), declared = found.offset_of(found.rows());
  if (bytes == declared) return done;
  if (bytes > declared) require_no_other_npy(found, file, declared);
  if (found.row_bytes() > 0) {
    done.rows = static_cast<index_t>((bytes - end) / static_cast<std::uint64_t>(found.row_bytes()));
  }
  if (done.rows != done.rows_before) {
    file.sync();  // the rows, before the header that tells of them
    if (found.has_room_for(done.rows)) {
      found.publish(done.rows);
    } else {
      done.removed_bytes = bytes - found.offset_of(done.rows);
      found.rewrite(done.rows, done.rows, durability::full);
      return done;
    }
  }
  done.removed_bytes = bytes - found.offset_of(done.rows);
  if (done.removed_bytes > 0) file.set_size(found.offset_of(done.rows));
  file.sync();
  return done;
}

}  // namespace npymap
