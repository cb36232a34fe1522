/// \file
/// Work that is cut into parts, on several threads.
#pragma once

#include <algorithm>
#include <cstddef>

#include <oneapi/tbb/blocked_range.h>
#include <oneapi/tbb/parallel_for.h>
#include <oneapi/tbb/task_arena.h>

namespace npymap::detail {

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
  tbb::task_arena arena(threads);
  arena.execute([&] {
    tbb::parallel_for(
        tbb::blocked_range<std::size_t>(0, parts, 1),
        [&](const tbb::blocked_range<std::size_t>& range) {
          for (std::size_t n = range.begin(); n < range.end(); ++n) do_part(n);
        },
        tbb::simple_partitioner());
  });
}

}  // namespace npymap::detail
