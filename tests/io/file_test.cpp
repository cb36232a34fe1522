#include "io/file.hpp"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstring>
#include <vector>

#include <npymap/error.hpp>

#include "io/faults.hpp"
#include "io/mounts.hpp"
#include "support/catch.hpp"
#include "support/process.hpp"
#include "support/skip.hpp"
#include "support/temp_folder.hpp"

using namespace npymap_test;
using npymap::errc;
using npymap::error;
using npymap::open_mode;
using npymap::io::file;

namespace {

std::span<const std::byte> bytes_of(std::string_view text) {
  return std::as_bytes(std::span(text));
}

std::string text_at(const file& from, std::uint64_t offset, std::size_t n) {
  std::string text(n, '?');
  text.resize(from.read_at(std::as_writable_bytes(std::span(text)), offset));
  return text;
}

std::error_code open_code(const std::string& path, open_mode mode = open_mode::read) {
  try {
    file::open(path, mode);
  } catch (const error& e) {
    CHECK(e.path() == path);
    return e.code();
  }
  return {};
}

bool is_errno(const std::error_code& code, int reason) {
  return code == std::error_code(reason, std::system_category());
}

}  // namespace

TEST_CASE("file: reads and writes at offsets, and reads less only at the end") {
  const temp_folder folder;
  write_file(folder / "x", "0123456789");
  file opened = file::open(folder / "x", open_mode::read_write);
  CHECK(opened.path() == folder / "x");
  CHECK(opened.size_bytes() == 10);
  CHECK(text_at(opened, 3, 4) == "3456");
  CHECK(text_at(opened, 8, 4) == "89");
  CHECK(text_at(opened, 10, 4).empty());
  CHECK(text_at(opened, std::uint64_t{1} << 40, 4).empty());
  opened.write_at(bytes_of("ab"), 9);
  CHECK(opened.size_bytes() == 11);
  opened.close();
  opened.close();
  CHECK_FALSE(opened.is_open());
  CHECK(read_file(folder / "x") == "012345678ab");
}

TEST_CASE("file: writing to one opened for reading is an error that names it and the place") {
  const temp_folder folder;
  write_file(folder / "x", "0123");
  file opened = file::open(folder / "x", open_mode::read);
  try {
    opened.write_at(bytes_of("a"), 2);
    FAIL("it was written");
  } catch (const error& e) {
    CHECK(is_errno(e.code(), EBADF));
    CHECK(e.path() == folder / "x");
    CHECK(e.subject() == "write 1 bytes");
    CHECK(e.byte_offset() == 2);
  }
  CHECK(read_file(folder / "x") == "0123");
}

TEST_CASE("file: what is not a regular file is refused in every mode, and never waited for") {
  const temp_folder folder;
  REQUIRE(mkfifo((folder / "fifo").c_str(), 0600) == 0);
  const int listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_un address{.sun_family = AF_UNIX, .sun_path = {}};
  std::strncpy(address.sun_path, (folder / "socket").c_str(), sizeof address.sun_path - 1);
  REQUIRE(bind(listener, reinterpret_cast<sockaddr*>(&address), sizeof address) == 0);
  std::filesystem::create_symlink("fifo", folder / "link");

  for (const std::string& path :
       {folder / "fifo", folder / "socket", folder / "link", folder.path().string(),
        std::string("/dev/null"), std::string("/dev/zero"), std::string("/proc/self")}) {
    for (const open_mode mode :
         {open_mode::read, open_mode::read_write, open_mode::copy_on_write}) {
      INFO(path);
      CHECK(open_code(path, mode) == errc::not_regular_file);
    }
  }
  CHECK(open_code("/proc/self/maps") == errc::not_regular_file);  // although it says that it is
  ::close(listener);
}

TEST_CASE("file: the message says what was found instead of a regular file") {
  const temp_folder folder;
  CHECK_THROWS_WITH(
      file::open(folder.path(), open_mode::read),
      folder.path().string() + ": kind of file: expected a regular file, found a folder");
  CHECK_THROWS_WITH(file::open("/proc/self/maps", open_mode::read),
                    "/proc/self/maps: kind of file: expected a regular file, found a file that "
                    "does not tell its size");
}

