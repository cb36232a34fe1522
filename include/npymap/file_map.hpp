/// \file
/// A piece of a file in memory: bytes, no NPY. Arrays stand on it; use it alone for raw files.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include <npymap/detail/export.hpp>
#include <npymap/detail/shared.hpp>

namespace npymap {

/// What may be done with a mapped file, as NumPy's `mmap_mode`.
enum class open_mode : char {
  read,           ///< "r": look at an existing file
  read_write,     ///< "r+": change an existing file in place; its size stays
  create,         ///< "w+": make a new file, or replace one; then as read_write
  copy_on_write,  ///< "c": changes stay in this process's memory; the file is never touched
};

/// The mode that NumPy calls "r", "r+", "w+" or "c". \throws error invalid_argument
NPYMAP_EXPORT open_mode parse_open_mode(std::string_view name);

/// What `flush` waits for.
enum class flush_mode : char {
  sync,   ///< returns when the bytes are on the disk
  async,  ///< starts the writing and returns; a later sync flush tells how it ended
};

/// How a range of a map will be used. Hints for the kernel; no advice changes a byte.
enum class advice : char {
  normal,      ///< no particular order: the default
  sequential,  ///< front to back: read far ahead
  random,      ///< in no order: do not read ahead
  will_need,   ///< soon: start reading it now
  populate,    ///< at once: read it, and return when it is in memory
  dont_need,   ///< no more: take it out of this process's memory. Written bytes are kept and reach
               ///< the file; ignored in copy_on_write, where the edits live nowhere else
};

/// Whether others that ask for it, too, are kept off a file while it is open.
enum class locking : char {
  none,      ///< nobody is
  advisory,  ///< one who writes (r+, w+) or many who read (r, c); with a lock of the open file
             ///< description (fcntl, F_OFD_SETLK), which the kernel releases when its last map and
             ///< descriptor go, after kill -9 too. A child made by fork shares it. Those who do not
             ///< ask are not held off: NumPy, other programs
};

/// Whether those who look at a file a block at a time ask if it is still what it was.
enum class file_check : char {
  none,        ///< that it is shorter than the map is told behind each block all the same
  each_block,  ///< before and behind each block of a pass, and each `guard`: that the name stands
               ///< for the file that was opened, and that this has all its bytes. Four system calls
               ///< a block. \throws error replaced, truncated
};

/// Where the bytes of a new file come from.
enum class space : char {
  reserved,  ///< blocks are allocated at once: a full disk is an error now, not a SIGBUS later
  sparse,    ///< blocks are allocated when written: quick and frugal; a write through the map to a
             ///< full disk is a SIGBUS
};

/// What a finished file has to survive.
enum class durability : char {
  none,  ///< the end of this process: the kernel writes to the disk when it likes
  full,  ///< a power cut: file and folder are synced before the call returns
};

class file_map;
namespace io {
class file;
class new_file;
file_map map_file(file&& opened, open_mode mode, std::uint64_t offset_bytes,
                  std::uint64_t length_bytes);
file_map map_file(new_file&& fresh, durability how_safe, std::uint64_t offset_bytes,
                  std::uint64_t length_bytes);
class fault_trap;
class map_seal;
file& file_of(const file_map& map);
fault_trap& trap_of(const file_map& map);
void seal(const file_map& map, detail::shared<map_seal> with);
}  // namespace io

/// A range of a file, mapped into memory, together with the open file.
///
/// Caveats. If somebody truncates the file under the map, touching the lost pages is a SIGBUS; the
/// same goes for a read error, and for a write to a sparse file on a full disk. In copy_on_write,
/// pages not yet written to show what others write to the file. The destructor cannot report lost
/// writes: call `flush`. Network file systems are not coherent.
///
/// Copies share one mapping, which goes when the last of them does. An empty range maps nothing and
/// works in every mode. Const calls may come from several threads at once, `flush` and `advise`
/// included; `close`, assignment and destruction of one object may not overlap its other calls.
class NPYMAP_EXPORT file_map {
 public:
  /// Hold nothing: as after `close`.
  file_map() noexcept = default;

  /// Map all of an existing regular file, in any mode but `create`.
  ///
  /// Costs a few system calls and reads no page, whatever the size.
  /// \throws error the system's (no such file, no permission, ...), not_regular_file,
  /// invalid_argument
  static file_map open(const std::string& path, open_mode mode);

