/// \file
/// Memory for elements: aligned for every vector unit, in huge pages when it is large.
#pragma once

#include <cstddef>
#include <span>
#include <utility>

namespace npymap::io {

/// A block of memory aligned to 64 bytes or more; not initialised. Move-only.
class aligned_buffer {
 public:
  static constexpr std::size_t alignment_bytes = 64;

  aligned_buffer() noexcept = default;
  /// \throws error ENOMEM, with the size in its message
  explicit aligned_buffer(std::size_t size_bytes);
  aligned_buffer(aligned_buffer&& other) noexcept
      : data_(std::exchange(other.data_, nullptr)),
        size_bytes_(std::exchange(other.size_bytes_, 0)) {}
  aligned_buffer& operator=(aligned_buffer other) noexcept {
    std::swap(data_, other.data_);
    std::swap(size_bytes_, other.size_bytes_);
    return *this;
  }
  ~aligned_buffer();

  std::byte* data() noexcept { return data_; }
  const std::byte* data() const noexcept { return data_; }
  std::size_t size_bytes() const noexcept { return size_bytes_; }
  std::span<std::byte> bytes() noexcept { return {data_, size_bytes_}; }

 private:
  std::byte* data_ = nullptr;
  std::size_t size_bytes_ = 0;
};

}  // namespace npymap::io
