#include "deflate/crc32.hpp"

#include <random>
#include <string>

#include "deflate/samples.hpp"
#include "support/catch.hpp"
#include "support/python.hpp"

using namespace npymap_test;
using npymap::deflate::crc32;
using npymap::deflate::crc32_combine;
using npymap::deflate::crc32_combiner;

TEST_CASE("crc32: it is zlib's, of any number of bytes, in any parts") {
  REQUIRE(have_numpy());
  std::mt19937_64 random(random_seed());
  for (const std::size_t n : {0u, 1u, 15u, 16u, 17u, 63u, 64u, 100u, 1000u, 65537u, 1u << 20}) {
    const byte_vector bytes = sample_bytes(sample_kind::noise, n, random());
    const std::string told =
        python("import zlib; print(zlib.crc32(sys.stdin.buffer.read()))", {}, text_of(bytes));
    const std::uint32_t whole = crc32(0, bytes);
    CHECK(std::to_string(whole) + "\n" == told);
    const std::size_t cut = n == 0 ? 0 : random() % n;
    const std::span<const std::byte> first(bytes.data(), cut), second(bytes.data() + cut, n - cut);
    CHECK(crc32(crc32(0, first), second) == whole);
    CHECK(crc32_combine(crc32(0, first), crc32(0, second), second.size()) == whole);
    CHECK(crc32_combiner(second.size())(crc32(0, first), crc32(0, second)) == whole);
  }
}

TEST_CASE("crc32: parts may be longer than 4 GiB") {
  const byte_vector one(1, std::byte{'a'}), zeros(std::size_t{1} << 20);
  std::uint32_t zeros_crc = 0, joined = crc32(0, one);
  for (int i = 0; i < 5 * 1024; ++i) {
    zeros_crc = crc32(zeros_crc, zeros);
    joined = crc32(joined, zeros);
  }
  CHECK(crc32_combine(crc32(0, one), zeros_crc, std::uint64_t{5} << 30) == joined);
}
