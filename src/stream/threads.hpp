/// \file
/// How many threads a pass has, and how they share its work.
#pragma once

#include <algorithm>
#include <atomic>
#include <cstddef>
#include <future>
#include <optional>
#include <stdexcept>
#include <string>

#include <oneapi/tbb/blocked_range.h>
#include <oneapi/tbb/parallel_for.h>
#include <oneapi/tbb/task_arena.h>

#include <npymap/error.hpp>

namespace npymap::detail {

/// What is done ahead of time needs no thread: where the system has none left, it is done when it
/// is asked for, as std::async has it with both policies in libstdc++ and libc++.
inline constexpr auto in_a_thread_if_any = std::launch::async | std::launch::deferred;

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

/// Have oneTBB call `work(n)` for each n below `count`, each as a task of its own. Where the system
/// has no thread for it, oneTBB throws a std::runtime_error, and has begun nothing: then all is
/// done in this thread.
template <class Work>
void in_arena(int threads, std::size_t count, const Work& work) {
  std::atomic<bool> has_begun = false;
  try {
    tbb::task_arena arena(threads);
    arena.execute([&] {
      tbb::parallel_for(
          tbb::blocked_range<std::size_t>(0, count, 1),
          [&](const tbb::blocked_range<std::size_t>& range) {
            has_begun.store(true, std::memory_order_relaxed);
            for (std::size_t n = range.begin(); n < range.end(); ++n) work(n);
          },
          tbb::simple_partitioner());
    });
    return;
  } catch (const std::runtime_error&) {
    if (has_begun) throw;
  }
  for (std::size_t n = 0; n < count; ++n) work(n);
}

/// Call `work(n)` for each n below `threads`, in so many threads at once if they are to be had:
/// none may wait for another. The first exception ends it, and arrives.
template <class Work>
void in_each_thread(int threads, const Work& work) {
  in_arena(threads, static_cast<std::size_t>(threads),
           [&](std::size_t n) { work(static_cast<int>(n)); });
}

/// Call `work(begin, count)` for parts of so many, which cover 0 to `whole` once; in this thread
/// where there is but one part. The first exception ends it, and arrives.
template <class Work>
void in_parts(std::size_t whole, std::size_t part, int threads, const Work& work) {
  const std::size_t parts = whole == 0 ? 0 : (whole - 1) / part + 1;
  const auto do_part = [&](std::size_t n) { work(n * part, std::min(part, whole - n * part)); };
  if (parts <= 1 || threads == 1) {
    for (std::size_t n = 0; n < parts; ++n) do_part(n);
    return;
  }
  in_arena(threads, parts, do_part);
}

}  // namespace npymap::detail
