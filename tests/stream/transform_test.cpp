#include <npymap/transform.hpp>

#include <unistd.h>

#include <atomic>
#include <chrono>
#include <cmath>
#include <complex>
#include <mutex>
#include <random>
#include <set>
#include <sstream>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include <oneapi/tbb/task_group.h>

#include <npymap/convert.hpp>
#include <npymap/error.hpp>
#include <npymap/statistics.hpp>

#include "io/mounts.hpp"
#include "stream/collected.hpp"
#include "support/catch.hpp"
#include "support/counting.hpp"
#include "support/failure.hpp"
#include "support/memory_cgroup.hpp"
#include "support/python.hpp"
#include "support/skip.hpp"
#include "support/temp_folder.hpp"

using npymap::any_array;
using npymap::errc;
using npymap::index_t;
using npymap::index_vector;
using npymap::inputs;
using npymap::open_mode;
using npymap::order;
using npymap::outputs;
using npymap::pass_options;
using npymap::pass_progress;
using npymap::reading;
using npymap::source;
using npymap::typed_source;
using npymap::typed_target;
using npymap::view;
using npymap_test::code_of;
using npymap_test::counting;
using npymap_test::fits_budget;
using npymap_test::message_of;
using npymap_test::python;
using npymap_test::temp_folder;

namespace {

constexpr std::uint64_t mib = std::uint64_t{1} << 20;

const auto add = [](const view<const double>& a, const view<const double>& b,
                    const view<double>& c) {
  npymap::for_each([](double x, double y, double& z) { z = x + 2 * y; }, a, b, c);
};

const auto twice = [](const view<const double>& x, const view<double>& y) {
  npymap::for_each([](double from, double& to) { to = 2 * from; }, x, y);
};

}  // namespace

TEST_CASE("transform: as NumPy's arithmetic, whatever the shape, order, dtype and budget") {
  REQUIRE(npymap_test::have_numpy());
  const temp_folder folder;
  std::istringstream told(python(R"(
os.chdir(sys.argv[1])
rng = np.random.default_rng(int(sys.argv[2]))
for i in range(80):
    shape = tuple(int(n) for n in rng.integers(i % 20 != 0, 12, rng.integers(0, 4)))
    def some():
        a = rng.integers(0, 100, shape).astype(rng.choice(['<f8', '>f8', '>f4', '<i2', '>i8']))
        return np.asarray(a, order=rng.choice(['C', 'F']))
    a, b = some(), some()
    out = rng.choice(['<f8', '>f8', '>f4', '<f2', '<c16'])
    np.save(f'{i}_a', a); np.save(f'{i}_b', b)
    np.save(f'{i}_c', np.zeros(shape, out, order=rng.choice(['C', 'F'])))
    np.save(f'{i}', (a.astype('f8') + 2 * b.astype('f8')).astype(out))
    print(i)
)",
                                 {folder.path(), std::to_string(npymap_test::random_seed())}));
  std::mt19937_64 random(npymap_test::random_seed());
  int passes = 0;
  for (std::string i; told >> i;) {
    const pass_options options{.budget_bytes = 128 + random() % 6000};
    const reading ways[] = {reading::mapped, reading::buffered, reading::direct};
    const source a(folder / (i + "_a.npy"), {.reading = ways[random() % 3]});
    const source b(folder / (i + "_b.npy"), {.reading = ways[random() % 3]});
    INFO("case " << i << ", budget " << options.budget_bytes);
    const any_array wanted = npymap::open(folder / (i + ".npy"));
    for (const open_mode mode : {open_mode::copy_on_write, open_mode::read_write}) {
      const any_array c = npymap::open(folder / (i + "_c.npy"), mode);
      passes += fits_budget([&] {
        npymap::transform(inputs(typed_source<double>(a), typed_source<double>(b)),
                          outputs(typed_target<double>(c)), add, options);
        using wide = std::complex<double>;
        CHECK(npymap::equal(npymap::convert<wide>(c), npymap::convert<wide>(wanted)));
        const any_array stored = npymap::open(folder / (i + "_c.npy"));
        CHECK(npymap::equal(npymap::convert<wide>(stored), npymap::convert<wide>(c)) ==
              (mode == open_mode::read_write || c.size() == 0 ||
               npymap::equal(npymap::convert<wide>(stored), npymap::convert<wide>(wanted))));
      });
    }
  }
  CHECK(passes > 100);
}

