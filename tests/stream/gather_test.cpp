#include <npymap/gather.hpp>

#include <unistd.h>

#include <cerrno>
#include <random>
#include <stop_token>
#include <string>
#include <vector>

#include <npymap/convert.hpp>
#include <npymap/eigen.hpp>
#include <npymap/error.hpp>

#include "io/faults.hpp"
#include "support/catch.hpp"
#include "support/failure.hpp"
#include "support/memory_cgroup.hpp"
#include "support/python.hpp"
#include "support/skip.hpp"
#include "support/temp_folder.hpp"

using npymap::any_array;
using npymap::errc;
using npymap::gather;
using npymap::index_t;
using npymap::open_mode;
using npymap::order;
using npymap::pass_options;
using npymap::range;
using npymap_test::call;
using npymap_test::code_of;
using npymap_test::faults;
using npymap_test::message_of;
using npymap_test::temp_folder;

namespace {

using row_list = std::vector<index_t>;

struct particle {
  double mass;
  std::int32_t count;
};
NPYMAP_RECORD(particle, mass, count);

constexpr std::uint64_t mib = std::uint64_t{1} << 20;

npymap::array<double> counting(const std::string& path, const npymap::shape& extents,
                               order layout = order::c) {
  auto x = npymap::create<double>(path, extents, {.order = layout});
  for (index_t i = 0; i < x.size(); ++i) x.data()[i] = double(i);
  return x;
}

/// Rows taken the slow way.
template <class T>
void check_rows(const npymap::view<const T>& got, const npymap::view<const T>& x,
                const row_list& rows) {
  REQUIRE(got.extent(0) == static_cast<index_t>(rows.size()));
  for (std::size_t i = 0; i < rows.size(); ++i) {
    CHECK(npymap::equal(got(static_cast<index_t>(i), npymap::ellipsis),
                        x(rows[i], npymap::ellipsis)));
  }
}

row_list random_rows(index_t count, std::size_t wanted) {
  std::mt19937_64 random(npymap_test::random_seed());
  row_list rows(wanted);
  for (index_t& row : rows) {
    row = static_cast<index_t>(random() % static_cast<std::uint64_t>(2 * count)) - count;
  }
  return rows;
}

}  // namespace

TEST_CASE("gather: any rows of any array are those of NumPy") {
  const temp_folder folder;
  std::mt19937_64 random(npymap_test::random_seed());
  for (int i = 0; i < 150; ++i) {
    const std::string slice = npymap_test::python(
        R"(
r = np.random.default_rng(int(sys.argv[4]))
shape = tuple(r.integers(0, 9, r.integers(1, 4))) if r.random() < .5 else (r.integers(1, 300), r.integers(1, 600))
dtype = r.choice(['f8', '>f8', 'f4', 'i2', '>i4', 'u1', '?', '>f2'])
if r.random() < .2: dtype = [('c', 'i1'), ('x', dtype)]
x = np.zeros(shape, dtype, order=r.choice(['C', 'F']))
v = x['x'] if x.dtype.names else x
v[...] = r.integers(0, 120, shape)
slices = [r.choice([':', '::-1', '::2', '1:', '::-3', ':5']) for _ in shape]
text = ','.join(slices) if r.random() < .5 else ':'
y = eval('v[' + text + ']')
n = y.shape[0]
rows = r.integers(-n, n, r.integers(0, 60) if r.random() < .5 else r.integers(0, 600)) if n else np.zeros(0, int)
if r.random() < .2: rows.sort()
np.save(sys.argv[1], x); np.save(sys.argv[2], rows.astype('i8')); np.save(sys.argv[3], y[rows].astype('f8'))
print(text, end='')
)",
        {folder / "x.npy", folder / "rows.npy", folder / "wanted.npy", std::to_string(random())});
    INFO("case " << i << ", slice " << slice);
    const auto mode =
        std::vector{open_mode::read, open_mode::copy_on_write, open_mode::read_write}[random() % 3];
    any_array x =
        random() % 5 == 0 ? npymap::load(folder / "x.npy") : npymap::open(folder / "x.npy", mode);
    if (!x.fields().empty()) x = x.field("x");
    x = x.slice(slice);
    const auto rows = npymap::load<index_t>(folder / "rows.npy");
    const auto wanted = npymap::load<double>(folder / "wanted.npy");
    const pass_options options{.budget_bytes = std::uint64_t{1} << random() % 28};
    faults system;
    if (random() % 2 == 0) system.always(call::read_cached, EAGAIN);  // as on a cold disk
    const auto got = gather<double>(x, rows.span(), options);
    REQUIRE(got.is_c_contiguous());
    REQUIRE(npymap::equal(got, wanted));
    // And into memory of any strides, of another type.
    auto out = npymap::convert<float>(wanted).transpose();
    npymap::fill(out, -1.0f);
    gather(x, rows.span(), out.transpose(), options);
    REQUIRE(npymap::equal(npymap::convert<double>(out.transpose()), wanted));
  }
}

