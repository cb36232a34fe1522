#include <npymap/reduce.hpp>

#include <unistd.h>

#include <atomic>
#include <cmath>
#include <complex>
#include <memory>
#include <sstream>
#include <stdexcept>
#include <string>
#include <vector>

#include <npymap/convert.hpp>
#include <npymap/error.hpp>
#include <npymap/statistics.hpp>

#include "support/catch.hpp"
#include "support/failure.hpp"
#include "support/memory_cgroup.hpp"
#include "support/python.hpp"
#include "support/skip.hpp"
#include "support/temp_folder.hpp"

using npymap::any_array;
using npymap::errc;
using npymap::index_t;
using npymap::pass_options;
using npymap_test::code_of;
using npymap_test::python;
using npymap_test::temp_folder;

namespace {

constexpr std::uint64_t mib = std::uint64_t{1} << 20;

}  // namespace

TEST_CASE("sum: no further from the exact sum than NumPy's, at random") {
  REQUIRE(npymap_test::have_numpy());
  const temp_folder folder;
  std::istringstream told(python(R"(
import math
os.chdir(sys.argv[1])
rng = np.random.default_rng(int(sys.argv[2]))
for i in range(40):
    shape = tuple(rng.integers(1, 60, rng.integers(1, 4)))
    a = rng.normal(0, 1, shape) * 10.0 ** rng.integers(-8, 8, shape)
    if i % 5 == 0: a = rng.random(300000) + 0.1
    if i % 2: a = np.asfortranarray(a)
    np.save(str(i), a)
    exact = math.fsum(a.ravel())
    print(repr(exact), repr(abs(float(a.sum()) - exact)), repr(math.fsum(abs(a.ravel()))))
)",
                                 {folder.path(), std::to_string(npymap_test::random_seed())}));
  double ours = 0, numpys = 0;
  for (int i = 0; i < 40; ++i) {
    double exact = 0, numpy_error = 0, magnitude = 0;
    REQUIRE(told >> exact >> numpy_error >> magnitude);
    const auto x = npymap::open<double>(folder / (std::to_string(i) + ".npy"));
    const double error = std::abs(npymap::sum(x) - exact);
    CHECK(error <= magnitude * 20 * 0x1p-53);  // as pairwise: a few times the precision
    CHECK(error <= std::abs(npymap::sum(x.transpose()) - exact) + magnitude * 20 * 0x1p-53);
    ours += error / magnitude;
    numpys += numpy_error / magnitude;
  }
  CHECK(ours <= numpys);
}

TEST_CASE("sum: every number, in either byte order, as NumPy counts it") {
  REQUIRE(npymap_test::have_numpy());
  const temp_folder folder;
  const std::string types = "b1 i1 i2 i4 i8 u1 u2 u4 u8 f2 f4 f8 f16 c8 c16 c32";
  std::istringstream told(python(R"(
os.chdir(sys.argv[1])
for t in sys.argv[2].split():
    for order in '<>':
        a = (np.arange(5000) % 100).astype(t).astype(np.dtype(t).newbyteorder(order))
        np.save(order + t, a.reshape(50, 100))
    print(t, int(a.astype('c16').sum().real))
)",
                                 {folder.path(), types}));
  std::string type;
  double wanted = 0;
  while (told >> type >> wanted) {
    INFO(type);
    const any_array little = npymap::open(folder / ("<" + type + ".npy"));
    const any_array big = npymap::open(folder / (">" + type + ".npy"));
    const auto real = [](const auto& total) {
      return std::real(std::complex(double(std::real(total))));
    };
    CHECK(little.visit([&](const auto& x) { return double(real(npymap::sum(x))); }) == wanted);
    if (type[0] == 'c') {
      CHECK(npymap::sum<std::complex<double>>(big).real() == wanted);
    } else {
      CHECK(npymap::sum<double>(big) == wanted);
    }
  }
}

