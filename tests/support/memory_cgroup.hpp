/// \file
/// A bound on memory, page cache included.
#pragma once

#include <cstdint>
#include <functional>
#include <string>

namespace npymap_test {

/// True if this process may make memory cgroups (v1 or v2).
bool have_memory_cgroups();

/// What became of a function that ran in a child within a memory cgroup.
struct bounded_run {
  int status;                ///< as `in_child`: 137 when it was killed for want of memory
  std::uint64_t peak_bytes;  ///< of the cgroup; 0 where the kernel does not say
};

/// Run a function in a child that may have so many bytes of memory, page cache included.
bounded_run within_memory(std::uint64_t limit_bytes, const std::function<int()>& function);

}  // namespace npymap_test
