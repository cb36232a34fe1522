/// \file
/// What a zip archive says that it holds: the central directory, proved against the file.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <vector>

#include "io/file.hpp"

namespace npymap::zip {

/// A member, as the directory has it. Offsets count from the start of the file.
struct zip_entry {
  std::string name;  ///< in UTF-8
  std::uint16_t flags = 0;
  std::uint16_t method = 0;
  std::uint32_t crc32 = 0;
  std::uint64_t compressed_bytes = 0;
  std::uint64_t uncompressed_bytes = 0;
  std::uint64_t header_offset_bytes = 0;
  std::uint64_t end_offset_bytes = 0;     ///< where what follows begins: all of it is before that
  std::uint64_t record_offset_bytes = 0;  ///< of its record in the directory
  std::uint16_t name_bytes = 0;           ///< in the file
};

/// All members, in the order of the directory, and where that is.
struct zip_directory {
  std::vector<zip_entry> entries;
  std::uint64_t offset_bytes = 0;  ///< from the start of the file
  std::uint64_t size_bytes = 0;
  std::uint64_t front_bytes = 0;  ///< of something else, in front of the archive
  std::string comment;
};

/// Read the directory of an archive, found as Python's zipfile finds it.
///
/// Proves that the members lie in the file, in front of the directory, and apart from one another;
/// looks at no member. Time is linear in the directory, but for a sort; memory is that of names and
/// entries. \throws error not_npz, bad_archive, truncated, naming the file and the byte in it
zip_directory read_directory(const io::file& archive);

/// Where the bytes of a member are, and where else its CRC is told.
struct zip_place {
  std::uint64_t data_offset_bytes = 0;
  /// In the local header, the data descriptor and the directory; 0 where it is not.
  std::array<std::uint64_t, 3> crc_offset_bytes = {};
};

/// Read the local header of a member, and hold it against the directory, which it must repeat:
/// name, method, flags, and CRC and sizes where it states them.
/// \throws error bad_archive; unsupported_member for what is encrypted, or packed in other ways
/// than stored and deflated. Errors name the file and the member
zip_place find_data(const io::file& archive, const zip_entry& entry);
/// The same of a member that is packed in whatever way.
zip_place find_packed_data(const io::file& archive, const zip_entry& entry);

}  // namespace npymap::zip