TEST_CASE("sum: has the same bits for any number of threads") {
  const temp_folder folder;
  const auto x = npymap::create<double>(folder / "x.npy", {3000, 700});
  for (index_t i = 0; i < x.size(); ++i) x.data()[i] = std::sin(double(i)) * 1e3;
  const double one = npymap::sum(x, {.threads = 1});
  for (const int threads : {2, 3, 8}) CHECK(npymap::sum(x, {.threads = threads}) == one);
  CHECK(npymap::sum(x) == one);
  CHECK(npymap::sum(x.transpose(), {.threads = 2}) == npymap::sum(x.transpose(), {.threads = 1}));
}

TEST_CASE("sum: integers wrap, bools are counted, nothing sums to zero") {
  const temp_folder folder;
  const auto x = npymap::create<std::int64_t>(folder / "x.npy", {2});
  x(0) = INT64_MAX;
  x(1) = 1;
  CHECK(npymap::sum(x) == INT64_MIN);
  const auto mask = npymap::create<npymap::bool8>(folder / "mask.npy", {1000, 1000});
  npymap::fill(mask(npymap::range(10, 20), npymap::all), true);
  CHECK(npymap::sum(mask) == 10000);
  CHECK(npymap::sum(npymap::create<float>(folder / "none.npy", {0, 5})) == 0);
  const auto one = npymap::create<float>(folder / "one.npy", {});
  one() = 2.5f;
  CHECK(npymap::sum(one) == 2.5);
}

TEST_CASE("sum: a field of records is summed where it lies") {
  const temp_folder folder;
  python(
      "a = np.zeros(100000, [('c', 'i1'), ('x', 'f8')]); a['x'] = np.arange(100000);"
      "np.save(sys.argv[1], a)",
      {folder / "x.npy"});
  CHECK(npymap::sum<double>(npymap::open(folder / "x.npy").field("x")) == 99999.0 * 100000 / 2);
}

TEST_CASE("reduce: pieces cover the array once, and their values meet in order") {
  const temp_folder folder;
  const auto x = npymap::create<std::int32_t>(folder / "x.npy", {1000, 1000});
  for (index_t i = 0; i < x.size(); ++i) x.data()[i] = static_cast<std::int32_t>(i);
  using numbers = std::vector<std::int32_t>;
  const numbers all = npymap::reduce(
      x, numbers(),
      [](const npymap::view<const std::int32_t>& piece) {
        return numbers(piece.begin(), piece.end());
      },
      [](numbers a, const numbers& b) {
        a.insert(a.end(), b.begin(), b.end());
        return a;
      },
      {.budget_bytes = 64 << 10});
  CHECK(all == numbers(x.data(), x.data() + x.size()));
}

TEST_CASE("reduce: what a lambda throws ends the pass and arrives") {
  const temp_folder folder;
  const auto x = npymap::create<double>(folder / "x.npy", {1 << 22});
  std::atomic<int> calls = 0;
  const auto fail = [&] {
    npymap::reduce(
        x, 0.0,
        [&](const npymap::view<const double>&) -> double {
          if (++calls == 3) throw std::runtime_error("enough");
          return 0;
        },
        [](double a, double b) { return a + b; });
  };
  CHECK_THROWS_WITH(fail(), "enough");
  CHECK(npymap::sum(x) == 0);  // and the next pass is none the worse
}

TEST_CASE("reduce: a value that could not be combined is not combined again") {
  const temp_folder folder;
  const auto x = npymap::create<double>(folder / "x.npy", {1 << 22});
  using value = std::unique_ptr<int>;
  for (int round = 0; round < 20; ++round) {
    std::atomic<int> calls = 0, after = 0;
    bool failed = false;
    CHECK_THROWS_AS(
        npymap::reduce(
            x, value(), [](const npymap::view<const double>&) { return std::make_unique<int>(1); },
            [&](value a, value) -> value {
              if (failed) ++after;
              if (++calls == 3) {
                failed = true;
                throw std::runtime_error("no");
              }
              return a;
            }),
        std::runtime_error);
    CHECK(after == 0);
  }
}

