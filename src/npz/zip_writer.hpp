/// \file
/// A zip archive, written member by member into a file.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "io/dense_writes.hpp"
#include "io/file.hpp"
#include "npz/zip_directory.hpp"
#include "npz/zip_record.hpp"

namespace npymap::zip {

/// Where the data of each member begins, at multiples of this: of the alignment of any element, and
/// of the length of NPY headers, behind which the elements begin.
inline constexpr std::uint64_t data_alignment_bytes = 64;

/// \throws error invalid_argument, which names the file at `path`, for a name that no zip can have
void require_name(std::string_view name, const std::string& path);

/// What is known of a member's data when all of it has been written.
struct packed_size {
  std::uint32_t crc32 = 0;  ///< of what was packed
  std::uint64_t compressed_bytes = 0;
  std::uint64_t uncompressed_bytes = 0;
};

/// Writes an archive: members one behind the other, then the directory. What it writes is plain
/// zip, with zip64 records where a number needs them. Its file is nobody's before `finish`: after a
/// failure it is to be thrown away. Errors name the file.
class zip_writer {
 public:
  /// Into an empty file, which has to outlive the writer.
  explicit zip_writer(io::file& to) : to_(to), data_(to, 0) {}

  /// Begin a member, whose name has passed `require_name`. \throws error the system's
  void begin(std::string_view name, std::uint16_t method);
  /// Bytes of its data, packed as the method says, behind those before.
  void write(std::span<const std::byte> packed);
  /// Write again what has been written at byte `offset` of its data.
  void rewrite(std::span<const std::byte> packed, std::uint64_t offset);
  /// End the member. `extra` are fields for the directory, whole ones. `compressed_bytes` is known
  /// here.
  void end(std::uint32_t crc32, std::uint64_t uncompressed_bytes, std::string_view extra = {});

  /// Where in the file the next byte of the member that has been begun goes.
  std::uint64_t offset_bytes() const noexcept { return data_.end_bytes(); }
  /// Bytes of the data of that member.
  std::uint64_t written_bytes() const noexcept { return offset_bytes() - data_bytes_; }

  /// A member of another archive as it is, compressed bytes, times and attributes included.
  /// \throws error as `find_packed_data`; truncated, which names the other archive
  void copy(const io::file& archive, const zip_entry& entry);

  /// Write the directory, with a comment of the archive's.
  void finish(std::string_view comment = {});

 private:
  struct member {
    directory_record record = {};
    packed_size size = {};
    std::uint64_t header_bytes = 0;  // where its header is
    std::string name = {}, extra = {}, comment = {};
    bool is_copied = false;  // from an older archive: those are told first
  };
  void place(member m);
  void copy_data(const io::file& archive, std::uint64_t offset, const zip_entry& entry);
  void write_header(const member& m);
  void end_data();

  io::file& to_;
  std::uint64_t end_bytes_ = 0;   // of all members that are whole
  std::uint64_t data_bytes_ = 0;  // where the data of the last member begins
  io::dense_writes data_;         // of that member
  std::vector<member> members_;
};

}  // namespace npymap::zip
