#include <npymap/blocks.hpp>

#include <unistd.h>

#include <algorithm>
#include <functional>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include <npymap/convert.hpp>
#include <npymap/error.hpp>

#include "stream/collected.hpp"
#include "support/catch.hpp"
#include "support/counting.hpp"
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
using npymap::reading;
using npymap_test::code_of;
using npymap_test::collect_blocks;
using npymap_test::counting;
using npymap_test::temp_folder;

namespace {

constexpr std::uint64_t mib = std::uint64_t{1} << 20;

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
    passes += npymap_test::fits_budget([&] {
      const auto whole = collect_blocks<double>(npymap::blocks(x, options), x.shape());
      CHECK(npymap::equal(whole, x));
      const any_array stored = npymap::open(folder / "x.npy");
      const auto decoded =
          collect_blocks<float>(npymap::blocks<float>(stored, options), stored.shape());
      CHECK(npymap::equal(decoded, npymap::convert<float>(stored)));
    });
  }
  CHECK(passes > 100);
}

TEST_CASE("blocks: tiles with a halo on every side show each element once within") {
  const temp_folder folder;
  std::mt19937_64 random(npymap_test::random_seed());
  const auto below = [&](index_t n) { return static_cast<index_t>(random() % std::uint64_t(n)); };
  for (int i = 0; i < 200; ++i) {
    npymap::shape extents(static_cast<int>(below(4)));
    for (index_t& extent : extents) extent = below(10) + (i % 20 != 0);
    auto x = counting(folder / "x.npy", extents, below(2) == 0 ? order::fortran : order::c);
    if (x.rank() > 0 && below(2) == 0) x = x.flip(0);
    if (below(2) == 0) x = x.transpose();
    npymap::shape tile(x.rank());
    for (index_t& extent : tile) extent = below(6) + 1;
    const block_options options{.tile = tile, .halo = below(4)};
    CHECK(npymap::equal(collect_blocks<double>(npymap::blocks(x, options), x.shape()), x));
    const npymap::source files(folder / "x.npy",
                               {.reading = below(2) ? reading::direct : reading::buffered});
    if (x.shape() != files.shape()) continue;
    const auto stored = npymap::open<double>(folder / "x.npy");
    for (const auto& block : npymap::blocks<double>(files, options)) {
      std::vector<npymap::slice_item> seen;
      for (int axis = 0; axis < x.rank(); ++axis) {
        const index_t first = block.start()[axis];
        CHECK(block.halo_before(axis) == std::min(options.halo, first + block.halo_before(axis)));
        seen.emplace_back(range(first, first + block.extent(axis)));
      }
      CHECK(npymap::equal(block, stored.slice(seen)));  // the halo, too
    }
  }
}

