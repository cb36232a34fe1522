#include "deflate/inflate.hpp"

#include <algorithm>
#include <random>
#include <string>

#include "deflate/samples.hpp"
#include "support/catch.hpp"
#include "support/python.hpp"

using namespace npymap_test;
using namespace npymap::deflate;

namespace {

/// What zlib makes of bytes, at a level, with a strategy.
byte_vector zlib_stream(const byte_vector& bytes, int level, const std::string& strategy) {
  return bytes_of(python(R"(
import zlib
level, strategy = int(sys.argv[1]), getattr(zlib, sys.argv[2])
c = zlib.compressobj(level, zlib.DEFLATED, -15, 9, strategy)
sys.stdout.buffer.write(c.compress(sys.stdin.buffer.read()) + c.flush())
)",
                         {std::to_string(level), strategy}, text_of(bytes)));
}

/// Through `inflater`, with so many bytes at a time on both sides.
inflate_state inflate_by(std::span<const std::byte> in, std::size_t in_bytes, std::size_t out_bytes,
                         byte_vector& out, std::uint64_t* stream_bytes = nullptr) {
  inflater machine;
  byte_vector room(out_bytes);
  for (;;) {
    const inflated done = machine.inflate(in.first(std::min(in_bytes, in.size())), room);
    in = in.subspan(done.consumed_bytes);
    out.insert(out.end(), room.begin(), room.begin() + static_cast<long>(done.produced_bytes));
    if (stream_bytes != nullptr) *stream_bytes = machine.stream_bytes();
    if (done.state != inflate_state::more) return done.state;
    if (done.produced_bytes == 0 && in.empty()) return inflate_state::truncated;
    if (out.size() > (1 << 26)) return inflate_state::too_long;
  }
}

}  // namespace