  /// Map a range of an existing file; the offset need not be aligned to anything.
  /// \throws error as above, and truncated when the file ends before the range does
  static file_map open(const std::string& path, open_mode mode, std::uint64_t offset_bytes,
                       std::uint64_t length_bytes);

  /// Make a file of so many zero bytes and map it, as mode "w+".
  ///
  /// An existing file is replaced in one step: whoever has it open or mapped keeps it whole, and a
  /// failure, kill -9 or power cut leaves it as it was. Only a sync that fails behind that step
  /// comes too late; its error says "replaced, durability unknown". kill -9 may leave a
  /// `.npymap-*.tmp` in the folder, which must be writable. Symbolic links are followed and
  /// permissions kept.
  /// \throws error the system's (disk full, file size limit, ...), not_regular_file
  static file_map create(const std::string& path, std::uint64_t size_bytes,
                         space blocks = space::reserved, durability how_safe = durability::full);

  /// The first byte of the range; null when nothing is mapped.
  const std::byte* data() const noexcept;
  /// The same, to write to. In copy_on_write the bytes stay in memory.
  /// \throws error read_only, closed
  std::byte* writable_data() const;
  std::size_t size_bytes() const noexcept;
  /// Where the range begins in the file.
  std::uint64_t offset_bytes() const noexcept;
  open_mode mode() const noexcept;
  /// The file's name as it was given.
  const std::string& path() const noexcept;
  bool is_open() const noexcept;
  /// How many `file_map`s share this mapping, this one included; 0 when there is none.
  std::int64_t owners() const noexcept;

  /// True if writing through the map cannot run out of disk: each block of the range is allocated,
  /// on a file system known to write in place (ext4, xfs, tmpfs; not btrfs or a network). False
  /// when that is not known, as for blocks allocated by another program and not yet written. The
  /// answer is of this moment: if another program cuts the file, the next one is false; a small
  /// hole that it punches may go unseen.
  /// \throws error the system's, closed
  bool space_guaranteed() const;

  /// Write bytes from `offset` (in the map) on, through the file: no page of the map is touched for
  /// it, the map shows it at once, and a full disk is an error rather than a SIGBUS. In
  /// copy_on_write the bytes stay in memory. \throws error read_only, out_of_range, closed, the
  /// system's (ENOSPC, EIO)
  void write(std::size_t offset, std::span<const std::byte> bytes) const;

  /// Bring `n` bytes from `offset` (in the map) to the disk. `sync` ends with a sync of the file:
  /// what else of it is pending goes along, and the name of a new one.
  ///
  /// Nothing to do in read and copy_on_write. The kernel tells of a failed write only once, so the
  /// first failure is kept: from then on every `flush` and `close` of this mapping throws it.
  /// As `numpy.memmap.flush`, which knows no ranges and forgets failures.
  /// \throws error the system's (EIO, ENOSPC), naming the range in doubt; out_of_range, closed
  void flush(std::size_t offset, std::size_t n, flush_mode how = flush_mode::sync) const;
  /// All of the map.
  void flush(flush_mode how = flush_mode::sync) const;

  /// Tell the kernel how `n` bytes from `offset` (in the map) will be used; whole pages.
  /// \throws error out_of_range, closed, the system's; for `populate` also truncated, and EIO where
  /// the disk cannot read: what would be a SIGBUS to who touches it
  void advise(advice hint, std::size_t offset, std::size_t n) const;
  /// All of the map.
  void advise(advice hint) const;

  /// Unmap now and close the file, and tell of a write that is known to be lost. Does not flush.
  /// Afterwards this object holds nothing, even if it threw for a lost write; closing it again does
  /// nothing.
  /// \throws error busy, and changes nothing, while copies share the mapping; the system's
  void close();

 private:
  struct state;
  explicit file_map(detail::shared<state> owned) noexcept;
  state& checked(std::size_t offset, std::size_t n) const;
  void update_seal() const;

  friend file_map io::map_file(io::file&&, open_mode, std::uint64_t, std::uint64_t);
  friend file_map io::map_file(io::new_file&&, durability, std::uint64_t, std::uint64_t);
  friend io::file& io::file_of(const file_map&);
  friend io::fault_trap& io::trap_of(const file_map&);
  friend void io::seal(const file_map&, detail::shared<io::map_seal>);

  detail::shared<state> state_;
};

}  // namespace npymap
