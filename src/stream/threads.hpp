/// \file
/// How many threads a pass has.
#pragma once

#include <algorithm>
#include <optional>
#include <string>

#include <oneapi/tbb/task_arena.h>

#include <npymap/error.hpp>

namespace npymap::detail {

/// \throws error invalid_argument below 1
inline int checked_threads(std::optional<int> threads) {
  // oneTBB prints a warning when asked for more than there are.
  const int most = tbb::this_task_arena::max_concurrency();
  if (!threads) return most;
  if (*threads >= 1) return std::min(*threads, most);
  throw error(errc::invalid_argument, {.subject = "threads of a pass",
                                       .expected = "at least 1",
                                       .found = std::to_string(*threads)});
}

}  // namespace npymap::detail
