#include <npymap/statistics.hpp>

#include <sys/resource.h>

#include <algorithm>
#include <cmath>
#include <complex>
#include <limits>
#include <numeric>
#include <sstream>
#include <string>
#include <vector>

#include <npymap/convert.hpp>
#include <npymap/error.hpp>

#include "support/catch.hpp"
#include "support/failure.hpp"
#include "support/process.hpp"
#include "support/python.hpp"
#include "support/skip.hpp"
#include "support/temp_folder.hpp"

using namespace npymap;
using npymap_test::code_of;
using npymap_test::python;
using npymap_test::temp_folder;

namespace {

constexpr double infinity = std::numeric_limits<double>::infinity();

/// Within a few roundings of numbers of this magnitude; NaN is like NaN.
bool is_close(double ours, double numpys, double magnitude) {
  if (std::isnan(ours) || std::isnan(numpys)) return std::isnan(ours) && std::isnan(numpys);
  if (ours == numpys) return true;
  return std::abs(ours - numpys) <= 1e-11 * std::max(magnitude, std::abs(numpys));
}

// Each pass over file `name` gives what NumPy wrote in `name` + _ + the name of the pass, in
// double.
template <class T>
void compare_with_numpy(const std::string& stem, bool is_ordered, const pass_options& options) {
  const source x = any_array(npymap::open(stem + ".npy"));
  const auto expect = [&](const std::string& pass) {
    return npymap::load<double>(stem + "_" + pass + ".npy");
  };
  const double magnitude = expect("magnitude")();
  const auto check = [&](const std::string& pass, double ours) {
    INFO(pass);
    const double numpys = expect(pass)();
    INFO("ours " << ours << ", NumPy's " << numpys);
    CHECK(is_close(ours, numpys, magnitude));
  };
  const auto check_all = [&](const std::string& pass, int axis, const auto& ours) {
    const auto numpys = expect(pass + std::to_string(axis));
    INFO(pass << " along " << axis);
    REQUIRE(ours.shape() == numpys.shape());
    auto value = ours.begin();
    for (const double theirs : numpys) {
      INFO("ours " << static_cast<double>(*value) << ", NumPy's " << theirs);
      REQUIRE(is_close(static_cast<double>(*value), theirs, magnitude));
      ++value;
    }
  };
  check("any", any_nonzero<T>(x, options));
  check("all", all_nonzero<T>(x, options));
  check("nans", static_cast<double>(count_nan<T>(x, options)));
  check("var", static_cast<double>(variance<T>(x, options)));
  check("std", static_cast<double>(standard_deviation<T>(x, options)));
  check("norm", static_cast<double>(norm<T>(x, options)));
  check("sum", static_cast<double>(std::real(std::complex<long double>(sum<T>(x, options)))));
  check("mean", static_cast<double>(std::real(std::complex<long double>(mean<T>(x, options)))));
  for (int axis = 0; axis < x.rank(); ++axis) {
    const along the{axis - (axis % 2) * x.rank()};  // from either end
    check_all("any", axis, any_nonzero<T>(x, the, options));
    check_all("all", axis, all_nonzero<T>(x, the, options));
    check_all("nans", axis, count_nan<T>(x, the, options));
    check_all("var", axis, variance<T>(x, the, options));
    check_all("std", axis, standard_deviation<T>(x, the, options));
    check_all("norm", axis, norm<T>(x, the, options));
    if constexpr (ordered_number<T>) {
      check_all("sum", axis, sum<T>(x, the, options));
      check_all("mean", axis, mean<T>(x, the, options));
    }
  }
  if constexpr (ordered_number<T>) {
    if (!is_ordered) return;
    const summary<T> all = summarize<T>(x, options);
    CHECK(all.count == x.size());
    check("nans", static_cast<double>(all.nan_count));
    check("nansum", static_cast<double>(all.sum));
    check("nanmean", static_cast<double>(all.mean));
    check("nanvar", static_cast<double>(all.variance));
    check("nanmin", all.min ? static_cast<double>(*all.min) : NAN);
    check("nanmax", all.max ? static_cast<double>(*all.max) : NAN);
    if (x.size() > 0) {
      check("min", static_cast<double>(min<T>(x, options)));
      check("max", static_cast<double>(max<T>(x, options)));
      check("argmin", static_cast<double>(argmin<T>(x, options)));
      check("argmax", static_cast<double>(argmax<T>(x, options)));
    } else {
      CHECK(code_of([&] { min<T>(x, options); }) == errc::invalid_argument);
      CHECK(code_of([&] { argmax<T>(x, options); }) == errc::invalid_argument);
    }
    for (int axis = 0; axis < x.rank(); ++axis) {
      if (x.size() == 0) continue;
      check_all("min", axis, min<T>(x, along{axis}, options));
      check_all("max", axis, max<T>(x, along{axis}, options));
      check_all("argmin", axis, argmin<T>(x, along{axis}, options));
      check_all("argmax", axis, argmax<T>(x, along{axis}, options));
      const summary_list<T> rows = summarize<T>(x, along{axis}, options);
      const auto means = expect("nanmean" + std::to_string(axis));
      REQUIRE(rows.extents == means.shape());
      auto mean = means.begin();
      for (const summary<T>& row : rows.values) {
        REQUIRE(is_close(static_cast<double>(row.mean), *mean, magnitude));
        ++mean;
      }
    }
  }
}

}  // namespace

