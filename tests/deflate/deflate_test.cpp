#include "deflate/deflate.hpp"

#include <algorithm>
#include <random>
#include <string>

#include "deflate/inflate.hpp"
#include "deflate/samples.hpp"
#include "support/catch.hpp"
#include "support/python.hpp"

using namespace npymap_test;
using namespace npymap::deflate;

namespace {

/// A stream of pieces, and where each begins.
struct packed {
  byte_vector stream;
  std::vector<std::size_t> begins;
};

packed pack(const byte_vector& bytes, int level, std::size_t piece_bytes) {
  packed made;
  deflater machine(level);
  for (std::size_t i = 0; i < bytes.size(); i += piece_bytes) {
    made.begins.push_back(made.stream.size());
    machine.piece(std::span(bytes).subspan(i, std::min(piece_bytes, bytes.size() - i)),
                  made.stream);
  }
  made.begins.push_back(made.stream.size());
  made.stream.insert(made.stream.end(), stream_end.begin(), stream_end.end());
  return made;
}

/// Some pieces alone.
inflated inflate_pieces(std::span<const std::byte> pieces, std::span<std::byte> out) {
  byte_vector stream(pieces.begin(), pieces.end());
  stream.insert(stream.end(), stream_end.begin(), stream_end.end());
  inflated done = inflate_whole(stream, out);
  if (done.consumed_bytes != stream.size()) done.state = inflate_state::corrupt;
  return done;
}

}  // namespace

TEST_CASE("deflate: pieces one behind the other are a stream that zlib reads, at every level") {
  REQUIRE(have_numpy());
  std::mt19937_64 random(random_seed());
  for (int level = fastest_level; level <= best_level; ++level) {
    for (const sample_kind kind : sample_kinds) {
      const std::size_t n = random() % 300'000;
      const std::size_t piece_bytes = 1 + random() % (level % 2 == 0 ? 300'000 : 50'000);
      const byte_vector bytes = sample_bytes(kind, n, random());
      const packed made = pack(bytes, level, piece_bytes);
      INFO("level " << level << ", kind " << static_cast<int>(kind) << ", " << n << " bytes by "
                    << piece_bytes);
      const std::string told = python(R"(
import zlib
d = zlib.decompressobj(-15)
out = d.decompress(sys.stdin.buffer.read()) + d.flush()
assert d.eof and not d.unused_data
sys.stdout.buffer.write(out)
)",
                                      {}, text_of(made.stream));
      CHECK(told == text_of(bytes));
    }
  }
}

TEST_CASE("deflate: inflating may begin at any piece, and end at any") {
  std::mt19937_64 random(random_seed());
  for (const int level : {1, 2, 6, 9}) {
    for (const sample_kind kind : sample_kinds) {
      constexpr std::size_t piece_bytes = 30'000;
      const byte_vector bytes = sample_bytes(kind, 200'000, random());
      const packed made = pack(bytes, level, piece_bytes);
      for (std::size_t i = 0; i + 1 < made.begins.size(); ++i) {
        const std::size_t last = i + random() % (made.begins.size() - 1 - i);
        const std::span<const std::byte> in(made.stream.data() + made.begins[i],
                                            made.begins[last + 1] - made.begins[i]);
        const std::size_t end = std::min((last + 1) * piece_bytes, bytes.size());
        byte_vector out(end - i * piece_bytes);
        const inflated done = inflate_pieces(in, out);
        CHECK(done.state == inflate_state::ended);
        CHECK(done.produced_bytes == out.size());
        CHECK(
            std::equal(out.begin(), out.end(), bytes.begin() + static_cast<long>(i * piece_bytes)));
      }
    }
  }
}

TEST_CASE("deflate: what cannot be packed grows by little, nothing is little, and machines last") {
  for (int level = fastest_level; level <= best_level; ++level) {
    deflater machine(level);
    byte_vector out;
    machine.piece({}, out);
    CHECK(out.size() <= 16);
    const byte_vector noise = sample_bytes(sample_kind::noise, 1 << 20, 7);
    for (int again = 0; again < 2; ++again) {
      out.clear();
      machine.piece(noise, out);
      CHECK(out.size() <= noise.size() + noise.size() / 1000);
      byte_vector back(noise.size());
      CHECK(inflate_pieces(out, back).state == inflate_state::ended);
      CHECK(back == noise);
    }
  }
}

TEST_CASE("deflate: level 6 packs numbers as zlib does, level 1 nearly so") {
  const byte_vector bytes = sample_bytes(sample_kind::small_integers, 4 << 20, 1);
  const std::string told = python(R"(
import zlib
c = zlib.compressobj(6, zlib.DEFLATED, -15)
print(len(c.compress(sys.stdin.buffer.read()) + c.flush()))
)",
                                  {}, text_of(bytes));
  const double zlib_bytes = std::stod(told);
  CHECK(double(pack(bytes, 6, 1 << 20).stream.size()) <= zlib_bytes);
  CHECK(double(pack(bytes, 1, 1 << 20).stream.size()) <= 1.12 * zlib_bytes);
}

TEST_CASE("deflate: bytes of a stored block can be written anew") {
  byte_vector stream;
  const byte_vector head = sample_bytes(sample_kind::text, 128, 3);
  const auto block = stored_block(head.size());
  stream.insert(stream.end(), block.begin(), block.end());
  stream.insert(stream.end(), head.begin(), head.end());
  byte_vector out(head.size());
  CHECK(inflate_pieces(stream, out).state == inflate_state::ended);
  CHECK(out == head);
  stream[block.size() + 7] = std::byte{'!'};
  CHECK(inflate_pieces(stream, out).state == inflate_state::ended);
  CHECK(out[7] == std::byte{'!'});
}
