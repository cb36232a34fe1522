#include "deflate/piece_inflater.hpp"

#include <algorithm>
#include <array>
#include <cstring>
#include <new>
#include <random>

#include <libdeflate.h>
#include <zlib.h>

namespace npymap::deflate {
namespace {

// libdeflate takes whole streams alone, so that a piece wants an end. Any fixed end would do for
// pieces of ours; but of others one may stop amid a block, and have been made to read the end as
// more of it. This one is a block whose codes are drawn by lot: only where a block begins at its
// first bit does it come out as what was packed. Whoever reads it in another way puts bytes that
// cannot be foretold into the piece, whose CRC then is wrong.
struct unforeseen_end {
  std::array<std::byte, 512> bytes;
  std::vector<std::byte> packed;
};

std::vector<std::byte> packed_as_last_block(std::span<const std::byte> bytes) {
  z_stream machine = {};
  constexpr int memory_level = 8;  // zlib's own
  if (::deflateInit2(&machine, 9, Z_DEFLATED, -MAX_WBITS, memory_level, Z_HUFFMAN_ONLY) != Z_OK) {
    throw std::bad_alloc();
  }
  std::vector<std::byte> packed(2 * bytes.size());
  machine.next_in = reinterpret_cast<unsigned char*>(const_cast<std::byte*>(bytes.data()));
  machine.avail_in = static_cast<unsigned>(bytes.size());
  machine.next_out = reinterpret_cast<unsigned char*>(packed.data());
  machine.avail_out = static_cast<unsigned>(packed.size());
  ::deflate(&machine, Z_FINISH);
  packed.resize(machine.total_out);
  ::deflateEnd(&machine);
  return packed;
}

// RFC 1951, 3.2.3: the bits of a last block with codes of its own.
bool has_own_codes(std::span<const std::byte> packed) {
  return (packed[0] & std::byte{7}) == std::byte{5};
}

// RFC 1951, 3.2.4. Where the piece ends with the first bits of a stored block, these are its
// length.
bool begins_as_length(std::span<const std::byte> packed) {
  return packed[0] == ~packed[2] && packed[1] == ~packed[3];
}

unforeseen_end draw_end() {
  std::random_device lot;
  unforeseen_end drawn;
  do {
    // Some letters, the first ones more often: their codes differ in length.
    std::array<std::byte, 24> letters;
    for (std::byte& each : letters) each = static_cast<std::byte>(lot());
    for (std::byte& each : drawn.bytes) {
      const unsigned number = lot();
      each = letters[number % letters.size() * (number >> 16) >> 16];
    }
    drawn.packed = packed_as_last_block(drawn.bytes);
  } while (!has_own_codes(drawn.packed) || begins_as_length(drawn.packed));
  return drawn;
}

const unforeseen_end& end_of_piece() {
  static const unforeseen_end drawn = draw_end();
  return drawn;
}

}  // namespace

void piece_inflater::deleter::operator()(libdeflate_decompressor* each) const noexcept {
  ::libdeflate_free_decompressor(each);
}

piece_inflater::piece_inflater() : machine_(::libdeflate_alloc_decompressor()) {
  if (!machine_) throw std::bad_alloc();
}

std::span<std::byte> piece_inflater::packed(std::size_t size_bytes) {
  const std::size_t wanted = size_bytes + end_of_piece().packed.size();
  if (in_.size() < wanted) in_.resize(wanted);
  packed_bytes_ = size_bytes;
  return std::span(in_).first(size_bytes);
}

// By way of memory of its own, since what comes behind the piece comes out too: that costs nothing
// where the piece fits the second cache.
bool piece_inflater::inflate(std::span<std::byte> out) {
  const unforeseen_end& end = end_of_piece();
  std::ranges::copy(end.packed, in_.begin() + static_cast<std::ptrdiff_t>(packed_bytes_));
  const std::size_t consumed = packed_bytes_ + end.packed.size();
  const std::size_t produced = out.size() + end.bytes.size();
  if (out_.size() < produced) out_.resize(produced);
  std::size_t in_bytes = 0, out_bytes = 0;
  const libdeflate_result result = ::libdeflate_deflate_decompress_ex(
      machine_.get(), in_.data(), consumed, out_.data(), produced, &in_bytes, &out_bytes);
  if (result != LIBDEFLATE_SUCCESS || in_bytes != consumed || out_bytes != produced) return false;
  const auto made = std::span<const std::byte>(out_).first(produced);
  if (!std::ranges::equal(made.last(end.bytes.size()), end.bytes)) return false;
  if (!out.empty()) std::memcpy(out.data(), made.data(), out.size());
  return true;
}

}  // namespace npymap::deflate
