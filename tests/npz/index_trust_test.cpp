// Indexes that lie, are damaged, or ask for more than they are worth: the stream is the truth.

#include <npymap/npz.hpp>

#include <algorithm>
#include <filesystem>
#include <string>
#include <vector>

#include <npymap/error.hpp>
#include <npymap/npz_writer.hpp>
#include <npymap/statistics.hpp>

#include "deflate/inflate.hpp"
#include "npz/raw_archive.hpp"
#include "support/catch.hpp"
#include "support/failure.hpp"
#include "support/process.hpp"
#include "support/temp_folder.hpp"

using namespace npymap_test;
using namespace npymap;

namespace {

constexpr index_t count = 1 << 20;

/// Numbers that deflate, and not too well.
std::vector<std::int64_t> some_numbers() {
  std::vector<std::int64_t> x(count);
  std::uint32_t state = 1;
  for (std::int64_t& each : x) each = (state = state * 1664525 + 1013904223) >> 25;
  return x;
}

std::string plain_archive(const std::vector<std::int64_t>& x) {
  std::string npy = header_bytes(dtype_of<std::int64_t>(), shape{count});
  npy.append(reinterpret_cast<const char*>(x.data()), x.size() * sizeof x[0]);
  return raw_archive{.members = {deflated_member("x.npy", npy)}}.bytes();
}

bool is_same(const any_array& found, const std::vector<std::int64_t>& x, index_t first = 0) {
  const auto elements = found.as<const std::int64_t>();
  return std::equal(elements.begin(), elements.end(), x.begin() + first);
}

}  // namespace

// The first piece is one block, which ends within what was put behind it to read it alone.
TEST_CASE("npz index: pieces that are something else alone are read from front to back") {
  const npz_reader z(NPYMAP_REGRESSIONS "/pieces-that-read-otherwise-alone.npz");
  const auto bytes = z.read_bytes("a");
  const any_array x = z.load("a");
  const std::vector<std::byte> elements(bytes.end() - x.size_bytes(), bytes.end());
  CHECK(std::equal(elements.begin(), elements.end(), x.data()));
  CHECK(z.load("a", {.first = 4000, .count = 200}).size() == 200);
  CHECK(code_of([&] { sum<std::int64_t>(z.source_of("a")); }) == errc::bad_archive);
}

TEST_CASE("npz index: a piece that is damaged is an error, whichever rows are asked for") {
  const temp_folder folder;
  const auto path = folder / "a.npz";
  const auto x = some_numbers();
  {
    npz_writer to(path);
    to.add("x", view<const std::int64_t>(x.data(), shape{count}), {.level = 1});
    to.commit();
  }
  std::string bytes = read_file(path);
  const npz_member member = npz_reader(path).member("x");
  bytes[static_cast<std::size_t>(member.offset_bytes + member.compressed_bytes / 2)] ^= 4;
  write_file(path, bytes);
  const npz_reader z(path);
  int right = 0;
  for (index_t first = 0; first < count; first += count / 16) {
    try {
      const any_array rows = z.load("x", {.first = first, .count = count / 16});
      CHECK(is_same(rows, x, first));
      ++right;
    } catch (const error& e) {
      CHECK(e.member() == "x.npy");
    }
  }
  CHECK(right >= 12);  // of the other pieces
  CHECK(right < 16);
  CHECK_THROWS_AS(z.load("x"), error);
}

TEST_CASE("npz index: an end that is none is not read past") {
  const temp_folder folder;
  const auto path = folder / "a.npz";
  const auto x = some_numbers();
  {
    npz_writer to(path);
    to.add("x", view<const std::int64_t>(x.data(), shape{count}), {.level = 1});
    to.commit();
  }
  std::string bytes = read_file(path);
  const std::size_t end = bytes.find(std::string("\x03\x00PK\x01\x02", 6));
  REQUIRE(end != std::string::npos);
  bytes[end] = 1;
  write_file(path, bytes);
  const npz_reader z(path);
  CHECK_THROWS_AS(z.load("x"), error);
  CHECK_THROWS_AS(z.verify("x"), error);
}

TEST_CASE("npz index: one beside the archive that is damaged costs time, and nothing else") {
  const temp_folder folder;
  const auto path = folder / "a.npz";
  const auto x = some_numbers();
  write_file(path, plain_archive(x));
  build_npz_index(path, {.spacing_bytes = 1 << 18});
  const std::string index = read_file(path + ".index");
  REQUIRE(index.size() > 100'000);
  for (std::size_t at = 5; at < index.size(); at += index.size() / 40) {
    std::string damaged = index;
    damaged[at] ^= 0x10;
    write_file(path + ".index", damaged);
    CAPTURE(at);
    CHECK(is_same(npz_reader(path).load("x"), x));
    CHECK(is_same(npz_reader(path).load("x", {.first = count - 10, .count = 10}), x, count - 10));
    const auto told = message_of([&] { sum<std::int64_t>(npz_reader(path).source_of("x")); });
    CHECK((told == "nothing was thrown" || told.starts_with(path + ".index:x.npy: ")));
  }
  for (std::size_t n = 0; n < index.size(); n += index.size() / 40) {
    write_file(path + ".index", index.substr(0, n));
    CHECK(is_same(npz_reader(path).load("x"), x));
  }
}

TEST_CASE("npz index: a name beside the archive that cannot be is no index") {
  const temp_folder folder;
  const auto x = some_numbers();
  const auto path = folder / std::string(252, 'a').c_str();
  write_file(path, plain_archive(x));
  CHECK(is_same(npz_reader(path).load("x"), x));
  const auto other = folder / "b.npz";
  write_file(other, plain_archive(x));
  std::filesystem::create_symlink("b.npz.index", other + ".index");
  CHECK(is_same(npz_reader(other).load("x"), x));
}

TEST_CASE("npz index: one of other shapes is none, and is not loaded to find that out") {
  const temp_folder folder;
  const auto path = folder / "a.npz";
  const auto x = some_numbers();
  write_file(path, plain_archive(x));
  const std::vector<std::uint64_t> zeros(3 << 20);
  const view<const std::uint64_t> flat(zeros.data(), shape{3 << 20});
  {
    npz_writer to(path + ".index");
    to.add("x.npy/facts", flat, {.level = 1});
    to.add("x.npy/points", flat.reshape({-1, 3}), {.level = 1});
    to.add("x.npy/windows", flat, {.level = 1});
    to.commit();
  }
  CHECK(is_same(npz_reader(path).load("x"), x));
}

TEST_CASE(
    "npz index: one with long pieces is passed over, and one with long gaps is not asked for") {
  const temp_folder folder;
  const auto path = folder / "a.npz";
  write_file(path, plain_archive(some_numbers()));
  for (const std::uint64_t spacing : {std::uint64_t{1} << 10, std::uint64_t{64} << 20}) {
    CHECK(code_of([&] { build_npz_index(path, {.spacing_bytes = spacing}); }) ==
          errc::invalid_argument);
  }
  CHECK(!std::filesystem::exists(path + ".index"));
}
