#include "support/memory_cgroup.hpp"

#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <optional>
#include <stdexcept>

#include "support/process.hpp"

namespace npymap_test {
namespace {

namespace fs = std::filesystem;

bool write_to(const fs::path& file, const std::string& text) {
  std::ofstream out(file);
  out << text;
  out.flush();
  return static_cast<bool>(out);
}

/// A cgroup of this process's, removed when it is empty again.
class memory_cgroup {
 public:
  memory_cgroup() {
    const std::string name = "npymap-test-" + std::to_string(::getpid());
    const fs::path v1 = "/sys/fs/cgroup/memory", v2 = "/sys/fs/cgroup";
    std::error_code failed;
    if (fs::exists(v1 / "memory.limit_in_bytes")) {
      limit_name_ = "memory.limit_in_bytes";
      peak_name_ = "memory.max_usage_in_bytes";
      folder_ = v1 / name;
    } else if (fs::exists(v2 / "cgroup.controllers")) {
      write_to(v2 / "cgroup.subtree_control", "+memory");
      limit_name_ = "memory.max";
      peak_name_ = "memory.peak";
      folder_ = v2 / name;
    } else {
      return;
    }
    if (!fs::create_directory(folder_, failed)) folder_.clear();
    if (!folder_.empty() && !fs::exists(folder_ / limit_name_)) {
      fs::remove(folder_, failed);
      folder_.clear();
    }
  }
  memory_cgroup(const memory_cgroup&) = delete;
  memory_cgroup& operator=(const memory_cgroup&) = delete;
  ~memory_cgroup() {
    std::error_code ignored;
    if (*this) fs::remove(folder_, ignored);
  }

  explicit operator bool() const { return !folder_.empty(); }
  bool limit(std::uint64_t bytes) const {
    return write_to(folder_ / limit_name_, std::to_string(bytes));
  }
  bool enter() const { return write_to(folder_ / "cgroup.procs", std::to_string(::getpid())); }
  std::uint64_t peak_bytes() const {
    std::uint64_t bytes = 0;
    std::ifstream(folder_ / peak_name_) >> bytes;
    return bytes;
  }

 private:
  fs::path folder_;
  const char* limit_name_ = nullptr;
  const char* peak_name_ = nullptr;
};

}  // namespace

bool have_memory_cgroups() { return static_cast<bool>(memory_cgroup()); }

bounded_run within_memory(std::uint64_t limit_bytes, const std::function<int()>& function) {
  const memory_cgroup group;
  if (!group || !group.limit(limit_bytes)) throw std::runtime_error("no memory cgroup");
  const int status = in_child([&] {
    if (!group.enter()) return 121;
    return function();
  });
  return {status, group.peak_bytes()};
}

}  // namespace npymap_test
