/// \file
/// The calls to the operating system: all that a port has to write anew, and the one place where a
/// test can make them fail. Each retries EINTR, but for `allocate`, and answers as POSIX does: -1,
/// and the reason in errno. What failure means, and what it is called, is up to the caller.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <utility>

#include <npymap/file_map.hpp>

namespace npymap::io::sys {

enum class call : char {
  open,
  open_folder,
  make_folder,
  open_unnamed,
  close,
  status,
  access,
  read_link,
  read,
  read_cached,
  read_ahead,
  write,
  allocate,
  set_size,
  set_owner,
  set_permissions,
  sync,
  sync_range,
  sync_folder,
  link,
  rename,
  rename_new,
  remove,
  next_hole,
  file_system,
  map,
  map_memory,
  sync_map,
  advise,
  forget,
  lock,
};

/// Ask before each call whether it shall fail: with the errno that `fault` answers, or not (0).
/// For tests. Null, the default, asks nobody.
using fault = int (*)(call) noexcept;
/// Instead of an errno: `read` and `write` move about half of what they were asked for.
inline constexpr int short_count = -1;
void inject(fault asked) noexcept;

/// True, with errno set, if the injected fault wants this call to fail.
bool refused(call which) noexcept;

int close(int descriptor) noexcept;

/// Owns a file descriptor. Each is closed across exec.
class descriptor {
 public:
  descriptor() noexcept = default;
  explicit descriptor(int opened) noexcept : value_(opened) {}
  descriptor(descriptor&& other) noexcept : value_(other.release()) {}
  descriptor& operator=(descriptor other) noexcept {
    std::swap(value_, other.value_);
    return *this;
  }
  ~descriptor() {
    if (*this) sys::close(value_);
  }

  explicit operator bool() const noexcept { return value_ >= 0; }
  int get() const noexcept { return value_; }
  int release() noexcept { return std::exchange(value_, -1); }