TEST_CASE("gather: rows far apart, rows side by side, and one row many times") {
  const temp_folder folder;
  const auto x = counting(folder / "x.npy", {4000, 512});  // 4 KiB each
  for (const bool cold : {false, true}) {
    for (const std::uint64_t budget : {std::uint64_t{1}, mib / 16, 256 * mib}) {
      for (const int threads : {1, 2}) {
        faults system;
        if (cold) system.always(call::read_cached, EAGAIN);
        const pass_options options{.budget_bytes = budget, .threads = threads};
        for (const row_list& rows :
             {random_rows(4000, 300), row_list{7}, row_list(2000, 3), row_list{-1, -4000, 0, 3999},
              row_list{10, 11, 12, 13, 14, 12, 11, 600, 601}}) {
          const auto y = gather(x, rows, options);
          CHECK(y.shape() == npymap::shape{rows.size(), 512});
          check_rows<double>(y, x, rows);
        }
      }
    }
  }
}

TEST_CASE("gather: rows longer than one read, in both orders") {
  const temp_folder folder;
  for (const order layout : {order::c, order::fortran}) {
    const auto x = counting(folder / "x.npy", {5, 3, 100000}, layout);
    const row_list rows{4, 0, 4, -2};
    check_rows<double>(gather(x, rows), x, rows);
    check_rows<double>(gather(x, rows, {.budget_bytes = 1 << 16}), x, rows);
    const auto back = x.flip(2).swapaxes(1, 2);
    check_rows<double>(gather(back, rows, {.budget_bytes = 1 << 20}), back, rows);
  }
}

TEST_CASE("gather: along another axis") {
  const temp_folder folder;
  const auto x = counting(folder / "x.npy", {30, 20});
  const row_list columns{19, 3, 3};
  const auto y = gather(x.moveaxis(1, 0), columns);
  CHECK(y.shape() == npymap::shape{3, 30});
  CHECK(y(1, 7) == x(7, 3));
}

TEST_CASE("gather: records, and numbers that stay as they are stored") {
  const temp_folder folder;
  npymap_test::python(R"(
a = np.zeros(1000, [('mass', 'f8'), ('count', 'i4')])
a['mass'] = np.arange(1000); a['count'] = -np.arange(1000)
np.save(sys.argv[1], a)
np.save(sys.argv[2], np.arange(1000, dtype='>f8'))
)",
                      {folder / "records.npy", folder / "big.npy"});
  // The file has no padding, the struct has: fields go by name.
  const any_array records = npymap::open(folder / "records.npy");
  const auto got = gather<particle>(records, row_list{999, -1000, 5});
  CHECK(got(0).mass == 999);
  CHECK(got(1).mass == 0);
  CHECK(got(2).count == -5);
  using big = npymap::stored<double, npymap::byte_order::big>;
  const auto stored = npymap::open<big>(folder / "big.npy");
  CHECK(gather(stored, row_list{7})(0) == 7.0);
}

TEST_CASE("gather: a row-major matrix of Eigen gets its rows without another copy") {
  const temp_folder folder;
  const auto x = counting(folder / "x.npy", {1000, 16});
  const row_list rows{999, 5, -1000, 5};
  Eigen::Matrix<double, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor> m(4, 16);
  gather(x, rows, npymap::as_view(m));
  check_rows<double>(npymap::as_view(m), x, rows);
  Eigen::MatrixXf columns(4, 16);  // column-major, and of another type
  gather(npymap::open(folder / "x.npy"), rows, npymap::as_view(columns));
  CHECK(columns.cast<double>() == m);
}

TEST_CASE("gather: in mode c rows have the edits, which the file has not") {
  const temp_folder folder;
  counting(folder / "x.npy", {4000, 512}).close();
  const auto x = npymap::open<double, open_mode::copy_on_write>(folder / "x.npy");
  x(17, 3) = -1;
  x(3999, 0) = -2;
  const row_list rows{3999, 1, 17};
  for (const std::uint64_t budget : {std::uint64_t{1}, 64 * mib}) {
    check_rows<double>(gather(x, rows, {.budget_bytes = budget}), x, rows);
  }
  CHECK(gather(x, rows, {.budget_bytes = 1})(2, 3) == -1);
}

TEST_CASE("gather: what is written through a shared map is seen at once") {
  const temp_folder folder;
  const auto x = counting(folder / "x.npy", {4000, 512});
  x(40, 1) = -3;
  CHECK(gather(x, row_list{40, 3000}, {.budget_bytes = 1})(0, 1) == -3);
}

TEST_CASE("gather: a row outside is an error before anything is read") {
  const temp_folder folder;
  const auto x = counting(folder / "x.npy", {10, 4});
  double untouched[2][4] = {};
  const npymap::view<double> out(&untouched[0][0], {2, 4});
  for (const index_t row : {index_t{10}, index_t{-11}, INT64_MAX, INT64_MIN}) {
    CHECK(code_of([&] { gather(x, row_list{3, row}, out); }) == errc::out_of_range);
  }
  CHECK(untouched[0][0] == 0);
  CHECK_THAT(message_of([&] {
               gather(x, row_list{3, 10});
             }),
             Catch::Contains("row 1 of those to gather: expected -10 to 9, found 10"));
  const auto none = npymap::create<double>(folder / "none.npy", {0, 4});
  CHECK(code_of([&] { gather(none, row_list{0}); }) == errc::out_of_range);
  CHECK(gather(none, row_list{}).shape() == npymap::shape{0, 4});
}

