#include <npymap/blocks.hpp>

#include <unistd.h>

#include <algorithm>
#include <random>
#include <string>
#include <vector>

#include <npymap/convert.hpp>
#include <npymap/error.hpp>

#include "support/catch.hpp"
#include "support/failure.hpp"
#include "support/memory_cgroup.hpp"
#include "support/process.hpp"
#include "support/python.hpp"
#include "support/skip.hpp"
#include "support/temp_folder.hpp"

using npymap::any_array;
using npymap::block_options;
using npymap::errc;
using npymap::index_t;
using npymap::open_mode;
using npymap::order;
using npymap::range;
using npymap_test::code_of;
using npymap_test::temp_folder;

namespace {

constexpr std::uint64_t mib = std::uint64_t{1} << 20;

/// Put the blocks together again; each element must come once, and at its place.
template <class T, class Blocks>
npymap::array<T> put_together(Blocks&& blocks, const npymap::shape& shape) {
  std::vector<T> elements(static_cast<std::size_t>(*npymap::element_count(shape)));
  std::vector<int> seen(elements.size());
  const npymap::view<T> whole(elements.data(), shape);
  const npymap::view<int> times(seen.data(), shape);
  for (const auto& block : blocks) {
    const npymap::view<const T> interior = block.interior();
    std::vector<npymap::slice_item> place;
    for (int axis = 0; axis < shape.rank(); ++axis) {
      index_t first = block.start()[axis];
      if (axis == blocks.axis()) first = block.first();
      place.emplace_back(range(first, first + interior.extent(axis)));
    }
    npymap::copy(interior, whole.slice(place));
    npymap::for_each([](int& count) { ++count; }, times.slice(place));
  }
  REQUIRE(std::all_of(seen.begin(), seen.end(), [](int count) { return count == 1; }));
  return npymap::convert<T>(whole);
}

npymap::array<double> counting(const std::string& path, const npymap::shape& extents,
                               order layout = order::c) {
  auto x = npymap::create<double>(path, extents, {.order = layout});
  for (index_t i = 0; i < x.size(); ++i) x.data()[i] = double(i);
  return x;
}

}  // namespace

TEST_CASE("blocks: each element comes once, whatever the shape, order, budget, axis and halo") {
  const temp_folder folder;
  std::mt19937_64 random(npymap_test::random_seed());
  const auto below = [&](index_t n) { return static_cast<index_t>(random() % std::uint64_t(n)); };
  int passes = 0;
  for (int i = 0; i < 300; ++i) {
    npymap::shape extents(static_cast<int>(below(4)) + 1);
    for (index_t& extent : extents) extent = below(12) + 1;
    const bool fortran = below(2) == 0;
    auto x = counting(folder / "x.npy", extents, fortran ? order::fortran : order::c);
    if (below(2) == 0) x = x.flip(0);
    if (below(2) == 0) x = x.transpose();
    block_options options{.budget_bytes = 64 + std::uint64_t(below(4000))};
    if (below(2) == 0) options.axis = static_cast<int>(below(x.rank())) - (below(2) ? x.rank() : 0);
    if (below(3) == 0) options.halo = below(4);
    if (below(3) == 0) options.extent = below(5) + 1;
    INFO("budget " << options.budget_bytes << ", halo " << options.halo);
    try {
      auto blocks = npymap::blocks(x, options);
      CHECK(npymap::equal(put_together<double>(blocks, x.shape()), x));
      ++passes;
      auto decoded = npymap::blocks<float>(npymap::open(folder / "x.npy"), options);
      const auto whole = npymap::convert<float>(npymap::open(folder / "x.npy"));
      if (options.axis.value_or(0) < whole.rank()) {
        CHECK(npymap::equal(put_together<float>(decoded, whole.shape()), whole));
      }
    } catch (const npymap::error& e) {
      REQUIRE(e.code() == errc::invalid_argument);  // a budget too small, which it names
      REQUIRE_THAT(e.what(), Catch::Contains("budget_bytes of blocks: expected at least"));
    }
  }
  CHECK(passes > 100);
}

