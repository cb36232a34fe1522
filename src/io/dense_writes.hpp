/// \file
/// Writing a file front to back so that its pages are large.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "io/aligned_buffer.hpp"
#include "io/file.hpp"

namespace npymap::io {

/// What one write covers of this much, aligned, Linux keeps as one page and maps at once (a huge
/// page of x86-64, and of arm64 with pages of 4 KiB). Passes over a map of such a file take half
/// the time: whoever writes much ends each write at a multiple of this.
inline constexpr std::size_t large_page_bytes = std::size_t{2} << 20;

/// Bytes behind one another, of which what does not fill a large page is held back until it does.
class dense_writes {
 public:
  /// From `offset` of a file, which outlives this.
  dense_writes(file& to, std::uint64_t offset) : to_(to), end_bytes_(offset) {}

  /// \throws error as `file::write_at`
  void append(std::span<const std::byte> bytes);
  /// Write what is held back.
  void finish();
  /// Go on elsewhere, when nothing is held back.
  void move_to(std::uint64_t offset) noexcept { end_bytes_ = offset; }

  /// Behind all bytes, in the file.
  std::uint64_t end_bytes() const noexcept { return end_bytes_; }

 private:
  std::size_t room() const noexcept { return large_page_bytes - end_bytes_ % large_page_bytes; }
  void hold(std::span<const std::byte> bytes);

  file& to_;
  std::uint64_t end_bytes_;
  aligned_buffer held_;  // allocated when there is something to hold
  std::size_t held_bytes_ = 0;
};

}  // namespace npymap::io