TEST_CASE("transform: strided and turned views are read and written") {
  const temp_folder folder;
  const auto x = counting(folder / "x.npy", {300, 41});
  const auto y = npymap::create<double>(folder / "y.npy", {90, 400});
  const auto from = x(npymap::range(10, 280, 3), npymap::range(40, 0, -1)).flip(0);  // 90, 40
  const auto to = y(npymap::all, npymap::range(3, 400, 10));                         // 90, 40
  for (const std::uint64_t budget : {std::uint64_t{20000}, mib}) {
    npymap::fill(y, -1.0);
    npymap::transform(from, to, twice, {.budget_bytes = budget});
    const auto is_twice = [&] {
      for (index_t i = 0; i < 90; ++i) {
        for (index_t j = 0; j < 40; ++j) {
          if (to(i, j) != 2 * x(277 - 3 * i, 40 - j)) return false;
        }
      }
      return true;
    };
    CHECK(is_twice());
    CHECK(npymap::sum(y) == npymap::sum(to) - (90 * 400 - 90 * 40));  // between them, nothing
    npymap::transform(from.transpose(), to.transpose(), twice, {.budget_bytes = budget});
    CHECK(is_twice());
  }
}

TEST_CASE("transform: a function of elements is called for those of one index") {
  const temp_folder folder;
  const auto x = counting(folder / "x.npy", {700, 41});
  const auto turned = counting(folder / "f.npy", {700, 41}, order::fortran);
  const auto y = npymap::create<float>(folder / "y.npy", {700, 41});
  const auto z =
      npymap::create<std::int32_t>(folder / "z.npy", {700, 41}, {.order = order::fortran});
  const any_array big_endian =
      npymap::create(folder / "b.npy", npymap::parse_descr(">f8"), {700, 41});
  for (const std::uint64_t budget : {std::uint64_t{20000}, mib}) {
    const pass_options options{.budget_bytes = budget};
    npymap::transform(
        x, y, [](double a, float& b) { b = static_cast<float>(2 * a); }, options);
    const source rows(folder / "x.npy", {.reading = reading::buffered});
    npymap::transform(
        inputs(typed_source<double>(rows), turned, y), outputs(z, typed_target<double>(big_endian)),
        [](double a, const double& b, float c, std::int32_t& d, double& e) {
          d = static_cast<std::int32_t>(a + b);
          e = double{c} - a;
        },
        options);
    bool right = true;
    const auto e = npymap::convert<double>(big_endian);
    for (index_t i = 0; i < 700; ++i) {
      for (index_t j = 0; j < 41; ++j) {
        right = right && y(i, j) == 2 * x(i, j) && e(i, j) == x(i, j) &&
                z(i, j) == static_cast<std::int32_t>(x(i, j) + turned(i, j));
      }
    }
    CHECK(right);
    npymap::transform(
        typed_source<std::complex<double>>(rows), typed_target<double>(big_endian),
        [](std::complex<double> a, double& b) { b = a.real() + 1; }, options);
    CHECK(npymap::sum<double>(big_endian) == npymap::sum(x) + 700 * 41);
    std::atomic<index_t> above = 0;
    npymap::for_each_piece(
        x, [&above](double a) { above += a > 100; }, options);
    CHECK(above == 700 * 41 - 101);
    npymap::for_each_piece<float>(
        rows, [&above](float a) { above -= a > 100; }, options);
    CHECK(above == 0);
  }
  const auto row = npymap::create<float>(folder / "r.npy", {700});
  const auto assign = [](double, float& b) { b = 1; };
  CHECK(code_of([&] { npymap::transform(x, row, assign); }) == errc::layout_mismatch);
  CHECK(npymap::all_nonzero(row) == false);
}

TEST_CASE("transform: to memory, to new files, from nothing, to several, and knowing where") {
  const temp_folder folder;
  const npymap::shape extents{500, 30};
  const auto index = npymap::create<std::int64_t>(folder / "index.npy", extents);
  const pass_options options{.budget_bytes = 64 << 10};
  npymap::transform(
      inputs(), outputs(index),
      [](const index_vector& start, const view<std::int64_t>& y) {
        for (index_t i = 0; i < y.extent(0); ++i) {
          for (index_t j = 0; j < y.extent(1); ++j) {
            y(i, j) = (start[0] + i) * 30 + start[1] + j;
          }
        }
      },
      options);
  bool is_counted = true;
  for (index_t i = 0; i < index.size(); ++i) is_counted = is_counted && index.data()[i] == i;
  CHECK(is_counted);

  const any_array memory(npymap::convert<float>(index));
  const auto odd = npymap::create<npymap::bool8>(folder / "odd.npy", extents, {.order = order::c});
  npymap::transform(
      inputs(index), outputs(typed_target<float>(memory), odd),
      [](const view<const std::int64_t>& x, const view<float>& half,
         const view<npymap::bool8>& is_odd) {
        npymap::for_each([](std::int64_t n, float& h) { h = float(n) / 2; }, x, half);
        npymap::for_each([](std::int64_t n, npymap::bool8& o) { o = n % 2 == 1; }, x, is_odd);
      },
      options);
  CHECK(npymap::sum(odd) == 7500);
  CHECK(npymap::sum<double>(memory) == 14999.0 * 15000 / 4);
}

