#include "io/system.hpp"

#include <fcntl.h>
#include <linux/magic.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/uio.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <cerrno>
#include <cstdio>
#include <limits>

namespace npymap::io::sys {

static_assert(sizeof(off_t) == 8, "files beyond 2 GiB need 64-bit offsets");

namespace {

std::atomic<fault> injected{nullptr};

int injected_into(call which) noexcept {
  const fault asked = injected.load(std::memory_order_relaxed);
  return asked ? asked(which) : 0;
}

// Calls, until no signal handler got in between.
template <class Function>
auto attempt(call which, Function function) noexcept -> decltype(function()) {
  for (;;) {
    const auto result = refused(which) ? -1 : function();
    if (result != -1 || errno != EINTR) return result;
  }
}

// The same of calls that may move fewer than `n` bytes, and do so if a test likes: in whole blocks,
// where past the kernel's cache there is nothing else.
template <class Function>
std::ptrdiff_t attempt_to_move(call which, std::size_t n, Function function) noexcept {
  constexpr std::size_t block_bytes = 4096;
  const std::size_t fewer = n % block_bytes != 0  ? (n + 1) / 2
                            : n < 2 * block_bytes ? n
                                                  : n / 2 / block_bytes * block_bytes;
  for (;;) {
    const int reason = injected_into(which);
    if (reason > 0) errno = reason;
    const auto result = reason > 0 ? -1 : function(reason == short_count ? fewer : n);
    if (result != -1 || errno != EINTR) return result;
  }
}

file_kind kind_of(const struct stat& found) noexcept {
  switch (found.st_mode & S_IFMT) {
    case S_IFREG:
      return file_kind::regular;
    case S_IFDIR:
      return file_kind::folder;
    case S_IFLNK:
      return file_kind::link;
    case S_IFIFO:
      return file_kind::fifo;
    case S_IFSOCK:
      return file_kind::socket;
    default:
      return file_kind::device;
  }
}

int fill(file_status& out, const struct stat& from) noexcept {
  out.size_bytes = static_cast<std::uint64_t>(from.st_size);
  out.allocated_bytes = static_cast<std::uint64_t>(from.st_blocks) * 512;  // whatever the block
  out.kind = kind_of(from);
  out.permissions = from.st_mode & 0777;
  out.owner = from.st_uid;
  out.group = from.st_gid;
  out.device = from.st_dev;
  out.number = from.st_ino;
  return 0;
}

std::size_t round_up(std::size_t n, std::size_t unit) noexcept {
  return (n + unit - 1) / unit * unit;
}

// The name under which /proc lists a descriptor; it can be linked even if the file has no other.
struct proc_name {
  explicit proc_name(int descriptor) noexcept {
    std::snprintf(text.data(), text.size(), "/proc/self/fd/%d", descriptor);
  }
  std::array<char, 32> text{};
};

}  // namespace

void inject(fault asked) noexcept { injected.store(asked, std::memory_order_relaxed); }

bool refused(call which) noexcept {
  const int reason = injected_into(which);
  if (reason > 0) errno = reason;
  return reason > 0;
}

int close(int descriptor) noexcept {
  // Not retried: Linux has freed the descriptor by the time it answers EINTR.
  int result = ::close(descriptor);
  if (refused(call::close)) result = -1;
  return result == -1 && errno == EINTR ? 0 : result;
}

int open_existing(const char* path, bool writable) noexcept {
  const int flags = (writable ? O_RDWR : O_RDONLY) | O_CLOEXEC | O_NOCTTY;
  const int result = attempt(call::open, [&] { return ::open(path, flags | O_NONBLOCK); });
  if (result != -1 || errno != EWOULDBLOCK) return result;
  // Somebody holds a lease on the file, say Samba or an NFS server for a client, and gives it up
  // only to those who wait. It is no FIFO: these do not answer EWOULDBLOCK.
  return attempt(call::open, [&] { return ::open(path, flags); });
}

int duplicate(int descriptor) noexcept {
  return attempt(call::open, [&] { return ::fcntl(descriptor, F_DUPFD_CLOEXEC, 0); });
}

int open_folder(const char* path) noexcept {
  constexpr int flags = O_DIRECTORY | O_CLOEXEC;
  const int result = attempt(call::open_folder, [&] { return ::open(path, O_RDONLY | flags); });
  if (result != -1 || errno != EACCES) return result;
  return attempt(call::open_folder, [&] { return ::open(path, O_PATH | flags); });
}

int open_folder_in(int folder, const char* name) noexcept {
  constexpr int flags = O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC;
  return attempt(call::open_folder, [&] { return ::openat(folder, name, flags); });
}

const int current_folder = AT_FDCWD;

int make_folder(int folder, const char* name) noexcept {
  return attempt(call::make_folder, [&] { return ::mkdirat(folder, name, 0777); });
}

int open_unnamed(int folder, unsigned permissions) noexcept {
  const int result = attempt(call::open_unnamed, [&] {
    return ::openat(folder, ".", O_TMPFILE | O_RDWR | O_CLOEXEC, permissions);
  });
  if (result == -1) {
    // What kernels and file systems that know no O_TMPFILE make of it: open(2).
    if (errno == EISDIR || errno == ENOENT || errno == EINVAL) errno = EOPNOTSUPP;
    return -1;
  }
  if (::access(proc_name(result).text.data(), F_OK) == 0) return result;
  sys::close(result);
  errno = EOPNOTSUPP;
  return -1;
}

int open_fresh(int folder, const char* name, unsigned permissions) noexcept {
  return attempt(call::open, [&] {
    return ::openat(folder, name, O_CREAT | O_EXCL | O_RDWR | O_CLOEXEC, permissions);
  });
}

int status(int descriptor, file_status& out) noexcept {
  struct stat found;
  const int result = attempt(call::status, [&] { return ::fstat(descriptor, &found); });
  return result == -1 ? -1 : fill(out, found);
}

int status(const char* path, file_status& out) noexcept {
  struct stat found;
  const int result = attempt(call::status, [&] { return ::stat(path, &found); });
  return result == -1 ? -1 : fill(out, found);
}

int status_from(int folder, const char* name, file_status& out) noexcept {
  struct stat found;
  const int result = attempt(call::status, [&] { return ::fstatat(folder, name, &found, 0); });
  return result == -1 ? -1 : fill(out, found);
}

int status_in(int folder, const char* name, file_status& out) noexcept {
  struct stat found;
  const int result =
      attempt(call::status, [&] { return ::fstatat(folder, name, &found, AT_SYMLINK_NOFOLLOW); });
  return result == -1 ? -1 : fill(out, found);
}

int may_write(int folder, const char* name) noexcept {
  return attempt(call::access, [&] { return ::faccessat(folder, name, W_OK, AT_EACCESS); });
}

int read_link(const char* path, std::string& out) {
  out.resize(4096);  // PATH_MAX: no link is longer
  const auto size =
      attempt(call::read_link, [&] { return ::readlink(path, out.data(), out.size()); });
  out.resize(size == -1 ? 0 : static_cast<std::size_t>(size));
  return size == -1 ? -1 : 0;
}

int bypass_cache(int descriptor) noexcept {
  const int flags = ::fcntl(descriptor, F_GETFL);
  return flags == -1 ? -1 : ::fcntl(descriptor, F_SETFL, flags | O_DIRECT);
}

std::ptrdiff_t read(int descriptor, std::byte* out, std::size_t n, std::uint64_t offset) noexcept {
  return attempt_to_move(call::read, n, [&](std::size_t part) {
    return ::pread(descriptor, out, part, static_cast<off_t>(offset));
  });
}

std::ptrdiff_t read_cached(int descriptor, std::byte* out, std::size_t n,
                           std::uint64_t offset) noexcept {
  const iovec place{out, n};
  return attempt(call::read_cached, [&] {
    return ::preadv2(descriptor, &place, 1, static_cast<off_t>(offset), RWF_NOWAIT);
  });
}

std::ptrdiff_t write(int descriptor, const std::byte* from, std::size_t n,
                     std::uint64_t offset) noexcept {
  return attempt_to_move(call::write, n, [&](std::size_t part) {
    return ::pwrite(descriptor, from, part, static_cast<off_t>(offset));
  });
}

std::uint64_t file_size_limit() noexcept {
  constexpr auto longest = static_cast<std::uint64_t>(std::numeric_limits<off_t>::max());
  rlimit limit{};
  if (::getrlimit(RLIMIT_FSIZE, &limit) == -1 || limit.rlim_cur > longest) return longest;
  return limit.rlim_cur;
}

int allocate(int descriptor, std::uint64_t offset, std::uint64_t n) noexcept {
  if (refused(call::allocate)) return -1;
  return ::fallocate(descriptor, 0, static_cast<off_t>(offset), static_cast<off_t>(n));
}

int set_size(int descriptor, std::uint64_t size_bytes) noexcept {
  return attempt(call::set_size,
                 [&] { return ::ftruncate(descriptor, static_cast<off_t>(size_bytes)); });
}

int set_owner(int descriptor, unsigned owner, unsigned group) noexcept {
  return attempt(call::set_owner, [&] { return ::fchown(descriptor, owner, group); });
}

int set_group(int descriptor, unsigned group) noexcept {
  return set_owner(descriptor, static_cast<uid_t>(-1), group);
}

int set_permissions(int descriptor, unsigned permissions) noexcept {
  return attempt(call::set_permissions, [&] { return ::fchmod(descriptor, permissions); });
}

int sync(int descriptor) noexcept {
  return attempt(call::sync, [&] { return ::fsync(descriptor); });
}

int start_writing(int descriptor, std::uint64_t offset, std::uint64_t n) noexcept {
  return attempt(call::sync_range, [&] {
    return ::sync_file_range(descriptor, static_cast<off_t>(offset), static_cast<off_t>(n),
                             SYNC_FILE_RANGE_WRITE);
  });
}

int wait_for_writing(int descriptor, std::uint64_t offset, std::uint64_t n) noexcept {
  return attempt(call::sync_range, [&] {
    return ::sync_file_range(descriptor, static_cast<off_t>(offset), static_cast<off_t>(n),
                             SYNC_FILE_RANGE_WAIT_BEFORE);
  });
}

int read_ahead(int descriptor, std::uint64_t offset, std::uint64_t n) noexcept {
  if (refused(call::read_ahead)) return errno;
  return ::posix_fadvise(descriptor, static_cast<off_t>(offset), static_cast<off_t>(n),
                         POSIX_FADV_WILLNEED);
}

int forget(int descriptor, std::uint64_t offset, std::uint64_t n) noexcept {
  if (refused(call::forget)) return errno;
  return ::posix_fadvise(descriptor, static_cast<off_t>(offset), static_cast<off_t>(n),
                         POSIX_FADV_DONTNEED);
}

int sync_folder(int folder, int file_in_it) noexcept {
  const int result = attempt(call::sync_folder, [&] { return ::fsync(folder); });
  if (result == 0) return 0;
  // Only a handle that can read can be synced; then all of the file system is, the folder with it.
  if (errno == EBADF) return attempt(call::sync_folder, [&] { return ::syncfs(file_in_it); });
  // Some network file systems have nothing to sync in a folder, and say so: fsync(2).
  return errno == EINVAL ? 0 : -1;
}

int link_unnamed(int descriptor, int folder, const char* name) noexcept {
  const proc_name from(descriptor);
  return attempt(call::link, [&] {
    return ::linkat(AT_FDCWD, from.text.data(), folder, name, AT_SYMLINK_FOLLOW);
  });
}

int link(int folder, const char* from, const char* to) noexcept {
  return attempt(call::link, [&] { return ::linkat(folder, from, folder, to, 0); });
}

int rename(int folder, const char* from, const char* to) noexcept {
  return attempt(call::rename, [&] { return ::renameat(folder, from, folder, to); });
}

int rename_new(int folder, const char* from, const char* to) noexcept {
  return attempt(call::rename_new,
                 [&] { return ::renameat2(folder, from, folder, to, RENAME_NOREPLACE); });
}

int remove(int folder, const char* name) noexcept {
  return attempt(call::remove, [&] { return ::unlinkat(folder, name, 0); });
}

int lock(int descriptor, bool exclusive) noexcept {
  struct flock all {};  // from byte 0, of length 0: however long the file becomes
  all.l_type = exclusive ? F_WRLCK : F_RDLCK;
  all.l_whence = SEEK_SET;
  return attempt(call::lock, [&] { return ::fcntl(descriptor, F_OFD_SETLK, &all); });
}

std::int64_t next_hole(int descriptor, std::uint64_t offset) noexcept {
  return attempt(call::next_hole,
                 [&] { return ::lseek(descriptor, static_cast<off_t>(offset), SEEK_HOLE); });
}

namespace {

// The number by which a file system is known; 0 and errno when it cannot be asked.
std::uint32_t file_system(int descriptor) noexcept {
  struct statfs found;
  if (attempt(call::file_system, [&] { return ::fstatfs(descriptor, &found); }) == -1) return 0;
  return static_cast<std::uint32_t>(found.f_type);
}

}  // namespace

int is_remote(int descriptor) noexcept {
  constexpr std::uint32_t lustre = 0x0bd00bd0, gpfs = 0x47504653, beegfs = 0x19830326;  // theirs
  const std::uint32_t magic = file_system(descriptor);
  if (magic == 0) return -1;
  for (const std::uint32_t remote :
       {std::uint32_t{NFS_SUPER_MAGIC}, std::uint32_t{SMB_SUPER_MAGIC},
        std::uint32_t{CIFS_SUPER_MAGIC}, std::uint32_t{SMB2_SUPER_MAGIC},
        std::uint32_t{FUSE_SUPER_MAGIC}, std::uint32_t{CEPH_SUPER_MAGIC},
        std::uint32_t{AFS_SUPER_MAGIC}, std::uint32_t{AFS_FS_MAGIC},
        std::uint32_t{CODA_SUPER_MAGIC}, std::uint32_t{V9FS_MAGIC}, lustre, gpfs, beegfs}) {
    if (magic == remote) return 1;
  }
  return 0;
}

int writes_in_place(int descriptor) noexcept {
  constexpr std::uint32_t xfs_magic = 0x58465342;  // "XFSB": statfs(2); not in linux/magic.h
  const std::uint32_t magic = file_system(descriptor);
  if (magic == 0) return -1;
  return magic == EXT4_SUPER_MAGIC || magic == TMPFS_MAGIC || magic == xfs_magic;
}

int advise(std::byte* page, std::size_t n, advice hint) noexcept {
  constexpr int populate_read = 22;  // MADV_POPULATE_READ: madvise(2); not in every linux/mman.h
  const int native = hint == advice::sequential  ? MADV_SEQUENTIAL
                     : hint == advice::random    ? MADV_RANDOM
                     : hint == advice::will_need ? MADV_WILLNEED
                     : hint == advice::populate  ? populate_read
                     : hint == advice::dont_need ? MADV_DONTNEED
                                                 : MADV_NORMAL;
  const int answer = attempt(call::advise, [&] { return ::madvise(page, n, native); });
  // Linux knows it since 5.14; others do what comes nearest.
  if (answer == -1 && errno == EINVAL && hint == advice::populate) {
    return advise(page, n, advice::will_need);
  }
  return answer;
}

std::size_t page_bytes() noexcept {
  static const auto size = static_cast<std::size_t>(::sysconf(_SC_PAGESIZE));
  return size;
}

void* map_memory(std::size_t n) noexcept {
  // A system that aligns by itself is not to be relied on: map more, and give back both ends.
  const std::size_t whole = n + huge_page_bytes;
  errno = ENOMEM;
  if (whole < n || refused(call::map_memory)) return nullptr;
  void* const mapped =
      ::mmap(nullptr, whole, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (mapped == MAP_FAILED) return nullptr;
  auto* const begin = static_cast<std::byte*>(mapped);
  const std::size_t lead = -reinterpret_cast<std::uintptr_t>(begin) % huge_page_bytes;
  const std::size_t used = lead + round_up(n, page_bytes());
  if (lead != 0) ::munmap(begin, lead);
  if (used < whole) ::munmap(begin + used, whole - used);
  ::madvise(begin + lead, n, MADV_HUGEPAGE);  // a wish
  return begin + lead;
}

void unmap_memory(void* memory, std::size_t n) noexcept { ::munmap(memory, n); }

void touch_memory(void* memory, std::size_t n) noexcept {
  constexpr int populate_write = 23;  // MADV_POPULATE_WRITE, since Linux 5.14: madvise(2)
  ::madvise(memory, n, populate_write);
}

std::uint64_t random_bits() noexcept {
  std::uint64_t bits = 0;
  // Short of a seeded kernel, an address and the process are different enough: names are retried.
  if (::getrandom(&bits, sizeof bits, GRND_NONBLOCK) != sizeof bits) {
    bits = reinterpret_cast<std::uintptr_t>(&bits) ^ (static_cast<std::uint64_t>(::getpid()) << 32);
  }
  return bits;
}

}  // namespace npymap::io::sys
