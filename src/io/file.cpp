#include "io/file.hpp"

#include <algorithm>
#include <cerrno>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include <npymap/error.hpp>

namespace npymap::io {
namespace {

std::error_code system_code() { return {errno, std::system_category()}; }

const char* text_of(sys::file_kind kind) {
  switch (kind) {
    case sys::file_kind::regular:
      break;
    case sys::file_kind::folder:
      return "a folder";
    case sys::file_kind::link:
      return "a symbolic link";
    case sys::file_kind::fifo:
      return "a FIFO";
    case sys::file_kind::socket:
      return "a socket";
    case sys::file_kind::device:
      return "a device";
  }
  return "a file that does not tell its size";
}

[[noreturn]] void refuse_kind(const std::string& path, sys::file_kind kind) {
  throw error(errc::not_regular_file, {.path = path,
                                       .subject = "kind of file",
                                       .expected = "a regular file",
                                       .found = text_of(kind)});
}

// Files of /proc and the like call themselves regular and empty, and yet have bytes.
bool has_hidden_bytes(int descriptor) {
  std::byte probe;
  return sys::read(descriptor, &probe, 1, 0) != 0;
}

}  // namespace

void throw_errno(std::string path, std::string operation) {
  const std::error_code code = system_code();
  throw error(code, {.path = std::move(path), .subject = std::move(operation)});
}

void require_regular(sys::file_kind kind, const std::string& path) {
  if (kind != sys::file_kind::regular) refuse_kind(path, kind);
}

const char* system_name(const std::string& path) {
  if (path.find('\0') != std::string::npos) {
    throw error(errc::invalid_argument,
                {.path = quoted(path), .subject = "file name", .expected = "no NUL character"});
  }
  return path.c_str();
}

bool is_refused_map(const error& e) noexcept {
  return e.code() == std::error_code(ENODEV, std::system_category()) ||
         e.code() == std::error_code(ENOMEM, std::system_category());
}

file file::open(const std::string& path, open_mode mode, locking how) {
  for (;;) {
    file opened = open_unlocked(path, mode);
    if (how == locking::none) return opened;
    opened.lock(mode);
    bool is_gone = false;  // then there is none to be opened the next time
    if (opened.is_what_name_stands_for(opened.status(), is_gone)) return opened;
  }
}

file file::open_unlocked(std::string path, open_mode mode) {
  if (mode == open_mode::create) {
    throw error(errc::invalid_argument, {.path = std::move(path),
                                         .subject = "open mode",
                                         .expected = "r, r+ or c for an existing file",
                                         .found = "w+"});
  }
  sys::descriptor opened(sys::open_existing(system_name(path), mode == open_mode::read_write));
  sys::file_status status;
  if (!opened) {
    // A socket, and a folder to be written to, cannot even be opened: say what is wrong with them.
    const int reason = errno;
    if (reason != ENOENT && sys::status(path.c_str(), status) == 0) {
      require_regular(status.kind, path);
    }
    errno = reason;
    const bool to_write = mode == open_mode::read_write;
    throw_errno(std::move(path), to_write ? "open to read and write" : "open to read");
  }
  if (sys::status(opened.get(), status) == -1) throw_errno(std::move(path), "read status");
  require_regular(status.kind, path);
  if (status.size_bytes == 0 && has_hidden_bytes(opened.get())) refuse_kind(path, status.kind);
  return {std::move(opened), std::move(path)};
}

file file::share() const {
  sys::descriptor same(sys::duplicate(descriptor_.get()));
  if (!same) fail("open once more");
  file shared(std::move(same), path_);
  shared.check_ = check_;
  return shared;
}

std::uint64_t file::size_bytes() const {
  sys::file_status status;
  if (sys::status(descriptor_.get(), status) == -1) fail("read status");
  return status.size_bytes;
}

std::size_t file::read_at(std::span<std::byte> out, std::uint64_t offset) const {
  std::size_t done = 0;
  while (done < out.size()) {
    const std::size_t left = out.size() - done;
    const auto n = sys::read(descriptor_.get(), out.data() + done, left, offset + done);
    if (n == -1) fail("read", left, offset + done);
    if (n == 0) break;
    done += static_cast<std::size_t>(n);
  }
  return done;
}

bool file::try_read_at(std::span<std::byte> out, std::uint64_t offset) const noexcept {
  const auto n = sys::read_cached(descriptor_.get(), out.data(), out.size(), offset);
  if (n == static_cast<std::ptrdiff_t>(out.size())) return true;
  read_ahead(offset, out.size());
  return false;  // what else may be wrong with it, `read_at` tells
}

void file::write_at(std::span<const std::byte> bytes, std::uint64_t offset) {
  check_size_limit(offset, bytes.size());
  std::size_t done = 0;
  while (done < bytes.size()) {
    const std::size_t left = bytes.size() - done;
    const auto n = sys::write(descriptor_.get(), bytes.data() + done, left, offset + done);
    if (n == 0) errno = EIO;  // no file system does; waiting for it would be forever
    if (n <= 0) fail("write", left, offset + done);
    done += static_cast<std::size_t>(n);
  }
}

void file::check_size_limit(std::uint64_t offset, std::uint64_t n) const {
  const std::uint64_t limit = sys::file_size_limit();
  if (offset <= limit && n <= limit - offset) return;
  throw error({EFBIG, std::system_category()}, {.path = path_,
                                                .subject = "size of file",
                                                .expected = fmt::format("at most {} bytes", limit),
                                                .found = fmt::format("{} bytes", n),
                                                .byte_offset = offset});
}

void file::reserve(std::uint64_t offset, std::uint64_t n) {
  if (n == 0) return;
  check_size_limit(offset, n);
  const std::uint64_t size_before = size_bytes();
  const std::uint64_t end = offset + n;
  try {
    if (allocate(offset, n) == -1) {
      if (errno != EOPNOTSUPP && errno != ENOSYS) fail("reserve", n, offset);
      write_zeros(size_before, end);
    }
  } catch (const error&) {
    // ext4 and btrfs keep what growth they managed.
    sys::set_size(descriptor_.get(), size_before);
    throw;
  }
  if (offset <= reserved_bytes_ && end > reserved_bytes_) reserved_bytes_ = end;
}

// A request that a signal cuts short is repeated in smaller parts: under a profiler's timer tmpfs
// would begin a large one anew for ever.
int file::allocate(std::uint64_t offset, std::uint64_t n) noexcept {
  constexpr std::uint64_t smallest = 1 << 20;
  std::uint64_t part = n;
  for (std::uint64_t done = 0; done < n;) {
    part = std::min(part, n - done);
    if (sys::allocate(descriptor_.get(), offset + done, part) == 0) {
      done += part;
    } else if (errno != EINTR) {
      return -1;
    } else if (part > smallest) {
      part /= 2;
    }
  }
  return 0;
}

void file::write_zeros(std::uint64_t begin, std::uint64_t end) {
  if (begin >= end) return;
  constexpr std::uint64_t chunk = 1 << 20;
  const std::vector<std::byte> zeros(static_cast<std::size_t>(std::min(chunk, end - begin)));
  while (begin < end) {
    const auto n = static_cast<std::size_t>(std::min(chunk, end - begin));
    write_at({zeros.data(), n}, begin);
    begin += n;
  }
}

void file::set_size(std::uint64_t size_bytes) {
  check_size_limit(0, size_bytes);
  if (sys::set_size(descriptor_.get(), size_bytes) == -1) {
    throw_errno(path_, fmt::format("resize to {} bytes", size_bytes));
  }
  reserved_bytes_ = std::min(reserved_bytes_, size_bytes);
}

void file::sync() {
  if (sys::sync(descriptor_.get()) == -1) fail("sync");
  if (!fresh_folder_) return;
  if (sys::sync_folder(fresh_folder_.get(), descriptor_.get()) == -1) fail("sync folder");
  fresh_folder_ = {};
}

void file::start_writing(std::uint64_t offset, std::uint64_t n) {
  if (sys::start_writing(descriptor_.get(), offset, n) == -1) fail("start writing", n, offset);
}

void file::read_ahead(std::uint64_t offset, std::uint64_t n) const noexcept {
  constexpr std::uint64_t piece = 128 << 10;  // of a longer range Linux reads but the beginning
  for (std::uint64_t done = 0; done < n; done += piece) {
    sys::read_ahead(descriptor_.get(), offset + done, std::min(piece, n - done));
  }
}

void file::wait_for_writing(std::uint64_t offset, std::uint64_t n) {
  if (sys::wait_for_writing(descriptor_.get(), offset, n) == -1)
    fail("wait for writing", n, offset);
}

void file::forget(std::uint64_t offset, std::uint64_t n) const noexcept {
  constexpr std::uint64_t page_bytes = 4096;  // or a part of a page, where these are larger
  const std::uint64_t in_page = offset % page_bytes;
  sys::forget(descriptor_.get(), offset - in_page, n == 0 ? 0 : n + in_page);
}

void file::lock(open_mode mode) {
  const bool writes = mode == open_mode::read_write || mode == open_mode::create;
  if (sys::lock(descriptor_.get(), writes) == 0) return;
  if (errno != EAGAIN && errno != EACCES) fail("lock");
  throw error(errc::busy, {.path = path_,
                           .subject = "lock",
                           .expected = writes ? "a file that nobody else has locked"
                                              : "a file that nobody has locked to write to it",
                           .found = "one that is locked"});
}

sys::file_status file::status() const {
  sys::file_status found;
  if (sys::status(descriptor_.get(), found) == -1) fail("read status");
  return found;
}

bool file::is_same(const file& other) const {
  const sys::file_status mine = status(), others = other.status();
  return mine.device == others.device && mine.number == others.number;
}

void file::watch(file_check how) {
  check_ = how;
  if (how == file_check::none || path_.starts_with('/')) return;
  start_ = sys::descriptor(sys::open_folder("."));
  if (!start_) fail("open the current folder for");
}

bool file::is_what_name_stands_for(const sys::file_status& opened, bool& is_gone) const {
  sys::file_status named;
  const char* const name = system_name(path_);
  is_gone = (start_ ? sys::status_from(start_.get(), name, named) : sys::status(name, named)) == -1;
  if (is_gone && errno != ENOENT && errno != ENOTDIR) fail("read status");
  return !is_gone && opened.device == named.device && opened.number == named.number;
}

void file::require_unchanged(std::uint64_t least_bytes) const {
  if (check_ == file_check::none) return;
  const sys::file_status opened = status();
  bool is_gone = false;
  if (!is_what_name_stands_for(opened, is_gone)) {
    throw error(errc::replaced, {.path = path_,
                                 .subject = "name of the file",
                                 .expected = "the file that was opened",
                                 .found = is_gone ? "none" : "another"});
  }
  if (opened.size_bytes < least_bytes) {
    throw error(errc::truncated, {.path = path_,
                                  .subject = "file",
                                  .expected = fmt::format("at least {} bytes", least_bytes),
                                  .found = fmt::format("{}", opened.size_bytes),
                                  .byte_offset = opened.size_bytes});
  }
}

bool file::is_hole(std::uint64_t offset) const {
  const std::int64_t hole = sys::next_hole(descriptor_.get(), offset);
  if (hole == -1) fail("look for holes in", 1, offset);
  return static_cast<std::uint64_t>(hole) == offset;
}

bool file::space_guaranteed(std::uint64_t offset, std::uint64_t n) const {
  const int in_place = sys::writes_in_place(descriptor_.get());
  if (in_place == -1) fail("read file system");
  if (in_place == 0) return false;
  if (n == 0) return true;
  // What we reserved, another program may have cut off since, and made anew without blocks.
  sys::file_status now;
  if (sys::status(descriptor_.get(), now) == -1) fail("read status");
  if (offset > now.size_bytes || n > now.size_bytes - offset) return false;
  if (offset + n <= reserved_bytes_ && reserved_bytes_ <= now.allocated_bytes) return true;
  const std::int64_t hole = sys::next_hole(descriptor_.get(), offset);
  if (hole == -1) fail("look for holes in", n, offset);
  return static_cast<std::uint64_t>(hole) - offset >= n;
}

void file::close() {
  if (!descriptor_) return;
  fresh_folder_ = {};
  if (sys::close(descriptor_.release()) == -1) fail("close");
}

void file::fail(const char* operation) const { throw_errno(path_, operation); }

void file::fail(const char* operation, std::uint64_t n, std::uint64_t offset) const {
  const std::error_code code = system_code();
  throw error(
      code,
      {.path = path_, .subject = fmt::format("{} {} bytes", operation, n), .byte_offset = offset});
}

}  // namespace npymap::io
