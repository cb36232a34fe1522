#include "io/dense_writes.hpp"

#include <algorithm>
#include <cstring>
#include <utility>

namespace npymap::io {

void dense_writes::append(std::span<const std::byte> bytes) {
  if (held_bytes_ > 0) {
    const auto first = bytes.first(std::min(room(), bytes.size()));
    hold(first);
    bytes = bytes.subspan(first.size());
    if (end_bytes_ % large_page_bytes == 0) finish();
  }
  if (bytes.size() >= room()) {
    const std::size_t rest = (bytes.size() - room()) % large_page_bytes;
    const auto whole = bytes.first(bytes.size() - rest);
    to_.write_at(whole, end_bytes_);
    end_bytes_ += whole.size();
    bytes = bytes.subspan(whole.size());
  }
  if (!bytes.empty()) hold(bytes);
}

void dense_writes::hold(std::span<const std::byte> bytes) {
  if (held_.size_bytes() == 0) held_ = aligned_buffer(large_page_bytes);
  std::memcpy(held_.data() + held_bytes_, bytes.data(), bytes.size());
  held_bytes_ += bytes.size();
  end_bytes_ += bytes.size();
}

void dense_writes::finish() {
  const std::size_t n = std::exchange(held_bytes_, 0);
  if (n > 0) to_.write_at(held_.bytes().first(n), end_bytes_ - n);
}

}  // namespace npymap::io
