/// \file
/// Text on its way to a file, plain or in gzip.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "deflate/deflate.hpp"
#include "io/bounded_writes.hpp"
#include "io/file.hpp"
#include "text/text_buffer.hpp"

namespace npymap::text {

/// Some text, and what it is packed to. Threads make them, each its own; one writes them.
struct text_piece {
  text_buffer text;
  std::vector<std::byte> packed;
  std::uint32_t crc32 = 0;
};

/// Packs pieces; for one thread at a time. Does nothing for a plain file.
class text_packer {
 public:
  explicit text_packer(std::optional<int> level) {
    if (level) machine_.emplace(*level);
  }
  void pack(text_piece& piece);

 private:
  std::optional<deflate::deflater> machine_;
};

/// Bytes behind one another in a new file, written at multiples of 256 KiB.
class text_output {
 public:
  /// With a level the file is gzip. `most_unwritten_bytes` are on their way to the disk at most;
  /// without it, as many as the system likes.
  text_output(io::file& to, std::optional<int> level,
              std::optional<std::uint64_t> most_unwritten_bytes);

  /// A piece that was packed for this file.
  void write(const text_piece& piece);
  void write(std::string_view text);
  void finish();

 private:
  void put(std::span<const std::byte> bytes);
  void put_whole(std::span<const std::byte> bytes);

  io::file& to_;
  const std::optional<int> level_;
  std::optional<io::bounded_writes> bounded_;
  std::vector<std::byte> gathered_;
  std::uint64_t offset_ = 0;  // of what is gathered
  std::uint32_t crc32_ = 0;
  std::uint64_t plain_bytes_ = 0;
};

}  // namespace npymap::text
