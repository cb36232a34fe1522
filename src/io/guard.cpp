#include <npymap/guard.hpp>

#include <cerrno>
#include <string>

#include <npymap/error.hpp>

#include "io/fault_trap.hpp"
#include "io/file.hpp"

namespace npymap {
namespace {

// In the file.
std::uint64_t end_of(const file_map& map) { return map.offset_bytes() + map.size_bytes(); }

[[noreturn]] void refuse_end(const io::file& source, std::uint64_t expected, std::uint64_t found,
                             std::uint64_t at) {
  throw error(errc::truncated,
              {.path = source.path(),
               .subject = "mapped bytes",
               .expected = "a file of at least " + std::to_string(expected) + " bytes",
               .found = std::to_string(found),
               .byte_offset = at});
}

bool can_be_read(const io::file& source, std::uint64_t at) {
  try {
    std::byte probe;
    return source.read_at({&probe, 1}, at) == 1;
  } catch (const error&) {
    return false;
  }
}

[[noreturn]] void refuse(const io::file& source, open_mode mode, const io::page_fault& fault) {
  const std::uint64_t at = fault.byte_offset;
  if (fault.file_bytes) refuse_end(source, at + 1, *fault.file_bytes, at);
  // To write takes a block of the disk: in a hole, which the file lets read and a map of tmpfs does
  // not, and of what has none yet, or needs another (btrfs).
  const bool is_written = mode == open_mode::read_write || mode == open_mode::create;
  const bool lacks_space = can_be_read(source, at) && (is_written || source.is_hole(at));
  errno = lacks_space ? ENOSPC : EIO;
  source.fail(errno == ENOSPC ? "write through the map" : "read through the map", 1, at);
}

}  // namespace

guard::guard(const file_map& map) : map_(map) {
  if (map_.size_bytes() == 0) return;
  io::file_of(map_).require_unchanged(end_of(map_));
  place_ = io::trap_of(map_).enter(faults_before_);
}

guard::~guard() { end(); }

bool guard::has_faulted() const noexcept {
  return place_ && io::trap_of(map_).faults() != faults_before_;
}

void guard::finish() {
  if (!place_) return;
  const file_map map = map_;
  const io::file& source = io::file_of(map);
  const bool faulted = has_faulted();
  const io::page_fault fault = io::trap_of(map).first_fault();
  end();
  if (faulted) refuse(source, map.mode(), fault);
  // What is left of the page in which a file ends reads as zeros, and nobody is told.
  const std::uint64_t expected = end_of(map);
  const std::uint64_t found = source.size_bytes();
  if (found < expected) refuse_end(source, expected, found, found);
  source.require_unchanged(expected);
}

void guard::end() noexcept {
  if (!place_) return;
  io::trap_of(map_).leave(std::exchange(place_, nullptr));
  map_ = {};
}

}  // namespace npymap
