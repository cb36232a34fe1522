/// \file
/// Compression: bytes to the pieces of one deflate stream (RFC 1951).
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

struct libdeflate_compressor;

namespace npymap::deflate {

inline constexpr int fastest_level = 1, default_level = 6, best_level = 12;

/// What ends a stream behind its last piece: an empty block that says that it is the last.
inline constexpr std::array<std::byte, 2> stream_end = {std::byte{0x03}, std::byte{0x00}};

/// Compresses pieces that know nothing of one another, at a level from 1 to 12. Reusable; for one
/// thread at a time.
///
/// Level 1 is ISA-L's, the others are libdeflate's of that number. With two cores and whole numbers
/// below 100 in 64 bits, 1 has 36 times the speed of zlib's 6 on one core and 1.07 of its size, 6
/// has 2.4 times and 0.996.
class deflater {
 public:
  /// `level` is within its range.
  explicit deflater(int level);
  deflater(deflater&&) noexcept;
  deflater& operator=(deflater&&) noexcept;
  ~deflater();

  /// Append `in`, compressed, to `out`: blocks, none of which is the last of a stream, and behind
  /// them an empty one up to the end of a byte. So pieces one behind the other are one stream,
  /// which wants only `stream_end`, and inflating may begin at any of them (zlib: Z_FULL_FLUSH).
  void piece(std::span<const std::byte> in, std::vector<std::byte>& out);

 private:
  void piece_of_isal(std::span<const std::byte> in, std::vector<std::byte>& out);
  void piece_of_libdeflate(std::span<const std::byte> in, std::vector<std::byte>& out);

  struct deleter {
    void operator()(libdeflate_compressor* each) const noexcept;
  };
  std::unique_ptr<libdeflate_compressor, deleter> compressor_;
  std::vector<unsigned char> workspace_;  // of ISA-L
};

/// A block that holds `n` bytes as they are, without those: they follow. Such bytes can be written
/// anew where they are.
std::array<std::byte, 5> stored_block(std::size_t n) noexcept;
inline constexpr std::size_t most_stored_bytes = 65535;  // RFC 1951, 3.2.4

/// As many of these as it takes, at least one, with the bytes in them.
std::vector<std::byte> stored_blocks(std::span<const std::byte> bytes);
/// How long they are.
std::uint64_t stored_blocks_bytes(std::uint64_t n) noexcept;

}  // namespace npymap::deflate
