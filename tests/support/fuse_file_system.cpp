#define FUSE_USE_VERSION 314
#include "support/fuse_file_system.hpp"

#include <fcntl.h>
#include <fuse.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <chrono>
#include <cstdio>
#include <new>
#include <stdexcept>
#include <thread>

#include "io/mounts.hpp"

namespace npymap_test {
namespace {

// Of the process that serves; there is one file system in each.
int folder = -1;
fuse_rules* rules = nullptr;

// FUSE says "/name".
const char* name_of(const char* path) { return path[1] == '\0' ? "." : path + 1; }

int answer(std::int64_t result) { return result == -1 ? -errno : static_cast<int>(result); }

int descriptor(const fuse_file_info* file) { return static_cast<int>(file->fh); }

int inject(int reason) {
  ++rules->injected;
  return -reason;
}

bool touches(off_t offset, std::size_t n, std::uint64_t begin, std::uint64_t end) {
  const auto first = static_cast<std::uint64_t>(offset);
  return first < end && begin < first + n;
}

int get_attributes(const char* path, struct stat* out, fuse_file_info* file) {
  if (file) return answer(::fstat(descriptor(file), out));
  return answer(::fstatat(folder, name_of(path), out, AT_SYMLINK_NOFOLLOW));
}

int keep_open(int opened, fuse_file_info* file) {
  if (opened == -1) return -errno;
  file->fh = static_cast<std::uint64_t>(opened);
  file->direct_io = rules->direct_io;
  return 0;
}

int open_file(const char* path, fuse_file_info* file) {
  // O_DIRECT is between the caller and the kernel.
  const int flags = file->flags & ~(O_DIRECT | O_NOFOLLOW);
  return keep_open(::openat(folder, name_of(path), flags | O_CLOEXEC), file);
}

int create_file(const char* path, mode_t mode, fuse_file_info* file) {
  const int flags = (file->flags & ~O_DIRECT) | O_CREAT | O_CLOEXEC;
  return keep_open(::openat(folder, name_of(path), flags, mode), file);
}

int release_file(const char*, fuse_file_info* file) { return answer(::close(descriptor(file))); }

int read_file_at(const char*, char* out, std::size_t n, off_t offset, fuse_file_info* file) {
  ++rules->reads;
  const std::uint64_t end = static_cast<std::uint64_t>(offset) + n;
  for (std::uint64_t seen = rules->furthest_read; seen < end;) {
    if (rules->furthest_read.compare_exchange_weak(seen, end)) break;
  }
  if (const int delay = rules->read_delay_ms; delay > 0) {
    using namespace std::chrono;
    const auto begin = steady_clock::now();
    std::this_thread::sleep_for(milliseconds(delay));
    const auto took = duration_cast<microseconds>(steady_clock::now() - begin);
    rules->delayed_us += static_cast<std::uint64_t>(took.count());
  }
  if (touches(offset, n, rules->bad_read_begin, rules->bad_read_end)) return inject(EIO);
  return answer(::pread(descriptor(file), out, n, offset));
}

int write_file_at(const char*, const char* from, std::size_t n, off_t offset,
                  fuse_file_info* file) {
  ++rules->writes;
  if (touches(offset, n, rules->bad_write_begin, rules->bad_write_end)) {
    return inject(rules->write_errno);
  }
  return answer(::pwrite(descriptor(file), from, n, offset));
}

int sync_file(const char*, int, fuse_file_info* file) {
  ++rules->syncs;
  if (rules->syncs_before_failure >= 0 && rules->syncs_before_failure-- == 0) return inject(EIO);
  return file->fh == 0 ? 0 : answer(::fsync(descriptor(file)));
}

int open_folder(const char*, fuse_file_info* file) {
  file->fh = 0;
  return 0;
}

int set_size(const char* path, off_t size, fuse_file_info* file) {
  if (file) return answer(::ftruncate(descriptor(file), size));
  const int opened = ::openat(folder, name_of(path), O_WRONLY | O_CLOEXEC);
  if (opened == -1) return -errno;
  const int result = answer(::ftruncate(opened, size));
  ::close(opened);
  return result;
}

int allocate(const char*, int mode, off_t offset, off_t n, fuse_file_info* file) {
  if (rules->refuses_fallocate) return inject(EOPNOTSUPP);
  return answer(::fallocate(descriptor(file), mode, offset, n));
}

int rename_file(const char* from, const char* to, unsigned flags) {
  return answer(::renameat2(folder, name_of(from), folder, name_of(to), flags));
}

int remove_file(const char* path) { return answer(::unlinkat(folder, name_of(path), 0)); }

int set_mode(const char* path, mode_t mode, fuse_file_info* file) {
  if (file) return answer(::fchmod(descriptor(file), mode));
  return answer(::fchmodat(folder, name_of(path), mode, 0));
}

int set_owner(const char* path, uid_t owner, gid_t group, fuse_file_info* file) {
  if (file) return answer(::fchown(descriptor(file), owner, group));
  return answer(::fchownat(folder, name_of(path), owner, group, AT_SYMLINK_NOFOLLOW));
}

void* begin_to_serve(fuse_conn_info*, fuse_config* config) {
  config->use_ino = 1;
  config->nullpath_ok = 1;  // of files that are open, and perhaps removed
  config->hard_remove = 1;
  config->attr_timeout = config->entry_timeout = 0;
  return nullptr;
}

fuse_operations operations() {
  fuse_operations all{};
  all.init = begin_to_serve;
  all.getattr = get_attributes;
  all.open = open_file;
  all.create = create_file;
  all.release = release_file;
  all.read = read_file_at;
  all.write = write_file_at;
  all.fsync = sync_file;
  all.opendir = open_folder;
  all.fsyncdir = sync_file;
  all.truncate = set_size;
  all.fallocate = allocate;
  all.rename = rename_file;
  all.unlink = remove_file;
  all.chmod = set_mode;
  all.chown = set_owner;
  return all;
}

// In a process of its own, which is killed when it has served. Tells through `ready` that it has
// mounted.
[[noreturn]] void serve(const std::string& stored, const std::string& mounted, fuse_rules& obeyed,
                        int ready) {
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  rules = &obeyed;
  folder = ::open(stored.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  ::freopen("/dev/null", "w", stderr);  // why it cannot mount, where it cannot
  std::array<char, 12> name{"npymap-test"};
  std::array<char*, 2> arguments{name.data(), nullptr};
  fuse_args args{1, arguments.data(), 0};
  const fuse_operations all = operations();
  fuse* const served = fuse_new(&args, &all, sizeof all, nullptr);
  if (!served || fuse_mount(served, mounted.c_str()) != 0) ::_exit(1);
  if (::write(ready, "", 1) != 1) ::_exit(1);
  fuse_loop_config* const loop = fuse_loop_cfg_create();
  fuse_loop_cfg_set_max_threads(loop, 16);
  fuse_loop_mt(served, loop);
  ::_exit(0);
}

fuse_rules* shared_rules() {
  void* const memory = ::mmap(nullptr, sizeof(fuse_rules), PROT_READ | PROT_WRITE,
                              MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  if (memory == MAP_FAILED) throw std::runtime_error("no memory to share");
  return new (memory) fuse_rules;
}

}  // namespace

void fuse_rules::fail_reads(std::uint64_t begin, std::uint64_t end) {
  bad_read_begin = begin;
  bad_read_end = end;
}

void fuse_rules::fail_writes(int reason, std::uint64_t begin, std::uint64_t end) {
  write_errno = reason;
  bad_write_begin = begin;
  bad_write_end = end;
}

void fuse_rules::mend() {
  fail_reads(0, 0);
  fail_writes(0, 0, 0);
  syncs_before_failure = -1;
}

bool can_mount_fuse() {
  static const bool can = [] {
    if (!can_mount()) return false;
    try {
      const fuse_file_system probe;
      return true;
    } catch (const std::runtime_error&) {
      return false;
    }
  }();
  return can;
}

fuse_file_system::fuse_file_system() : rules_(shared_rules()) {
  std::array<int, 2> ready{};
  if (::pipe2(ready.data(), O_CLOEXEC) == -1) throw std::runtime_error("no pipe");
  server_ = ::fork();
  if (server_ == 0) serve(stored_.path(), mounted_.path(), *rules_, ready[1]);
  ::close(ready[1]);
  char told = 0;
  const bool is_ready = server_ != -1 && ::read(ready[0], &told, 1) == 1;
  ::close(ready[0]);
  if (is_ready) return;
  if (server_ != -1) ::waitpid(server_, nullptr, 0);
  ::munmap(rules_, sizeof *rules_);
  throw std::runtime_error("cannot mount a FUSE file system");
}

void fuse_file_system::die() {
  if (server_ == -1) return;
  ::kill(server_, SIGKILL);
  ::waitpid(server_, nullptr, 0);
  server_ = -1;
}

fuse_file_system::~fuse_file_system() {
  die();
  ::umount2(path().c_str(), MNT_DETACH);
  ::munmap(rules_, sizeof *rules_);
}

}  // namespace npymap_test
