/// \file
/// Writing more to a file than memory holds.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <mutex>
#include <span>

#include "io/file.hpp"

namespace npymap::io {

/// Writes that are on their way to the disk as soon as they are made, and out of memory when they
/// are there. The kernel would take as much as memory holds, and then stop everybody for long.
/// Safe to use from any thread.
class bounded_writes {
 public:
  /// At most `most_bytes` are in memory, or one write.
  bounded_writes(file& to, std::uint64_t most_bytes) : to_(to), most_bytes_(most_bytes) {}

  /// \throws error as `file::write_at`; the system's, when an earlier write failed
  void write(std::span<const std::byte> bytes, std::uint64_t offset);
  /// Wait for all. \throws error the system's
  void finish();

 private:
  struct range {
    std::uint64_t offset;
    std::uint64_t size;
  };

  file& to_;
  const std::uint64_t most_bytes_;
  std::mutex changing_;
  std::deque<range> under_way_;
  std::uint64_t under_way_bytes_ = 0;
};

}  // namespace npymap::io
