#include "npz/member_stream.hpp"

#include <algorithm>
#include <utility>

#include <fmt/format.h>

#include <npymap/error.hpp>

#include "deflate/crc32.hpp"
#include "npz/zip_reading.hpp"
#include "npz/zip_record.hpp"

namespace npymap::zip {

void require_crc(const zip_entry& entry, std::uint32_t found, std::uint64_t data_offset_bytes) {
  if (found == entry.crc32) return;
  throw error(errc::checksum_mismatch, {.subject = "CRC-32",
                                        .expected = fmt::format("{:08x}", entry.crc32),
                                        .found = fmt::format("{:08x}", found),
                                        .byte_offset = data_offset_bytes});
}

member_stream::member_stream(const io::file& archive, zip_entry entry)
    : archive_(archive),
      entry_(std::move(entry)),
      data_offset_bytes_(find_data(archive, entry_).data_offset_bytes) {
  if (entry_.method == method_deflated) inflater_.emplace();
}

std::size_t member_stream::read(std::span<std::byte> out) try {
  const auto n = static_cast<std::size_t>(
      std::min<std::uint64_t>(out.size(), entry_.uncompressed_bytes - position_));
  const auto wanted = out.first(n);
  const std::size_t got = inflater_ ? inflate(wanted) : read_stored(wanted);
  crc32_ = deflate::crc32(crc32_, wanted.first(got));
  position_ += got;
  if (position_ == entry_.uncompressed_bytes && !is_checked_) check_end();
  return got;
} catch (const error& e) {
  throw in_member(e, archive_.path(), entry_.name);
}

void member_stream::skip(std::uint64_t n) {
  std::vector<std::byte> passed(static_cast<std::size_t>(std::min<std::uint64_t>(n, 256 << 10)));
  while (n > 0) {
    const std::size_t got = read(std::span(passed).first(
        static_cast<std::size_t>(std::min<std::uint64_t>(n, passed.size()))));
    if (got == 0) return;
    n -= got;
  }
}

std::size_t member_stream::read_stored(std::span<std::byte> out) {
  const std::uint64_t at = data_offset_bytes_ + position_;
  const std::size_t got = archive_.read_at(out, at);
  if (got == out.size()) return got;
  throw error(errc::truncated, {.subject = "data of a member",
                                .expected = fmt::format("{} bytes", out.size()),
                                .found = fmt::format("{}", got),
                                .byte_offset = at});
}

void member_stream::refill() {
  // Of many members it is the header alone that is wanted.
  const std::uint64_t piece = fetched_bytes_ == 0 ? 4 << 10 : 256 << 10;
  packed_.resize(static_cast<std::size_t>(
      std::min<std::uint64_t>(piece, entry_.compressed_bytes - fetched_bytes_)));
  used_bytes_ = 0;
  const std::uint64_t at = data_offset_bytes_ + fetched_bytes_;
  const std::size_t got = archive_.read_at(packed_, at);
  if (got != packed_.size()) {
    throw error(errc::truncated, {.subject = "data of a member",
                                  .expected = fmt::format("{} bytes", packed_.size()),
                                  .found = fmt::format("{}", got),
                                  .byte_offset = at});
  }
  fetched_bytes_ += got;
}

// Each step makes progress, or is the last.
deflate::inflated member_stream::inflate_step(std::span<std::byte> out) {
  if (used_bytes_ == packed_.size() && fetched_bytes_ < entry_.compressed_bytes) refill();
  const auto packed = std::span<const std::byte>(packed_).subspan(used_bytes_);
  const deflate::inflated done = inflater_->inflate(packed, out);
  used_bytes_ += done.consumed_bytes;
  has_ended_ = done.state == deflate::inflate_state::ended;
  const std::uint64_t at = data_offset_bytes_ + fetched_bytes_ - (packed_.size() - used_bytes_);
  if (done.state == deflate::inflate_state::corrupt) {
    refuse("deflated data", "a deflate stream", "something else", at);
  }
  if (!has_ended_ && done.consumed_bytes == 0 && done.produced_bytes == 0) {
    refuse("deflated data", fmt::format("{} bytes", entry_.uncompressed_bytes),
           "the end of the compressed ones before that", at);
  }
  return done;
}

std::size_t member_stream::inflate(std::span<std::byte> out) {
  std::size_t got = 0;
  while (got < out.size() && !has_ended_) got += inflate_step(out.subspan(got)).produced_bytes;
  if (got == out.size()) return got;
  refuse("deflated data", fmt::format("{} bytes", entry_.uncompressed_bytes),
         fmt::format("{}", position_ + got), data_offset_bytes_);
}

void member_stream::check_end() {
  std::byte one_more;
  while (inflater_ && !has_ended_) {
    if (inflate_step({&one_more, 1}).produced_bytes != 0) {
      refuse("deflated data", fmt::format("{} bytes", entry_.uncompressed_bytes), "more",
             data_offset_bytes_);
    }
  }
  if (inflater_ && inflater_->stream_bytes() != entry_.compressed_bytes) {
    refuse("compressed data", fmt::format("{} bytes", entry_.compressed_bytes),
           fmt::format("an end after {}", inflater_->stream_bytes()),
           data_offset_bytes_ + inflater_->stream_bytes());
  }
  require_crc(entry_, crc32_, data_offset_bytes_);
  is_checked_ = true;
}

void member_stream::rewind() {
  position_ = fetched_bytes_ = 0;
  crc32_ = 0;
  packed_.clear();
  used_bytes_ = 0;
  is_checked_ = has_ended_ = false;
  if (inflater_) inflater_->reset();
}

}  // namespace npymap::zip
