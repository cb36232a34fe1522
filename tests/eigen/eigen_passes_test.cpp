#include <npymap/eigen_passes.hpp>

#include <complex>
#include <functional>
#include <sstream>
#include <stdexcept>
#include <stop_token>
#include <string>
#include <vector>

#include <npymap/npymap.hpp>

#include "support/catch.hpp"
#include "support/counting.hpp"
#include "support/failure.hpp"
#include "support/memory_cgroup.hpp"
#include "support/python.hpp"
#include "support/skip.hpp"
#include "support/temp_folder.hpp"

using npymap::errc;
using npymap::index_t;
using npymap::order;
using npymap::pass_options;
using npymap::pass_progress;
using npymap::source;
using npymap_test::code_of;
using npymap_test::counting;
using npymap_test::message_of;
using npymap_test::python;
using npymap_test::random_seed;
using npymap_test::temp_folder;

namespace {

constexpr std::uint64_t mib = std::uint64_t{1} << 20;

using complex = std::complex<double>;

/// Call with a budget, or with the smallest that does, which the error must have named.
template <class F>
auto with_least_budget(pass_options options, const F& f) {
  try {
    return f(options);
  } catch (const npymap::error& e) {
    if (e.code() != errc::invalid_argument) throw;
    const std::string least = e.expected();  // "at least N"
    options.budget_bytes = std::stoull(least.substr(least.find_first_of("0123456789"))) - 1;
    CHECK(code_of([&] { f(options); }) == errc::invalid_argument);
    ++options.budget_bytes;
    return f(options);
  }
}

source as_read(const std::string& path, int how) {
  if (how == 1) return source(path, {.reading = npymap::reading::buffered});
  if (how == 2) return source(path, {.reading = npymap::reading::direct});
  return npymap::open(path);
}

template <class T>
void save_moments(const std::string& name, const source& x, const pass_options& options, int ddof) {
  npymap::save(name + ".gram.npy", with_least_budget(options, [&](const pass_options& o) {
                 return npymap::gram<T>(x, o);
               }));
  const auto found = with_least_budget(
      options, [&](const pass_options& o) { return npymap::covariance<T>(x, {.ddof = ddof}, o); });
  CHECK(found.count == x.extent(0));
  npymap::save(name + ".mean.npy", found.mean);
  npymap::save(name + ".cov.npy", found.covariance);
}

npymap::array<double> random_matrix(const std::string& path, const npymap::shape& extents) {
  const auto x = npymap::create<double>(path, extents);
  npymap::as_matrix(x).setRandom();
  return x;
}

}  // namespace

