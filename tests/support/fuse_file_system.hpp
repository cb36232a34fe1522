/// \file
/// A file system of our own, served through FUSE, whose disk fails where the test says so.
#pragma once

#include <sys/types.h>

#include <atomic>
#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>

#include "support/temp_folder.hpp"

namespace npymap_test {

/// What goes wrong, and what was asked for. The process that serves the files sees changes at once.
struct fuse_rules {
  static constexpr std::uint64_t everywhere = ~std::uint64_t{0};

  /// EIO for each read that touches these bytes of a file, from `begin` to before `end`.
  std::atomic<std::uint64_t> bad_read_begin = 0, bad_read_end = 0;
  /// `write_errno` for each write that touches these.
  std::atomic<std::uint64_t> bad_write_begin = 0, bad_write_end = 0;
  std::atomic<int> write_errno = 0;
  /// EIO for the sync of a file or folder after so many others; for none when negative.
  std::atomic<int> syncs_before_failure = -1;
  /// How long each read takes.
  std::atomic<int> read_delay_ms = 0;
  /// Whether files that are opened bypass the kernel's cache: they cannot be mapped to be shared.
  std::atomic<bool> direct_io = false;
  std::atomic<bool> refuses_fallocate = false;

  std::atomic<std::uint64_t> reads = 0, writes = 0, syncs = 0;
  /// How many of these failed because of a rule.
  std::atomic<std::uint64_t> injected = 0;
  /// The end of the last byte that a read asked for.
  std::atomic<std::uint64_t> furthest_read = 0;
  /// What all delays have taken together.
  std::atomic<std::uint64_t> delayed_us = 0;

  void fail_reads(std::uint64_t begin, std::uint64_t end);
  void fail_writes(int reason, std::uint64_t begin = 0, std::uint64_t end = everywhere);
  /// Nothing fails from now on; counts go on.
  void mend();
};

/// True if this process may mount FUSE file systems.
bool can_mount_fuse();

/// A mounted file system that shows the files of `stored()`; a child process serves them. There are
/// no folders but one. The destructor ends the child and unmounts, whoever still has files open.
class fuse_file_system {
 public:
  fuse_file_system();
  fuse_file_system(const fuse_file_system&) = delete;
  fuse_file_system& operator=(const fuse_file_system&) = delete;
  ~fuse_file_system();

  std::string operator/(std::string_view name) const { return mounted_ / name; }
  const std::filesystem::path& path() const { return mounted_.path(); }
  /// Where the files really are, and nothing fails.
  const temp_folder& stored() const { return stored_; }
  fuse_rules& rules() const { return *rules_; }
  /// Kill the process that serves: whoever waits for it gets an error, and so does who asks later.
  void die();

 private:
  temp_folder stored_;
  temp_folder mounted_;
  fuse_rules* rules_;  // in memory that both processes share
  pid_t server_ = -1;
};

}  // namespace npymap_test