TEST_CASE("gather: rows without bytes have only a shape") {
  const temp_folder folder;
  const auto x = npymap::create<double>(folder / "x.npy", {10, 0, 3});
  CHECK(gather(x, row_list{9, -1, 0}).shape() == npymap::shape{3, 0, 3});
  CHECK(code_of([&] { gather(x, row_list{10}); }) == errc::out_of_range);
  CHECK(gather(x, row_list{}).shape() == npymap::shape{0, 0, 3});
}

TEST_CASE("gather: arguments without sense are refused") {
  const temp_folder folder;
  const auto x = counting(folder / "x.npy", {10, 4});
  const auto scalar = npymap::create<double>(folder / "scalar.npy", {});
  CHECK(code_of([&] { gather(scalar, row_list{0}); }) == errc::layout_mismatch);
  CHECK(code_of([&] { gather(x, row_list{0}, {.threads = 0}); }) == errc::invalid_argument);
  CHECK(code_of([&] { gather<int>(npymap::open(folder / "x.npy"), row_list{0}); }) ==
        errc::dtype_mismatch);
  std::vector<double> memory(100);
  const npymap::view<double> wrong(memory.data(), {2, 3});
  CHECK_THAT(message_of([&] {
               gather(x, row_list{0, 1}, wrong);
             }),
             Catch::Contains("expected (2, 4), found (2, 3)"));
}

TEST_CASE("gather: a file cut short meanwhile is an error, in every mode") {
  const temp_folder folder;
  for (const open_mode mode : {open_mode::read, open_mode::read_write, open_mode::copy_on_write}) {
    for (const std::uint64_t budget : {std::uint64_t{1}, 64 * mib}) {
      counting(folder / "x.npy", {4000, 512}).close();
      const any_array x = npymap::open(folder / "x.npy", mode);
      REQUIRE(::truncate((folder / "x.npy").c_str(), 1 << 20) == 0);
      CHECK(code_of([&] {
              gather<double>(x, row_list{3999, 1}, {.budget_bytes = budget});
            }) == errc::truncated);
    }
  }
}

TEST_CASE("gather: a disk that fails is an error, whichever thread met it") {
  const temp_folder folder;
  const auto x = counting(folder / "x.npy", {4000, 512});
  faults system;
  system.always(call::read_cached, EAGAIN);
  system.always(call::read, EIO);
  const auto read = [&] { gather(x, random_rows(4000, 500), {.budget_bytes = 1}); };
  CHECK(code_of(read) == std::error_code(EIO, std::system_category()));
}

TEST_CASE("gather: where the system cannot tell what is in memory, rows are read all the same") {
  const temp_folder folder;
  const auto x = counting(folder / "x.npy", {4000, 512});
  faults system;
  system.always(call::read_cached, EOPNOTSUPP);
  system.always(call::read_ahead, EINVAL);
  const row_list rows = random_rows(4000, 500);
  check_rows<double>(gather(x, rows, {.budget_bytes = 1}), x, rows);
}

TEST_CASE("gather: progress reaches the whole, and a stop ends the pass") {
  const temp_folder folder;
  const auto x = counting(folder / "x.npy", {4000, 512});
  const row_list rows = random_rows(4000, 50000);
  std::uint64_t done = 0, total = 0;
  int calls = 0;
  const auto note = [&](const npymap::pass_progress& now) {
    CHECK(now.done_bytes > done);
    done = now.done_bytes;
    total = now.total_bytes;
    ++calls;
  };
  gather(x, rows, {.progress = note});
  CHECK(done == rows.size() * 4096);
  CHECK(total == done);
  CHECK(calls > 1);
  std::stop_source stop;
  stop.request_stop();
  for (const std::uint64_t budget : {std::uint64_t{1}, 64 * mib}) {
    CHECK(code_of([&] { gather(x, rows, {.budget_bytes = budget, .stop = stop.get_token()}); }) ==
          errc::stopped);
  }
}

TEST_CASE("gather: rows of a file eight times as large as all memory are had") {
  if (!npymap_test::have_memory_cgroups()) NPYMAP_SKIP("no memory cgroup");
  const temp_folder folder;
  npymap::create<double>(folder / "x.npy", {1 << 17, 512}).close();  // 512 MiB
  const auto run = npymap_test::within_memory(64 * mib, [&] {
    const auto x = npymap::open<double>(folder / "x.npy");
    std::vector<double> memory(2000 * 512);  // 8 MiB
    const npymap::view<double> out(memory.data(), {2000, 512});
    for (int i = 0; i < 20; ++i) {
      gather(x, random_rows(1 << 17, 2000), out, {.budget_bytes = 32 * mib});
    }
    return 0;
  });
  CHECK(run.status == 0);
}
