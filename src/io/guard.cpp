#include <npymap/guard.hpp>

#include <cerrno>
#include <string>

#include <npymap/error.hpp>

#include "io/fault_trap.hpp"
#include "io/file.hpp"

namespace npymap {
namespace {

[[noreturn]] void refuse_end(const io::file& source, std::uint64_t expected, std::uint64_t found,
                             std::uint64_t at) {
  throw error(errc::truncated,
              {.path = source.path(),
               .subject = "mapped bytes",
               .expected = "a file of at least " + std::to_string(expected) + " bytes",
               .found = std::to_string(found),
               .byte_offset = at});
}

[[noreturn]] void refuse(const io::file& source, const io::page_fault& fault) {
  const std::uint64_t at = fault.byte_offset;
  if (fault.file_bytes) refuse_end(source, at + 1, *fault.file_bytes, at);
  // A hole can be read, but on tmpfs; to write there takes a block of the disk.
  errno = source.is_hole(at) ? ENOSPC : EIO;
  source.fail(errno == ENOSPC ? "write through the map" : "read through the map", 1, at);
}

}  // namespace

guard::guard(const file_map& map) : map_(map) {
  if (map_.size_bytes() == 0) return;
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
  if (faulted) refuse(source, fault);
  // What is left of the page in which a file ends reads as zeros, and nobody is told.
  const std::uint64_t expected = map.offset_bytes() + map.size_bytes();
  const std::uint64_t found = source.size_bytes();
  if (found < expected) refuse_end(source, expected, found, found);
}

void guard::end() noexcept {
  if (!place_) return;
  io::trap_of(map_).leave(std::exchange(place_, nullptr));
  map_ = {};
}

}  // namespace npymap
