#include "io/direct_file.hpp"

#include <algorithm>
#include <atomic>
#include <utility>

#include "io/in_pieces.hpp"

namespace npymap::io {
namespace {

// What O_DIRECT asks of offsets, lengths and addresses is the logical block of the disk, which is
// 512 or 4096 bytes: open(2).
constexpr std::size_t block_bytes = 4096;

// Long enough for the full speed of a disk, short enough to keep many of them busy.
constexpr std::size_t piece_bytes = std::size_t{1} << 20;
constexpr std::size_t most_requests = 8;

}  // namespace

direct_file::direct_file(file opened) : opened_(std::move(opened)) {
  sys::bypass_cache(opened_.native_handle());  // or not
}

std::size_t direct_file::slot_bytes(std::size_t n) noexcept { return n + 3 * block_bytes; }

direct_file::result direct_file::read(std::span<std::byte> slot, std::uint64_t offset,
                                      std::size_t n) const {
  slot = slot.subspan(-reinterpret_cast<std::uintptr_t>(slot.data()) % block_bytes);
  const std::size_t lead = offset % block_bytes;
  const std::uint64_t begin = offset - lead;
  const std::size_t whole = (lead + n + block_bytes - 1) / block_bytes * block_bytes;
  // A request and a few blocks are one request.
  const std::size_t request_bytes = whole < 2 * piece_bytes ? whole : piece_bytes;
  std::atomic<std::size_t> got{0};
  in_pieces(whole, request_bytes, most_requests, [&](std::size_t at, std::size_t size) {
    std::size_t done = 0;
    while (done < size) {
      const std::span<std::byte> rest = slot.subspan(at + done, size - done);
      const auto more =
          sys::read(opened_.native_handle(), rest.data(), rest.size(), begin + at + done);
      if (more == -1) opened_.fail("read", rest.size(), begin + at + done);
      done += static_cast<std::size_t>(more);
      // Behind the end of the file there is no whole block to go on from; elsewhere, what reads
      // parts of blocks is a file system that has a cache all the same.
      const bool is_part = more % static_cast<std::ptrdiff_t>(block_bytes) != 0;
      if (more == 0 || (is_part && begin + at + done >= opened_.size_bytes())) break;
    }
    got.fetch_add(done, std::memory_order_relaxed);
  });
  return {slot.data() + lead, std::min(n, got - std::min<std::size_t>(got, lead))};
}

}  // namespace npymap::io
