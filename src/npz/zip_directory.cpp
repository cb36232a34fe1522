#include "npz/zip_directory.hpp"

#include <algorithm>
#include <array>
#include <cstddef>
#include <numeric>
#include <optional>
#include <span>
#include <utility>

#include <fmt/format.h>

#include <npymap/error.hpp>

#include "npz/zip_name.hpp"
#include "npz/zip_reading.hpp"
#include "npz/zip_record.hpp"

namespace npymap::zip {
namespace {

/// The record that ends an archive.
struct archive_end {
  end_record record;
  std::uint64_t offset_bytes = 0;
  std::string comment;
};

[[noreturn]] void refuse_no_end(const io::file& archive) {
  const bool has_begin = record_at<local_header>(archive, 0).has_value();
  const char* const subject = "end of central directory";
  if (!has_begin)
    throw error(errc::not_npz,
                {.subject = "kind of file", .expected = "an archive (open reads .npy)"});
  throw error(errc::truncated, {.subject = subject, .expected = "one", .found = "none"});
}

// As Python's zipfile: the last 22 bytes, if that leaves no room for a comment; else the last
// signature within reach of the longest one. Whoever looks for it in another way must not find
// another archive, so that the comment has to be whole.
archive_end find_end(const io::file& archive) {
  constexpr std::size_t fixed = record_bytes<end_record>();
  const std::uint64_t file_bytes = archive.size_bytes();
  if (file_bytes < fixed) refuse_no_end(archive);
  const auto plain = record_at<end_record>(archive, file_bytes - fixed);
  if (plain && plain->comment_bytes == 0) return {*plain, file_bytes - fixed, {}};

  constexpr std::uint64_t reach = (std::uint64_t{1} << 16) + fixed;
  const std::uint64_t begin = file_bytes - std::min(file_bytes, reach);
  std::string tail(static_cast<std::size_t>(file_bytes - begin), '\0');
  tail.resize(archive.read_at(std::as_writable_bytes(std::span(tail)), begin));
  std::string signature;
  append_number(end_record::signature, signature);
  const std::size_t at = tail.rfind(signature);
  if (at == std::string::npos) refuse_no_end(archive);
  const auto record = read_record<end_record>(std::as_bytes(std::span(tail)).subspan(at));
  const std::size_t behind = record ? tail.size() - at - fixed : 0;
  if (!record || record->comment_bytes > behind) {
    throw error(errc::truncated,
                {.subject = "end of central directory",
                 .expected = fmt::format("{} bytes", fixed + (record ? record->comment_bytes : 0u)),
                 .found = fmt::format("{}", tail.size() - at),
                 .byte_offset = begin + at});
  }
  return {*record, begin + at, tail.substr(at + fixed, record->comment_bytes)};
}

/// What the end records say of the directory.
struct directory_facts {
  std::uint64_t entries = 0;
  std::uint64_t size_bytes = 0;
  std::uint64_t offset_bytes = 0;  // from the archive's first byte
  std::uint64_t end_bytes = 0;     // from the file's
};

// Readers that know no zip64 would go by the shorter fields.
template <class Short>
void require_same(const char* subject, Short said, std::uint64_t in_zip64, std::uint64_t at) {
  if (said == static_cast<Short>(~Short{0}) || said == in_zip64) return;
  refuse(subject, fmt::format("{}, as the zip64 record says", in_zip64), fmt::format("{}", said),
         at);
}

directory_facts facts_in_zip64(const io::file& archive, const archive_end& end,
                               const zip64_locator& locator, std::uint64_t locator_offset) {
  constexpr std::uint64_t fixed = record_bytes<zip64_end_record>();
  const char* const subject = "zip64 end of central directory";
  const std::uint64_t at = locator_offset - std::min(fixed, locator_offset);
  const auto record = record_at<zip64_end_record>(archive, at);
  if (!record || record->remaining_bytes != zip64_end_record::plain_remaining_bytes) {
    refuse(subject, "a record of 56 bytes in front of its locator", "something else", at);
  }
  if (locator.end_record_disk != 0 || locator.disks > 1 || record->disk != 0 ||
      record->directory_disk != 0 || record->entries_on_disk != record->entries) {
    refuse(subject, "an archive in one file", "one of several", at);
  }
  require_same("entries on disk", end.record.entries_on_disk, record->entries, end.offset_bytes);
  require_same("entries", end.record.entries, record->entries, end.offset_bytes);
  require_same("bytes of the central directory", end.record.directory_bytes,
               record->directory_bytes, end.offset_bytes);
  require_same("offset of the central directory", end.record.directory_offset_bytes,
               record->directory_offset_bytes, end.offset_bytes);
  const directory_facts facts{.entries = record->entries,
                              .size_bytes = record->directory_bytes,
                              .offset_bytes = record->directory_offset_bytes,
                              .end_bytes = at};
  // By two ways to the same directory: the locator's, and from the record backwards.
  const std::uint64_t said = locator.end_record_offset_bytes;
  if (said < facts.size_bytes || said - facts.size_bytes != facts.offset_bytes) {
    refuse("zip64 locator", "an offset right behind the central directory", fmt::format("{}", said),
           locator_offset);
  }
  return facts;
}

bool refers_to_zip64(const end_record& said) {
  return said.entries == in_zip64_16 || said.directory_bytes == in_zip64_32 ||
         said.directory_offset_bytes == in_zip64_32;
}

// The comment of the last member may look like one, where nothing says that there is zip64, neither
// to those who go by the locator nor to those who look in front of it.
bool is_locator(const io::file& archive, const archive_end& end, const zip64_locator& locator,
                std::uint64_t locator_offset) {
  constexpr std::uint64_t fixed = record_bytes<zip64_end_record>();
  return refers_to_zip64(end.record) ||
         record_at<zip64_end_record>(archive, locator.end_record_offset_bytes) ||
         (locator_offset >= fixed && record_at<zip64_end_record>(archive, locator_offset - fixed));
}

directory_facts read_end(const io::file& archive, const archive_end& end) {
  constexpr std::uint64_t locator_bytes = record_bytes<zip64_locator>();
  if (end.offset_bytes >= locator_bytes) {
    const std::uint64_t at = end.offset_bytes - locator_bytes;
    const auto locator = record_at<zip64_locator>(archive, at);
    if (locator && is_locator(archive, end, *locator, at)) {
      return facts_in_zip64(archive, end, *locator, at);
    }
  }
  const end_record& said = end.record;
  if (said.disk != 0 || said.directory_disk != 0 || said.entries_on_disk != said.entries) {
    refuse("end of central directory", "an archive in one file", "one of several",
           end.offset_bytes);
  }
  return {.entries = said.entries,
          .size_bytes = said.directory_bytes,
          .offset_bytes = said.directory_offset_bytes,
          .end_bytes = end.offset_bytes};
}

/// The bytes of the directory, front to back, a piece of the file at a time.
class directory_bytes {
 public:
  directory_bytes(const io::file& archive, std::uint64_t begin, std::uint64_t end)
      : archive_(archive), at_(begin), end_(end) {}

