/// \file
/// Small disks of our own: full, read-only or broken at will.
#pragma once

#include <filesystem>
#include <string>

#include "support/temp_folder.hpp"

namespace npymap_test {

/// True if this process may mount. What it mounts is seen by itself and its children alone, and
/// goes with them, even after kill -9.
bool can_mount();

/// A mounted tmpfs; unmounted by the destructor.
class tmpfs {
 public:
  /// `options` as of mount(8): "size=8m".
  explicit tmpfs(const std::string& options);
  tmpfs(const tmpfs&) = delete;
  tmpfs& operator=(const tmpfs&) = delete;
  ~tmpfs();

  std::string operator/(std::string_view name) const { return folder_ / name; }
  const std::filesystem::path& path() const { return folder_.path(); }
  void make_read_only() const;

 private:
  temp_folder folder_;
};

/// True if ext4 images can be made and mounted through a loop device.
bool can_mount_images();

enum class journal : char { none, kept };

/// A mounted ext4 file system in an image file, which the test may look into and tamper with.
class ext4_image {
 public:
  /// `image` is made, with so many bytes, none of them allocated but what mkfs writes.
  ext4_image(std::string image, std::uint64_t size_bytes, journal kept = journal::none);
  ext4_image(const ext4_image&) = delete;
  ext4_image& operator=(const ext4_image&) = delete;
  ~ext4_image();

  std::string operator/(std::string_view name) const { return folder_ / name; }
  const std::filesystem::path& path() const { return folder_.path(); }
  const std::string& image() const { return image_; }

  /// Stop the file system as a power cut does, with nothing more reaching the disk. False where the
  /// kernel knows no such thing.
  bool cut_power() const;
  /// Mount what is on the disk then; nobody may have a file of it open.
  void mount_again() const;

 private:
  void mount() const;

  temp_folder folder_;
  std::string image_;
};

/// Write to a new file until the disk is full; returns how many bytes fitted.
std::uint64_t fill_disk(const std::string& path);

}  // namespace npymap_test
