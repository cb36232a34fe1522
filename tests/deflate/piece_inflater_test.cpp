#include "deflate/piece_inflater.hpp"

#include <algorithm>
#include <random>
#include <string_view>

#include "deflate/deflate.hpp"
#include "deflate/samples.hpp"
#include "support/catch.hpp"
#include "support/python.hpp"

using namespace npymap_test;
using namespace npymap::deflate;

namespace {

bool inflates(piece_inflater& machine, const byte_vector& packed, std::span<std::byte> out) {
  std::ranges::copy(packed, machine.packed(packed.size()).begin());
  return machine.inflate(out);
}

/// Bits as RFC 1951 packs them: the first one is the lowest of the first byte.
byte_vector bytes_of_bits(std::string_view bits) {
  byte_vector bytes((bits.size() + 7) / 8);
  std::size_t at = 0;
  for (const char bit : bits) {
    if (bit != '0' && bit != '1') continue;
    bytes[at / 8] |= static_cast<std::byte>((bit - '0') << at % 8);
    ++at;
  }
  bytes.resize((at + 7) / 8);
  return bytes;
}

/// True if no length of output makes a piece of it.
bool is_refused(const byte_vector& packed) {
  piece_inflater machine;
  byte_vector out(2000);
  for (std::size_t n = 0; n < out.size(); ++n) {
    if (inflates(machine, packed, std::span(out).first(n))) return false;
  }
  return true;
}

}  // namespace

TEST_CASE("piece_inflater: pieces of every level come back alone, in any order") {
  std::mt19937_64 random(random_seed());
  piece_inflater machine;
  for (int level = fastest_level; level <= best_level; ++level) {
    for (const sample_kind kind : sample_kinds) {
      const byte_vector bytes = sample_bytes(kind, random() % 300'000, random());
      byte_vector packed, out(bytes.size());
      deflater(level).piece(bytes, packed);
      INFO("level " << level << ", kind " << static_cast<int>(kind) << ", " << bytes.size());
      CHECK(inflates(machine, packed, out));
      CHECK(out == bytes);
      if (bytes.empty()) continue;
      CHECK_FALSE(inflates(machine, packed, std::span(out).first(out.size() - 1)));
      packed.pop_back();
      CHECK_FALSE(inflates(machine, packed, out));
    }
  }
}

TEST_CASE(
    "piece_inflater: a piece that ends amid a block is none, whatever it makes of what follows") {
  const std::string_view letter = "01110001";  // 'A' with fixed codes
  // With fixed codes, whose block has no end; whatever the place of its last bit.
  for (int left = 0; left < 8; ++left) {
    std::string bits = "010";
    for (int n = 0; n < 40; ++n) bits += letter;
    while (static_cast<int>(bits.size() % 8) != left) bits += '0';
    INFO(left);
    CHECK(is_refused(bytes_of_bits(bits)));
    bits[0] = '1';  // the last one
    CHECK(is_refused(bytes_of_bits(bits)));
  }
  // A stored block that goes on for so many bytes.
  for (std::size_t more = 1; more < 700; ++more) {
    for (const auto first : {std::byte{0}, std::byte{1}}) {
      const auto head = stored_block(10 + more);
      byte_vector packed(head.begin(), head.end());
      packed[0] = first;
      packed.resize(packed.size() + 10, std::byte{'x'});
      piece_inflater machine;
      byte_vector out(10 + more);
      for (const std::size_t n : {more + 10, more + 5, std::size_t{10}, std::size_t{15}}) {
        if (n <= out.size()) CHECK_FALSE(inflates(machine, packed, std::span(out).first(n)));
      }
    }
  }
  // Whole blocks, and the first bits of another.
  for (const std::string_view bits :
       {"010 0000000 000 000", "010 0000000 000 010", "010 0000000 000 001", "010 0000000 100 000",
        "010 0000000 0", "010 0000000 01"}) {
    std::string padded(bits);
    INFO(bits);
    CHECK(is_refused(bytes_of_bits(padded)));
  }
  // The last of a stream, and nothing at all behind it.
  CHECK(is_refused(bytes_of_bits("110 0000000")));
  CHECK(is_refused(bytes_of_bits("100 00000 00000000 00000000 11111111 11111111")));
  piece_inflater machine;
  CHECK(inflates(machine, bytes_of_bits("000 00000 00000000 00000000 11111111 11111111"), {}));
  CHECK(inflates(machine, {}, {}));
}