TEST_CASE("inflate: streams of zlib, whole and in parts, and nothing behind their end") {
  REQUIRE(have_numpy());
  std::mt19937_64 random(random_seed());
  for (const std::string strategy :
       {"Z_DEFAULT_STRATEGY", "Z_FILTERED", "Z_HUFFMAN_ONLY", "Z_RLE", "Z_FIXED"}) {
    for (const int level : {0, 1, 6, 9}) {
      for (const sample_kind kind : sample_kinds) {
        const byte_vector bytes = sample_bytes(kind, random() % 200'000, random());
        byte_vector stream = zlib_stream(bytes, level, strategy);
        const std::size_t stream_bytes = stream.size();
        stream.insert(stream.end(), 20, std::byte{0xff});
        INFO(strategy << " " << level << " kind " << static_cast<int>(kind));
        byte_vector out(bytes.size());
        const inflated done = inflate_whole(stream, out);
        CHECK(done.state == inflate_state::ended);
        CHECK(done.consumed_bytes == stream_bytes);
        CHECK(done.produced_bytes == bytes.size());
        CHECK(out == bytes);
        const std::size_t parts[] = {stream.size(), 1 + random() % 5000, 1 + random() % 50};
        for (const std::size_t part : parts) {
          out.clear();
          std::uint64_t found_bytes = 0;
          CHECK(inflate_by(stream, part, 1 + random() % 70'000, out, &found_bytes) ==
                inflate_state::ended);
          CHECK(found_bytes == stream_bytes);
          CHECK(out == bytes);
        }
      }
    }
  }
}

TEST_CASE("inflate: too little room is told, and nothing is written beyond it") {
  const byte_vector bytes = sample_bytes(sample_kind::steps, 100'000, 1);
  const byte_vector stream = zlib_stream(bytes, 6, "Z_DEFAULT_STRATEGY");
  byte_vector out(bytes.size(), std::byte{0x5a});
  for (const std::size_t room : {0u, 1u, 1000u, 99'999u}) {
    CHECK(inflate_whole(stream, std::span(out).first(room)).state == inflate_state::too_long);
    CHECK(std::all_of(out.begin() + static_cast<long>(room), out.end(),
                      [](std::byte b) { return b == std::byte{0x5a}; }));
    std::fill(out.begin(), out.end(), std::byte{0x5a});
  }
}

TEST_CASE("inflate: a stream that is cut anywhere, or with any bit wrong, is no other's crash") {
  REQUIRE(have_numpy());
  std::mt19937_64 random(random_seed());
  const byte_vector bytes = sample_bytes(sample_kind::small_integers, 3000, random());
  int alike = 0;
  for (const std::string strategy : {"Z_DEFAULT_STRATEGY", "Z_FIXED"}) {
    const byte_vector stream = zlib_stream(bytes, 9, strategy);
    for (std::size_t n = 0; n < stream.size(); ++n) {
      byte_vector out(bytes.size()), grown;
      CHECK(inflate_whole(std::span(stream).first(n), out).state != inflate_state::ended);
      CHECK(inflate_by(std::span(stream).first(n), 7, 100, grown) == inflate_state::truncated);
    }
    for (std::size_t bit = 0; bit < stream.size() * 8; ++bit) {
      byte_vector wrong = stream;
      wrong[bit / 8] ^= std::byte{1} << (bit % 8);
      byte_vector out(4 * bytes.size()), grown;
      const inflated whole = inflate_whole(wrong, out);
      std::uint64_t found_bytes = 0;
      const inflate_state state = inflate_by(wrong, 999, 1000, grown, &found_bytes);
      // Where both have read to the end, they have read the same. Each takes a few streams that the
      // other does not, and zlib neither: codes that leave bits unused.
      if (whole.state != inflate_state::ended || state != inflate_state::ended) continue;
      out.resize(whole.produced_bytes);
      CHECK(out == grown);
      CHECK(found_bytes == whole.consumed_bytes);
      ++alike;
    }
  }
  CHECK(alike > 100);
}

TEST_CASE(
    "inflate: a stream is gone into wherever a block of it begins, with what is before that") {
  REQUIRE(have_numpy());
  std::mt19937_64 random(random_seed());
  for (const std::string strategy : {"Z_DEFAULT_STRATEGY", "Z_HUFFMAN_ONLY", "Z_FIXED"}) {
    for (const int level : {0, 1, 6, 9}) {
      const byte_vector bytes = sample_bytes(sample_kind::small_integers, 1'000'000, random());
      const byte_vector stream = zlib_stream(bytes, level, strategy);
      block_inflater blocks;
      byte_vector out(bytes.size());
      std::size_t in_bytes = 0, out_bytes = 0, points = 0;
      for (inflated done; done.state == inflate_state::more; in_bytes += done.consumed_bytes) {
        const std::size_t n = std::min<std::size_t>(1000, stream.size() - in_bytes);
        done = blocks.inflate(std::span(stream).subspan(in_bytes, n),
                              std::span(out).subspan(out_bytes));
        out_bytes += done.produced_bytes;
        if (!blocks.block_begin_bits()) continue;
        const std::uint64_t bits = *blocks.block_begin_bits();
        ++points;
        inflater machine;
        machine.reset(std::span(out).first(out_bytes), static_cast<unsigned>(bits % 8));
        byte_vector rest(bytes.size() - out_bytes), part;
        std::span<const std::byte> from = std::span(stream).subspan(bits / 8);
        std::size_t got = 0;
        for (std::size_t at_once = 1; got < rest.size() && !from.empty(); at_once *= 7) {
          const inflated step = machine.inflate(from.first(std::min(at_once, from.size())),
                                                std::span(rest).subspan(got));
          from = from.subspan(step.consumed_bytes);
          got += step.produced_bytes;
        }
        CHECK(got == rest.size());
        CHECK(std::equal(rest.begin(), rest.end(),
                         bytes.begin() + static_cast<std::ptrdiff_t>(out_bytes)));
      }
      INFO(strategy << " " << level);
      CHECK(out == bytes);
      CHECK(points > 1);
    }
  }
}
