#include "deflate/gunzip.hpp"

#include <algorithm>
#include <cstring>
#include <utility>

#include <fmt/format.h>

#include <npymap/error.hpp>

#include "deflate/crc32.hpp"

namespace npymap::deflate {
namespace {

// RFC 1952, section 2.3.1.
constexpr std::byte magic[] = {std::byte{0x1f}, std::byte{0x8b}};
constexpr std::byte method_deflate{8};
constexpr unsigned flag_header_crc = 2, flag_extra = 4, flag_name = 8, flag_comment = 16;
constexpr unsigned flags_reserved = 0xe0;

constexpr std::size_t piece_bytes = std::size_t{256} << 10;
// The inflater may have taken so many bytes behind the end of a stream, and more.
constexpr std::size_t kept_bytes = 64;

}  // namespace

bool begins_as_gzip(std::span<const std::byte> start) noexcept {
  return start.size() >= 2 && start[0] == magic[0] && start[1] == magic[1];
}

gunzip::gunzip(reader packed) : packed_(std::move(packed)), buffer_(kept_bytes + piece_bytes) {}

void gunzip::refuse(const char* subject, const char* expected, const char* found) const {
  throw error(
      errc::bad_text,
      {.subject = subject, .expected = expected, .found = found, .byte_offset = packed_bytes()});
}

/// False at the end. What was there last stays in front.
bool gunzip::refill() {
  const std::size_t kept = std::min(end_, kept_bytes);
  std::memmove(buffer_.data() + kept_bytes - kept, buffer_.data() + end_ - kept, kept);
  const std::size_t got = packed_(std::span(buffer_).subspan(kept_bytes));
  begin_ = kept_bytes;
  end_ = kept_bytes + got;
  fetched_bytes_ += got;
  return got > 0;
}

std::byte gunzip::next_byte() {
  if (begin_ == end_ && !refill()) {
    throw error(errc::truncated, {.subject = "gzip",
                                  .expected = "a whole member",
                                  .found = "the end of the file",
                                  .byte_offset = packed_bytes()});
  }
  return buffer_[begin_++];
}

std::uint32_t gunzip::next_number() {
  std::uint32_t number = 0;
  for (int shift = 0; shift < 32; shift += 8) {
    number |= std::to_integer<std::uint32_t>(next_byte()) << shift;
  }
  return number;
}

void gunzip::skip_zero_ended() {
  while (next_byte() != std::byte{0}) {
  }
}

/// False when there is none.
bool gunzip::begin_member() {
  while (begin_ != end_ || refill()) {
    if (is_first_ || buffer_[begin_] != std::byte{0}) break;
    ++begin_;
  }
  if (begin_ == end_ && !is_first_) return false;
  is_first_ = false;
  for (const std::byte expected : magic) {
    if (next_byte() != expected) refuse("gzip", "a member", "something else");
  }
  if (next_byte() != method_deflate) refuse("gzip", "method 8, deflate", "another");
  const auto flags = std::to_integer<unsigned>(next_byte());
  if ((flags & flags_reserved) != 0) refuse("gzip", "flags of RFC 1952", "others");
  for (int i = 0; i < 6; ++i) next_byte();  // when it was packed, how, and by which system
  if ((flags & flag_extra) != 0) {
    const auto low = std::to_integer<unsigned>(next_byte());
    const unsigned n = low | std::to_integer<unsigned>(next_byte()) << 8;
    for (unsigned i = 0; i < n; ++i) next_byte();
  }
  if ((flags & flag_name) != 0) skip_zero_ended();
  if ((flags & flag_comment) != 0) skip_zero_ended();
  if ((flags & flag_header_crc) != 0) {
    next_byte();
    next_byte();
  }
  inflater_.reset();
  member_begin_ = packed_bytes();
  member_bytes_ = 0;
  crc32_ = 0;
  return true;
}

void gunzip::end_member() {
  // It knows how long the stream was, but has taken more of the buffer, or of the one before.
  const std::uint64_t behind = fetched_bytes_ - (member_begin_ + inflater_.stream_bytes());
  begin_ = end_ - static_cast<std::size_t>(behind);
  const std::uint32_t crc = next_number();
  if (crc != crc32_) {
    throw error(errc::checksum_mismatch, {.subject = "CRC-32 of gzip",
                                          .expected = fmt::format("{:08x}", crc),
                                          .found = fmt::format("{:08x}", crc32_),
                                          .byte_offset = packed_bytes() - 4});
  }
  const std::uint32_t length = next_number();  // of 32 bits, however long it is
  if (length != static_cast<std::uint32_t>(member_bytes_)) {
    throw error(errc::checksum_mismatch, {.subject = "length of a gzip member",
                                          .expected = fmt::format("{}", length),
                                          .found = fmt::format("{}", member_bytes_),
                                          .byte_offset = packed_bytes() - 4});
  }
}

std::size_t gunzip::read(std::span<std::byte> out) {
  std::size_t got = 0;
  while (got < out.size() && !is_over_) {
    if (!is_in_member_) {
      is_in_member_ = begin_member();
      is_over_ = !is_in_member_;
      continue;
    }
    const bool is_all = begin_ == end_ && !refill();
    const inflated done = inflater_.inflate(
        std::span<const std::byte>(buffer_).subspan(begin_, end_ - begin_), out.subspan(got));
    if (done.state == inflate_state::corrupt) {
      refuse("gzip", "a deflate stream", "something else");
    }
    begin_ += done.consumed_bytes;
    crc32_ = crc32(crc32_, out.subspan(got, done.produced_bytes));
    member_bytes_ += done.produced_bytes;
    got += done.produced_bytes;
    if (done.state == inflate_state::ended) {
      end_member();
      is_in_member_ = false;
    } else if (done.consumed_bytes == 0 && done.produced_bytes == 0) {
      if (is_all) next_byte();  // which says so
      if (begin_ != end_) refuse("gzip", "a deflate stream", "something else");
    }
  }
  return got;
}

}  // namespace npymap::deflate
