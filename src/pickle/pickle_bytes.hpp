/// \file
/// The bytes of a pickle, read from a file a little at a time.
#pragma once

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string>
#include <vector>

#include "io/file.hpp"

namespace npymap::pickle {

/// A run of bytes of the file, which nobody has read.
struct byte_range {
  std::uint64_t offset = 0;  ///< from the start of the file
  std::uint64_t size = 0;
};

/// Reads front to back, and passes over what is not wanted. Errors name no file.
class pickle_bytes {
 public:
  /// From `offset` of a file, which outlives this.
  pickle_bytes(const io::file& from, std::uint64_t offset)
      : from_(from), end_(from.size_bytes()), buffer_offset_(offset) {}

  /// Of the next byte, from the start of the file.
  std::uint64_t position() const noexcept { return buffer_offset_ + used_; }
  std::uint64_t end() const noexcept { return end_; }

  /// \throws error truncated, the system's; as all that follow
  std::uint8_t byte() {
    if (used_ == buffer_.size()) refill();
    return static_cast<std::uint8_t>(buffer_[used_++]);
  }
  /// A little-endian number.
  template <class Number>
  Number number() {
    std::array<std::byte, sizeof(Number)> bytes;
    for (std::byte& each : bytes) each = static_cast<std::byte>(byte());
    if constexpr (std::endian::native == std::endian::big) {
      for (std::size_t i = 0; i < bytes.size() / 2; ++i) {
        std::swap(bytes[i], bytes[bytes.size() - 1 - i]);
      }
    }
    return std::bit_cast<Number>(bytes);
  }
  /// Pass over `n` bytes, and tell where they are.
  byte_range skip(std::uint64_t n);
  /// Pass over what is before the next newline, and over that.
  byte_range skip_line();
  /// The bytes of a range, wherever it is. It is short.
  std::string text(byte_range range) const;

 private:
  void refill();
  [[noreturn]] void refuse_end(std::uint64_t wanted, std::uint64_t at) const;

  const io::file& from_;
  const std::uint64_t end_;
  std::uint64_t buffer_offset_;    // of the first byte in the buffer
  std::size_t used_ = 0;           // of the buffer
  std::vector<std::byte> buffer_;  // what has been fetched
};

}  // namespace npymap::pickle
