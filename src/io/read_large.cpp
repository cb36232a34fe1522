#include "io/read_large.hpp"

#include <algorithm>
#include <atomic>
#include <thread>

#include "io/in_pieces.hpp"

namespace npymap::io {
namespace {

// A multiple of a huge page, so that no two threads fault in the same one; long enough for any
// disk, short enough that the threads end together.
constexpr std::size_t piece_bytes = std::size_t{8} << 20;
constexpr std::size_t bytes_per_thread = 4 * piece_bytes;
constexpr std::size_t most_threads = 8;  // more than that only queue for the memory

}  // namespace

std::size_t read_large(const file& from, std::span<std::byte> out, std::uint64_t offset) {
  const std::size_t threads =
      std::min({most_threads, out.size() / bytes_per_thread,
                static_cast<std::size_t>(std::thread::hardware_concurrency())});
  if (threads < 2) return from.read_at(out, offset);
  std::atomic<std::size_t> got{0};
  in_pieces(out.size(), piece_bytes, threads, [&](std::size_t begin, std::size_t size) {
    got.fetch_add(from.read_at(out.subspan(begin, size), offset + begin),
                  std::memory_order_relaxed);
  });
  return got;
}

}  // namespace npymap::io