TEST_CASE(
    "statistics: as NumPy's, for random shapes, orders, dtypes, budgets, NaNs, along each axis") {
  REQUIRE(npymap_test::have_numpy());
  const temp_folder folder;
  const std::uint64_t seed = npymap_test::random_seed();
  std::istringstream told(python(R"(
import warnings
warnings.simplefilter('ignore')
os.chdir(sys.argv[1])
rng = np.random.default_rng(int(sys.argv[2]))
types = 'b1 i1 i2 i4 i8 u1 u2 u4 u8 f2 f4 f8 f16 c8 c16'.split()
for i in range(60):
    t = types[i % len(types)]
    shape = tuple(int(n) for n in rng.choice([0, 1, 2, 3, 5, 40, 70, 150], rng.integers(0, 4), p=[.03, .12, .15, .15, .15, .15, .15, .1]))
    if i % 9 == 4: shape = (int(rng.integers(5000, 30000)),)
    if i % 9 == 5: shape = (int(rng.integers(500, 3000)), int(rng.integers(1, 30)))
    if i % 9 == 6: shape = (int(rng.integers(1, 30)), int(rng.integers(500, 3000)))
    a = rng.normal(rng.choice([0., 1e3]), 1, shape) * 10.0 ** rng.integers(-1, 2)
    if t[0] in 'fc' and i % 2 and a.size: a = np.where(rng.random(shape) < rng.choice([.01, .5, 1.]), np.nan, a)
    if t == 'f8' and i % 5 == 0 and a.size: a[tuple(int(rng.integers(0, n)) for n in shape)] = rng.choice([np.inf, -np.inf])
    if t[0] == 'c': a = a + 1j * rng.normal(0, 1, shape)
    if t[0] == 'u' or t == 'b1': a = np.abs(a) % 100
    if t == 'i1': a = a % 100
    a = np.asarray(np.asarray(a).astype(t))
    if i % 4 == 3: a = np.asfortranarray(a)
    np.save(str(i), a.astype(np.dtype(t).newbyteorder('<>'[i % 3 == 2])))
    w = a.astype('g') if t[0] in 'f' else a.astype('c16') if t[0] == 'c' else a.astype('f8')
    def put(name, value): np.save('%d_%s' % (i, name), np.asarray(value, 'f8'))
    put('magnitude', np.nan_to_num(np.abs(w).astype('f8'), posinf=0).max(initial=0) if a.size else 0)
    for axis in (None,) + tuple(range(a.ndim)):
        at = '' if axis is None else str(axis)
        put('any' + at, a.any(axis)); put('all' + at, a.all(axis))
        put('nans' + at, np.isnan(w).sum(axis)); put('norm' + at, np.sqrt((np.abs(w) ** 2).sum(axis)))
        put('var' + at, w.var(axis)); put('std' + at, w.std(axis))
        put('sum' + at, np.real(w.sum(axis))); put('mean' + at, np.real(w.mean(axis)))
        if t[0] != 'c':
            put('nansum' + at, np.nansum(w, axis)); put('nanmean' + at, np.nanmean(w, axis)); put('nanvar' + at, np.nanvar(w, axis))
            if a.size:
                put('nanmin' + at, np.nanmin(w, axis)); put('nanmax' + at, np.nanmax(w, axis))
                put('min' + at, a.min(axis)); put('max' + at, a.max(axis))
                put('argmin' + at, a.argmin(axis)); put('argmax' + at, a.argmax(axis))
            else: put('nanmin' + at, np.nan); put('nanmax' + at, np.nan)
    print(i, t)
)",
                                 {folder.path(), std::to_string(seed)}));
  int i = 0;
  std::string type;
  while (told >> i >> type) {
    INFO("array " << i << " of " << type);
    const std::string stem = folder / std::to_string(i);
    const pass_options options{.budget_bytes = i % 2 == 0 ? std::uint64_t{1} << 28 : 20000};
    const auto compare = [&]<class T>(T) { compare_with_numpy<T>(stem, true, options); };
    if (type == "b1") compare(bool8());
    if (type == "i1") compare(std::int8_t());
    if (type == "i2") compare(std::int16_t());
    if (type == "i4") compare(std::int32_t());
    if (type == "i8") compare(std::int64_t());
    if (type == "u1") compare(std::uint8_t());
    if (type == "u2") compare(std::uint16_t());
    if (type == "u4") compare(std::uint32_t());
    if (type == "u8") compare(std::uint64_t());
    if (type == "f2") compare(float16());
    if (type == "f4") compare(float());
    if (type == "f8") compare(double());
    if (type == "f16") compare(static_cast<long double>(0));
    if (type == "c8") compare(std::complex<float>());
    if (type == "c16") compare(std::complex<double>());
  }
  CHECK(i == 59);
}

