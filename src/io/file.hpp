/// \file
/// An open regular file: bytes at offsets, and errors that name it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <utility>

#include <npymap/error.hpp>
#include <npymap/file_map.hpp>

#include "io/system.hpp"

namespace npymap::io {

/// An open regular file and its name. Move-only; closed by the destructor, and across exec.
///
/// Offsets count from the start of the file; there is no current position, so threads may read and
/// write at once. Each failing system call is an error with path, operation and errno.
class file {
 public:
  file() noexcept = default;

  /// Open an existing file, to read (read, copy_on_write) or to read and write (read_write).
  ///
  /// Symbolic links are followed. Whatever is not a regular file with a size of its own (folders,
  /// FIFOs, sockets, devices, files of /proc) is refused and never hangs.
  /// With `locking::advisory`, locked before anything is read of it, as `lock` says; and then the
  /// name stands for it, whoever replaced it while the lock was being taken.
  /// \throws error not_regular_file, invalid_argument (mode create), busy, the system's
  static file open(const std::string& path, open_mode mode, locking how = locking::none);

  /// The same open file, for another owner: its name may stand for another by now. A lock holds
  /// until the last of them is closed. \throws error the system's
  file share() const;

  /// As it was given; in messages.
  const std::string& path() const noexcept { return path_; }
  int native_handle() const noexcept { return descriptor_.get(); }
  bool is_open() const noexcept { return static_cast<bool>(descriptor_); }

  /// The size now: asks the system each time.
  std::uint64_t size_bytes() const;

  /// Fill `out` from `offset`; returns how many bytes there were: fewer only at the end of the
  /// file.
  std::size_t read_at(std::span<std::byte> out, std::uint64_t offset) const;

  /// Fill `out` if that needs no disk. If it does, the disk is told to begin, and a `read_at` that
  /// comes later will not wait long: so one thread keeps many reads under way.
  bool try_read_at(std::span<std::byte> out, std::uint64_t offset) const noexcept;

  /// Write all of `bytes` at `offset`, growing the file as needed.
  /// Past RLIMIT_FSIZE this is EFBIG, not SIGXFSZ, and nothing is written.
  void write_at(std::span<const std::byte> bytes, std::uint64_t offset);

  /// Make sure that `n` bytes from `offset` have blocks on the disk, growing the file with zeros;
  /// bytes that exist are not changed. After a failure the size is as before.
  ///
  /// Where the file system cannot allocate ahead, zeros are written behind the old end; holes in
  /// front of it stay.
  void reserve(std::uint64_t offset, std::uint64_t n);

  /// Cut the file, or let it grow with a hole.
  void set_size(std::uint64_t size_bytes);

  /// Bring everything to the disk: contents, size, and the name if it is a fresh one.
  void sync();

  /// Start writing `n` bytes from `offset` to the disk, without waiting.
  void start_writing(std::uint64_t offset, std::uint64_t n);

  /// Begin to read `n` bytes from `offset` into the system's memory. A hint.
  void read_ahead(std::uint64_t offset, std::uint64_t n) const noexcept;

  /// Wait until what is being written of `n` bytes from `offset`, or of all that follow if `n` is
  /// 0, is on the disk. Not for safety: `sync` is. \throws error the system's, when some of it was
  /// lost
  void wait_for_writing(std::uint64_t offset = 0, std::uint64_t n = 0);

  /// Let go of what the system keeps in memory of `n` bytes from `offset`, or of all that follow if
  /// `n` is 0, where it is on the disk and not mapped; start writing the rest. Goes with the first
  /// page, if that is shared with what comes before, but not with the last: what comes next may be
  /// wanted next. A hint.
  void forget(std::uint64_t offset, std::uint64_t n) const noexcept;

  /// Take an advisory lock, exclusive for modes that write and shared for others, until the file
  /// and what was mapped of it are closed. \throws error busy when somebody else has it, the
  /// system's
  void lock(open_mode mode);

  /// Have `require_unchanged` look, from now on; for a relative name, from the folder that is the
  /// current one now. \throws error the system's
  void watch(file_check how);
  /// Of a watched file: the name stands for it, and it has so many bytes. \throws error replaced,
  /// truncated, the system's
  void require_unchanged(std::uint64_t least_bytes) const;

  /// True if both are one file, whatever their names.
  bool is_same(const file& other) const;

  /// True if the file has no block at a byte of it. \throws error the system's
  bool is_hole(std::uint64_t offset) const;

  /// See `file_map::space_guaranteed`.
  bool space_guaranteed(std::uint64_t offset, std::uint64_t n) const;

  /// Close, and tell what the system says; the destructor is silent.
  void close();

  /// Throw the system's error `errno` for an operation on this file.
  [[noreturn]] void fail(const char* operation) const;
  /// The same, for an operation on `n` bytes from `offset`.
  [[noreturn]] void fail(const char* operation, std::uint64_t n, std::uint64_t offset) const;

 private:
  friend class new_file;
  file(sys::descriptor opened, std::string path) noexcept
      : descriptor_(std::move(opened)), path_(std::move(path)) {}

  static file open_unlocked(std::string path, open_mode mode);
  sys::file_status status() const;
  bool is_what_name_stands_for(const sys::file_status& opened, bool& is_gone) const;
  void check_size_limit(std::uint64_t offset, std::uint64_t n) const;
  int allocate(std::uint64_t offset, std::uint64_t n) noexcept;
  void write_zeros(std::uint64_t begin, std::uint64_t end);

  sys::descriptor descriptor_;
  sys::descriptor fresh_folder_;  // to be synced once, because the name in it is new
  std::string path_;
  file_check check_ = file_check::none;
  sys::descriptor start_;             // of relative names that are watched
  std::uint64_t reserved_bytes_ = 0;  // of the start of the file, by us
};

/// Throw `errno` as an error of `path`. \throws error always
[[noreturn]] void throw_errno(std::string path, std::string operation);

/// \throws error not_regular_file unless that is what `kind` says
void require_regular(sys::file_kind kind, const std::string& path);

/// The system's name for a path. \throws error invalid_argument for one with a NUL in it, which the
/// system would cut there
const char* system_name(const std::string& path);

/// Map a range of an open file. The size is checked again, right before: a map past the end is a
/// SIGBUS when touched. `mode` must allow no more than the file was opened for.
/// \throws error truncated, invalid_argument, the system's
file_map map_file(file&& opened, open_mode mode, std::uint64_t offset_bytes,
                  std::uint64_t length_bytes);

/// True if an error is that of a file which can be read, but not mapped: of one that FUSE serves
/// without a cache (ENODEV), or under a limit of address space (ENOMEM). mmap(2)
bool is_refused_map(const error& e) noexcept;

/// The file under a map, to write to without its pages: what is written is seen through the map.
/// \throws error closed
file& file_of(const file_map& map);

}  // namespace npymap::io
