#include "io/mounts.hpp"

#include <fcntl.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <unistd.h>

#include <cstdint>
#include <cstdlib>
#include <stdexcept>
#include <vector>

namespace npymap_test {
namespace {

bool shell(const std::string& command) {
  return std::system((command + " >/dev/null 2>&1").c_str()) == 0;
}

void unmount(const std::filesystem::path& folder) {
  if (umount2(folder.c_str(), 0) == -1) umount2(folder.c_str(), MNT_DETACH);
}

}  // namespace

bool can_mount() {
  static const bool can =
      unshare(CLONE_NEWNS) == 0 && mount("none", "/", nullptr, MS_REC | MS_PRIVATE, nullptr) == 0;
  return can;
}

tmpfs::tmpfs(const std::string& options) {
  if (mount("npymap-test", path().c_str(), "tmpfs", 0, options.c_str()) == -1) {
    throw std::runtime_error("cannot mount a tmpfs");
  }
}

tmpfs::~tmpfs() { unmount(path()); }

void tmpfs::make_read_only() const {
  if (mount("npymap-test", path().c_str(), "tmpfs", MS_REMOUNT | MS_RDONLY, nullptr) == -1) {
    throw std::runtime_error("cannot remount a tmpfs");
  }
}

bool can_mount_images() {
  static const bool can = [] {
    if (!can_mount()) return false;
    try {
      const temp_folder folder;
      const ext4_image probe(folder / "image", std::uint64_t{8} << 20);
      return true;
    } catch (const std::runtime_error&) {
      return false;
    }
  }();
  return can;
}

ext4_image::ext4_image(std::string image, std::uint64_t size_bytes, journal kept)
    : image_(std::move(image)) {
  write_file(image_, "");
  std::filesystem::resize_file(image_, size_bytes);
  // Everything initialised at once, and mostly no journal: nothing is written that the test did not
  // ask for.
  const std::string features = kept == journal::none ? "-O ^has_journal " : "";
  if (!shell("PATH=$PATH:/sbin:/usr/sbin mkfs.ext4 -q -F -m 0 " + features +
             "-E lazy_itable_init=0,nodiscard '" + image_ + "'")) {
    throw std::runtime_error("cannot make an ext4 image");
  }
  mount();
}

void ext4_image::mount() const {
  if (!shell("mount -o loop '" + image_ + "' '" + path().string() + "'")) {
    throw std::runtime_error("cannot mount an ext4 image");
  }
}

bool ext4_image::cut_power() const {
  // EXT4_IOC_SHUTDOWN and EXT4_GOING_FLAGS_NOLOGFLUSH, of fs/ext4/ext4.h: as xfs_io's shutdown.
  constexpr unsigned long shut_down = _IOR('X', 125, std::uint32_t);
  std::uint32_t without_log = 2;
  const int root = ::open(path().c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  const bool done = root != -1 && ::ioctl(root, shut_down, &without_log) == 0;
  ::close(root);
  return done;
}

void ext4_image::mount_again() const {
  if (umount2(path().c_str(), 0) == -1) throw std::runtime_error("the disk is in use");
  mount();
}

ext4_image::~ext4_image() { unmount(path()); }

std::uint64_t fill_disk(const std::string& path) {
  const int fd = ::open(path.c_str(), O_CREAT | O_WRONLY | O_CLOEXEC, 0600);
  if (fd == -1) throw std::runtime_error("cannot open " + path);
  std::uint64_t written = 0;
  for (std::vector<char> bytes(1 << 16, 'x'); !bytes.empty();) {
    const ssize_t n = ::write(fd, bytes.data(), bytes.size());
    if (n > 0) {
      written += static_cast<std::uint64_t>(n);
    } else {
      bytes.resize(bytes.size() / 2);
    }
  }
  ::close(fd);
  return written;
}

}  // namespace npymap_test