TEST_CASE("file: links are followed; dangling ones, loops and missing folders are errors") {
  const temp_folder folder;
  write_file(folder / "x", "abc");
  std::filesystem::create_symlink("x", folder / "link");
  std::filesystem::create_symlink("gone", folder / "dangling");
  std::filesystem::create_symlink("loop", folder / "loop");
  CHECK(file::open(folder / "link", open_mode::read).size_bytes() == 3);
  CHECK(is_errno(open_code(folder / "dangling"), ENOENT));
  CHECK(is_errno(open_code(folder / "loop"), ELOOP));
  CHECK(is_errno(open_code(folder / "no/x"), ENOENT));
  CHECK(is_errno(open_code(folder / "x/x"), ENOTDIR));
  CHECK(is_errno(open_code(""), ENOENT));
  CHECK(is_errno(open_code(folder / std::string(300, 'x')), ENAMETOOLONG));
}

TEST_CASE("file: a NUL in a name is refused, where the system would cut the name there") {
  const temp_folder folder;
  write_file(folder / "x", "abc");
  try {
    file::open((folder / "x") + std::string("\0.npy", 5), open_mode::read);
    FAIL("it was opened");
  } catch (const error& e) {
    CHECK(e.code() == errc::invalid_argument);
    CHECK(std::string_view(e.what()).find('\0') == std::string_view::npos);
  }
}

TEST_CASE("file: opening cannot create") {
  const temp_folder folder;
  CHECK(open_code(folder / "x", open_mode::create) == errc::invalid_argument);
  CHECK(is_errno(open_code(folder / "x", open_mode::read_write), ENOENT));
  CHECK_FALSE(std::filesystem::exists(folder / "x"));
}

TEST_CASE("file: a write-protected file opens to read, and to write is refused unchanged") {
  const temp_folder folder;
  std::filesystem::permissions(folder.path(), std::filesystem::perms(0755));
  write_file(folder / "x", "abc");
  chmod((folder / "x").c_str(), 0444);
  CHECK(as_nobody([&] {
          const bool reads = file::open(folder / "x", open_mode::read).size_bytes() == 3 &&
                             file::open(folder / "x", open_mode::copy_on_write).size_bytes() == 3;
          return reads && is_errno(open_code(folder / "x", open_mode::read_write), EACCES) ? 0 : 1;
        }) == 0);
  CHECK(read_file(folder / "x") == "abc");
}

TEST_CASE("file: a lease on the file is waited for, not reported") {
  const temp_folder folder;
  write_file(folder / "x", "abc");
  int ready[2];
  REQUIRE(pipe2(ready, O_CLOEXEC) == 0);
  const pid_t holder = fork();
  if (holder == 0) {
    static int leased;
    leased = ::open((folder / "x").c_str(), O_RDWR);
    std::signal(SIGIO, [](int) { fcntl(leased, F_SETLEASE, F_UNLCK); });
    const char answer = fcntl(leased, F_SETLEASE, F_WRLCK) == 0 ? 'y' : 'n';
    (void)!::write(ready[1], &answer, 1);
    for (;;) pause();
  }
  char answer = 'n';
  (void)!::read(ready[0], &answer, 1);
  const std::error_code code = answer == 'y' ? open_code(folder / "x") : std::error_code();
  kill(holder, SIGKILL);
  waitpid(holder, nullptr, 0);
  ::close(ready[0]);
  ::close(ready[1]);
  if (answer != 'y') NPYMAP_SKIP("no leases on this file system");
  CHECK_FALSE(code);
}

