/// \file
/// The records of a zip archive, as PKWARE's APPNOTE 6.3 lays them out: bytes to structs and back.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <type_traits>

namespace npymap::zip {

/// How a member is packed; APPNOTE has more of them.
inline constexpr std::uint16_t method_stored = 0;
inline constexpr std::uint16_t method_deflated = 8;

/// Bits of `flags`.
inline constexpr std::uint16_t flag_encrypted = 1 << 0;
inline constexpr std::uint16_t flag_descriptor = 1 << 3;  ///< CRC and sizes are behind the data
inline constexpr std::uint16_t flag_patch = 1 << 5;
inline constexpr std::uint16_t flag_strongly_encrypted = 1 << 6;
inline constexpr std::uint16_t flag_utf8 = 1 << 11;  ///< the name is UTF-8, not code page 437
inline constexpr std::uint16_t flag_masked = 1 << 13;

/// What a field of 16 or 32 bits holds when its value is in a zip64 record.
inline constexpr std::uint16_t in_zip64_16 = 0xffff;
inline constexpr std::uint32_t in_zip64_32 = 0xffffffff;

/// The extra field that holds the values of 64 bits.
inline constexpr std::uint16_t extra_zip64 = 0x0001;

/// Of the CRC, from the signature.
inline constexpr std::uint64_t crc_in_local_header = 14, crc_in_directory = 16;

/// In front of each member; its name and extra field follow.
struct local_header {
  static constexpr std::uint32_t signature = 0x04034b50;
  std::uint16_t version_needed = 20;
  std::uint16_t flags = 0;
  std::uint16_t method = method_stored;
  std::uint16_t time = 0;
  std::uint16_t date = 0x21;  // 1980-01-01, the first that there is
  std::uint32_t crc32 = 0;
  std::uint32_t compressed_bytes = 0;
  std::uint32_t uncompressed_bytes = 0;
  std::uint16_t name_bytes = 0;
  std::uint16_t extra_bytes = 0;

  template <class Self, class F>
  static constexpr void for_each(Self& r, F&& f) {
    f(r.version_needed), f(r.flags), f(r.method), f(r.time), f(r.date), f(r.crc32);
    f(r.compressed_bytes), f(r.uncompressed_bytes), f(r.name_bytes), f(r.extra_bytes);
  }
};

/// One for each member, in the central directory; its name, extra field and comment follow.
struct directory_record {
  static constexpr std::uint32_t signature = 0x02014b50;
  std::uint16_t version_made_by = 20;
  std::uint16_t version_needed = 20;
  std::uint16_t flags = 0;
  std::uint16_t method = method_stored;
  std::uint16_t time = 0;
  std::uint16_t date = 0x21;
  std::uint32_t crc32 = 0;
  std::uint32_t compressed_bytes = 0;
  std::uint32_t uncompressed_bytes = 0;
  std::uint16_t name_bytes = 0;
  std::uint16_t extra_bytes = 0;
  std::uint16_t comment_bytes = 0;
  std::uint16_t disk = 0;
  std::uint16_t internal_attributes = 0;
  std::uint32_t external_attributes = 0;
  std::uint32_t header_offset_bytes = 0;

  template <class Self, class F>
  static constexpr void for_each(Self& r, F&& f) {
    f(r.version_made_by), f(r.version_needed), f(r.flags), f(r.method), f(r.time), f(r.date);
    f(r.crc32), f(r.compressed_bytes), f(r.uncompressed_bytes), f(r.name_bytes), f(r.extra_bytes);
    f(r.comment_bytes), f(r.disk), f(r.internal_attributes), f(r.external_attributes);
    f(r.header_offset_bytes);
  }
};

/// Right behind the directory, in archives that need it or whose writer did not care.
struct zip64_end_record {
  static constexpr std::uint32_t signature = 0x06064b50;
  /// Of a record without the "extensible data" that nobody writes.
  static constexpr std::uint64_t plain_remaining_bytes = 44;
  std::uint64_t remaining_bytes = plain_remaining_bytes;  ///< behind this field
  std::uint16_t version_made_by = 45;
  std::uint16_t version_needed = 45;
  std::uint32_t disk = 0;
  std::uint32_t directory_disk = 0;
  std::uint64_t entries_on_disk = 0;
  std::uint64_t entries = 0;
  std::uint64_t directory_bytes = 0;
  std::uint64_t directory_offset_bytes = 0;

