#include <npymap/batches.hpp>

#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <map>
#include <numeric>
#include <optional>
#include <string>
#include <vector>

#include <npymap/error.hpp>

#include "io/faults.hpp"
#include "stream/rows/shuffled_order.hpp"
#include "support/catch.hpp"
#include "support/failure.hpp"
#include "support/python.hpp"
#include "support/temp_folder.hpp"

using npymap::batch_options;
using npymap::batches;
using npymap::errc;
using npymap::index_t;
using npymap::detail::shuffled_order;
using npymap_test::call;
using npymap_test::code_of;
using npymap_test::faults;
using npymap_test::message_of;
using npymap_test::temp_folder;

namespace {

using row_list = std::vector<index_t>;

npymap::array<double> counting(const std::string& path, const npymap::shape& extents) {
  auto x = npymap::create<double>(path, extents);
  for (index_t i = 0; i < x.size(); ++i) x.data()[i] = double(i);
  return x;
}

/// The rows in the order in which they came; each of them must be what it says.
row_list walk(const npymap::array<double>& x, const batch_options& options) {
  row_list seen;
  for (const auto& batch : batches(x, options)) {
    REQUIRE(batch.extent(0) == static_cast<index_t>(batch.rows().size()));
    REQUIRE(batch.is_c_contiguous());
    for (index_t i = 0; i < batch.extent(0); ++i) {
      const index_t row = batch.rows()[static_cast<std::size_t>(i)];
      REQUIRE(npymap::equal(batch(i, npymap::ellipsis), x(row, npymap::ellipsis)));
      seen.push_back(row);
    }
  }
  return seen;
}

row_list all_rows(index_t count) {
  row_list rows(static_cast<std::size_t>(count));
  std::iota(rows.begin(), rows.end(), 0);
  return rows;
}

}  // namespace

TEST_CASE("batches: each row comes once, whatever the sizes") {
  const temp_folder folder;
  for (const index_t count : {1, 2, 3, 10, 1000, 1025}) {
    const auto x = counting(folder / "x.npy", {count, 3});
    for (const index_t size : {index_t{1}, index_t{3}, index_t{256}, index_t{5000}, INT64_MAX}) {
      if (size == 1 && count > 100) continue;
      for (const bool sorted : {false, true}) {
        row_list seen = walk(x, {.batch_size = size, .seed = 7, .sorted = sorted});
        std::ranges::sort(seen);
        CHECK(seen == all_rows(count));
      }
    }
  }
}

TEST_CASE("batches: a seed and an epoch decide the order, on every machine") {
  const temp_folder folder;
  const auto x = counting(folder / "x.npy", {10, 2});
  // What npymap gave first, and has to give for ever: people note their seeds.
  CHECK(walk(x, {.seed = 1}) == row_list{8, 6, 1, 2, 3, 5, 4, 9, 7, 0});
  CHECK(walk(x, {.batch_size = 3, .seed = 1}) == walk(x, {.seed = 1}));
  CHECK(walk(x, {.seed = 2}) != walk(x, {.seed = 1}));
  CHECK(walk(x, {.seed = 1, .epoch = 1}) != walk(x, {.seed = 1}));
  CHECK(walk(x, {.seed = 1, .shuffle = false}) == all_rows(10));
}

TEST_CASE("batches: few rows come in every order, about equally often") {
  std::map<row_list, int> times;
  constexpr int tries = 24'000;
  for (int seed = 0; seed < tries; ++seed) {
    const shuffled_order order(4, static_cast<std::uint64_t>(seed) / 2,
                               static_cast<std::uint64_t>(seed) % 2);
    row_list found;
    for (index_t i = 0; i < 4; ++i) found.push_back(order[i]);
    ++times[found];
  }
  CHECK(times.size() == 24);
  double distance = 0;  // chi squared with 23 degrees of freedom: above 60 once in 40,000
  for (const auto& [order, count] : times) {
    distance += (count - tries / 24.0) * (count - tries / 24.0) / (tries / 24.0);
  }
  CHECK(distance < 60);
}

TEST_CASE("batches: orders may be odd, where a network of just these rows has none") {
  int odd = 0;
  for (std::uint64_t seed = 0; seed < 1000; ++seed) {
    const shuffled_order order(16, seed, 0);
    int inversions = 0;
    for (index_t i = 0; i < 16; ++i) {
      for (index_t j = 0; j < i; ++j) inversions += order[j] > order[i] ? 1 : 0;
    }
    odd += inversions % 2;
  }
  CHECK(odd > 400);  // 6 standard deviations
  CHECK(odd < 600);
}

TEST_CASE("batches: a place of many rows leads to each of them about equally often") {
  constexpr index_t rows = 1'000'003, bins = 64;
  std::vector<int> times(bins);
  constexpr int tries = 64'000;
  for (int seed = 0; seed < tries; ++seed) {
    const shuffled_order order(rows, static_cast<std::uint64_t>(seed), 0);
    ++times[static_cast<std::size_t>(order[seed % rows] * bins / rows)];
  }
  double distance = 0;  // 63 degrees of freedom: above 125 once in 200,000
  for (const int count : times) distance += (count - 1000.0) * (count - 1000.0) / 1000.0;
  CHECK(distance < 125);
}

TEST_CASE("batches: an order of more rows than memory holds costs nothing") {
  const shuffled_order order(INT64_MAX, 3, 0);
  for (const index_t place : {index_t{0}, index_t{1} << 40, INT64_MAX - 1}) {
    CHECK(order[place] >= 0);
    CHECK(order[place] < INT64_MAX);
  }
  CHECK(order[0] != order[1]);
}

