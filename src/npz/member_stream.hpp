/// \file
/// The bytes of a member, whatever way they are packed.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "deflate/inflate.hpp"
#include "io/file.hpp"
#include "npz/zip_directory.hpp"

namespace npymap::zip {

/// Reads a member front to back, in bounded memory, and holds it against its size and CRC when it
/// is over. The archive outlives it. Errors name file and member. Move-only.
class member_stream {
 public:
  /// At the first byte. \throws error as `find_data`
  member_stream(const io::file& archive, zip_entry entry);

  /// Of the next byte, from the member's first.
  std::uint64_t position() const noexcept { return position_; }

  /// Fill `out`, with fewer bytes at the end alone; the call that reaches the end checks.
  /// \throws error bad_archive for what does not inflate to the size that the directory says,
  /// checksum_mismatch, truncated, the system's
  std::size_t read(std::span<std::byte> out);

  /// Pass over `n` bytes, or as many as there are. \throws error as `read`
  void skip(std::uint64_t n);

  /// From the first byte again.
  void rewind();

 private:
  std::size_t read_stored(std::span<std::byte> out);
  std::size_t inflate(std::span<std::byte> out);
  deflate::inflated inflate_step(std::span<std::byte> out);
  void refill();
  void check_end();

  const io::file& archive_;
  const zip_entry entry_;
  const std::uint64_t data_offset_bytes_;
  std::uint64_t position_ = 0;
  std::uint32_t crc32_ = 0;
  bool is_checked_ = false;

  // Of a deflated one.
  std::optional<deflate::inflater> inflater_;
  std::vector<std::byte> packed_;
  std::size_t used_bytes_ = 0;       // of `packed_`
  std::uint64_t fetched_bytes_ = 0;  // of the member's data
  bool has_ended_ = false;
};

/// \throws error checksum_mismatch, which names no file, unless the CRC is that of the directory
void require_crc(const zip_entry& entry, std::uint32_t found, std::uint64_t data_offset_bytes);

}  // namespace npymap::zip
