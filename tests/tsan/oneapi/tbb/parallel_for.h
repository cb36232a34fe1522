/// \file
/// Stands in for oneTBB under ThreadSanitizer, which sees nothing of what Debian's library does to
/// hand work over, and would take every hand-over for a race: plain threads, which it knows.
#pragma once

#include <algorithm>
#include <atomic>
#include <exception>
#include <mutex>
#include <thread>
#include <vector>

#include <oneapi/tbb/blocked_range.h>

namespace tbb {

/// Each index in a thread of its own.
template <class Index, class Work>
void parallel_for(Index first, Index last, const Work& work) {
  std::exception_ptr failure;
  std::mutex failing;
  {
    std::vector<std::jthread> threads;
    for (Index i = first; i < last; ++i) {
      threads.emplace_back([&, i] {
        try {
          work(i);
        } catch (...) {
          const std::lock_guard lock(failing);
          failure = std::current_exception();
        }
      });
    }
  }
  if (failure) std::rethrow_exception(failure);
}

struct simple_partitioner {};

/// Four threads, each grain wherever it falls.
template <class Value, class Work>
void parallel_for(const blocked_range<Value>& all, const Work& work, simple_partitioner) {
  std::atomic<Value> next = all.begin();
  parallel_for(0, 4, [&](int) {
    for (Value begin = next.fetch_add(all.grainsize()); begin < all.end();
         begin = next.fetch_add(all.grainsize())) {
      work(blocked_range<Value>(begin, std::min(begin + all.grainsize(), all.end()),
                                all.grainsize()));
    }
  });
}

}  // namespace tbb
