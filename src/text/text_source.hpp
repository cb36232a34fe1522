/// \file
/// The bytes of a file of text, packed or not.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>

#include "deflate/gunzip.hpp"
#include "io/file.hpp"

namespace npymap::text {

/// Reads text front to back; of gzip, told by its bytes, what is packed in it. For one thread at a
/// time.
class text_source {
 public:
  /// What has been read is let go from the system's cache when the file is larger than
  /// `keep_bytes`.
  text_source(const std::string& path, std::uint64_t keep_bytes);
  text_source(const text_source&) = delete;
  text_source& operator=(const text_source&) = delete;

  const std::string& path() const noexcept { return file_.path(); }
  bool is_packed() const noexcept { return unpacked_.has_value(); }
  /// Of the file.
  std::uint64_t file_bytes() const noexcept { return file_bytes_; }
  /// How far reading has come, in bytes of the file.
  std::uint64_t read_bytes() const noexcept {
    return unpacked_ ? unpacked_->packed_bytes() : offset_;
  }

  /// Fill `out`; fewer bytes at the end alone. \throws error as `deflate::gunzip`; the system's
  std::size_t read(std::span<char> out);
  /// From the first byte again.
  void rewind();

 private:
  std::size_t read_file(std::span<std::byte> out);
  void begin();

  io::file file_;
  const std::uint64_t file_bytes_;
  const bool lets_go_;
  std::uint64_t offset_ = 0;  // of the next byte of the file
  std::optional<deflate::gunzip> unpacked_;
};

}  // namespace npymap::text
