/// \file
/// Gzip (RFC 1952), a piece at a time.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <span>
#include <vector>

#include "deflate/inflate.hpp"

namespace npymap::deflate {

/// True if these are the first bytes of gzip; two are enough.
bool begins_as_gzip(std::span<const std::byte> start) noexcept;

/// Unpacks gzip of one or several members, within little memory, and holds each against the CRC and
/// the length behind it. Zeros behind the last one are padding, as Python's gzip has it. Errors
/// know no file; their bytes count from the first of the packed ones. For one thread at a time.
class gunzip {
 public:
  /// Fills what it is given with the packed bytes that come next; fewer at the end alone.
  using reader = std::function<std::size_t(std::span<std::byte>)>;

  explicit gunzip(reader packed);

  /// Fill `out`; fewer bytes at the end alone. \throws error bad_text for what is no gzip,
  /// checksum_mismatch, truncated; what the reader throws
  std::size_t read(std::span<std::byte> out);
  /// How far reading has come, in packed bytes.
  std::uint64_t packed_bytes() const noexcept { return fetched_bytes_ - (end_ - begin_); }

 private:
  bool refill();
  std::byte next_byte();
  std::uint32_t next_number();
  bool begin_member();
  void skip_zero_ended();
  void end_member();
  [[noreturn]] void refuse(const char* subject, const char* expected, const char* found) const;

  reader packed_;
  inflater inflater_;
  std::vector<std::byte> buffer_;
  std::size_t begin_ = 0;  // of what is left in the buffer
  std::size_t end_ = 0;
  std::uint64_t fetched_bytes_ = 0;
  std::uint64_t member_begin_ = 0;  // of its deflated bytes
  std::uint64_t member_bytes_ = 0;  // unpacked
  std::uint32_t crc32_ = 0;
  bool is_in_member_ = false;
  bool is_first_ = true;
  bool is_over_ = false;
};

}  // namespace npymap::deflate
