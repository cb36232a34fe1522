#include "text/text_output.hpp"

#include <algorithm>

#include "deflate/crc32.hpp"
#include "deflate/gzip.hpp"

namespace npymap::text {
namespace {

// Whole ones, so that the kernel keeps them in large folios: reading such a file takes half the
// time.
constexpr std::size_t write_bytes = std::size_t{1} << 18;

}  // namespace

void text_packer::pack(text_piece& piece) {
  if (!machine_) return;
  piece.packed.clear();
  machine_->piece(piece.text.bytes(), piece.packed);
  piece.crc32 = deflate::crc32(0, piece.text.bytes());
}

text_output::text_output(io::file& to, std::optional<int> level,
                         std::optional<std::uint64_t> most_unwritten_bytes)
    : to_(to), level_(level) {
  if (most_unwritten_bytes) bounded_.emplace(to, *most_unwritten_bytes);
  gathered_.reserve(write_bytes);
  if (level_) put(deflate::gzip_head);
}

void text_output::write(const text_piece& piece) {
  if (!level_) return put(piece.text.bytes());
  const std::size_t n = piece.text.size();
  crc32_ = deflate::crc32_combine(crc32_, piece.crc32, n);
  plain_bytes_ += n;
  put(piece.packed);
}

void text_output::write(std::string_view text) {
  if (text.empty()) return;
  text_piece piece;
  piece.text.append(text);
  text_packer(level_).pack(piece);
  write(piece);
}

void text_output::put(std::span<const std::byte> bytes) {
  while (!bytes.empty()) {
    if (gathered_.empty() && bytes.size() >= write_bytes) {
      put_whole(bytes.first(write_bytes));
      bytes = bytes.subspan(write_bytes);
      continue;
    }
    const auto now = bytes.first(std::min(write_bytes - gathered_.size(), bytes.size()));
    gathered_.insert(gathered_.end(), now.begin(), now.end());
    bytes = bytes.subspan(now.size());
    if (gathered_.size() < write_bytes) return;
    put_whole(gathered_);
    gathered_.clear();
  }
}

void text_output::put_whole(std::span<const std::byte> bytes) {
  if (bounded_) {
    bounded_->write(bytes, offset_);
  } else {
    to_.write_at(bytes, offset_);
  }
  offset_ += bytes.size();
}

void text_output::finish() {
  if (level_) {
    put(deflate::stream_end);
    put(deflate::gzip_tail(crc32_, plain_bytes_));
  }
  put_whole(gathered_);
  if (bounded_) bounded_->finish();
}

}  // namespace npymap::text