 private:
  int value_ = -1;
};

enum class file_kind : char { regular, folder, link, fifo, socket, device };

struct file_status {
  std::uint64_t size_bytes = 0;
  std::uint64_t allocated_bytes = 0;  ///< in whole blocks, with those that list them
  file_kind kind = file_kind::regular;
  unsigned permissions = 0;  ///< rwxrwxrwx
  unsigned owner = 0;
  unsigned group = 0;
  std::uint64_t device = 0;  ///< with `number`, which file it is, by whatever name
  std::uint64_t number = 0;
};

// Opening. None of these waits for a FIFO's other end, or takes a terminal.
int open_existing(const char* path, bool writable) noexcept;
/// The same open file once more.
int duplicate(int descriptor) noexcept;
/// A handle to find names in, and to sync them; it needs no permission to read.
int open_folder(const char* path) noexcept;
/// The same of a name in a folder, where a symbolic link is not followed: ENOTDIR or ELOOP.
int open_folder_in(int folder, const char* name) noexcept;
/// Stands for the folder that relative names are found in.
extern const int current_folder;
/// EEXIST to a name that is taken.
int make_folder(int folder, const char* name) noexcept;
/// A file without a name, which vanishes when it is closed. EOPNOTSUPP where there is no such
/// thing, or no way to name it later.
int open_unnamed(int folder, unsigned permissions) noexcept;
int open_fresh(int folder, const char* name, unsigned permissions) noexcept;

int status(int descriptor, file_status& out) noexcept;
int status(const char* path, file_status& out) noexcept;
/// Of what a name stands for, seen from a folder.
int status_from(int folder, const char* name, file_status& out) noexcept;
/// Of the name itself: a symbolic link is not followed.
int status_in(int folder, const char* name, file_status& out) noexcept;
/// -1 if this process may not write to the file.
int may_write(int folder, const char* name) noexcept;
/// Where a symbolic link points; EINVAL if it is none.
int read_link(const char* path, std::string& out);

/// Read and write an open file past the kernel's cache, in whole blocks alone; EINVAL where the
/// file system cannot.
int bypass_cache(int descriptor) noexcept;

// At most some 2 GiB at a time, and perhaps less.
std::ptrdiff_t read(int descriptor, std::byte* out, std::size_t n, std::uint64_t offset) noexcept;
/// What is in the page cache, perhaps less than there is to read; -1 and EAGAIN when that is
/// nothing, EOPNOTSUPP where the file system cannot tell.
std::ptrdiff_t read_cached(int descriptor, std::byte* out, std::size_t n,
                           std::uint64_t offset) noexcept;
std::ptrdiff_t write(int descriptor, const std::byte* from, std::size_t n,
                     std::uint64_t offset) noexcept;

/// The longest file that this process may write; going past it is deadly (SIGXFSZ).
std::uint64_t file_size_limit() noexcept;
/// Not retried after a signal, EINTR: tmpfs has then given up all that it had allocated.
int allocate(int descriptor, std::uint64_t offset, std::uint64_t n) noexcept;
int set_size(int descriptor, std::uint64_t size_bytes) noexcept;
int set_owner(int descriptor, unsigned owner, unsigned group) noexcept;
int set_group(int descriptor, unsigned group) noexcept;
int set_permissions(int descriptor, unsigned permissions) noexcept;

int sync(int descriptor) noexcept;
int start_writing(int descriptor, std::uint64_t offset, std::uint64_t n) noexcept;
/// Wait for what of a range is being written to the disk, of all that follows if `n` is 0; what
/// fails is told by the next `sync`.
int wait_for_writing(int descriptor, std::uint64_t offset, std::uint64_t n) noexcept;
/// Begin to read a range into memory, as far as the kernel likes: perhaps no more than 128 KiB.
/// Answers as `forget`.
int read_ahead(int descriptor, std::uint64_t offset, std::uint64_t n) noexcept;
/// Take what is cached of a range out of memory, of the pages that are written and not mapped;
/// start writing others. All that follows if `n` is 0. Answers an error number, and leaves errno
/// alone.
int forget(int descriptor, std::uint64_t offset, std::uint64_t n) noexcept;
/// Lock all of a file, for as long as its open file description lives; never waits: EAGAIN.
int lock(int descriptor, bool exclusive) noexcept;
/// Bring the names in a folder to the disk, if need be with all of the file system.
int sync_folder(int folder, int file_in_it) noexcept;

// Names in a folder. `link` and `rename_new` answer EEXIST to a name that is taken.
int link_unnamed(int descriptor, int folder, const char* name) noexcept;
int link(int folder, const char* from, const char* to) noexcept;
int rename(int folder, const char* from, const char* to) noexcept;
int rename_new(int folder, const char* from, const char* to) noexcept;
int remove(int folder, const char* name) noexcept;

/// The first byte from `offset` that has no data, be it allocated or not; the file's end counts.
std::int64_t next_hole(int descriptor, std::uint64_t offset) noexcept;
/// 1 if the file system may change or lose pages behind the kernel's back: networks and FUSE.
int is_remote(int descriptor) noexcept;
/// 1 if the file system is known to write allocated blocks in place, 0 if not.
int writes_in_place(int descriptor) noexcept;

int advise(std::byte* page, std::size_t n, advice hint) noexcept;
std::size_t page_bytes() noexcept;

/// The size of a huge page on x86-64, and on arm64 with pages of 4 KiB.
inline constexpr std::size_t huge_page_bytes = std::size_t{2} << 20;
/// Zeroed memory of its own, aligned to a huge page and in huge pages if the system likes; null and
/// errno if there is none.
void* map_memory(std::size_t n) noexcept;
void unmap_memory(void* memory, std::size_t n) noexcept;
/// Have pages of such memory before they are written to, whoever does that at the same time. A
/// hint.
void touch_memory(void* memory, std::size_t n) noexcept;

/// Bits that no other process or thread is likely to draw.
std::uint64_t random_bits() noexcept;

}  // namespace npymap::io::sys
