#include "deflate/deflate.hpp"

#include <algorithm>
#include <cassert>
#include <new>
#include <stdexcept>

#include <isa-l/igzip_lib.h>
#include <libdeflate.h>
#include <zlib.h>

namespace npymap::deflate {
namespace {

constexpr std::byte empty_block_sizes[] = {std::byte{0x00}, std::byte{0x00}, std::byte{0xff},
                                           std::byte{0xff}};  // RFC 1951, 3.2.4

/// Where in a stream its last block begins and ends, in bits.
struct last_block {
  std::uint64_t begin = 0;
  std::uint64_t end = 0;
};

// zlib tells where blocks end, if it is asked to stop there, and is so quick that this costs a
// fourteenth of the time of libdeflate's level 6.
last_block find_last_block(std::span<const std::byte> stream) {
  z_stream state = {};
  if (::inflateInit2(&state, -MAX_WBITS) != Z_OK) throw std::bad_alloc();
  const std::unique_ptr<z_stream, int (*)(z_stream*)> ends(&state, ::inflateEnd);
  std::array<unsigned char, 1 << 16> discarded;
  state.next_in = reinterpret_cast<unsigned char*>(const_cast<std::byte*>(stream.data()));
  state.avail_in = static_cast<unsigned>(stream.size());
  last_block found;
  for (;;) {
    state.next_out = discarded.data();
    state.avail_out = discarded.size();
    const int result = ::inflate(&state, Z_BLOCK);
    constexpr int unused_bits = 7, in_last_block = 64, at_block_end = 128;  // zlib.h
    const std::uint64_t bits =
        state.total_in * std::uint64_t{8} - static_cast<unsigned>(state.data_type & unused_bits);
    if (result != Z_OK) throw std::logic_error("libdeflate made what zlib cannot read");
    if ((state.data_type & at_block_end) == 0) continue;
    if ((state.data_type & in_last_block) != 0) {
      found.end = bits;
      return found;
    }
    found.begin = bits;
  }
}

}  // namespace

void deflater::deleter::operator()(libdeflate_compressor* each) const noexcept {
  ::libdeflate_free_compressor(each);
}

deflater::deflater(int level) {
  assert(level >= fastest_level && level <= best_level);
  if (level == fastest_level) {
    workspace_.resize(ISAL_DEF_LVL1_DEFAULT);
    return;
  }
  compressor_.reset(::libdeflate_alloc_compressor(level));
  if (!compressor_) throw std::bad_alloc();
}
deflater::deflater(deflater&&) noexcept = default;
deflater& deflater::operator=(deflater&&) noexcept = default;
deflater::~deflater() = default;

void deflater::piece(std::span<const std::byte> in, std::vector<std::byte>& out) {
  return compressor_ ? piece_of_libdeflate(in, out) : piece_of_isal(in, out);
}

void deflater::piece_of_isal(std::span<const std::byte> in, std::vector<std::byte>& out) {
  isal_zstream state;
  ::isal_deflate_init(&state);
  state.level = 1;
  state.level_buf = workspace_.data();
  state.level_buf_size = static_cast<std::uint32_t>(workspace_.size());
  state.flush = FULL_FLUSH;
  state.next_in = reinterpret_cast<unsigned char*>(const_cast<std::byte*>(in.data()));
  state.avail_in = static_cast<std::uint32_t>(in.size());
  const std::size_t before = out.size();
  std::size_t room = in.size() + in.size() / 8 + 1024;
  do {
    const std::size_t done = before + state.total_out;
    out.resize(done + room);
    state.next_out = reinterpret_cast<unsigned char*>(out.data() + done);
    state.avail_out = static_cast<std::uint32_t>(room);
    if (::isal_deflate(&state) != COMP_OK) throw std::logic_error("ISA-L refuses its own state");
  } while (state.avail_out == 0 || state.avail_in > 0);
  out.resize(before + state.total_out);
}

void deflater::piece_of_libdeflate(std::span<const std::byte> in, std::vector<std::byte>& out) {
  const std::size_t before = out.size();
  out.resize(before + ::libdeflate_deflate_compress_bound(compressor_.get(), in.size()));
  const std::size_t n = ::libdeflate_deflate_compress(compressor_.get(), in.data(), in.size(),
                                                      out.data() + before, out.size() - before);
  out.resize(before + n);
  // It makes whole streams alone. The first bit of a block says whether it is the last.
  const last_block last = find_last_block(std::span(out).subspan(before));
  out[before + last.begin / 8] &= ~(std::byte{1} << (last.begin % 8));
  // Three zero bits begin an empty block; those that fill up the last byte are zeros already.
  constexpr std::uint64_t block_header_bits = 3;
  out.resize(before + (last.end + block_header_bits + 7) / 8);
  out.insert(out.end(), std::begin(empty_block_sizes), std::end(empty_block_sizes));
}

std::array<std::byte, 5> stored_block(std::size_t n) noexcept {
  assert(n <= most_stored_bytes);
  const auto low = static_cast<std::byte>(n), high = static_cast<std::byte>(n >> 8);
  return {std::byte{0}, low, high, ~low, ~high};
}

std::vector<std::byte> stored_blocks(std::span<const std::byte> bytes) {
  std::vector<std::byte> blocks;
  do {
    const auto now = bytes.first(std::min(bytes.size(), most_stored_bytes));
    const auto begin = stored_block(now.size());
    blocks.insert(blocks.end(), begin.begin(), begin.end());
    blocks.insert(blocks.end(), now.begin(), now.end());
    bytes = bytes.subspan(now.size());
  } while (!bytes.empty());
  return blocks;
}

std::uint64_t stored_blocks_bytes(std::uint64_t n) noexcept {
  const std::uint64_t count = n / most_stored_bytes + (n % most_stored_bytes == 0 ? 0 : 1);
  return n + std::max<std::uint64_t>(count, 1) * stored_block(0).size();
}

}  // namespace npymap::deflate
