#include "io/memory_limit.hpp"

#include <unistd.h>

#include <algorithm>
#include <fstream>
#include <string>

namespace npymap::io {
namespace {

// Of a group and of those around it, up to where the hierarchy is mounted: cgroups(7). "max" is no
// number, and no limit. Strings, as std::filesystem::path of GCC 12 frees twice what it has no
// memory to join.
std::uint64_t least_limit(const char* mount, std::string group, const char* file) {
  std::uint64_t least = UINT64_MAX;
  for (;;) {
    std::string path = mount;
    path.append(group).append("/").append(file);
    std::uint64_t limit = 0;
    if (std::ifstream(path) >> limit) {
      least = std::min(least, limit);
    }
    const auto slash = group.rfind('/');
    if (slash == std::string::npos) return least;
    group.resize(slash);
  }
}

}  // namespace

std::uint64_t memory_limit_bytes() {
  const auto pages = static_cast<std::uint64_t>(::sysconf(_SC_PHYS_PAGES));
  std::uint64_t least = pages * static_cast<std::uint64_t>(::sysconf(_SC_PAGESIZE));
  // Lines of "hierarchy:controllers:path"; version 2 has hierarchy 0 and names no controllers.
  std::ifstream groups("/proc/self/cgroup");
  for (std::string line; std::getline(groups, line);) {
    const auto first = line.find(':'), second = line.find(':', first + 1);
    if (second == std::string::npos) continue;
    const std::string controllers = "," + line.substr(first + 1, second - first - 1) + ",";
    const std::string group = line.substr(second + 1);
    if (line.starts_with("0::")) {
      least = std::min(least, least_limit("/sys/fs/cgroup", group, "memory.max"));
    } else if (controllers.find(",memory,") != std::string::npos) {
      least = std::min(least, least_limit("/sys/fs/cgroup/memory", group, "memory.limit_in_bytes"));
    }
  }
  return least;
}

}  // namespace npymap::io