TEST_CASE("blocks: the smallest budget that an error names is enough") {
  const temp_folder folder;
  const auto x = counting(folder / "x.npy", {20, 30});
  const block_options small{.budget_bytes = 100, .extent = 3, .halo = 1};
  try {
    npymap::blocks(x, small);
    FAIL("100 bytes are not enough");
  } catch (const npymap::error& e) {
    const std::string wanted = e.expected();
    const auto least = std::stoull(wanted.substr(wanted.find_first_of("0123456789")));
    CHECK(npymap::blocks(x, {.budget_bytes = least, .extent = 3, .halo = 1}).size() == 7);
    CHECK(code_of([&] {
            npymap::blocks(x, {.budget_bytes = least - 2, .extent = 3, .halo = 1});
          }) == errc::invalid_argument);
  }
}

TEST_CASE("blocks: native, aligned elements are those of the map itself") {
  const temp_folder folder;
  const auto x = counting(folder / "x.npy", {100, 8});
  index_t rows = 0;
  for (const auto& block : npymap::blocks(x, {.budget_bytes = 2048})) {
    CHECK(block.data() == &x(block.first(), 0));
    CHECK(block.extent(1) == 8);
    rows += block.extent(0);
  }
  CHECK(rows == 100);
  // Whole columns are far apart in the file: gathered, in the order of the file.
  for (const auto& block : npymap::blocks(x, {.axis = 1, .extent = 2})) {
    CHECK(block(99, 1) == double(99 * 8 + block.first() + 1));
    CHECK(block.is_c_contiguous());
  }
}

TEST_CASE("blocks: a halo shows the neighbours, where there are any") {
  const temp_folder folder;
  const auto x = counting(folder / "x.npy", {10});
  std::vector<std::string> seen;
  for (const auto& block : npymap::blocks(x, {.extent = 4, .halo = 2})) {
    std::string text = std::to_string(block.halo_before()) + "|";
    for (const double value : block) text += std::to_string(int(value));
    seen.push_back(text + "|" + std::to_string(block.halo_after()));
  }
  CHECK(seen == std::vector<std::string>{"0|012345|2", "2|23456789|2", "2|6789|0"});
}

TEST_CASE("blocks: no elements have no blocks, and a scalar has one") {
  const temp_folder folder;
  const auto none = npymap::create<double>(folder / "none.npy", {0, 3});
  CHECK(npymap::blocks(none).empty());
  for (const auto& block : npymap::blocks(none)) FAIL(block.size());
  const auto one = npymap::create<double>(folder / "one.npy", {});
  one() = 7;
  for (const auto& block : npymap::blocks(one)) {
    CHECK(block.rank() == 0);
    CHECK(block.interior()() == 7);
    CHECK(block.first() == 0);
  }
  CHECK(npymap::blocks(one).size() == 1);
}

TEST_CASE("blocks: foreign and unaligned elements are decoded") {
  const temp_folder folder;
  npymap_test::python(R"(
a = np.zeros((1000, 3), [('c', 'i1'), ('x', '>f8')])
a['x'] = np.arange(3000.).reshape(1000, 3)
np.save(sys.argv[1], a)
)",
                      {folder / "x.npy"});
  const any_array x = npymap::open(folder / "x.npy").field("x");
  double sum = 0;
  for (const auto& block : npymap::blocks<double>(x, {.budget_bytes = 4096})) {
    CHECK(block.is_c_contiguous());
    npymap::for_each([&](double value) { sum += value; }, block);
  }
  CHECK(sum == 2999.0 * 3000 / 2);
  CHECK(code_of([&] { npymap::blocks<int>(x); }) == errc::dtype_mismatch);
}

TEST_CASE("blocks: arguments without sense are refused") {
  const temp_folder folder;
  const auto x = counting(folder / "x.npy", {10, 10});
  CHECK(code_of([&] { npymap::blocks(x, {.axis = 2}); }) == errc::out_of_range);
  CHECK(code_of([&] { npymap::blocks(x, {.extent = 0}); }) == errc::invalid_argument);
  CHECK(code_of([&] { npymap::blocks(x, {.halo = -1}); }) == errc::invalid_argument);
  CHECK(code_of([&] { npymap::blocks(x, {.budget_bytes = 0}); }) == errc::invalid_argument);
  CHECK(npymap::blocks(x, {.extent = INT64_MAX, .halo = INT64_MAX}).size() == 1);
}