TEST_CASE("batches: the last one may be short, or left out") {
  const temp_folder folder;
  const auto x = counting(folder / "x.npy", {10, 2});
  const auto sizes = [&](const batch_options& options) {
    row_list found;
    auto range = batches(x, options);
    for (const auto& batch : range) found.push_back(batch.extent(0));
    CHECK(range.size() == static_cast<index_t>(found.size()));
    return found;
  };
  CHECK(sizes({.batch_size = 4}) == row_list{4, 4, 2});
  CHECK(sizes({.batch_size = 4, .drop_last = true}) == row_list{4, 4});
  CHECK(sizes({.batch_size = 5, .drop_last = true}) == row_list{5, 5});
  CHECK(sizes({.batch_size = 11}) == row_list{10});
  CHECK(sizes({.batch_size = 11, .drop_last = true}).empty());
}

TEST_CASE("batches: sorted ones have the same rows, in the order of the file") {
  const temp_folder folder;
  const auto x = counting(folder / "x.npy", {100, 2});
  row_list asked = walk(x, {.batch_size = 10}),
           sorted = walk(x, {.batch_size = 10, .sorted = true});
  CHECK(asked != sorted);
  for (auto part = asked.begin(); part != asked.end(); part += 10) std::sort(part, part + 10);
  CHECK(asked == sorted);
}

TEST_CASE("batches: no rows have no batches, and rows without bytes come too") {
  const temp_folder folder;
  const auto none = npymap::create<double>(folder / "none.npy", {0, 3});
  CHECK(batches(none).empty());
  for (const auto& batch : batches(none)) FAIL(batch.size());
  const auto flat = npymap::create<double>(folder / "flat.npy", {10, 0});
  row_list seen = walk(flat, {.batch_size = 4});
  std::ranges::sort(seen);
  CHECK(seen == all_rows(10));
  const auto line = counting(folder / "line.npy", {10});
  CHECK(walk(line, {.batch_size = 4}).size() == 10);
}

TEST_CASE("batches: of any dtype, decoded") {
  const temp_folder folder;
  npymap_test::python("np.save(sys.argv[1], np.arange(6000, dtype='>i4').reshape(1000, 6))",
                      {folder / "x.npy"});
  double sum = 0;
  for (const auto& batch : batches<float>(npymap::open(folder / "x.npy"), {.batch_size = 64})) {
    CHECK(batch(0, 1) == float(batch.rows()[0] * 6 + 1));
    npymap::for_each([&](float value) { sum += double(value); }, batch);
  }
  CHECK(sum == 5999.0 * 6000 / 2);
  CHECK(code_of([&] { batches<std::uint8_t>(npymap::open(folder / "x.npy")); }) ==
        errc::dtype_mismatch);
}

TEST_CASE("batches: a range may be walked again, left early, moved and outlived") {
  const temp_folder folder;
  auto x = counting(folder / "x.npy", {1000, 512});
  auto range = batches(x, {.batch_size = 100});
  row_list first, second;
  for (const auto& batch : range) {
    first.assign(batch.rows().begin(), batch.rows().end());
    if (first.size() > 0) break;  // the next is being read
  }
  auto moved = std::move(range);
  for (const auto& batch : moved) {
    second.insert(second.end(), batch.rows().begin(), batch.rows().end());
  }
  CHECK(second.size() == 1000);
  CHECK(std::equal(first.begin(), first.end(), second.begin()));
  auto it = batches(x, {.batch_size = 100}).begin();  // keeps what it needs
  x = {};
  ++it;
  CHECK((*it)(0, 0) == double(it->rows()[0] * 512));
}

TEST_CASE("batches: what cannot be read is an error of its batch") {
  const temp_folder folder;
  const auto x = counting(folder / "x.npy", {1000, 512});
  for (const index_t size : {8, 100}) {  // with a thread that reads ahead, and without
    // The budget is too small for the file to be brought in as a whole.
    auto range = batches(x, {.batch_size = size, .shuffle = false, .budget_bytes = 2 << 20});
    auto it = range.begin();
    CHECK((*it)(1, 0) == 512);
    faults system;
    system.always(call::read_cached, EAGAIN);
    system.always(call::read, EIO);
    system.always(call::advise, EIO);
    const auto go_on = [&] {
      for (int i = 0; i < 4; ++i) ++it;  // one may have been read before
    };
    CHECK(code_of(go_on) == std::error_code(EIO, std::system_category()));
  }
  auto cut = batches(npymap::open<double>(folder / "x.npy"), {.batch_size = 100});
  REQUIRE(::truncate((folder / "x.npy").c_str(), 4096) == 0);
  CHECK(code_of([&] { cut.begin(); }) == errc::truncated);
}

TEST_CASE("batches: arguments without sense are refused, with the smallest budget") {
  const temp_folder folder;
  const auto x = counting(folder / "x.npy", {10, 10});
  const auto scalar = npymap::create<double>(folder / "scalar.npy", {});
  CHECK(code_of([&] { batches(scalar); }) == errc::layout_mismatch);
  CHECK(code_of([&] { batches(x, {.batch_size = 0}); }) == errc::invalid_argument);
  CHECK(code_of([&] { batches(x, {.batch_size = -1}); }) == errc::invalid_argument);
  CHECK(code_of([&] { batches(x, {.threads = 0}); }) == errc::invalid_argument);
  CHECK_THAT(message_of([&] { batches(x, {.batch_size = 4, .budget_bytes = 100}); }),
             Catch::Contains("budget_bytes of batches: expected at least 1056"));
  CHECK(batches(x, {.batch_size = 4, .budget_bytes = 1056}).size() == 3);
  CHECK(code_of([&] { batches(x, {.batch_size = 4, .budget_bytes = 1055}); }) ==
        errc::invalid_argument);
}