TEST_CASE("file: reserve gives the growth its blocks, and leaves what is there alone") {
  const temp_folder folder;
  write_file(folder / "x", "abc");
  file opened = file::open(folder / "x", open_mode::read_write);
  opened.reserve(1, 100'000);
  CHECK(opened.size_bytes() == 100'001);
  struct stat found;
  REQUIRE(stat((folder / "x").c_str(), &found) == 0);
  CHECK(found.st_blocks * 512 >= 100'001);
  CHECK(text_at(opened, 0, 5) == std::string("abc\0\0", 5));
  opened.reserve(0, 50);
  opened.reserve(1'000'000, 0);
  CHECK(opened.size_bytes() == 100'001);
}

TEST_CASE("file: where nothing can be reserved, zeros are written behind the old end") {
  const temp_folder folder;
  write_file(folder / "x", "abc");
  file opened = file::open(folder / "x", open_mode::read_write);
  const faults injected(call::allocate, 1, EOPNOTSUPP);
  opened.reserve(0, 3'000'000);
  CHECK(opened.size_bytes() == 3'000'000);
  CHECK(faults::count(call::write) >= 3);
  CHECK(read_file(folder / "x") == "abc" + std::string(2'999'997, '\0'));
}

TEST_CASE("file: a reservation that signals interrupt goes on in smaller parts") {
  const temp_folder folder;
  write_file(folder / "x", "");
  file opened = file::open(folder / "x", open_mode::read_write);
  const faults injected(call::allocate, 1, EINTR, 5);
  opened.reserve(0, 64 << 20);
  CHECK(opened.size_bytes() == 64 << 20);
  CHECK(faults::count(call::allocate) == 5 + 32);
}

TEST_CASE("file: a large reservation on tmpfs ends under a profiler's timer") {
  if (!can_mount()) NPYMAP_SKIP("cannot mount");
  const tmpfs disk("size=600m");
  CHECK(in_child([&] {
          struct sigaction ignore {};  // with no SA_RESTART
          ignore.sa_handler = [](int) {};
          sigaction(SIGALRM, &ignore, nullptr);
          const itimerval each_ms{.it_interval = {0, 1000}, .it_value = {0, 1000}};
          setitimer(ITIMER_REAL, &each_ms, nullptr);
          write_file(disk / "x", "");
          file opened = file::open(disk / "x", open_mode::read_write);
          opened.reserve(0, 500 << 20);
          return opened.size_bytes() == 500 << 20 ? 0 : 1;
        }) == 0);
}

TEST_CASE("file: a failed reservation leaves the size as it was") {
  if (!can_mount_images()) NPYMAP_SKIP("cannot mount images");
  const temp_folder folder;
  const tmpfs memory("size=8m");
  const ext4_image image(folder / "image", 16 << 20);
  for (const std::string& path : {memory / "x", image / "x"}) {
    for (const int reason : {0, EOPNOTSUPP}) {
      INFO(path << " " << reason);
      write_file(path, "abc");
      file opened = file::open(path, open_mode::read_write);
      const faults injected(call::allocate, 1, reason);
      CHECK_THROWS_AS(opened.reserve(0, 32 << 20), error);
      CHECK(opened.size_bytes() == 3);
      opened.reserve(0, 1 << 20);  // the space is free again
    }
  }
}

TEST_CASE("file: the limit on file sizes is an error, never a deadly signal") {
  const temp_folder folder;
  write_file(folder / "x", "abc");
  CHECK(in_child([&] {
          file opened = file::open(folder / "x", open_mode::read_write);
          const rlimit limit{1000, 1000};
          if (setrlimit(RLIMIT_FSIZE, &limit) != 0) return 1;
          const std::vector<std::byte> much(999);
          const auto refused = [](auto grow) {
            try {
              grow();
              return false;
            } catch (const error& e) {
              return is_errno(e.code(), EFBIG);
            }
          };
          if (!refused([&] { opened.reserve(0, 1001); })) return 2;
          if (!refused([&] { opened.reserve(2000, 1); })) return 3;
          if (!refused([&] { opened.set_size(1001); })) return 4;
          if (!refused([&] { opened.write_at(much, 2); })) return 5;
          if (opened.size_bytes() != 3) return 6;
          opened.set_size(1000);
          opened.write_at(much, 1);
          return 0;
        }) == 0);
  CHECK(std::filesystem::file_size(folder / "x") == 1000);
}

TEST_CASE("file: sizes that no file can have are errors and change nothing") {
  const temp_folder folder;
  write_file(folder / "x", "abc");
  file opened = file::open(folder / "x", open_mode::read_write);
  const std::uint64_t huge = std::uint64_t{1} << 63;
  CHECK_THROWS_AS(opened.set_size(huge), error);
  CHECK_THROWS_AS(opened.set_size(huge - 1), error);  // more than the file system has
  CHECK_THROWS_AS(opened.reserve(0, huge), error);
  CHECK_THROWS_AS(opened.reserve(~std::uint64_t{0}, ~std::uint64_t{0}), error);
  CHECK_THROWS_AS(opened.write_at(bytes_of("a"), ~std::uint64_t{0}), error);
  CHECK(opened.size_bytes() == 3);
}

TEST_CASE("file: offsets beyond 4 GiB are where they say") {
  const temp_folder folder;
  write_file(folder / "x", "");
  file opened = file::open(folder / "x", open_mode::read_write);
  const std::uint64_t far = (std::uint64_t{5} << 30) + 7;
  opened.set_size(far);
  opened.write_at(bytes_of("here"), far);
  opened.reserve(far + 4, 4096);
  CHECK(opened.size_bytes() == far + 4 + 4096);
  CHECK(text_at(opened, far - 1, 6) == std::string("\0here\0", 6));
  CHECK(text_at(opened, 7, 4) == std::string(4, '\0'));
}

TEST_CASE("file: one read may be longer than the system takes at a time") {
  // 2 GiB and some of memory, which is the same 64 MiB again and again.
  constexpr std::size_t real = std::size_t{64} << 20, copies = 33;
  const int memory = memfd_create("npymap-test", MFD_CLOEXEC);
  REQUIRE(ftruncate(memory, real) == 0);
  void* const place =
      mmap(nullptr, copies * real, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  REQUIRE(place != MAP_FAILED);
  auto* const bytes = static_cast<std::byte*>(place);
  for (std::size_t i = 0; i < copies; ++i) {
    REQUIRE(mmap(bytes + i * real, real, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED, memory,
                 0) == bytes + i * real);
  }
  const int holes = memfd_create("npymap-test", MFD_CLOEXEC);
  file opened = file::open("/proc/self/fd/" + std::to_string(holes), open_mode::read_write);
  opened.set_size(copies * real);
  opened.write_at(bytes_of("end"), copies * real - 3);
  CHECK(opened.read_at({bytes, copies * real}, 0) == copies * real);
  CHECK(bytes[real - 1] == std::byte{'d'});
  munmap(place, copies * real);
  ::close(memory);
  ::close(holes);
}

TEST_CASE("file: a guarantee of space needs blocks and a file system that writes in place") {
  if (!can_mount()) NPYMAP_SKIP("cannot mount");
  const tmpfs disk("size=8m");
  write_file(disk / "x", std::string(10'000, 'x'));
  file opened = file::open(disk / "x", open_mode::read_write);
  CHECK(opened.space_guaranteed(0, 10'000));
  opened.set_size(100'000);
  CHECK(opened.space_guaranteed(0, 10'000));
  CHECK_FALSE(opened.space_guaranteed(0, 100'000));
  CHECK_FALSE(opened.space_guaranteed(50'000, 1));
  opened.reserve(0, 100'000);
  CHECK(opened.space_guaranteed(0, 100'000));
  CHECK(opened.space_guaranteed(99'999, 1));
}

TEST_CASE("file: space that another program took back is no longer guaranteed") {
  if (!can_mount()) NPYMAP_SKIP("cannot mount");
  const tmpfs disk("size=8m");
  write_file(disk / "x", "");
  file opened = file::open(disk / "x", open_mode::read_write);
  opened.reserve(0, 100'000);
  CHECK(opened.space_guaranteed(0, 100'000));
  std::filesystem::resize_file(disk / "x", 10'000);
  CHECK_FALSE(opened.space_guaranteed(0, 100'000));
  CHECK_FALSE(opened.space_guaranteed(50'000, 1));
  std::filesystem::resize_file(disk / "x", 100'000);
  CHECK_FALSE(opened.space_guaranteed(0, 100'000));
}

TEST_CASE("file: a message names the file, what was tried, and how many bytes were wanted") {
  const temp_folder folder;
  const std::string path = folder / "x";
  const auto open_to_read = [](const std::string& name) { file::open(name, open_mode::read); };
  CHECK_THROWS_WITH(open_to_read(path), path + ": open to read: No such file or directory");
  CHECK_THROWS_WITH(
      open_to_read(folder.path()),
      folder.path().string() + ": kind of file: expected a regular file, found a folder");
  write_file(path, "abc");
  {
    const faults injected(call::open, 1, EACCES);
    CHECK_THROWS_WITH(file::open(path, open_mode::read_write),
                      path + ": open to read and write: Permission denied");
  }
  file opened = file::open(path, open_mode::read_write);
  std::byte byte{};
  const auto told = [&](call which, int reason, auto action) {
    const faults injected(which, 1, reason);
    try {
      action();
    } catch (const error& e) {
      return std::string(e.what()).substr(path.size());
    }
    return std::string();
  };
  CHECK(told(call::allocate, ENOSPC, [&] { opened.reserve(3, 5000); }) ==
        ": reserve 5000 bytes (at byte 3): No space left on device");
  CHECK(told(call::write, ENOSPC, [&] {
          opened.write_at({&byte, 1}, 7);
        }) == ": write 1 bytes (at byte 7): No space left on device");
  CHECK(told(call::read, EIO, [&] {
          opened.read_at({&byte, 1}, 1);
        }) == ": read 1 bytes (at byte 1): Input/output error");
  CHECK(told(call::set_size, EFBIG, [&] { opened.set_size(5000); }) ==
        ": resize to 5000 bytes: File too large");
  CHECK(told(call::map, ENOMEM, [&] { npymap::file_map::open(path, open_mode::read); }) ==
        ": map 3 bytes (at byte 0): Cannot allocate memory");
  CHECK_THROWS_WITH(opened.set_size(std::uint64_t{1} << 63),
                    path +
                        ": size of file: expected at most 9223372036854775807 bytes, found "
                        "9223372036854775808 bytes (at byte 0): File too large");
}