TEST_CASE("blocks: in mode c no edit is lost, and the file stays as it was") {
  const temp_folder folder;
  counting(folder / "x.npy", {1 << 18}).close();
  const auto x = npymap::open<double, open_mode::copy_on_write>(folder / "x.npy");
  x(5) = -1;
  x(200000) = -2;
  for (const auto& block : npymap::blocks(x, {.budget_bytes = 1 << 20})) CHECK(block.size() > 0);
  CHECK(x(5) == -1);
  CHECK(x(200000) == -2);
  CHECK(npymap::open<double>(folder / "x.npy")(5) == 5);
}

TEST_CASE("blocks: a walk may be left early, and begun again") {
  const temp_folder folder;
  const auto x = counting(folder / "x.npy", {1 << 20});
  for (int pass = 0; pass < 20; ++pass) {
    for (const auto& block : npymap::blocks(x, {.budget_bytes = 2 << 20})) {
      if (block.first() > 0) break;
    }
  }
  auto blocks = npymap::blocks(x, {.budget_bytes = 2 << 20});
  for (int pass = 0; pass < 2; ++pass) {
    double sum = 0;
    for (const auto& block : blocks) sum += block(0);
    CHECK(sum > 0);
  }
}

TEST_CASE("blocks: a file that was cut short is an error when its block is asked for") {
  const temp_folder folder;
  counting(folder / "x.npy", {1 << 20}).close();
  const auto x = npymap::open<double>(folder / "x.npy");
  auto blocks = npymap::blocks(x, {.budget_bytes = 1 << 20});
  auto it = blocks.begin();
  REQUIRE(::truncate((folder / "x.npy").c_str(), 4 << 20) == 0);
  CHECK(code_of([&] {
          for (; it != blocks.end(); ++it) CHECK(it->size() > 0);
        }) == errc::truncated);
}

TEST_CASE("blocks: no more of a file stays in memory than the budget") {
  const temp_folder folder;
  constexpr index_t rows = 1 << 14, columns = 1 << 10;  // 128 MiB
  npymap::create<double>(folder / "x.npy", {rows, columns}).close();
  const auto x = npymap::open(folder / "x.npy");
  const std::uint64_t before = npymap_test::resident_bytes();
  for (const int axis : {0, 1}) {
    std::uint64_t most = 0;
    double sum = 0;
    for (const auto& block : npymap::blocks<double>(x, {.budget_bytes = 16 * mib, .axis = axis})) {
      npymap::for_each([&](double value) { sum += value; }, block);
      most = std::max(most, npymap_test::resident_bytes());
    }
    CHECK(sum == 0);
    INFO("axis " << axis << ": " << (most - before) / mib << " MiB");
    CHECK(most - before < 16 * mib + 8 * mib);
  }
}

TEST_CASE("blocks: a file eight times as large as all memory is walked") {
  if (!npymap_test::have_memory_cgroups()) NPYMAP_SKIP("no memory cgroup");
  const temp_folder folder;
  constexpr index_t rows = 1 << 15, columns = 1 << 11;  // 512 MiB
  npymap::create<double>(folder / "x.npy", {rows, columns}).close();
  for (const bool decoded : {false, true}) {
    const auto run = npymap_test::within_memory(64 * mib, [&] {
      const auto x = npymap::open(folder / "x.npy");
      double sum = 0;
      const block_options options{.budget_bytes = 32 * mib};
      const auto add = [&](double value) { sum += value; };
      if (decoded) {
        for (const auto& block : npymap::blocks<float>(x, options)) npymap::for_each(add, block);
      } else {
        for (const auto& block : npymap::blocks<double>(x, options)) npymap::for_each(add, block);
      }
      return sum == 0 ? 0 : 1;
    });
    CHECK(run.status == 0);
    CHECK(run.peak_bytes <= 64 * mib);
  }
}