TEST_CASE("gram, covariance: as NumPy, of random shapes, orders, dtypes, strides and budgets") {
  REQUIRE(npymap_test::have_numpy());
  const temp_folder folder;
  const std::string seed = std::to_string(random_seed());
  std::istringstream cases(python(R"(
os.chdir(sys.argv[1])
rng = np.random.default_rng(int(sys.argv[2]))
for i in range(60):
    d = int(rng.integers(1, 20) if i % 4 else rng.integers(120, 270))
    n = int(rng.integers(0, 3) if i % 7 == 6 else rng.integers(3, 6000 if d < 20 else 300))
    t = np.dtype(['f8', '>f8', 'f4', 'i2', '>i4', 'u8', 'f2', '?', 'c16', '>c8'][i % 10])
    a = rng.normal(0, 1, (n, d)) * rng.uniform(.1, 30, d)
    if t.kind == 'f' and t.itemsize == 8: a += 10.0 ** rng.integers(0, 9, d)
    if t.kind == 'c': a = a + 1j * rng.normal(3, 2, (n, d))
    a = (abs(a) * 1000 if t.kind == 'u' else a > 0 if t.kind == 'b' else a).astype(t)
    np.save(f'{i}.npy', np.asfortranarray(a) if rng.integers(0, 2) else a)
    rows, columns = rng.choice(['', '::-1', '::2', '1:'], 2, p=[.7, .1, .1, .1])
    print(t.kind == 'c' and 1 or 0, 10 ** rng.integers(2, 7), rng.integers(0, 3), rng.integers(0, 3),
          f'{rows or ":"},{columns or ":"}')
)",
                                  {folder.path(), seed}));
  std::vector<std::string> slices;
  int is_complex = 0, how = 0;
  int ddof = 0;
  std::uint64_t budget = 0;
  std::string slice;
  while (cases >> is_complex >> budget >> how >> ddof >> slice) {
    const std::string name = folder / std::to_string(slices.size());
    slices.push_back(std::to_string(ddof) + "/" + (how == 0 ? slice : ":,:"));
    INFO("case " << slices.size() - 1 << " " << slice);
    const source x =
        how == 0 ? source(npymap::open(name + ".npy").slice(slice)) : as_read(name + ".npy", how);
    const pass_options options{.budget_bytes = budget};
    is_complex ? save_moments<complex>(name, x, options, ddof)
               : save_moments<double>(name, x, options, ddof);
  }
  REQUIRE(slices.size() == 60);
  slices.insert(slices.begin(), folder.path());
  // The error of a sum of n products, each of which is rounded; of distances to means that are
  // rounded themselves.
  CHECK(python(R"(
os.chdir(sys.argv[1])
np.seterr(all='ignore')
eps = np.finfo('f8').eps
for i, told in enumerate(sys.argv[2:]):
    ddof, text = told.split('/')
    whole = np.load(f'{i}.npy')
    x = eval(f'whole[{text}]')
    x = x.astype(np.clongdouble if x.dtype.kind == 'c' else np.longdouble)
    n, ddof = len(x), int(ddof)
    g, c, m = np.load(f'{i}.gram.npy'), np.load(f'{i}.cov.npy'), np.load(f'{i}.mean.npy')
    bound = 2 * (n + 2) * eps * (abs(x).T @ abs(x))
    if g.shape != (x.shape[1],) * 2 or not (abs(g - x.conj().T @ x) <= bound).all(): print(i, 'gram')
    mean = x.mean(axis=0)
    mean_bound = (n + 2) * eps * abs(x).sum(axis=0) / n
    if not (np.isnan(m).all() if n == 0 else (abs(m - mean) <= mean_bound).all()): print(i, 'mean')
    if n <= ddof:
        # NumPy takes a single row for a column, unless it lies on its side.
        theirs = np.cov(x.T.astype('c16' if x.dtype.kind == 'c' else 'f8'), ddof=ddof)
        same = not np.isfinite(c).any() if c.dtype.kind == 'c' else (
            np.array_equal(c.reshape(theirs.shape), theirs, equal_nan=True))
        if not same: print(i, 'few', c, theirs)
        continue
    far = x - mean
    norms = np.sqrt((abs(far) ** 2).sum(axis=0))
    ref = far.T @ far.conj() / (n - ddof)
    bound = 4 * ((n + 2) * eps * np.outer(norms, norms)
                 + n * np.outer(mean_bound, mean_bound)) / (n - ddof)
    if c.shape != ref.shape or not (abs(c - ref) <= bound).all(): print(i, 'cov', abs(c - ref).max())
)",
               slices) == "");
}

TEST_CASE("covariance: large means do not drown small spreads; NumPy's own is no closer") {
  REQUIRE(npymap_test::have_numpy());
  const temp_folder folder;
  python(R"(
rng = np.random.default_rng(int(sys.argv[2]))
np.save(sys.argv[1], rng.normal(0, 1, (200000, 3)) + [1e8, -1e9, 1e3]))",
         {folder / "x.npy", std::to_string(random_seed())});
  npymap::save(folder / "c.npy", npymap::covariance(npymap::open(folder / "x.npy")).covariance);
  CHECK(python(R"(
x = np.load(sys.argv[1]).astype('g')
x -= x.mean(axis=0)
exact = x.T @ x / (len(x) - 1)
error, numpys = (float(abs(c - exact).max())
                 for c in (np.load(sys.argv[2]), np.cov(np.load(sys.argv[1]), rowvar=False)))
print('close' if error <= numpys and error < 1e-11 else (error, numpys)))",
               {folder / "x.npy", folder / "c.npy"}) == "close\n");
}

TEST_CASE("gram, covariance: NaN and infinity spread as in NumPy") {
  REQUIRE(npymap_test::have_numpy());
  const temp_folder folder;
  python(R"(
x = np.arange(1200.).reshape(300, 4)
x[7, 1], x[250, 3] = np.nan, np.inf
np.save(sys.argv[1], x))",
         {folder / "x.npy"});
  const auto x = npymap::open<double>(folder / "x.npy");
  npymap::save(folder / "g.npy", npymap::gram(x));
  npymap::save(folder / "c.npy", npymap::covariance(x).covariance);
  CHECK(python(R"(
np.seterr(all='ignore')
x, g, c = (np.load(name) for name in sys.argv[1:])
np.testing.assert_allclose(g, x.T @ x, rtol=1e-12)
np.testing.assert_allclose(c, np.cov(x, rowvar=False), rtol=1e-12))",
               {folder / "x.npy", folder / "g.npy", folder / "c.npy"}) == "");
}