TEST_CASE("reduce: an array without axes has one piece, whole rows or not") {
  const temp_folder folder;
  const auto x = npymap::create<double>(folder / "x.npy", {});
  x() = 3.0;
  CHECK(npymap::sum(x, {.pieces = npymap::pieces::whole_rows}) == 3.0);
}

TEST_CASE("reduce: arguments without sense, and files cut short, are errors") {
  const temp_folder folder;
  auto x = npymap::create<double>(folder / "x.npy", {1 << 20});
  CHECK(code_of([&] { npymap::sum(x, {.threads = 0}); }) == errc::invalid_argument);
  CHECK(code_of([&] { npymap::sum(x, {.budget_bytes = 16}); }) == errc::invalid_argument);
  CHECK(npymap::sum(x, {.budget_bytes = 32}) == 0);
  CHECK(code_of([&] { npymap::sum<float>(npymap::open(folder / "x.npy")); }) == std::error_code());
  CHECK(code_of([&] { npymap::sum<int>(npymap::open(folder / "x.npy")); }) == errc::dtype_mismatch);
  const auto cut = npymap::open<double>(folder / "x.npy");
  REQUIRE(::truncate((folder / "x.npy").c_str(), 1 << 20) == 0);
  CHECK(code_of([&] { npymap::sum(cut, {.budget_bytes = mib}); }) == errc::truncated);
}

TEST_CASE("reduce: a file eight times as large as all memory is summed") {
  if (!npymap_test::have_memory_cgroups()) NPYMAP_SKIP("no memory cgroup");
  const temp_folder folder;
  npymap::create<double>(folder / "x.npy", {1 << 15, 1 << 11}).close();  // 512 MiB
  const auto run = npymap_test::within_memory(64 * mib, [&] {
    const any_array x = npymap::open(folder / "x.npy");
    const pass_options options{.budget_bytes = 32 * mib};
    return npymap::sum<double>(x, options) == 0 && npymap::sum<float>(x, options) == 0 ? 0 : 1;
  });
  CHECK(run.status == 0);
  CHECK(run.peak_bytes <= 64 * mib);
}

TEST_CASE("reduce: values are combined as they come, so that few are kept however many pieces") {
  const temp_folder folder;
  const auto x = npymap::create<double>(folder / "x.npy", {400, 1 << 17},
                                        {.space = npymap::space::sparse});  // 400 pieces
  struct heavy {
    std::shared_ptr<int> counted;
    index_t pieces = 0;
  };
  const auto owners = std::make_shared<int>();
  std::atomic<long> most = 0;
  const heavy all = npymap::reduce(
      x, heavy(),
      [&](const npymap::view<const double>&) {
        heavy mine{owners, 1};
        long seen = most;
        while (seen < owners.use_count() && !most.compare_exchange_weak(seen, owners.use_count())) {
        }
        return mine;
      },
      [](const heavy& a, const heavy& b) {
        return heavy{a.counted ? a.counted : b.counted, a.pieces + b.pieces};
      });
  CHECK(all.pieces == 400);
  CHECK(most < 100);  // those of a window of 64 that wait for a slow thread, at most
}

TEST_CASE("reduce: pieces are whole rows, if the caller says so, though rows be long") {
  const temp_folder folder;
  const auto x = npymap::create<double>(folder / "x.npy", {6, 300'000});  // 2.4 MB each
  const auto widths = [&](const pass_options& options) {
    return npymap::reduce(
        x, std::vector<index_t>(),
        [](const npymap::view<const double>& piece) {
          return std::vector<index_t>{piece.extent(1)};
        },
        [](std::vector<index_t> a, const std::vector<index_t>& b) {
          a.insert(a.end(), b.begin(), b.end());
          return a;
        },
        options);
  };
  CHECK(widths({}).size() > 6);
  CHECK(widths({.pieces = npymap::pieces::whole_rows}) == std::vector<index_t>(6, 300'000));
  CHECK(code_of([&] { widths({.budget_bytes = 5 * mib, .pieces = npymap::pieces::whole_rows}); }) ==
        errc::invalid_argument);
}