  template <class Self, class F>
  static constexpr void for_each(Self& r, F&& f) {
    f(r.remaining_bytes), f(r.version_made_by), f(r.version_needed), f(r.disk);
    f(r.directory_disk), f(r.entries_on_disk), f(r.entries), f(r.directory_bytes);
    f(r.directory_offset_bytes);
  }
};

/// Between the zip64 end record, which it points to, and the end record.
struct zip64_locator {
  static constexpr std::uint32_t signature = 0x07064b50;
  std::uint32_t end_record_disk = 0;
  std::uint64_t end_record_offset_bytes = 0;
  std::uint32_t disks = 1;

  template <class Self, class F>
  static constexpr void for_each(Self& r, F&& f) {
    f(r.end_record_disk), f(r.end_record_offset_bytes), f(r.disks);
  }
};

/// The last of an archive; its comment follows.
struct end_record {
  static constexpr std::uint32_t signature = 0x06054b50;
  std::uint16_t disk = 0;
  std::uint16_t directory_disk = 0;
  std::uint16_t entries_on_disk = 0;
  std::uint16_t entries = 0;
  std::uint32_t directory_bytes = 0;
  std::uint32_t directory_offset_bytes = 0;
  std::uint16_t comment_bytes = 0;

  template <class Self, class F>
  static constexpr void for_each(Self& r, F&& f) {
    f(r.disk), f(r.directory_disk), f(r.entries_on_disk), f(r.entries), f(r.directory_bytes);
    f(r.directory_offset_bytes), f(r.comment_bytes);
  }
};

/// Behind a member that was written as a stream; the signature is optional, and the sizes have 64
/// bits where the local header has a zip64 field.
inline constexpr std::uint32_t descriptor_signature = 0x08074b50;

/// A number of `sizeof(T)` bytes, the lowest first; `from` has as many.
template <class T>
constexpr T read_number(std::span<const std::byte> from) noexcept {
  static_assert(std::is_unsigned_v<T>);
  std::uint64_t value = 0;
  for (std::size_t i = sizeof(T); i-- > 0;) value = value << 8 | std::to_integer<unsigned>(from[i]);
  return static_cast<T>(value);
}

template <class T>
void append_number(T value, std::string& to) {
  for (std::size_t i = 0; i < sizeof(T); ++i) {
    to += static_cast<char>(static_cast<std::uint64_t>(value) >> (8 * i) & 0xff);
  }
}

/// Of the signature and the fixed fields.
template <class Record>
constexpr std::size_t record_bytes() noexcept {
  std::size_t n = sizeof(Record::signature);
  Record blank;
  Record::for_each(blank, [&n](const auto& field) { n += sizeof(field); });
  return n;
}

/// Nothing if `from` is too short or does not begin with the signature.
template <class Record>
std::optional<Record> read_record(std::span<const std::byte> from) noexcept {
  if (from.size() < record_bytes<Record>()) return std::nullopt;
  if (read_number<std::uint32_t>(from) != Record::signature) return std::nullopt;
  from = from.subspan(sizeof(Record::signature));
  Record record;
  Record::for_each(record, [&from](auto& field) {
    field = read_number<std::remove_reference_t<decltype(field)>>(from);
    from = from.subspan(sizeof(field));
  });
  return record;
}

template <class Record>
void append_record(const Record& record, std::string& to) {
  append_number(Record::signature, to);
  Record::for_each(record, [&to](const auto& field) { append_number(field, to); });
}

static_assert(record_bytes<local_header>() == 30);
static_assert(record_bytes<directory_record>() == 46);
static_assert(record_bytes<zip64_end_record>() == 56);
static_assert(record_bytes<zip64_locator>() == 20);
static_assert(record_bytes<end_record>() == 22);

}  // namespace npymap::zip