TEST_CASE("gram, covariance, multiply: the same bits for any number of threads") {
  const temp_folder folder;
  const auto x = random_matrix(folder / "x.npy", {7001, 30});
  const auto wide = random_matrix(folder / "wide.npy", {501, 300});
  const auto product = npymap::create<double>(folder / "p.npy", {501, 501});
  const auto results = [&](int threads) {
    const pass_options options{.budget_bytes = 3 * mib, .threads = threads};
    npymap::multiply(wide, wide.transpose(), product, options);
    return std::vector<Eigen::MatrixXd>{
        npymap::gram(x, options), npymap::covariance(x, options).covariance,
        npymap::gram(wide, options), npymap::covariance(wide, {}, options).covariance,
        npymap::as_matrix(product)};
  };
  const auto expected = results(1);
  for (const int threads : {2, 5}) CHECK(results(threads) == expected);
}

TEST_CASE("gram, covariance: of nothing") {
  const temp_folder folder;
  const auto no_rows = npymap::create<double>(folder / "a.npy", {0, 3});
  CHECK(npymap::gram(no_rows) == Eigen::MatrixXd::Zero(3, 3));
  const auto found = npymap::covariance(no_rows);
  CHECK(found.count == 0);
  CHECK(found.mean.array().isNaN().all());
  CHECK(found.covariance.array().isNaN().all());
  const auto no_columns = npymap::create<double>(folder / "b.npy", {3, 0});
  CHECK(npymap::gram(no_columns).size() == 0);
  CHECK(npymap::covariance(no_columns).count == 3);
}

