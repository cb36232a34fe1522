/// \file
/// Characters on their way to a file.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstring>
#include <memory>
#include <span>
#include <string_view>

namespace npymap::text {

/// Grows as a string does, without clearing what is about to be written.
class text_buffer {
 public:
  /// Where at least `n` characters can be written; `end_at` says how many were.
  char* room(std::size_t n) {
    if (capacity_ - size_ < n) grow(n);
    return data_.get() + size_;
  }
  void end_at(const char* end) noexcept { size_ = static_cast<std::size_t>(end - data_.get()); }

  void append(std::string_view text) {
    if (text.size() == 1) return append(text[0]);  // nearly every delimiter
    if (text.empty()) return;                      // there may be no memory yet
    std::memcpy(room(text.size()), text.data(), text.size());
    size_ += text.size();
  }
  void append(std::size_t count, char c) {
    if (count == 0) return;
    std::memset(room(count), c, count);
    size_ += count;
  }
  void append(char c) {
    *room(1) = c;
    ++size_;
  }
  /// Make room in front of what begins at `offset`. The characters there are to be written.
  char* insert(std::size_t offset, std::size_t count) {
    room(count);
    char* const at = data_.get() + offset;
    if (size_ > offset) std::memmove(at + count, at, size_ - offset);
    size_ += count;
    return at;
  }
  void cut(std::size_t size) noexcept { size_ = size; }

  char* data() noexcept { return data_.get(); }
  std::size_t size() const noexcept { return size_; }
  std::span<const std::byte> bytes() const noexcept {
    return std::as_bytes(std::span<const char>(data_.get(), size_));
  }

 private:
  void grow(std::size_t n) {
    const std::size_t capacity = std::max({2 * capacity_, size_ + n, std::size_t{4096}});
    auto larger = std::make_unique_for_overwrite<char[]>(capacity);
    if (size_ > 0) std::memcpy(larger.get(), data_.get(), size_);
    data_ = std::move(larger);
    capacity_ = capacity;
  }

  std::unique_ptr<char[]> data_;
  std::size_t size_ = 0;
  std::size_t capacity_ = 0;
};

}  // namespace npymap::text