  std::uint64_t position() const noexcept { return at_; }
  bool is_over() const noexcept { return at_ == end_; }

  /// The next `n` bytes; they stay until the next call.
  std::span<const std::byte> take(std::size_t n) {
    if (n > end_ - at_) {
      refuse("central directory", fmt::format("{} more bytes", n), fmt::format("{}", end_ - at_),
             at_);
    }
    if (n > held_.size() - used_) refill(n);
    const auto taken = std::span<const std::byte>(held_).subspan(used_, n);
    used_ += n;
    at_ += n;
    return taken;
  }

 private:
  void refill(std::size_t least) {
    constexpr std::size_t piece = 256 << 10;
    const auto n =
        static_cast<std::size_t>(std::min<std::uint64_t>(std::max(least, piece), end_ - at_));
    held_.resize(n);
    used_ = 0;
    if (archive_.read_at(held_, at_) == n) return;
    throw error(errc::truncated, {.subject = "central directory",
                                  .expected = fmt::format("{} bytes", end_ - at_),
                                  .found = "an end before that",
                                  .byte_offset = at_});
  }

  const io::file& archive_;
  std::uint64_t at_;
  const std::uint64_t end_;
  std::vector<std::byte> held_;
  std::size_t used_ = 0;
};

std::string require_name(std::span<const std::byte> bytes, std::uint16_t flags, std::uint64_t at) {
  auto name = decode_name(bytes, flags);
  if (name) return *std::move(name);
  const std::string_view text(reinterpret_cast<const char*>(bytes.data()), bytes.size());
  refuse("name of a member", "UTF-8 without a NUL", quoted(text), at);
}

zip_entry read_entry(directory_bytes& from, std::uint64_t front_bytes) {
  const std::uint64_t at = from.position();
  const auto record = read_record<directory_record>(from.take(record_bytes<directory_record>()));
  if (!record) refuse("central directory", "the signature of a record", "something else", at);
  const std::size_t name_bytes = record->name_bytes;
  const auto rest = from.take(name_bytes + record->extra_bytes + record->comment_bytes);
  zip_entry entry{.name = require_name(rest.first(name_bytes), record->flags, at),
                  .flags = record->flags,
                  .method = record->method,
                  .crc32 = record->crc32,
                  .record_offset_bytes = at,
                  .name_bytes = record->name_bytes};
  zip64_values values(rest.subspan(name_bytes, record->extra_bytes), at);
  entry.uncompressed_bytes = values.value_of(record->uncompressed_bytes, "size of a member");
  entry.compressed_bytes = values.value_of(record->compressed_bytes, "compressed size of a member");
  const std::uint64_t offset = values.value_of(record->header_offset_bytes, "offset of a member");
  const std::uint32_t disk = values.disk_of(record->disk);
  if (disk != 0) refuse("disk of a member", "0", fmt::format("{}", disk), at);
  if (entry.method == method_stored && entry.compressed_bytes != entry.uncompressed_bytes &&
      (entry.flags & flag_encrypted) == 0) {
    refuse("sizes of a stored member", fmt::format("{} bytes twice", entry.uncompressed_bytes),
           fmt::format("{} compressed", entry.compressed_bytes), at);
  }
  if (offset > at - front_bytes) {
    refuse("offset of a member", "one in front of the central directory", fmt::format("{}", offset),
           at);
  }
  entry.header_offset_bytes = offset + front_bytes;
  return entry;
}

// Gives each entry its end, and shows that no two share a byte: a bomb has little data for many.
void separate(zip_directory& directory) {
  std::vector<std::size_t> by_offset(directory.entries.size());
  std::iota(by_offset.begin(), by_offset.end(), std::size_t{0});
  std::sort(by_offset.begin(), by_offset.end(), [&](std::size_t a, std::size_t b) {
    return directory.entries[a].header_offset_bytes < directory.entries[b].header_offset_bytes;
  });
  std::uint64_t end = directory.offset_bytes;
  for (std::size_t i = by_offset.size(); i-- > 0;) {
    zip_entry& entry = directory.entries[by_offset[i]];
    const std::uint64_t least = record_bytes<local_header>() + entry.name_bytes;
    const std::uint64_t begin = entry.header_offset_bytes;
    if (begin > end || end - begin < least || end - begin - least < entry.compressed_bytes) {
      refuse("place of a member",
             fmt::format("{} bytes and {} of header for {}", entry.compressed_bytes, least,
                         quoted(entry.name)),
             fmt::format("{} before the next", end - std::min(begin, end)), begin);
    }
    entry.end_offset_bytes = end;
    end = begin;
  }
}

}  // namespace

zip_directory read_directory(const io::file& archive) try {
  archive_end end = find_end(archive);
  const directory_facts facts = read_end(archive, end);
  if (facts.size_bytes > facts.end_bytes ||
      facts.offset_bytes > facts.end_bytes - facts.size_bytes) {
    refuse("place of the central directory",
           fmt::format("{} bytes from byte {}", facts.size_bytes, facts.offset_bytes),
           fmt::format("{} bytes in front of its end", facts.end_bytes), end.offset_bytes);
  }
  zip_directory directory;
  directory.offset_bytes = facts.end_bytes - facts.size_bytes;
  directory.size_bytes = facts.size_bytes;
  directory.comment = std::move(end.comment);
  directory.front_bytes = directory.offset_bytes - facts.offset_bytes;
  for (directory_bytes from(archive, directory.offset_bytes, facts.end_bytes); !from.is_over();) {
    directory.entries.push_back(read_entry(from, directory.front_bytes));
  }
  if (directory.entries.size() != facts.entries) {
    refuse("central directory", fmt::format("{} entries", facts.entries),
           fmt::format("{}", directory.entries.size()), directory.offset_bytes);
  }
  separate(directory);
  return directory;
} catch (const error& e) {
  throw e.in_file(archive.path());
}

}  // namespace npymap::zip
