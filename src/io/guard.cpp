#include <npymap/guard.hpp>

#include <cerrno>
#include <string>

#include <npymap/error.hpp>

#include "io/fault_trap.hpp"
#include "io/file.hpp"

namespace npymap {
namespace {

[[noreturn]] void refuse(const io::file& source, const io::page_fault& fault) {
  const std::uint64_t at = fault.byte_offset;
  if (fault.file_bytes) {
    throw error(errc::truncated,
                {.path = source.path(),
                 .subject = "mapped bytes",
                 .expected = "a file of more than " + std::to_string(at) + " bytes",
                 .found = std::to_string(*fault.file_bytes),
                 .byte_offset = at});
  }
  // A hole can be read, but on tmpfs; to write there takes a block of the disk.
  errno = source.is_hole(at) ? ENOSPC : EIO;
  source.fail(errno == ENOSPC ? "write through the map" : "read through the map", 1, at);
}

}  // namespace

guard::guard(const file_map& map) : map_(map) {
  if (map_.size_bytes() == 0) return;
  io::fault_trap& trap = io::trap_of(map_);
  place_ = trap.enter(faults_before_);
}

guard::~guard() { end(); }

bool guard::has_faulted() const noexcept {
  return place_ && io::trap_of(map_).faults() != faults_before_;
}

void guard::finish() {
  if (!has_faulted()) return end();
  const io::page_fault fault = io::trap_of(map_).first_fault();
  const file_map map = map_;
  end();
  refuse(io::file_of(map), fault);
}

void guard::end() noexcept {
  if (!place_) return;
  io::trap_of(map_).leave(std::exchange(place_, nullptr));
  map_ = {};
}

}  // namespace npymap
