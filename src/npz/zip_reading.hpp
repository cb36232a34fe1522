/// \file
/// What reading the directory and reading a member's header have in common.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>

#include <npymap/error.hpp>

#include "io/file.hpp"
#include "npz/zip_directory.hpp"
#include "npz/zip_record.hpp"

namespace npymap::zip {

/// \throws error bad_archive, which names neither the file nor the member
[[noreturn]] void refuse(const char* subject, std::string expected, std::string found,
                         std::uint64_t byte_offset);

/// The same failure, told of a member of the archive at `path`, if it names no other file.
error in_member(const error& e, const std::string& path, const std::string& member);

/// Nothing where the file ends before the record does, or where there is another.
template <class Record>
std::optional<Record> record_at(const io::file& archive, std::uint64_t offset) {
  std::array<std::byte, record_bytes<Record>()> bytes;
  return read_record<Record>(std::span(bytes).first(archive.read_at(bytes, offset)));
}

/// A record of the directory as it is, with what follows it.
struct raw_record {
  directory_record record;
  std::string name, extra, comment;
};
/// Of an entry that `read_directory` has read.
raw_record read_raw_record(const io::file& archive, const zip_entry& entry);

/// The 64-bit values of an extra field, to be taken in their order by fields that refer to them.
class zip64_values {
 public:
  /// `at` is what errors name. \throws error bad_archive for fields that are cut, or two for zip64
  zip64_values(std::span<const std::byte> extra, std::uint64_t at);

  /// The next value if `said` refers to it, else `said`. \throws error bad_archive
  std::uint64_t value_of(std::uint32_t said, const char* subject);
  /// The last of them, which is shorter: of how many disks.
  std::uint32_t disk_of(std::uint16_t said);

 private:
  std::optional<std::span<const std::byte>> left_;
  std::uint64_t at_;
};

}  // namespace npymap::zip