TEST_CASE("gram, covariance: what they cannot take is told") {
  const temp_folder folder;
  const auto cube = counting(folder / "a.npy", {2, 3, 4});
  const std::string told = message_of([&] { npymap::covariance(cube); });
  CHECK(code_of([&] { npymap::covariance(cube); }) == errc::layout_mismatch);
  CHECK(told.find("rank 2") != std::string::npos);
  CHECK(told.find("rank 3") != std::string::npos);
  CHECK(code_of([&] { npymap::gram(cube(1, 2, npymap::all)); }) == errc::layout_mismatch);

  const auto wide =
      npymap::create<double>(folder / "b.npy", {1, 100'000}, {.space = npymap::space::sparse});
  CHECK(code_of([&] { npymap::gram(wide); }) == errc::invalid_argument);
  CHECK(message_of([&] { npymap::gram(wide); }).find("80006400000") != std::string::npos);
  const auto none = npymap::create<double>(folder / "c.npy", {0, index_t{1} << 40});
  CHECK(code_of([&] { npymap::gram(none); }) == errc::invalid_argument);

  const auto z = npymap::create<complex>(folder / "d.npy", {2, 2});
  CHECK(code_of([&] { npymap::gram(z); }) == errc::dtype_mismatch);
  CHECK(code_of([&] { npymap::gram<complex>(z, {.threads = 0}); }) == errc::invalid_argument);
}

TEST_CASE("gram, multiply: can be watched and stopped") {
  const temp_folder folder;
  const auto x = random_matrix(folder / "x.npy", {3000, 60});
  const auto square = npymap::create<double>(folder / "c.npy", {3000, 3000});
  const auto each = [&](const pass_options& options) {
    return std::vector<std::function<void()>>{
        [&x, options] { npymap::gram(x, options); },
        [&x, &square, options] { npymap::multiply(x, x.transpose(), square, options); }};
  };
  for (std::size_t n : {0u, 1u}) {
    std::vector<pass_progress> told;
    pass_options options{.budget_bytes = mib / 2};
    options.progress = [&](const pass_progress& now) { told.push_back(now); };
    each(options)[n]();
    REQUIRE(told.size() > 3);
    for (std::size_t i = 1; i < told.size(); ++i) {
      CHECK(told[i].done_bytes >= told[i - 1].done_bytes);
      CHECK(told[i].total_bytes == told[0].total_bytes);
    }
    CHECK(told.back().done_bytes == told.back().total_bytes);
    CHECK(told[told.size() - 2].done_bytes <= told.back().total_bytes);

    std::stop_source stop;
    options.stop = stop.get_token();
    options.progress = [&](const pass_progress&) { stop.request_stop(); };
    CHECK(code_of(each(options)[n]) == errc::stopped);
    options.progress = [](const pass_progress&) { throw std::runtime_error("enough"); };
    options.stop = {};
    CHECK_THROWS_WITH(each(options)[n](), "enough");
  }
}

TEST_CASE("multiply: as NumPy, of random shapes, orders, dtypes, strides and budgets") {
  REQUIRE(npymap_test::have_numpy());
  const temp_folder folder;
  const std::string seed = std::to_string(random_seed());
  std::istringstream cases(python(R"(
os.chdir(sys.argv[1])
rng = np.random.default_rng(int(sys.argv[2]))
for i in range(60):
    m, k, n = (int(e) for e in rng.integers(1, [300, 40, 900][i % 3], 3))
    if i % 3 == 2: k, n = k % 40 + 1, n % 60 + 1
    if i % 10 == 9: m, k, n = (e if rng.integers(0, 2) else i // 10 % 2 for e in (m, k, n))
    kind = 'fdc'[i % 3]
    for name, shape in ('a', (m, k)), ('b', (k, n)):
        t = rng.choice({'f': ['f4', '>f4', 'i2', 'f2'], 'd': ['f8', '>f8', 'f4', 'i4'],
                        'c': ['c16', '>c8', 'f8']}[kind])
        x = rng.normal(0, 3, shape) + (1j * rng.normal(0, 1, shape) if 'c' in t else 0)
        np.save(f'{i}.{name}.npy', np.asarray(x.astype(t), order=rng.choice(['C', 'F'])))
    print(kind, m, n, rng.integers(2**18, 2**21), *rng.integers(0, 3, 2), *rng.integers(0, 2, 3))
)",
                                  {folder.path(), seed}));
  char kind = 0;
  index_t m = 0, n = 0;
  std::uint64_t budget = 0;
  int read_a = 0, read_b = 0, is_fortran = 0, turns_a = 0, is_spread = 0, count = 0;
  for (;
       cases >> kind >> m >> n >> budget >> read_a >> read_b >> is_fortran >> turns_a >> is_spread;
       ++count) {
    const std::string name = folder / std::to_string(count);
    source a = as_read(name + ".a.npy", read_a);
    const source b = as_read(name + ".b.npy", read_b);
    if (turns_a) a = npymap::load(name + ".a.npy").slice("::-1").slice("::-1");
    const auto into = [&](auto number) {
      using element = decltype(number);
      // Into a part of a larger file, too, the rest of which stays.
      const index_t step = is_spread ? 2 : 1;
      const auto whole = npymap::create<element>(name + ".c.npy", {step * m, step * n},
                                                 {.order = is_fortran ? order::fortran : order::c});
      npymap::fill(whole, element(7));
      npymap::multiply(
          a, b,
          is_spread ? whole(npymap::range(1, npymap::_, 2), npymap::range(npymap::_, npymap::_, 2))
                    : whole,
          {.budget_bytes = budget});
    };
    INFO("case " << count);
    kind == 'f' ? into(float()) : kind == 'd' ? into(double()) : into(complex());
  }
  CHECK(count == 60);
  // Each element is a sum of k products: its error is at most k + 2 roundings of the magnitudes,
  // and a complex product has twice as many.
  CHECK(python(R"(
os.chdir(sys.argv[1])
for i in range(60):
    a, b, c = (np.load(f'{i}.{name}.npy') for name in 'abc')
    m, k, n = *a.shape, b.shape[1]
    if c.shape != (m, n):
        rest = c.copy()
        rest[1::2, ::2] = 7
        if not (rest == 7).all(): print(i, 'wrote beside')
        c = c[1::2, ::2]
    a, b = a.astype('G'), b.astype('G')
    bound = 2 * (k + 2) * np.finfo(c.dtype).eps * (abs(a) @ abs(b))
    if c.shape != (m, n) or not (abs(c - a @ b) <= bound).all(): print(i, abs(c - a @ b).max())
)",
               {folder.path()}) == "");
}

TEST_CASE("multiply: shapes that do not agree are named, and nothing is written") {
  const temp_folder folder;
  const auto a = counting(folder / "a.npy", {2, 3}), b = counting(folder / "b.npy", {3, 4});
  const auto c = npymap::create<double>(folder / "c.npy", {2, 4});
  npymap::multiply(a, b, c);
  CHECK(c(1, 3) == 3 * 3 + 4 * 7 + 5 * 11);
  npymap::fill(c, 7.0);
  const std::string told = message_of([&] { npymap::multiply(b, a, c); });
  CHECK(told.find("(3, 4) by (2, 3) into (2, 4)") != std::string::npos);
  CHECK(code_of([&] { npymap::multiply(b, a, c); }) == errc::layout_mismatch);
  CHECK(code_of([&] { npymap::multiply(a, b, c.transpose()); }) == errc::layout_mismatch);
  const auto row = a(0, npymap::ellipsis);
  CHECK(code_of([&] { npymap::multiply(row, b, c); }) == errc::layout_mismatch);
  const std::string of_row = message_of([&] { npymap::multiply(row, b, c); });
  CHECK(of_row.find("found (3,) by (3, 4) into (2, 4)") != std::string::npos);
  CHECK(code_of([&] { npymap::multiply(a, b, c, {.threads = 0}); }) == errc::invalid_argument);
  const auto least = [&](std::uint64_t budget) {
    return code_of([&] { npymap::multiply(a, b, c, {.budget_bytes = budget}); });
  };
  CHECK(least((256 << 10) - 1) == errc::invalid_argument);
  CHECK(c(1, 3) == 7);
  CHECK(least(256 << 10) == std::error_code());
}

TEST_CASE("multiply: a target that shares bytes with a source is refused") {
  const temp_folder folder;
  const auto x = counting(folder / "x.npy", {4, 4});
  const auto y = counting(folder / "y.npy", {4, 4});
  const auto refused = [&](const source& a, const source& b, const npymap::array<double>& c) {
    return code_of([&] { npymap::multiply(a, b, c); }) == errc::invalid_argument;
  };
  CHECK(refused(x, y, x));
  CHECK(refused(y, x, x.transpose()));
  CHECK(refused(npymap::open(folder / "x.npy"), y, x));
  CHECK(refused(source(folder / "x.npy", {.reading = npymap::reading::buffered}), y, x));
  const auto z = npymap::load<double>(folder / "x.npy");
  CHECK(refused(z, y, z));
  CHECK(x(3, 3) == 15);
  // Halves of one array share nothing; nor does a private copy.
  const auto both = npymap::create<double>(folder / "z.npy", {8, 4});
  const auto upper = both(npymap::range(0, 4), npymap::all);
  const auto lower = both(npymap::range(4, 8), npymap::all);
  npymap::copy(x, upper);
  npymap::multiply(upper, y, lower);
  CHECK(npymap::as_matrix(lower) == npymap::as_matrix(x) * npymap::as_matrix(y));
  npymap::multiply(z, y, x);
  CHECK(npymap::as_matrix(lower) == npymap::as_matrix(x));
}

TEST_CASE("gram, covariance: a file many times as large as all memory, in either order") {
  if (!npymap_test::have_memory_cgroups()) NPYMAP_SKIP("no memory cgroup");
  const temp_folder folder;
  for (const order layout : {order::c, order::fortran}) {
    npymap::create<double>(folder / "x.npy", {1 << 19, 64}, {.order = layout}).close();  // 256 MiB
    const auto run = npymap_test::within_memory(48 * mib, [&] {
      const pass_options options{.budget_bytes = 16 * mib};
      const auto x = npymap::open(folder / "x.npy");
      return npymap::covariance(x, {}, options).covariance.isZero(0) &&
                     npymap::gram<float>(x, options).isZero(0)
                 ? 0
                 : 1;
    });
    CHECK(run.status == 0);
    CHECK(run.peak_bytes <= 48 * mib);
  }
}

TEST_CASE("multiply: three files, each larger than all memory, in either order") {
  if (!npymap_test::have_memory_cgroups()) NPYMAP_SKIP("no memory cgroup");
  const temp_folder folder;
  for (const order layout : {order::c, order::fortran}) {
    npymap::create<float>(folder / "a.npy", {1 << 14, 1 << 10}, {.order = layout}).close();
    npymap::create<float>(folder / "b.npy", {1 << 10, 1 << 8}, {.order = layout}).close();
    const auto run = npymap_test::within_memory(40 * mib, [&] {
      const auto c = npymap::create<float>(folder / "c.npy", {1 << 14, 1 << 8}, {.order = layout});
      npymap::multiply(npymap::open(folder / "a.npy"), npymap::open(folder / "b.npy"), c,
                       {.budget_bytes = 8 * mib});
      return npymap::any_nonzero(c) ? 1 : 0;
    });
    CHECK(run.status == 0);
    CHECK(run.peak_bytes <= 40 * mib);
  }
}
