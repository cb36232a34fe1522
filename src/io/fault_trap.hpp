/// \file
/// What becomes of a touch of a mapped page that the system cannot give: SIGBUS, survived.
#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <mutex>
#include <optional>

#include <npymap/file_map.hpp>

namespace npymap::io {

/// Whole pages of a file in memory, and how they came there.
struct mapped_pages {
  std::byte* begin = nullptr;
  std::size_t size_bytes = 0;
  std::uint64_t offset_bytes = 0;  ///< of the first page, in the file
  int descriptor = -1;
  open_mode mode = open_mode::read;
};

/// The first touch in vain since all pages were there.
struct page_fault {
  std::uint64_t byte_offset;                ///< in the file
  std::optional<std::uint64_t> file_bytes;  ///< the file's size, if it ended before that
};

/// The pages of one map, in which the faults of some threads are caught: memory of zeros takes the
/// place of pages that cannot be had, until nobody guards the map any more.
class fault_trap {
 public:
  explicit fault_trap(const mapped_pages& pages) noexcept : pages_(pages) {}
  fault_trap(const fault_trap&) = delete;
  fault_trap& operator=(const fault_trap&) = delete;

  /// Catch the faults of this thread until `leave` is called, in any thread, with what this
  /// returns. `faults_before` is what `faults` was when no page was missing: others may have met
  /// one already. \throws std::bad_alloc
  void* enter(std::uint64_t& faults_before);
  void leave(void* place) noexcept;

  /// How many there were.
  std::uint64_t faults() const noexcept { return faults_; }
  page_fault first_fault() const noexcept;

  bool holds(const std::byte* at) const noexcept {
    return at >= pages_.begin && at < pages_.begin + pages_.size_bytes;
  }
  /// Put zeros in the place of a page, and of those behind the end of the file. In a signal
  /// handler; false if that cannot be.
  bool cover(const std::byte* at) noexcept;

 private:
  struct page_range {
    std::size_t begin = 0;
    std::size_t end = 0;
  };
  page_range missing_at(std::size_t place, std::uint64_t file_bytes) const noexcept;
  void uncover() noexcept;

  // Of single pages that cannot be read; when there are more, all of the map is given up.
  static constexpr std::size_t most_ranges = 256;
  static constexpr std::uint64_t none = UINT64_MAX;

  const mapped_pages pages_;
  std::mutex entering_;  // guards what no signal handler looks at
  int guards_ = 0;
  std::uint64_t faults_when_whole_ = 0;
  std::array<page_range, most_ranges> covered_ = {};
  std::atomic<std::size_t> covered_count_ = 0;
  std::atomic<std::uint64_t> faults_ = 0;
  std::atomic<std::uint64_t> first_offset_ = none;
  std::atomic<std::uint64_t> first_file_bytes_ = none;
};

/// The trap of a map that is open. Made when it is first asked for. \throws std::bad_alloc
fault_trap& trap_of(const file_map& map);

}  // namespace npymap::io
