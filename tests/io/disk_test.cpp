// Disks that are full, read-only or broken.
#include <fcntl.h>
#include <linux/fs.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <cstring>
#include <thread>

#include <npymap/error.hpp>
#include <npymap/file_map.hpp>

#include "io/mounts.hpp"
#include "io/new_file.hpp"
#include "support/catch.hpp"
#include "support/skip.hpp"

using namespace npymap_test;
using npymap::durability;
using npymap::error;
using npymap::file_map;
using npymap::flush_mode;
using npymap::open_mode;
using npymap::io::existing;
using npymap::io::new_file;

namespace {

constexpr std::uint64_t mib = std::uint64_t{1} << 20;

template <class Function>
int errno_of(Function function) {
  try {
    function();
  } catch (const error& e) {
    CHECK_FALSE(e.path().empty());
    return e.code().category() == std::system_category() ? e.code().value() : -1;
  }
  return 0;
}

int entries_in(const std::filesystem::path& folder) {
  int count = 0;
  for (const auto& entry : std::filesystem::directory_iterator(folder)) {
    count += entry.path().filename() != "lost+found";
  }
  return count;
}

void check_full_disk(const std::filesystem::path& folder) {
  const std::string path = folder / "x";
  write_file(path, "old");
  CHECK(errno_of([&] { file_map::create(path, 32 * mib); }) == ENOSPC);
  CHECK(errno_of([&] {
          new_file fresh(folder / "new", existing::refuse);
          const std::vector<std::byte> bytes(32 * mib);
          fresh.contents().write_at(bytes, 0);
          std::move(fresh).commit(durability::full);
        }) == ENOSPC);
  CHECK(read_file(path) == "old");
  CHECK(entries_in(folder) == 1);

  file_map fits = file_map::create(path, 3 * mib);
  CHECK(fits.space_guaranteed());
  fill_disk(folder / "filler");
  std::memset(fits.writable_data(), 'x', fits.size_bytes());  // would be SIGBUS
  fits.flush(flush_mode::async);
  fits.flush();
  fits.close();
  CHECK(read_file(path) == std::string(3 * mib, 'x'));
}

// True while the image on disk has the text somewhere.
bool on_disk(const ext4_image& disk, const std::string& text) {
  return read_file(disk.image()).find(text) != std::string::npos;
}

}  // namespace

TEST_CASE("disk: a full one is an error when creating, and the old file stays") {
  if (!can_mount()) NPYMAP_SKIP("cannot mount");
  const tmpfs disk("size=8m");
  check_full_disk(disk.path());
}

TEST_CASE("disk: a full ext4 is an error when creating, and the old file stays") {
  if (!can_mount_images()) NPYMAP_SKIP("cannot mount images");
  const temp_folder folder;
  const ext4_image disk(folder / "image", 16 * mib);
  check_full_disk(disk.path());
}

TEST_CASE("disk: on a read-only one, r and c work and all else is refused before any change") {
  if (!can_mount()) NPYMAP_SKIP("cannot mount");
  const tmpfs disk("size=8m");
  write_file(disk / "x", std::string(10'000, 'x'));
  disk.make_read_only();
  CHECK(file_map::open(disk / "x", open_mode::read).data()[9'999] == std::byte{'x'});
  const file_map own = file_map::open(disk / "x", open_mode::copy_on_write);
  own.writable_data()[0] = std::byte{'y'};
  own.flush();
  CHECK(read_file(disk / "x") == std::string(10'000, 'x'));
  CHECK(errno_of([&] { file_map::open(disk / "x", open_mode::read_write); }) == EROFS);
  CHECK(errno_of([&] { file_map::create(disk / "x", 10); }) == EROFS);
  CHECK(errno_of([&] { file_map::create(disk / "y", 10); }) == EROFS);
}

TEST_CASE("disk: an immutable file can be read and copied on write, and not replaced") {
  const temp_folder folder;
  write_file(folder / "x", "abc");
  const int fd = ::open((folder / "x").c_str(), O_RDONLY | O_CLOEXEC);
  int flags = 0;
  const bool can = ioctl(fd, FS_IOC_GETFLAGS, &flags) == 0 &&
                   ioctl(fd, FS_IOC_SETFLAGS, &(flags |= FS_IMMUTABLE_FL)) == 0;
  if (!can) {
    ::close(fd);
    NPYMAP_SKIP("cannot make files immutable");
  }
  CHECK(file_map::open(folder / "x", open_mode::read).size_bytes() == 3);
  file_map::open(folder / "x", open_mode::copy_on_write).writable_data()[0] = std::byte{'y'};
  CHECK(errno_of([&] { file_map::open(folder / "x", open_mode::read_write); }) == EPERM);
  CHECK(errno_of([&] { file_map::create(folder / "x", 10); }) == EPERM);
  ioctl(fd, FS_IOC_SETFLAGS, &(flags &= ~FS_IMMUTABLE_FL));
  ::close(fd);
  CHECK(read_file(folder / "x") == "abc");
}

TEST_CASE("disk: flush brings a range to the disk that is not page-aligned, and async soon") {
  if (!can_mount_images()) NPYMAP_SKIP("cannot mount images");
  const temp_folder folder;
  const ext4_image disk(folder / "image", 16 * mib);
  const std::string first = "the first of the texts", second = "the second of the texts";
  file_map whole = file_map::create(disk / "x", mib);
  whole.flush();
  whole.close();
  const file_map map = file_map::open(disk / "x", open_mode::read_write, 5'000, 500'000);

  std::memcpy(map.writable_data() + 100'001, first.data(), first.size());
  CHECK_FALSE(on_disk(disk, first));
  map.flush(100'001, first.size());
  CHECK(on_disk(disk, first));

  std::memcpy(map.writable_data() + 499'000, second.data(), second.size());
  CHECK_FALSE(on_disk(disk, second));
  map.flush(499'000, 1'000, flush_mode::async);
  // The kernel by itself would wait for half a minute.
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(10);
  while (!on_disk(disk, second) && std::chrono::steady_clock::now() < deadline) {
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
  }
  CHECK(on_disk(disk, second));
}

TEST_CASE("disk: a write-back that fails is told by every later flush and by close") {
  if (!can_mount_images()) NPYMAP_SKIP("cannot mount images");
  const tmpfs memory("size=32m");
  const ext4_image disk(memory / "image", 64 * mib);
  file_map map = file_map::create(disk / "x", 16 * mib);
  map.flush();
  // The image has not met these blocks yet, and finds no memory for them.
  fill_disk(memory / "filler");
  std::memset(map.writable_data(), 'x', map.size_bytes());

  const auto told = [&](auto action) {
    const int reason = errno_of(action);
    return reason == EIO || reason == ENOSPC;
  };
  CHECK(told([&] { map.flush(); }));
  CHECK(told([&] { map.flush(); }));  // the kernel says that all is well
  CHECK(told([&] { map.flush(0, 1, flush_mode::async); }));
  CHECK(told([&] { map.close(); }));
}