TEST_CASE("statistics: large numbers of small spread keep their variance") {
  const temp_folder folder;
  const auto x = npymap::create<double>(folder / "x.npy", {300'000});
  double sign = 1;
  for (double& value : x) value = 1e9 + (sign = -sign);
  CHECK(variance(x) == 1);
  CHECK(mean(x) == 1e9);
  CHECK(sum(x) == 3e14);
}

TEST_CASE("statistics: variance beside a large mean is no further off than NumPy's by much") {
  REQUIRE(npymap_test::have_numpy());
  const temp_folder folder;
  std::istringstream told(python(R"(
from fractions import Fraction
os.chdir(sys.argv[1])
rng = np.random.default_rng(int(sys.argv[2]))
for i in range(8):
    n = [4000, 300000][i % 2]
    a = [1e6, 1e9, 1e12, -1e9][i // 2] + rng.random(n)
    np.save(str(i), a)
    whole = [Fraction(v) for v in a]
    mean = sum(whole) / n
    print(repr(float(sum((v - mean) ** 2 for v in whole) / n)))
)",
                                 {folder.path(), std::to_string(npymap_test::random_seed())}));
  for (int i = 0; i < 8; ++i) {
    double exact = 0;
    REQUIRE(told >> exact);
    const auto x = npymap::open<double>(folder / (std::to_string(i) + ".npy"));
    INFO("case " << i);
    CHECK(npymap::variance(x) == Approx(exact).epsilon(1e-13));
    const auto turned = x.reshape({1, x.size()});
    CHECK(npymap::variance(turned, npymap::along{1})(0) == Approx(exact).epsilon(1e-13));
    CHECK(npymap::variance(x, {.budget_bytes = 10000}) == Approx(exact).epsilon(1e-12));
  }
}

TEST_CASE("statistics: numbers unlike the first ones of their row are summed as exactly") {
  REQUIRE(npymap_test::have_numpy());
  const temp_folder folder;
  // Zeros, subnormals, a change of scale, overflow, a sum that cancels, NaNs and infinities; whole
  // rows of the kernel, and none.
  std::istringstream told(python(R"(
import math
os.chdir(sys.argv[1])
rng = np.random.default_rng(int(sys.argv[2]))
def later(a, value, every=97):
    a[20::every] = value
    return a
cases = []
for n in (17, 63, 5000, 100000):
    x = rng.standard_normal(n)
    half = rng.random(n // 2) * 2.0 ** rng.integers(-60, 60, n // 2)
    cases += [later(np.zeros(n), x[20::97]), x * 5e-324 * 100, later(1e-200 * x, 1e200), np.full(n, 0.1),
              np.full(n, 1.7e308), later(np.full(n, 1e305), -1e305, 2), np.concatenate([half, rng.permutation(-half)]),
              later(x.copy(), np.nan), later(x.copy(), np.inf), np.full(n, np.nan)]
for i, a in enumerate(cases):
    np.save(str(i), a)
    with np.errstate(all="ignore"):
        kept = a[~np.isnan(a)]
        try: total = math.fsum(kept)
        except OverflowError: total = "overflow"
        print(total, len(a) - len(kept), *([repr(kept.min()), repr(kept.max())] if len(kept) else ["none", "none"]),
              repr(float(np.nanvar(a.astype("g")))) if np.isfinite(kept).all() and len(kept) else "nan")
)",
                                 {folder.path(), std::to_string(npymap_test::random_seed())}));
  int cases = 0;
  for (std::string total, nans, min, max, variance; told >> total >> nans >> min >> max >> variance;
       ++cases) {
    INFO("case " << cases << ", sum " << total << ", variance " << variance);
    const auto found =
        npymap::summarize(npymap::open<double>(folder / (std::to_string(cases) + ".npy")));
    CHECK(found.nan_count == std::stoll(nans));
    if (min == "none") {
      CHECK_FALSE(found.min.has_value());
      continue;
    }
    CHECK(found.min == std::strtod(min.c_str(), nullptr));
    CHECK(found.max == std::strtod(max.c_str(), nullptr));
    if (total == "overflow") continue;
    const double exact = std::strtod(total.c_str(), nullptr);
    const double size = std::max(std::abs(*found.min), std::abs(*found.max));
    if (std::isfinite(exact)) {
      CHECK(std::abs(found.sum - exact) <= std::max(std::abs(exact) * 0x1p-52, size * 0x1p-70));
    } else {
      CHECK(found.sum == exact);
    }
    const double wanted = std::strtod(variance.c_str(), nullptr);
    if (std::isfinite(wanted)) CHECK(found.variance == Approx(wanted).epsilon(1e-12));
  }
  CHECK(cases == 40);
}

TEST_CASE("statistics: a mean far from the first numbers of a row costs the variance nothing") {
  const temp_folder folder;
  for (const index_t count : {40, 4096, 5000, 100'000}) {
    for (const double first : {0.0, 1.0, 1e153, -1e9}) {
      for (const double rest : {0.0, 1.1, 3e5}) {
        const auto x = npymap::create<double>(folder / "x.npy", {count});
        const auto y = npymap::create<long double>(folder / "y.npy", {count});
        for (index_t i = 0; i < count; ++i) y(i) = x(i) = i < 16 ? first : rest;
        const auto n = static_cast<long double>(count);
        const long double apart = static_cast<long double>(first) - rest;
        const auto exact = static_cast<double>(apart * apart * (16 / n) * ((n - 16) / n));
        INFO(count << ": " << first << " and " << rest);
        CHECK(variance(x) == Approx(exact).epsilon(1e-13).margin(0));
        CHECK(static_cast<double>(variance(y)) == Approx(exact).epsilon(1e-13).margin(0));
      }
    }
  }
}

TEST_CASE("statistics: a variance that no number holds is infinite") {
  const temp_folder folder;
  for (const index_t count : {2, 40, 5000}) {
    const auto x = npymap::create<double>(folder / "x.npy", {count});
    const auto y = npymap::create<long double>(folder / "y.npy", {count});
    for (index_t i = 0; i < count; ++i) {
      x(i) = i % 2 == 0 ? 1e200 : -3e200;
      y(i) = i % 3 == 0 ? 1e4000L : -3e4000L;
    }
    CHECK(variance(x) == std::numeric_limits<double>::infinity());
    CHECK(variance(y) == std::numeric_limits<long double>::infinity());
  }
}

TEST_CASE("statistics: a constant does not vary") {
  const temp_folder folder;
  for (const double value : {0.1, -3e100, 1.0 / 3, 7e-300}) {
    for (const index_t count : {1, 15, 16, 40, 5000, 70'001}) {
      const auto x = npymap::create<double>(folder / "x.npy", {count});
      for (double& each : x) each = value;
      INFO(value << " " << count);
      CHECK(variance(x) == 0);
      CHECK(mean(x) == value);
    }
  }
}

TEST_CASE("histogram: millions of bins, and a pass for the range, are told of as one") {
  const temp_folder folder;
  const auto x = npymap::create<double>(folder / "x.npy", {1 << 20});
  for (index_t i = 0; i < x.size(); ++i) x(i) = static_cast<double>(i);
  std::vector<npymap::pass_progress> told;
  const auto found = npymap::histogram(
      x, {.bins = index_t{1} << 20},
      {.progress = [&](const npymap::pass_progress& now) { told.push_back(now); }});
  CHECK(std::accumulate(found.counts.begin(), found.counts.end(), std::int64_t{0}) == x.size());
  CHECK(*std::max_element(found.counts.begin(), found.counts.end()) == 1);
  REQUIRE_FALSE(told.empty());
  CHECK(std::is_sorted(told.begin(), told.end(),
                       [](const auto& a, const auto& b) { return a.done_bytes < b.done_bytes; }));
  for (const auto& now : told) CHECK(now.total_bytes == 2 * 8 * std::uint64_t(x.size()));
  CHECK(told.back().done_bytes == told.back().total_bytes);
}

TEST_CASE("statistics: infinities are numbers, NaNs are left out of a summary and counted") {
  const temp_folder folder;
  const auto x = npymap::create<double>(folder / "x.npy", {5});
  x(0) = infinity;
  x(1) = NAN;
  x(2) = 3;
  x(3) = 4;
  const summary<double> found = summarize(x);
  CHECK(found.count == 5);
  CHECK(found.nan_count == 1);
  CHECK(found.max == infinity);
  CHECK(found.min == 0);
  CHECK(found.mean == infinity);
  CHECK(std::isnan(found.variance));
  CHECK(sum(x.slice("2:")) == 7);
  CHECK(argmin(x) == 1);  // as NumPy: the NaN
  CHECK(argmax(x.slice("2:")) == 1);
}

TEST_CASE("histogram: the bins and edges of NumPy's, at random") {
  REQUIRE(npymap_test::have_numpy());
  const temp_folder folder;
  std::istringstream told(python(R"(
os.chdir(sys.argv[1])
rng = np.random.default_rng(int(sys.argv[2]))
for i in range(30):
    n = int(rng.integers(0, 20000)); bins = int(rng.integers(1, 60))
    a = rng.normal(0, 10, n) if i % 2 else rng.integers(-20, 20, n).astype('f8' if i % 4 else 'i4')
    if i == 7: a = np.full(50, 3.25)
    r = (-5., 7.5) if i % 3 == 0 else None
    np.save(str(i), a)
    counts, edges = np.histogram(a, bins, range=r)
    print(bins, 1 if r else 0, *counts, *[repr(float(e)) for e in edges])
)",
                                 {folder.path(), std::to_string(npymap_test::random_seed())}));
  for (int i = 0; i < 30; ++i) {
    index_t bins = 0;
    int ranged = 0;
    REQUIRE(told >> bins >> ranged);
    histogram_options wanted{.bins = bins};
    if (ranged) wanted.range = {-5., 7.5};
    const auto found =
        histogram<double>(source(npymap::open(folder / (std::to_string(i) + ".npy"))), wanted,
                          {.budget_bytes = 20000});
    for (const std::int64_t count : found.counts) {
      std::int64_t numpys = -1;
      REQUIRE(told >> numpys);
      CHECK(count == numpys);
    }
    for (const double edge : found.edges) {
      std::string numpys;
      REQUIRE(told >> numpys);
      CHECK(edge == std::stod(numpys));
    }
  }
}

TEST_CASE("histogram: a range or bins that make no sense are refused") {
  const temp_folder folder;
  const auto x = npymap::create<double>(folder / "x.npy", {5});
  CHECK(code_of([&] { histogram(x, {.bins = 0}); }) == errc::invalid_argument);
  CHECK(code_of([&] { histogram(x, {.range = std::pair(1., 0.)}); }) == errc::invalid_argument);
  CHECK(code_of([&] { histogram(x, {.range = std::pair(0., infinity)}); }) ==
        errc::invalid_argument);
  x(0) = infinity;
  CHECK(code_of([&] { histogram(x); }) == errc::invalid_argument);
}

TEST_CASE("histogram: more bins than memory holds are refused before memory is taken for them") {
#ifdef __SANITIZE_ADDRESS__
  NPYMAP_SKIP("AddressSanitizer has more address space than this test allows");
#endif
  const temp_folder folder;
  const auto x = npymap::create<double>(folder / "x.npy", {5});
  const int status = npymap_test::in_child([&] {
    const rlimit limit{rlim_t{4} << 30, rlim_t{4} << 30};
    if (::setrlimit(RLIMIT_AS, &limit) != 0) return 121;
    try {
      histogram(x, {.bins = index_t{1} << 32});
    } catch (const npymap::error& e) {
      rusage used{};
      ::getrusage(RUSAGE_SELF, &used);
      return e.code() == std::errc::not_enough_memory && used.ru_maxrss < 256 << 10 ? 0 : 1;
    }
    return 2;
  });
  CHECK(status == 0);
}

TEST_CASE("dot: as NumPy's, for integers that wrap, complex numbers and other layouts") {
  REQUIRE(npymap_test::have_numpy());
  const temp_folder folder;
  std::istringstream told(python(R"(
os.chdir(sys.argv[1])
rng = np.random.default_rng(int(sys.argv[2]))
a = rng.normal(0, 1, (700, 90)); b = rng.normal(0, 1, (700, 90))
np.save('a', a); np.save('b', np.asfortranarray(b)); print(repr(float(np.dot(a.ravel(), b.ravel()))))
i = rng.integers(-2**62, 2**62, 5000); np.save('i', i); print(int(np.dot(i, i)))
c = a[0] + 1j * b[0]; np.save('c', c); print(repr(float(np.dot(c, c).real)), repr(float(np.dot(c, c).imag)))
)",
                                 {folder.path(), std::to_string(npymap_test::random_seed())}));
  double expected = 0, real = 0, imaginary = 0;
  std::int64_t wrapped = 0;
  REQUIRE(told >> expected >> wrapped >> real >> imaginary);
  const auto a = npymap::open<double>(folder / "a.npy"), b = npymap::open<double>(folder / "b.npy");
  CHECK(dot(a, b, {.budget_bytes = 50000}) == Approx(expected));
  const auto i = npymap::open<std::int64_t>(folder / "i.npy");
  CHECK(dot(i, i) == wrapped);
  const auto c = npymap::open<std::complex<double>>(folder / "c.npy");
  CHECK(dot(c, c).real() == Approx(real));
  CHECK(dot(c, c).imag() == Approx(imaginary));
  CHECK(code_of([&] { dot(a, a.slice("1:")); }) == errc::layout_mismatch);
}

TEST_CASE("statistics: the same bits for one thread and for two") {
  const temp_folder folder;
  const auto x = npymap::create<double>(folder / "x.npy", {1000, 700});
  double value = 0.1;
  for (double& element : x) element = value = std::fmod(value * 1.37 + 0.11, 9.);
  CHECK(sum(x, {.threads = 1}) == sum(x, {.threads = 2}));
  CHECK(variance(x, {.threads = 1}) == variance(x, {.threads = 2}));
  for (const int axis : {0, 1}) {
    CHECK(equal(variance(x, along{axis}, {.budget_bytes = 100'000, .threads = 1}),
                variance(x, along{axis}, {.budget_bytes = 100'000, .threads = 2})));
  }
}

TEST_CASE("statistics: stored numbers are numbers, along an axis too") {
  using npymap::byte_order;
  const auto x = npymap::zeros<npymap::stored<double, byte_order::big>>({2, 3});
  double next = 0;
  npymap::for_each([&](auto& each) { each = ++next; }, x);
  CHECK(npymap::sum(x) == 21);
  CHECK(npymap::mean(x, npymap::along{0})(2) == 4.5);
  CHECK(npymap::summarize(x).max == 6.0);
  CHECK(npymap::dot(x(0, npymap::all), npymap::convert<double>(x)(1, npymap::all)) == 32);
}

TEST_CASE("statistics: an axis that there is not is refused") {
  const temp_folder folder;
  const auto x = npymap::create<double>(folder / "x.npy", {5, 2});
  CHECK(code_of([&] { mean(x, along{2}); }) == errc::out_of_range);
  CHECK(code_of([&] { min(x, along{-3}); }) == errc::out_of_range);
  CHECK(code_of([&] { sum(x.slice("0, 0"), along{0}); }) == errc::out_of_range);
}

TEST_CASE("statistics: no threads are refused, where there is nothing to do too") {
  const temp_folder folder;
  for (const index_t rows : {0, 5}) {
    const auto x = npymap::create<double>(folder / "x.npy", {rows, 2});
    CHECK(code_of([&] { mean(x, {.threads = 0}); }) == errc::invalid_argument);
    CHECK(code_of([&] { mean(x, along{0}, {.threads = 0}); }) == errc::invalid_argument);
    CHECK(code_of([&] { sum(x, along{1}, {.threads = -1}); }) == errc::invalid_argument);
  }
}

TEST_CASE("histogram: bins narrower than numbers can tell apart are refused") {
  const temp_folder folder;
  const auto x = npymap::create<double>(folder / "x.npy", {3});
  for (double& value : x) value = 1e300;
  CHECK(code_of([&] { histogram(x); }) == errc::invalid_argument);
  x(0) = x(1) = 0;
  x(2) = 5e-324;
  CHECK(code_of([&] { histogram(x, {.bins = 3}); }) == errc::invalid_argument);
}

TEST_CASE("statistics: more results along an empty axis than memory holds are an error") {
  const temp_folder folder;
  const auto x = npymap::create<double>(folder / "x.npy", {0, index_t{1} << 59});
  CHECK_THROWS_AS(mean(x, along{0}), npymap::error);
}
