#include "pickle/pickle_bytes.hpp"

#include <algorithm>
#include <span>

#include <fmt/format.h>

#include <npymap/error.hpp>

namespace npymap::pickle {
namespace {

constexpr std::size_t buffer_bytes = std::size_t{1} << 16;

}  // namespace

void pickle_bytes::refuse_end(std::uint64_t wanted, std::uint64_t at) const {
  throw error(errc::truncated, {.subject = "pickle",
                                .expected = fmt::format("{} bytes", wanted),
                                .found = fmt::format("{}", end_ - std::min(end_, at)),
                                .byte_offset = at});
}

void pickle_bytes::refill() {
  const std::uint64_t at = position();
  if (at >= end_) {
    throw error(errc::truncated, {.subject = "pickle",
                                  .expected = "an opcode STOP in the end",
                                  .found = "none",
                                  .byte_offset = at});
  }
  // Little at first: of a pickle that is one large array there is not more to read.
  const std::size_t wanted = buffer_.empty() ? std::size_t{1} << 12 : buffer_bytes;
  buffer_.resize(static_cast<std::size_t>(std::min<std::uint64_t>(wanted, end_ - at)));
  buffer_offset_ = at;
  used_ = 0;
  const std::size_t got = from_.read_at(buffer_, at);
  if (got != buffer_.size()) refuse_end(buffer_.size(), at);
}

byte_range pickle_bytes::skip(std::uint64_t n) {
  const std::uint64_t at = position();
  if (n > end_ - at) refuse_end(n, at);
  if (n <= buffer_.size() - used_) {
    used_ += static_cast<std::size_t>(n);
  } else {
    buffer_offset_ = at + n;
    buffer_.clear();
    used_ = 0;
  }
  return {at, n};
}

byte_range pickle_bytes::skip_line() {
  const std::uint64_t begin = position();
  for (;;) {
    if (used_ == buffer_.size()) refill();
    const auto* const first = buffer_.data() + used_;
    const auto* const found =
        static_cast<const std::byte*>(std::memchr(first, '\n', buffer_.size() - used_));
    if (!found) {
      used_ = buffer_.size();
      continue;
    }
    used_ += static_cast<std::size_t>(found - first) + 1;
    return {begin, position() - 1 - begin};
  }
}

std::string pickle_bytes::text(byte_range range) const {
  std::string bytes(static_cast<std::size_t>(range.size), '\0');
  const std::size_t got = from_.read_at(std::as_writable_bytes(std::span(bytes)), range.offset);
  if (got != bytes.size()) refuse_end(range.size, range.offset);
  return bytes;
}

}  // namespace npymap::pickle
