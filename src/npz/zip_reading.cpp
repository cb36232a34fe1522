#include "npz/zip_reading.hpp"

#include <utility>

#include <fmt/format.h>

#include <npymap/error.hpp>

namespace npymap::zip {

void refuse(const char* subject, std::string expected, std::string found,
            std::uint64_t byte_offset) {
  throw error(errc::bad_archive, {.subject = subject,
                                  .expected = std::move(expected),
                                  .found = std::move(found),
                                  .byte_offset = byte_offset});
}

error in_member(const error& e, const std::string& path, const std::string& member) {
  if (!e.path().empty() && e.path() != path) return e;
  return {e.code(),
          {.path = path,
           .member = member,
           .subject = e.subject(),
           .expected = e.expected(),
           .found = e.found(),
           .byte_offset = e.byte_offset()}};
}

zip64_values::zip64_values(std::span<const std::byte> extra, std::uint64_t at) : at_(at) {
  constexpr std::size_t prefix = 4;
  while (extra.size() >= prefix) {  // less is padding, to all readers
    const auto id = read_number<std::uint16_t>(extra);
    const std::size_t size = read_number<std::uint16_t>(extra.subspan(2));
    extra = extra.subspan(prefix);
    if (size > extra.size()) {
      refuse("extra field", fmt::format("{} bytes", size), fmt::format("{}", extra.size()), at);
    }
    if (id == extra_zip64) {
      if (left_) refuse("extra field", "one zip64 field", "two", at);
      left_ = extra.first(size);
    }
    extra = extra.subspan(size);
  }
}

std::uint64_t zip64_values::value_of(std::uint32_t said, const char* subject) {
  if (said != in_zip64_32 || !left_) return said;
  if (left_->size() < sizeof(std::uint64_t)) {
    refuse(subject, "8 bytes in the zip64 field", fmt::format("{}", left_->size()), at_);
  }
  const auto value = read_number<std::uint64_t>(*left_);
  left_ = left_->subspan(sizeof(std::uint64_t));
  return value;
}

std::uint32_t zip64_values::disk_of(std::uint16_t said) {
  if (said != in_zip64_16 || !left_) return said;
  if (left_->size() < sizeof(std::uint32_t)) {
    refuse("disk of a member", "4 bytes in the zip64 field", fmt::format("{}", left_->size()), at_);
  }
  return read_number<std::uint32_t>(*left_);
}

raw_record read_raw_record(const io::file& archive, const zip_entry& entry) {
  raw_record raw{.record = record_at<directory_record>(archive, entry.record_offset_bytes)
                               .value_or(directory_record{}),
                 .name = {},
                 .extra = {},
                 .comment = {}};
  std::uint64_t at = entry.record_offset_bytes + record_bytes<directory_record>();
  const auto read = [&](std::string& text, std::size_t bytes) {
    text.resize(bytes);
    archive.read_at(std::as_writable_bytes(std::span(text)), at);
    at += bytes;
  };
  read(raw.name, raw.record.name_bytes);
  read(raw.extra, raw.record.extra_bytes);
  read(raw.comment, raw.record.comment_bytes);
  return raw;
}

}  // namespace npymap::zip
