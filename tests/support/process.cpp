#include "support/process.hpp"

#include <fcntl.h>
#include <grp.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <stdexcept>

namespace npymap_test {

std::map<int, std::string> open_descriptors() {
  std::map<int, std::string> found;
  for (const auto& entry : std::filesystem::directory_iterator("/proc/self/fd")) {
    std::error_code gone;  // the descriptor of this very iteration
    const auto leads_to = std::filesystem::read_symlink(entry.path(), gone).string();
    if (!gone && !leads_to.starts_with("/proc/")) {
      found[std::stoi(entry.path().filename())] = leads_to;
    }
  }
  return found;
}

int mapping_count() {
  std::ifstream maps("/proc/self/maps");
  return static_cast<int>(std::count(std::istreambuf_iterator<char>(maps), {}, '\n'));
}

std::uint64_t resident_bytes() {
  std::uint64_t all = 0, resident = 0;
  std::ifstream("/proc/self/statm") >> all >> resident;
  return resident * static_cast<std::uint64_t>(sysconf(_SC_PAGESIZE));
}

bool is_resident(const void* address) {
  const auto page = reinterpret_cast<std::uintptr_t>(address) /
                    static_cast<std::uintptr_t>(sysconf(_SC_PAGESIZE));
  std::uint64_t entry = 0;
  const int pagemap = ::open("/proc/self/pagemap", O_RDONLY | O_CLOEXEC);
  const ssize_t n = pread(pagemap, &entry, sizeof entry, static_cast<off_t>(page * sizeof entry));
  ::close(pagemap);
  if (n != sizeof entry) throw std::runtime_error("cannot read /proc/self/pagemap");
  return (entry >> 63) != 0;
}

int in_child(const std::function<int()>& function) {
  const pid_t child = fork();
  if (child < 0) throw std::runtime_error("fork failed");
  if (child == 0) {
    int result = 120;
    try {
      result = function();
    } catch (...) {
    }
    _exit(result);
  }
  int status = 0;
  waitpid(child, &status, 0);
  return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

int as_nobody(const std::function<int()>& function) {
  constexpr unsigned nobody = 65534;
  return in_child([&] {
    const bool root = geteuid() == 0;
    if (root && (setgroups(0, nullptr) != 0 || setgid(nobody) != 0 || setuid(nobody) != 0)) {
      return 121;
    }
    return function();
  });
}

}  // namespace npymap_test