TEST_CASE("blocks: the smallest budget that an error names is enough") {
  const temp_folder folder;
  const auto x = counting(folder / "x.npy", {20, 3000});
  const auto big = npymap::create(folder / "y.npy", npymap::parse_descr("'>i2'"), {5});
  const auto bytes = npymap::create<std::int8_t>(folder / "z.npy", {5});
  using walk = std::function<index_t(std::uint64_t budget_bytes)>;
  const std::vector<std::pair<std::string, walk>> walks = {
      {"rows",
       [&](std::uint64_t budget) {
         return npymap::blocks(x, {.budget_bytes = budget, .extent = 3, .halo = 1}).size();
       }},
      {"columns, which are gathered",
       [&](std::uint64_t budget) {
         return npymap::blocks(x, {.budget_bytes = budget, .axis = 1, .extent = 3}).size();
       }},
      {"tiles, which are gathered",
       [&](std::uint64_t budget) {
         return npymap::blocks(x, {.budget_bytes = budget, .tile = {10, 10}}).size();
       }},
      {"few bytes, decoded",
       [&](std::uint64_t budget) {
         return npymap::blocks<std::int16_t>(big, {.budget_bytes = budget}).size();
       }},
      {"few bytes, in step",
       [&](std::uint64_t budget) {
         return npymap::blocks(npymap::inputs(bytes), {.budget_bytes = budget}).size();
       }},
  };
  for (const auto& [name, count] : walks) {
    INFO(name);
    try {
      count(1);
      FAIL("a byte is not enough");
    } catch (const npymap::error& e) {
      const std::string wanted = e.expected();
      const auto least = std::stoull(wanted.substr(wanted.find_first_of("0123456789")));
      CHECK(count(least) > 1);
      CHECK(code_of([&] { count(least / 2); }) == errc::invalid_argument);
    }
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
    CHECK(block.halo_before() + block.halo_after() == 0);
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
  CHECK(code_of([&] { npymap::blocks(x, {.tile = npymap::shape{5}}); }) == errc::invalid_argument);
  CHECK(code_of([&] {
          npymap::blocks(x, {.tile = npymap::shape{5, 0}});
        }) == errc::invalid_argument);
  CHECK(code_of([&] {
          npymap::blocks(x, {.axis = 0, .tile = npymap::shape{5, 5}});
        }) == errc::invalid_argument);
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

TEST_CASE("blocks: of arrays in step are cut alike, whatever their shapes, dtypes and budget") {
  const temp_folder folder;
  std::mt19937_64 random(npymap_test::random_seed());
  const auto below = [&](index_t n) { return static_cast<index_t>(random() % std::uint64_t(n)); };
  int passes = 0;
  for (int i = 0; i < 150; ++i) {
    const int axis = static_cast<int>(below(2));
    npymap::shape extents[] = {{below(12) + 1, below(9) + 1}, {below(12) + 1, below(9) + 1, 3}};
    extents[1][axis] = extents[0][axis];
    const auto x = counting(folder / "x.npy", extents[0], below(2) ? order::c : order::fortran);
    const auto y = counting(folder / "y.npy", extents[1], below(2) ? order::c : order::fortran);
    const npymap::source z(folder / "y.npy", {.reading = reading::direct});
    block_options options{.budget_bytes = 500 + std::uint64_t(below(9000))};
    if (axis != 0 || below(2) == 0) options.axis = axis;
    if (below(3) == 0) options.extent = below(5) + 1;
    if (below(2) == 0) options.halo = below(3);
    INFO("budget " << options.budget_bytes << ", axis " << axis << ", halo " << options.halo);
    passes += npymap_test::fits_budget([&] {
      auto blocks = npymap::blocks(npymap::inputs(x, y, npymap::typed_source<float>(z)), options);
      npymap_test::collected<double> xs(x.shape()), ys(y.shape());
      npymap_test::collected<float> zs(z.shape());
      index_t count = 0;
      for (const auto& [a, b, c] : blocks) {
        REQUIRE(a.first() == b.first());
        REQUIRE(c.first() == b.first());
        REQUIRE(a.extent(axis) == b.extent(axis));
        REQUIRE(c.extent(axis) == b.extent(axis));
        xs.add_block(a);
        ys.add_block(b);
        zs.add_block(c);
        ++count;
      }
      CHECK(blocks.size() == count);
      CHECK(blocks.axis() == axis);
      CHECK(npymap::equal(xs.whole(), x));
      CHECK(npymap::equal(ys.whole(), y));
      CHECK(npymap::equal(zs.whole(), npymap::convert<float>(y)));
    });
  }
  CHECK(passes > 70);
}

TEST_CASE("blocks: arrays that do not go in step are refused, and none of nothing are given") {
  const temp_folder folder;
  const auto x = counting(folder / "x.npy", {50, 4});
  const auto y = counting(folder / "y.npy", {51, 4});
  const auto scalar = counting(folder / "s.npy", {});
  const auto none = counting(folder / "n.npy", {50, 0});
  const auto code = [&](const auto& other, const block_options& options = {}) {
    return code_of([&] { npymap::blocks(npymap::inputs(x, other), options); });
  };
  CHECK(code(y) == errc::layout_mismatch);
  CHECK(code(y, {.axis = 1}) == std::error_code());
  CHECK(code(scalar) == errc::out_of_range);
  CHECK(code(x, {.axis = 2}) == errc::out_of_range);
  CHECK(code(x, {.extent = 0}) == errc::invalid_argument);
  CHECK(code(x, {.tile = npymap::shape{5, 5}}) == errc::invalid_argument);
  CHECK(code(x, {.budget_bytes = 100}) == errc::invalid_argument);
  for (const auto& [a, b] : npymap::blocks(npymap::inputs(x, none))) FAIL(a.size() + b.size());
  CHECK(npymap::blocks(npymap::inputs(x, x), {.extent = INT64_MAX, .halo = INT64_MAX}).size() == 1);
  const auto wide = x(npymap::all, npymap::range(0, 1)).broadcast_to({50, index_t{1} << 50});
  CHECK(code(wide) == errc::invalid_argument);
}

TEST_CASE("blocks: of arrays in step fit the budget together") {
  const temp_folder folder;
  const npymap::shape extents{1 << 14, 1 << 8};  // 32 MiB
  npymap::create<double>(folder / "x.npy", extents).close();
  npymap::create<float>(folder / "y.npy", extents).close();
  const npymap::source x(folder / "x.npy", {.reading = reading::buffered});
  const auto y = npymap::open(folder / "y.npy");
  const std::uint64_t before = npymap_test::resident_bytes();
  std::uint64_t most = before;
  for (const auto& [a, b] : npymap::blocks(
           npymap::inputs(npymap::typed_source<double>(x), npymap::typed_source<double>(y)),
           {.budget_bytes = 8 * mib})) {
    CHECK(a(0, 0) + b(0, 0) == 0);
    most = std::max(most, npymap_test::resident_bytes());
  }
  INFO((most - before) / mib << " MiB");
  CHECK(most - before < 12 * mib);
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
