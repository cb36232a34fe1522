#include "io/read_large.hpp"

#include <algorithm>
#include <atomic>
#include <exception>
#include <mutex>
#include <system_error>
#include <thread>
#include <vector>

namespace npymap::io {
namespace {

// A multiple of a huge page, so that no two threads fault in the same one; long enough for any
// disk, short enough that the threads end together.
constexpr std::size_t piece_bytes = std::size_t{8} << 20;
constexpr std::size_t bytes_per_thread = 4 * piece_bytes;
constexpr std::size_t most_threads = 8;  // more than that only queue for the memory

class shared_read {
 public:
  shared_read(const file& from, std::span<std::byte> out, std::uint64_t offset)
      : from_(from), out_(out), offset_(offset) {}

  // What each thread does: take the next piece until there is none, or one has failed.
  void work() noexcept {
    try {
      for (;;) {
        const std::size_t begin = next_.fetch_add(piece_bytes, std::memory_order_relaxed);
        if (begin >= out_.size()) return;
        const auto piece = out_.subspan(begin, std::min(piece_bytes, out_.size() - begin));
        read_.fetch_add(from_.read_at(piece, offset_ + begin), std::memory_order_relaxed);
      }
    } catch (...) {
      next_.store(out_.size(), std::memory_order_relaxed);
      const std::lock_guard lock(failing_);
      failure_ = std::current_exception();
    }
  }

  std::size_t result() const {
    if (failure_) std::rethrow_exception(failure_);
    return read_.load(std::memory_order_relaxed);
  }

 private:
  const file& from_;
  std::span<std::byte> out_;
  std::uint64_t offset_;
  std::atomic<std::size_t> next_{0};
  std::atomic<std::size_t> read_{0};
  std::mutex failing_;
  std::exception_ptr failure_;
};

}  // namespace

std::size_t read_large(const file& from, std::span<std::byte> out, std::uint64_t offset) {
  const std::size_t wanted =
      std::min({most_threads, out.size() / bytes_per_thread,
                static_cast<std::size_t>(std::thread::hardware_concurrency())});
  if (wanted < 2) return from.read_at(out, offset);

  shared_read reading(from, out, offset);
  {
    std::vector<std::jthread> helpers;
    helpers.reserve(wanted - 1);
    try {
      while (helpers.size() + 1 < wanted) helpers.emplace_back([&] { reading.work(); });
    } catch (const std::system_error&) {
      // No more threads to be had: those that there are do it all.
    }
    reading.work();
  }
  return reading.result();
}

}  // namespace npymap::io
