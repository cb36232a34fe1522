#include "npz/member_output.hpp"

#include <algorithm>
#include <cassert>
#include <utility>

#include "deflate/crc32.hpp"
#include "stream/threads.hpp"

namespace npymap::zip {
namespace {

// Threads end a batch at about the same time when each has had several pieces of it.
constexpr std::size_t pieces_of_thread = 4;

constexpr std::size_t most_extra_bytes = 65535 - 28;  // beside a zip64 field of three values

std::span<const std::byte> bytes_of(std::string_view text) {
  return std::as_bytes(std::span(text));
}

}  // namespace

member_output::member_output(zip_writer& to, std::string_view name, std::string head,
                             std::optional<int> level, int threads)
    : to_(to), first_head_(std::move(head)), threads_(threads) {
  to_.begin(name, level ? method_deflated : method_stored);
  if (level) {
    const std::size_t count = pieces_of_thread * static_cast<std::size_t>(threads);
    for (std::size_t i = 0; i < count; ++i) {
      gathering_.push_back({deflate::deflater(*level), {}, {}});
      packing_.push_back({deflate::deflater(*level), {}, {}});
    }
    to_.write(deflate::stored_blocks(bytes_of(first_head_)));
  } else {
    to_.write(bytes_of(first_head_));
  }
}

void member_output::write(std::span<const std::byte> bytes) {
  written_bytes_ += bytes.size();
  return gathering_.empty() ? store(bytes) : gather(bytes);
}

void member_output::store(std::span<const std::byte> bytes) {
  while (!bytes.empty()) {
    // So much that it is written at once, and still in a cache from its CRC.
    const std::size_t room = io::large_page_bytes - to_.offset_bytes() % io::large_page_bytes;
    const auto now = bytes.first(std::min(room, bytes.size()));
    crc32_ = deflate::crc32(crc32_, now);
    to_.write(now);
    bytes = bytes.subspan(now.size());
  }
}

void member_output::gather(std::span<const std::byte> bytes) {
  while (!bytes.empty()) {
    if (gathered_ == 0 || gathering_[gathered_ - 1].plain.size() == piece_bytes) {
      if (gathered_ == gathering_.size()) pack_gathered();
      piece& next = gathering_[gathered_++];
      next.plain.clear();
      next.plain.reserve(piece_bytes);
    }
    std::vector<std::byte>& plain = gathering_[gathered_ - 1].plain;
    const auto now = bytes.first(std::min(piece_bytes - plain.size(), bytes.size()));
    plain.insert(plain.end(), now.begin(), now.end());
    bytes = bytes.subspan(now.size());
  }
}

// The pieces before them are written meanwhile.
void member_output::pack_gathered() {
  write_packed();
  std::swap(gathering_, packing_);
  packed_count_ = std::exchange(gathered_, 0);
  packer_ = std::async(detail::in_a_thread_if_any, [this] {
    detail::in_parts(packed_count_, 1, threads_, [this](std::size_t n, std::size_t) {
      piece& each = packing_[n];
      each.crc32 = deflate::crc32(0, each.plain);
      each.packed.clear();
      each.machine.piece(each.plain, each.packed);
    });
  });
}

void member_output::write_packed() {
  if (packer_.valid()) packer_.get();
  for (std::size_t n = 0; n < packed_count_; ++n) {
    const piece& each = packing_[n];
    to_.write(each.packed);
    crc32_ = deflate::crc32_combine(crc32_, each.crc32, each.plain.size());
    index_.push_back({each.packed.size(), each.crc32});
  }
  packed_count_ = 0;
}

void member_output::finish(std::string_view head) {
  assert(head.size() == first_head_.size());
  const bool is_deflated = !gathering_.empty();
  std::string extra;
  const std::uint64_t bytes = head.size() + written_bytes_;
  if (is_deflated) {
    pack_gathered();
    write_packed();
    to_.write(deflate::stream_end);
    extra = index_extra(head.size(), std::move(index_), bytes, most_extra_bytes);
  }
  if (head != first_head_) {
    const auto plain = bytes_of(head);
    to_.rewrite(is_deflated ? std::span<const std::byte>(deflate::stored_blocks(plain)) : plain, 0);
  }
  const std::uint32_t head_crc32 = deflate::crc32(0, bytes_of(head));
  to_.end(deflate::crc32_combine(head_crc32, crc32_, written_bytes_), bytes, extra);
}

}  // namespace npymap::zip
