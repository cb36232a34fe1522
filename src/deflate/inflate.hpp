/// \file
/// Decompression of deflate streams (RFC 1951), which may be anybody's bytes.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>

namespace npymap::deflate {

enum class inflate_state : char {
  more,       ///< it goes on
  ended,      ///< the stream is over
  corrupt,    ///< no deflate stream
  too_long,   ///< it holds more than there is room for
  truncated,  ///< it wants more bytes than there are
};

struct inflated {
  inflate_state state = inflate_state::more;
  std::size_t consumed_bytes = 0;
  std::size_t produced_bytes = 0;
};

/// Inflate a whole stream that is in memory: by libdeflate, the fastest. Never `more`; counts are
/// told when it has ended.
inflated inflate_whole(std::span<const std::byte> in, std::span<std::byte> out);

/// Inflates a stream some bytes at a time, within little memory: by ISA-L, twice as fast as zlib.
/// For one thread at a time.
class inflater {
 public:
  inflater();
  inflater(inflater&&) noexcept;
  inflater& operator=(inflater&&) noexcept;
  ~inflater();

  /// Begin anew, with another stream.
  void reset() noexcept;
  /// Begin anew in the middle of a stream, where a block begins: behind so many bits, 0 to 7, of
  /// the first byte that will come. `window` is what is inflated before that, the last 32 KiB at
  /// least.
  void reset(std::span<const std::byte> window, unsigned passed_bits) noexcept;

  /// Go on, until `in` is used up or `out` is full: `more`, `ended` or `corrupt`.
  ///
  /// Takes codes that no compressor makes, and zlib refuses: what comes out is to be held against a
  /// checksum.
  inflated inflate(std::span<const std::byte> in, std::span<std::byte> out);
  /// How long the stream was, when it has ended: some of the last bytes that were consumed may be
  /// behind it.
  std::uint64_t stream_bytes() const noexcept { return stream_bytes_; }

 private:
  struct state;

  std::unique_ptr<state> state_;
  unsigned passed_bits_ = 0;
  std::uint64_t consumed_bytes_ = 0;
  std::uint64_t stream_bytes_ = 0;
};

/// So many bytes of what has been inflated may be referred to by what comes (RFC 1951).
inline constexpr std::size_t window_bytes = 32768;

/// Inflates a stream, and stops wherever a block ends: by zlib, which knows that. For one thread at
/// a time.
class block_inflater {
 public:
  block_inflater();
  block_inflater(const block_inflater&) = delete;
  block_inflater& operator=(const block_inflater&) = delete;
  ~block_inflater();

  /// Go on, until `in` is used up, `out` is full, or a block has ended, the last one but for.
  inflated inflate(std::span<const std::byte> in, std::span<std::byte> out);
  /// Where a block begins right behind what has been inflated, in bits of the stream; nothing where
  /// none does, or the stream has ended.
  std::optional<std::uint64_t> block_begin_bits() const noexcept { return block_begin_bits_; }

 private:
  struct state;

  std::unique_ptr<state> state_;
  std::optional<std::uint64_t> block_begin_bits_;
};

}  // namespace npymap::deflate
