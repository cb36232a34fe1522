#include "io/in_pieces.hpp"

#include <algorithm>
#include <atomic>
#include <exception>
#include <mutex>
#include <system_error>
#include <thread>
#include <vector>

namespace npymap::io {

void in_pieces(std::size_t total, std::size_t piece_bytes, std::size_t threads,
               const std::function<void(std::size_t begin, std::size_t size)>& work) {
  std::atomic<std::size_t> next{0};
  std::mutex failing;
  std::exception_ptr failure;
  // What each thread does: take the next piece until there is none, or one has failed.
  const auto run = [&]() noexcept {
    try {
      for (;;) {
        const std::size_t begin = next.fetch_add(piece_bytes, std::memory_order_relaxed);
        if (begin >= total) return;
        work(begin, std::min(piece_bytes, total - begin));
      }
    } catch (...) {
      next.store(total, std::memory_order_relaxed);
      const std::lock_guard lock(failing);
      failure = std::current_exception();
    }
  };
  {
    std::vector<std::jthread> helpers;
    const std::size_t wanted = std::min(threads, (total + piece_bytes - 1) / piece_bytes);
    helpers.reserve(wanted);
    try {
      while (helpers.size() + 1 < wanted) helpers.emplace_back(run);
    } catch (const std::system_error&) {
      // No more threads to be had: those that there are do it all.
    }
    run();
  }
  if (failure) std::rethrow_exception(failure);
}

}  // namespace npymap::io