TEST_CASE("transform: pieces of a file's long rows, or elements, end where its large pages do") {
  const temp_folder folder;
  constexpr index_t page_bytes = 2 << 20;
  const auto ends_of = [&](const npymap::shape& extents, index_t budget_bytes) {
    const auto y = npymap::create<double>(folder / "y.npy", extents);
    const auto offset = static_cast<index_t>(y.map().offset_bytes());
    std::mutex changing;
    std::set<index_t> ends;
    npymap::transform(inputs(), outputs(y),
                      [&](const index_vector& start, const view<double>& piece) {
                        for (double& value : npymap::view<double, 1>(piece.reshape({-1})))
                          value = 1;
                        const index_t row = piece.size() / piece.extent(0);
                        const std::lock_guard lock(changing);
                        ends.insert(offset + 8 * (start[0] * row + piece.size()));
                      },
                      {.budget_bytes = static_cast<std::uint64_t>(budget_bytes)});
    CHECK(npymap::sum(y) == static_cast<double>(y.size()));
    ends.erase(offset + y.size_bytes());
    return ends;
  };
  CHECK(ends_of({1'000'000}, 8 << 20) ==
        std::set<index_t>{page_bytes, 2 * page_bytes, 3 * page_bytes});
  CHECK(ends_of({100, 10'000}, 8 << 20).size() == 7);  // whole rows, about a megabyte of them
  CHECK(ends_of({1'000'000}, 4 << 20).size() == 7);    // no budget for more
  CHECK(ends_of({1000}, 8 << 20).empty());
}

TEST_CASE("transform: an output may be an input") {
  const temp_folder folder;
  for (const order layout : {order::c, order::fortran}) {
    auto x = counting(folder / "x.npy", {3000, 100}, layout);
    npymap::transform(x, x, twice, {.budget_bytes = mib});
    bool is_twice = true;
    for (index_t i = 0; i < x.size(); ++i) is_twice = is_twice && x.data()[i] == 2.0 * double(i);
    CHECK(is_twice);
    for (const reading how : {reading::buffered, reading::direct}) {
      const double before = npymap::sum(x);
      const source same(folder / "x.npy", {.reading = how});
      npymap::transform(inputs(typed_source<double>(same)), outputs(x), twice,
                        {.budget_bytes = mib});
      CHECK(npymap::sum(x) == 2 * before);
    }
  }
  python("np.save(sys.argv[1], np.arange(1e5).astype('>f8'))", {folder / "b.npy"});
  const any_array b = npymap::open(folder / "b.npy", open_mode::read_write);
  npymap::transform(inputs(typed_source<double>(b)), outputs(typed_target<double>(b)), twice,
                    {.budget_bytes = 64 << 10});
  CHECK(npymap::sum<double>(b) == 99999.0 * 100000);
}

TEST_CASE("transform: an output that lies across an input or another output is refused") {
  const temp_folder folder;
  const auto y = npymap::create<double>(folder / "y.npy", {1000, 10});
  npymap::fill(y, 5.0);
  const auto copies = [](const npymap::view<const double>& from, const npymap::view<double>& to) {
    npymap::for_each([](double a, double& b) { b = a + 1; }, from, to);
  };
  const auto across = [&](const auto& from, const auto& to) {
    return code_of([&] { npymap::transform(npymap::inputs(from), npymap::outputs(to), copies); });
  };
  using npymap::_;
  using npymap::all;
  using npymap::range;
  CHECK(across(y(range(_, _, -1)), y) == errc::invalid_argument);
  CHECK(across(y(range(1, _)), y(range(_, 999))) == errc::invalid_argument);
  CHECK(across(npymap::open<double>(folder / "y.npy")(range(1, _)), y(range(_, 999))) ==
        errc::invalid_argument);
  CHECK(code_of([&] {
          npymap::transform(npymap::inputs(), npymap::outputs(y, y),
                            [](const npymap::view<double>&, const npymap::view<double>&) {});
        }) == errc::invalid_argument);
  CHECK(y(0, 0) == 5.0);
  // Apart, or in the very place: also through another map, and without one.
  CHECK(across(y(all, 1), y(all, 2)) == std::error_code());
  CHECK(across(npymap::open<double>(folder / "y.npy"), y) == std::error_code());
  CHECK(across(npymap::typed_source<double>(
                   npymap::source(folder / "y.npy", {.reading = npymap::reading::buffered})),
               y) == std::error_code());
  CHECK(y(0, 2) == 8.0);
}

TEST_CASE("transform: arrays of unequal shapes go by rows") {
  const temp_folder folder;
  const auto x = counting(folder / "x.npy", {700, 6, 5});
  const auto weight = counting(folder / "w.npy", {700}, order::fortran);
  for (const order layout : {order::c, order::fortran}) {
    for (const std::uint64_t budget : {std::uint64_t{2000}, std::uint64_t{20000}, mib}) {
      const auto y = npymap::create<double>(folder / "y.npy", {700, 2}, {.order = layout});
      const source rows(folder / "x.npy", {.reading = reading::buffered});
      npymap::transform(inputs(typed_source<double>(rows), weight), outputs(y),
                        [](const index_vector& start, const view<const double>& piece,
                           const view<const double>& w, const view<double>& out) {
                          for (index_t i = 0; i < piece.extent(0); ++i) {
                            double sum = 0;
                            npymap::for_each([&](double value) { sum += value; },
                                             piece(i, npymap::ellipsis));
                            out(i, 0) = sum * w(i);
                            out(i, 1) = double(start[0] + i);
                          }
                        },
                        {.budget_bytes = budget});
      bool right = true;
      for (index_t i = 0; i < 700; ++i) {
        const double sum = 30.0 * 30 * double(i) + 435;
        right = right && y(i, 0) == sum * double(i) && y(i, 1) == double(i);
      }
      CHECK(right);
    }
  }
  const auto other = counting(folder / "o.npy", {701, 2});
  const auto scalar = counting(folder / "s.npy", {});
  const auto nothing = [](const auto&...) {};
  CHECK(code_of([&] { npymap::for_each_piece(inputs(x, other), nothing); }) ==
        errc::layout_mismatch);
  CHECK(code_of([&] { npymap::for_each_piece(inputs(x, scalar), nothing); }) ==
        errc::layout_mismatch);
  CHECK_THAT(
      message_of([&] { npymap::for_each_piece(inputs(x(npymap::all, 0, 0), other), nothing); }),
      Catch::Contains("expected (701, 2), or as many rows, found (700,)"));
  CHECK(code_of([&] {
          npymap::for_each_piece(inputs(x, weight), nothing, {.budget_bytes = 500});
        }) == errc::invalid_argument);
}

TEST_CASE("transform: no elements are no work, and one element is enough") {
  const temp_folder folder;
  for (const npymap::shape& extents : {npymap::shape{0}, npymap::shape{3, 0, 2}, npymap::shape{}}) {
    const auto x = counting(folder / "x.npy", extents);
    const auto y = npymap::create<double>(folder / "y.npy", extents);
    npymap::fill(x, 4.0);
    int calls = 0;
    npymap::transform(inputs(x), outputs(y),
                      [&](const view<const double>& from, const view<double>& to) {
                        ++calls;
                        twice(from, to);
                      },
                      {.threads = 1});
    CHECK(calls == (extents.empty() ? 1 : 0));
    if (extents.empty()) CHECK(y() == 8);
  }
  const auto none = npymap::create<double>(folder / "none.npy", {5, 0});
  const auto rows = npymap::create<double>(folder / "rows.npy", {5});
  npymap::transform(inputs(none), outputs(rows),
                    [](const view<const double>& from, const view<double>& to) {
                      npymap::fill(to, double(from.extent(1)) + 1);
                    });
  CHECK(npymap::sum(rows) == 5);
}

TEST_CASE("transform: what cannot be written is refused before anything is") {
  const temp_folder folder;
  const auto x = counting(folder / "x.npy", {1000});
  const auto y = npymap::create<double>(folder / "y.npy", {1000});
  counting(folder / "r.npy", {1000}).close();
  const any_array read_only = npymap::open(folder / "r.npy");
  const any_array integers(npymap::create<std::int32_t>(folder / "i.npy", {1000}));
  const auto both = [&](const any_array& other) {
    return code_of([&] {
      npymap::transform(inputs(x), outputs(y, typed_target<double>(other)),
                        [](const view<const double>& from, const view<double>& to,
                           const view<double>&) { npymap::fill(to, from(0) + 1); });
    });
  };
  CHECK(both(read_only) == errc::read_only);
  CHECK(both(integers) == errc::dtype_mismatch);
  CHECK(both(any_array(counting(folder / "z.npy", {999}))) == errc::layout_mismatch);
  CHECK(npymap::sum(y) == 0);
}

TEST_CASE("transform: what a lambda throws stops the work and arrives") {
  const temp_folder folder;
  const auto x = npymap::create<double>(folder / "x.npy", {1 << 22});
  const auto y = npymap::create<double>(folder / "y.npy", {1 << 22});
  std::atomic<int> calls = 0;
  const auto fail = [&](int threads) {
    calls = 0;
    npymap::transform(inputs(x), outputs(y),
                      [&](const view<const double>&, const view<double>&) {
                        if (++calls == 3) throw std::runtime_error("enough");
                      },
                      {.threads = threads});
  };
  CHECK_THROWS_WITH(fail(1), "enough");
  CHECK(calls == 3);
  CHECK_THROWS_WITH(fail(2), "enough");
  CHECK(calls < 16);
}

TEST_CASE("pass: a stop that is asked for ends it soon") {
  const temp_folder folder;
  const auto x = npymap::create<double>(folder / "x.npy", {1 << 22});
  for (const reading how : {reading::mapped, reading::buffered}) {
    const source from(folder / "x.npy", {.reading = how});
    std::stop_source stopper;
    std::atomic<int> calls = 0;
    const auto pass = [&] {
      npymap::for_each_piece<double>(from,
                                     [&](const view<const double>&) {
                                       ++calls;
                                       stopper.request_stop();
                                     },
                                     {.budget_bytes = 8 * mib, .stop = stopper.get_token()});
    };
    CHECK(code_of(pass) == errc::stopped);
    CHECK(calls <= 8);
    calls = 0;
    CHECK(code_of(pass) == errc::stopped);
    CHECK(calls == 0);
  }
}

TEST_CASE("pass: progress grows, is told by one thread at a time, and ends with all") {
  const temp_folder folder;
  const auto x = npymap::create<double>(folder / "x.npy", {1 << 21});
  const auto rows = npymap::create<float>(folder / "rows.npy", {1 << 21, 1});
  for (int round = 0; round < 20; ++round) {
    std::atomic<int> inside = 0, together = 0, calls = 0;
    std::uint64_t last = 0;
    bool grows = true;
    const auto tell = [&](const pass_progress& now) {
      together += ++inside > 1;
      grows = grows && now.done_bytes > last && now.total_bytes == (12u << 21);
      last = now.done_bytes;
      ++calls;
      --inside;
    };
    npymap::for_each_piece(inputs(x, rows),
                           [](const view<const double>&, const view<const float>&) {},
                           {.budget_bytes = mib, .progress = tell});
    CHECK(together == 0);
    CHECK(grows);
    CHECK(last == 12u << 21);
    CHECK(calls > 2);
  }
  const auto fail = [&](const pass_progress&) { throw std::runtime_error("seen enough"); };
  CHECK_THROWS_WITH(npymap::sum(x, {.progress = fail}), "seen enough");
  int calls = 0;
  npymap::sum(npymap::create<double>(folder / "none.npy", {0}),
              {.progress = [&](const pass_progress& now) { calls += now.total_bytes == 0; }});
  CHECK(calls == 1);
}

TEST_CASE("reduce: of two arrays in step has the same bits for any number of threads") {
  const temp_folder folder;
  const auto x = counting(folder / "x.npy", {1 << 20});
  npymap::transform(x, x, [](const view<const double>& from, const view<double>& to) {
    npymap::for_each([](double a, double& b) { b = std::sin(a) * 1e3; }, from, to);
  });
  python("a = np.load(sys.argv[1]); np.save(sys.argv[2], a[::-1].astype('>f4'))",
         {folder / "x.npy", folder / "y.npy"});
  const source y(folder / "y.npy", {.reading = reading::direct});
  const auto dot = [&](int threads) {
    return npymap::reduce(
        inputs(x, typed_source<double>(y)), 0.0,
        [](const view<const double>& a, const view<const double>& b) {
          double sum = 0;
          npymap::for_each([&](double p, double q) { sum += p * q; }, a, b);
          return sum;
        },
        [](double a, double b) { return a + b; }, {.budget_bytes = 4 * mib, .threads = threads});
  };
  const double one = dot(1);
  CHECK(one != 0);
  for (int i = 0; i < 5; ++i) CHECK(dot(2) == one);
}

TEST_CASE("pass: a lambda that waits for parallel work of its own keeps its piece") {
  const temp_folder folder;
  python("np.save(sys.argv[1], np.arange(4e6).astype('>f8'))", {folder / "x.npy"});
  std::atomic<int> spoilt = 0;
  npymap::for_each_piece<double>(npymap::open(folder / "x.npy"),
                                 [&](const index_vector& start, const view<const double>& piece) {
                                   tbb::task_group work;
                                   std::jthread elsewhere([task = work.defer([] {})]() mutable {
                                     std::this_thread::sleep_for(std::chrono::milliseconds(1));
                                     task = {};
                                   });
                                   work.wait();  // oneTBB looks for other work meanwhile
                                   spoilt += piece(0) != double(start[0]);
                                 },
                                 {.budget_bytes = 64 * mib});
  CHECK(spoilt == 0);
}

TEST_CASE("pass: arrays of different orders are read in step, and cut short are errors") {
  const temp_folder folder;
  const npymap::shape extents{1 << 13, 1 << 5};
  counting(folder / "x.npy", extents).close();
  python("np.save(sys.argv[1], np.asfortranarray(np.load(sys.argv[2])))",
         {folder / "y.npy", folder / "x.npy"});
  const auto x = npymap::open<double>(folder / "x.npy");
  const auto y = npymap::open<double>(folder / "y.npy");
  const auto both = [](bool a, bool b) { return a && b; };
  const auto same = [&](const view<const double>& a, const view<const double>& b) {
    return npymap::equal(a, b);
  };
  const pass_options options{.budget_bytes = 256 << 10};
  CHECK(npymap::reduce(inputs(x, y), true, same, both, options));
  CHECK(npymap::reduce(inputs(y, x), true, same, both, options));
  REQUIRE(::truncate((folder / "y.npy").c_str(), 1 << 20) == 0);
  CHECK(code_of([&] { npymap::reduce(inputs(x, y), true, same, both, options); }) ==
        errc::truncated);
}

TEST_CASE("transform: a full disk is an error, not a SIGBUS") {
  if (!npymap_test::can_mount()) NPYMAP_SKIP("needs mounts");
  const npymap_test::tmpfs disk("size=8m");
  const temp_folder folder;
  const auto x = npymap::create<double>(folder / "x.npy", {1 << 21});  // 16 MiB
  const auto y =
      npymap::create<double>(disk / "y.npy", {1 << 21}, {.space = npymap::space::sparse});
  const auto write = [&] { npymap::transform(x, y, twice); };
  CHECK(code_of(write) == std::error_code(ENOSPC, std::system_category()));
  CHECK_THAT(message_of(write), Catch::Contains(disk / "y.npy"));
}

TEST_CASE("transform: files eight times as large as all memory are read and written") {
  if (!npymap_test::have_memory_cgroups()) NPYMAP_SKIP("no memory cgroup");
  const temp_folder folder;
  const npymap::shape extents{1 << 14, 1 << 10};  // 128 MiB each
  npymap::create<double>(folder / "x.npy", extents).close();
  npymap::create<double>(folder / "y.npy", extents).close();
  const auto run = npymap_test::within_memory(48 * mib, [&] {
    const auto x = npymap::open<double>(folder / "x.npy");
    const auto y = npymap::open<double, open_mode::read_write>(folder / "y.npy");
    const source z = npymap::concatenate({folder / "x.npy"}, {.reading = reading::direct});
    npymap::transform(
        inputs(x, typed_source<double>(z)), outputs(y),
        [](const view<const double>& a, const view<const double>& b, const view<double>& c) {
          npymap::for_each([](double p, double q, double& r) { r = p + q + 1; }, a, b, c);
        },
        {.budget_bytes = 24 * mib});
    return npymap::sum(y, {.budget_bytes = 24 * mib}) == 1 << 24 ? 0 : 1;
  });
  CHECK(run.status == 0);
  CHECK(run.peak_bytes <= 48 * mib);
}
