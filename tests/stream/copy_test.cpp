#include <npymap/copy.hpp>

#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <filesystem>
#include <random>
#include <string>
#include <vector>

#include <npymap/error.hpp>
#include <npymap/npymap.hpp>

#include "io/faults.hpp"
#include "io/mounts.hpp"
#include "stream/copy/overlap.hpp"
#include "support/catch.hpp"
#include "support/counting.hpp"
#include "support/failure.hpp"
#include "support/memory_cgroup.hpp"
#include "support/process.hpp"
#include "support/python.hpp"
#include "support/skip.hpp"
#include "support/temp_folder.hpp"

using npymap::any_array;
using npymap::casting;
using npymap::errc;
using npymap::index_t;
using npymap::open_mode;
using npymap::order;
using npymap::pass_options;
using npymap_test::code_of;
using npymap_test::counting;
using npymap_test::python;
using npymap_test::read_file;
using npymap_test::temp_folder;

namespace {

constexpr std::uint64_t mib = std::uint64_t{1} << 20;

std::size_t files_in(const std::filesystem::path& folder) {
  const std::filesystem::directory_iterator all(folder);
  return static_cast<std::size_t>(std::distance(begin(all), end(all)));
}

}  // namespace

TEST_CASE("copy: any layout and dtype into any other, as NumPy, at random") {
  REQUIRE(npymap_test::have_numpy());
  const temp_folder folder;
  // Each case: what to open and how to look at it; what must come out, as a file and in part of
  // one.
  const std::string told = python(R"(
os.chdir(sys.argv[1])
rng = np.random.default_rng(int(sys.argv[2]))
types = [['i2', '>i4', 'i8', '>f4', 'f8', '>c16'], ['>u2', 'u8', '>f8'], ['S3', 'S7'], ['>U2', 'U5'],
         ['M8[s]', '>M8[ms]'],
         [[('a', 'i1'), ('b', '>f8', 2)], [('b', 'f4', 2), ('c', 'i2'), ('a', 'i4')]][:1]]
for i in range(150):
    kind = types[min(rng.integers(0, 10), 5)]
    n = rng.integers(0, len(kind))
    start, to = np.dtype(kind[n]), np.dtype(kind[rng.integers(n, len(kind))])
    shape = tuple(int(e) for e in rng.integers(0 if i % 10 == 0 else 1, [0, 3000, 80, 24, 12][i % 5],
                                               i % 5)) if i % 5 else ()
    size = int(np.prod(shape))
    a = np.frombuffer(rng.integers(32, 127, size * start.itemsize, 'u1').tobytes(), start)
    if start.kind == 'U': a = np.array([chr(65 + k % 26) * (k % 3) for k in range(size)], start)
    if start.kind == 'M': a = rng.integers(0, 10**9, size).astype('i8').view('M8[s]').astype(start)
    a = a.reshape(shape)
    if rng.integers(0, 2): a = np.asfortranarray(a) if a.ndim else a
    np.save(f'{i}.in', a)
    with open(f'{i}.in.npy', 'wb') as f: np.save(f, a)
    steps = [(int(rng.integers(0, 3)), int(rng.choice([1, 1, 2, 3, -1, -2]))) for _ in shape]
    text = ', '.join(f'{first}::{step}' if step > 0 else f'::{step}' for first, step in steps)
    axes = [int(k) for k in rng.permutation(a.ndim)]
    b = (eval(f'a[{text}]') if shape else a).transpose(axes)
    order = 'CF'[rng.integers(0, 2)]
    c = b.astype(to)
    with open(f'{i}.out.npy', 'wb') as f: np.save(f, np.asarray(c, order=order) if c.ndim else c)
    # A part of a larger file, which must stay as it is around that part.
    room = tuple(2 * e + 1 for e in c.shape)
    into = np.full(room, np.zeros((), to), to, order=order)
    np.save(f'{i}.room', into)
    into[tuple(slice(1, 2 * e + 1, 2) if k % 2 == i % 2 else slice(1, e + 1)
               for k, e in enumerate(c.shape))] = c
    np.save(f'{i}.full', into)
    print(f'{text or "..."};{",".join(map(str, axes))};{order};{int(rng.integers(6, 13))}')
)",
                                  {folder.path(), std::to_string(npymap_test::random_seed())});
  std::istringstream cases(told);
  std::string line;
  for (int i = 0; std::getline(cases, line); ++i) {
    std::vector<std::string> parts{""};
    for (const char c : line) c == ';' ? void(parts.emplace_back()) : parts.back().push_back(c);
    const std::string name = folder / std::to_string(i);
    npymap::index_vector axes;
    std::istringstream numbers(parts[1]);
    for (std::string axis; std::getline(numbers, axis, ',');) axes.push_back(std::stoll(axis));
    const any_array from = npymap::open(name + ".in.npy").slice(parts[0]).permute(axes);
    const any_array wanted = npymap::open(name + ".out.npy");
    pass_options options{.budget_bytes = std::uint64_t{1} << std::stoi(parts[3])};
    if (i % 3 == 0) options.budget_bytes = 16 * mib;
    INFO("case " << i << ": " << line);
    const auto attempt = [&](const auto& copying) {
      try {
        copying();
      } catch (const npymap::error& e) {
        if (e.code() != errc::invalid_argument) throw;
        const std::string least = e.expected();  // "at least N": which must do, and no less
        options.budget_bytes = std::stoull(least.substr(least.find_first_of("0123456789"))) - 1;
        CHECK(code_of(copying) == errc::invalid_argument);
        ++options.budget_bytes;
        copying();
      }
    };
    attempt([&] {
      npymap::save_as(name + ".npy", from,
                      {.order = parts[2] == "C" ? order::c : order::fortran,
                       .dtype = wanted.dtype(),
                       .casting = casting::unsafe},
                      options);
    });
    CHECK(read_file(name + ".npy") == read_file(name + ".out.npy"));
    any_array room = npymap::open(name + ".room.npy", open_mode::read_write);
    std::vector<npymap::slice_item> place;
    for (int axis = 0; axis < from.rank(); ++axis) {
      const index_t extent = from.extent(axis);
      place.emplace_back(axis % 2 == i % 2 ? npymap::range(1, 2 * extent + 1, 2)
                                           : npymap::range(1, extent + 1));
    }
    attempt([&] { npymap::copy(from, room.slice(place), casting::unsafe, options); });
    room.close();
    CHECK(read_file(name + ".room.npy") == read_file(name + ".full.npy"));
  }
  CHECK(files_in(folder.path()) == 5 * 150);
}

TEST_CASE("copy: threads and tiles of megabytes change nothing") {
  const temp_folder folder;
  const auto x = counting(folder / "x.npy", {700, 40, 130});  // 28 MiB
  const any_array from = npymap::open(folder / "x.npy");
  for (const int threads : {1, 2}) {
    const pass_options options{.budget_bytes = 8 * mib, .threads = threads};
    npymap::save_as(folder / "y.npy", from, {.order = order::fortran}, options);
    const auto y = npymap::open<double>(folder / "y.npy");
    CHECK(y.is_f_contiguous());
    CHECK(npymap::equal(x, y));
    const any_array z = npymap::create(folder / "z.npy", npymap::dtype_of<float>(), {130, 700, 40});
    npymap::copy(from, z.permute({1, 2, 0}), casting::same_kind, options);
    CHECK(npymap::equal(x, npymap::convert<double>(z.permute({1, 2, 0}))));
  }
}

TEST_CASE("copy: a file is saved over itself in another order") {
  const temp_folder folder;
  const auto x = counting(folder / "x.npy", {300, 500});
  const auto before = npymap::convert<double>(x);
  npymap::save_as(folder / "x.npy", npymap::open(folder / "x.npy"), {.order = order::fortran},
                  {.budget_bytes = 64 << 10});
  const auto after = npymap::open<double>(folder / "x.npy");
  CHECK(after.is_f_contiguous());
  CHECK(npymap::equal(before, after));
  CHECK(npymap::equal(before, x));  // whoever has the old file keeps it
  CHECK(files_in(folder.path()) == 1);
}

TEST_CASE("copy: progress ends at the total, and never falls") {
  const temp_folder folder;
  counting(folder / "x.npy", {512, 512}).close();
  const any_array x = npymap::open(folder / "x.npy");
  const any_array y = npymap::create(folder / "y.npy", npymap::dtype_of<double>(), {512, 512});
  std::vector<npymap::pass_progress> seen;
  const pass_options options{.budget_bytes = 256 << 10,
                             .progress = [&](const auto& now) { seen.push_back(now); }};
  const auto check = [&](std::size_t least) {
    CHECK(seen.size() >= least);
    std::uint64_t before = 0;
    for (const auto& now : seen) {
      CHECK(now.total_bytes == 2 * mib);
      CHECK(now.done_bytes >= std::exchange(before, now.done_bytes));
    }
    CHECK(before == 2 * mib);
    seen.clear();
  };
  npymap::save_as(folder / "z.npy", x, {.order = order::fortran}, options);
  check(8);
  npymap::copy(x, y.transpose(), casting::same_kind, options);
  check(8);
  npymap::copy(x, npymap::convert(y, y.dtype()));
  npymap::copy(x, y, casting::same_kind, {.progress = options.progress});
  check(1);
}

TEST_CASE("copy: a stop, and what a callback throws, leave the old file and no other") {
  const temp_folder folder;
  counting(folder / "x.npy", {512, 512}).close();
  npymap_test::write_file(folder / "y.npy", "old");
  const any_array x = npymap::open(folder / "x.npy");
  std::stop_source source;
  const pass_options options{.budget_bytes = 256 << 10,
                             .progress = [&](const auto&) { source.request_stop(); },
                             .stop = source.get_token()};
  const npymap::save_as_options fortran{.order = order::fortran};
  CHECK(code_of([&] { npymap::save_as(folder / "y.npy", x, fortran, options); }) == errc::stopped);
  CHECK(code_of([&] { npymap::save_as(folder / "z.npy", x, {}, options); }) == errc::stopped);
  CHECK(code_of([&] { npymap::copy(x, npymap::convert(x, x.dtype()), {}, options); }) ==
        errc::stopped);
  CHECK_THROWS_WITH(
      npymap::save_as(folder / "y.npy", x, fortran,
                      {.progress = [](const auto&) { throw std::runtime_error("enough"); }}),
      "enough");
  CHECK(read_file(folder / "y.npy") == "old");
  CHECK(files_in(folder.path()) == 2);
}

TEST_CASE("copy: a disk that is full, or breaks, leaves the old file and no other") {
  const temp_folder folder;
  counting(folder / "x.npy", {512, 512}).close();
  const any_array x = npymap::open(folder / "x.npy");
  const npymap::save_as_options fortran{.order = order::fortran};
  const pass_options options{.budget_bytes = 256 << 10};
  npymap_test::write_file(folder / "y.npy", "old");
  for (const int nth : {2, 100}) {
    const npymap_test::faults broken(npymap_test::call::write, nth, EIO, 1 << 20);
    CHECK(code_of([&] { npymap::save_as(folder / "y.npy", x, fortran, options); }) ==
          std::errc::io_error);
  }
  CHECK(read_file(folder / "y.npy") == "old");
  CHECK(files_in(folder.path()) == 2);
  if (!npymap_test::can_mount()) NPYMAP_SKIP("may not mount");
  const npymap_test::tmpfs small("size=1m");
  npymap_test::write_file(small / "y.npy", "old");
  CHECK(code_of([&] { npymap::save_as(small / "y.npy", x, fortran, options); }) ==
        std::errc::no_space_on_device);
  CHECK(read_file(small / "y.npy") == "old");
  CHECK(files_in(small.path()) == 1);
}

TEST_CASE("copy: a full disk under a sparse file is an error, not a bus error") {
  if (!npymap_test::can_mount()) NPYMAP_SKIP("may not mount");
  const temp_folder folder;
  counting(folder / "x.npy", {512, 512}).close();
  const npymap_test::tmpfs small("size=1m");
  const any_array y = npymap::create(small / "y.npy", npymap::dtype_of<double>(), {512, 512},
                                     {.order = order::fortran, .space = npymap::space::sparse});
  CHECK(code_of([&] {
          npymap::copy(npymap::open(folder / "x.npy"), y, {}, {.budget_bytes = 256 << 10});
        }) == std::errc::no_space_on_device);
}

TEST_CASE("copy: what cannot be, is an error, and nothing is written") {
  const temp_folder folder;
  auto x = counting(folder / "x.npy", {200, 100});
  const any_array from = npymap::open(folder / "x.npy");
  const any_array to = npymap::create(folder / "y.npy", npymap::dtype_of<int>(), {200, 100});
  const pass_options small{.budget_bytes = 4096};
  CHECK(code_of([&] { npymap::copy(to, from, casting::unsafe, small); }) == errc::read_only);
  CHECK(code_of([&] { npymap::copy(from, to.transpose(), casting::unsafe, small); }) ==
        errc::layout_mismatch);
  CHECK(code_of([&] { npymap::copy(from, to, casting::same_kind, small); }) ==
        errc::dtype_mismatch);
  CHECK(code_of([&] { npymap::save_as(folder / "z.npy", from, {.dtype = to.dtype()}); }) ==
        errc::dtype_mismatch);
  CHECK(code_of([&] { npymap::copy(from, to, casting::unsafe, {.budget_bytes = 1}); }) ==
        errc::invalid_argument);
  CHECK(code_of([&] { npymap::save_as(folder / "no/z.npy", from); }) ==
        std::errc::no_such_file_or_directory);
  const any_array none = from.slice(":0");
  for (const any_array& each : {from, none}) {
    CHECK(code_of([&] { npymap::save_as(folder / "z.npy", each, {}, {.threads = 0}); }) ==
          errc::invalid_argument);
  }
  REQUIRE(::truncate((folder / "x.npy").c_str(), 8192) == 0);
  CHECK(code_of([&] { npymap::save_as(folder / "z.npy", from, {}, small); }) == errc::truncated);
  CHECK(npymap::equal(to.as<const int>(), npymap::convert<int>(npymap::open(folder / "y.npy"))));
  CHECK(to.as<const int>()(199, 99) == 0);
  CHECK(files_in(folder.path()) == 2);
}

TEST_CASE("copy: no elements, and one without axes") {
  const temp_folder folder;
  python(
      "np.save(sys.argv[1], np.zeros((3, 0, 2), '>f4')); np.save(sys.argv[2], np.array(5, '>u2'));"
      "np.save(sys.argv[3], np.zeros((2, 3), 'V0'))",
      {folder / "none.npy", folder / "one.npy", folder / "void.npy"});
  for (const std::string name : {"none.npy", "one.npy", "void.npy"}) {
    const any_array x = npymap::open(folder / name);
    int calls = 0;
    npymap::save_as(folder / "y.npy", x, {}, {.budget_bytes = 64, .progress = [&](const auto& now) {
                                                ++calls;
                                                CHECK(now.done_bytes == now.total_bytes);
                                              }});
    CHECK(calls == 1);
    CHECK(read_file(folder / "y.npy") == read_file(folder / name));
    npymap::copy(x, npymap::open(folder / "y.npy", open_mode::read_write), casting::same_kind,
                 {.budget_bytes = 64});
    CHECK(read_file(folder / "y.npy") == read_file(folder / name));
  }
}

// The sanitizers would tell.
TEST_CASE("copy: no elements move no pointer, and a stride that no element uses is none") {
  const auto none = npymap::zeros<double>({0, 3});
  npymap::copy(none, none.flip(1));
  npymap::copy(none.flip(1), npymap::zeros<float>({0, 3}).flip(1));

  const auto row = npymap::zeros<double>({1, 3});
  for (index_t i = 0; i < 3; ++i) row(0, i) = static_cast<double>(i + 1);
  const npymap::range far(npymap::_, npymap::_, index_t{1} << 60);  // 2**63 bytes
  const auto same = row(far, npymap::all), to = npymap::zeros<double>({1, 3})(far, npymap::all);
  REQUIRE(same.byte_stride(0) == INT64_MIN);
  npymap::copy(same, to);
  CHECK(npymap::equal(row, to));
  npymap::copy(same, row(npymap::all, npymap::range(npymap::_, npymap::_, -1)));  // overlaps
  CHECK(row(0, 0) == 3);
  npymap::copy(to, same);
  CHECK(npymap::equal(row, to));
  CHECK(npymap::sum(same) == 6);
  index_t elements = 0;
  for (const auto& block : npymap::blocks(same)) elements += block.size();
  CHECK(elements == 3);
}

TEST_CASE("copy: in mode c nothing reaches the file, and no edit is lost") {
  const temp_folder folder;
  counting(folder / "x.npy", {256, 256}).close();
  counting(folder / "y.npy", {256, 256}).close();
  const auto x = npymap::open<double, open_mode::copy_on_write>(folder / "x.npy");
  x(3, 5) = -1;
  const any_array y = npymap::open(folder / "y.npy", open_mode::copy_on_write);
  const std::string before = read_file(folder / "y.npy");
  const any_array edited = npymap::open(folder / "x.npy", open_mode::copy_on_write);
  edited.as<double>()(3, 5) = -1;
  npymap::copy(edited, y.transpose(), casting::same_kind, {.budget_bytes = 64 << 10});
  CHECK(npymap::equal(x.transpose(), y.as<const double>()));
  CHECK(read_file(folder / "y.npy") == before);
}

TEST_CASE("copy: elements that overlap come out right, or are refused") {
  const temp_folder folder;
  auto x = counting(folder / "x.npy", {64, 64});
  const auto original = npymap::convert<double>(x);
  const any_array one = npymap::open(folder / "x.npy", open_mode::read_write);
  const any_array other = npymap::open(folder / "x.npy");
  npymap::copy(other, one.transpose());
  CHECK(npymap::equal(x, original.transpose()));
  npymap::copy(one.transpose(), one);
  CHECK(npymap::equal(x, original));
  const pass_options small{.budget_bytes = 4096};
  CHECK(code_of([&] { npymap::copy(other, one.transpose(), {}, small); }) ==
        errc::invalid_argument);
  CHECK(npymap::equal(x, original));
  // Halves of the columns are apart, whatever the budget.
  npymap::copy(one.slice(":, :32"), one.slice(":, 32:"), {}, small);
  CHECK(npymap::equal(x.slice(":, :32"), x.slice(":, 32:")));
}

TEST_CASE("overlap: what is said to be apart shares no byte, at random") {
  std::mt19937_64 random(npymap_test::random_seed());
  const auto below = [&](index_t n) { return static_cast<index_t>(random() % std::uint64_t(n)); };
  int apart = 0, together = 0;
  for (int i = 0; i < 5000; ++i) {
    npymap::shape extents[2];
    npymap::strides steps[2];
    std::vector<int> touched(8192);
    const index_t rank = below(3) + 1, distance = below(200) - 100;
    const index_t itemsizes[2] = {below(4) + 1, below(4) + 1};
    for (int side = 0; side < 2; ++side) {
      for (index_t axis = 0; axis < rank; ++axis) {
        extents[side].push_back(below(5) + 1);
        steps[side].push_back(axis < steps[0].rank() && below(2) ? steps[0][int(axis)]
                                                                 : below(80) - 40);
      }
      npymap::index_vector index(static_cast<int>(rank));
      for (bool more = true; more;) {
        index_t at = 4096 + side * distance;
        for (int axis = 0; axis < rank; ++axis) at += index[axis] * steps[side][axis];
        for (index_t b = 0; b < itemsizes[side]; ++b) touched[std::size_t(at + b)] |= 1 << side;
        more = false;
        for (int axis = 0; axis < rank && !more; ++axis) {
          more = ++index[axis] < extents[side][axis];
          if (!more) index[axis] = 0;
        }
      }
    }
    const bool share = std::count(touched.begin(), touched.end(), 3) > 0;
    const bool may = npymap::detail::may_overlap({extents[0], steps[0], itemsizes[0]},
                                                 {extents[1], steps[1], itemsizes[1]}, distance);
    if (share) CHECK(may);
    (may ? together : apart)++;
  }
  CHECK(apart > 500);
  CHECK(together > 500);
}

TEST_CASE("copy: a file four times as large as all memory changes its order and dtype") {
  if (!npymap_test::have_memory_cgroups()) NPYMAP_SKIP("no memory cgroup");
  const temp_folder folder;
  counting(folder / "x.npy", {1 << 14, 1 << 11}).close();  // 256 MiB
  const auto run = npymap_test::within_memory(64 * mib, [&] {
    const any_array x = npymap::open(folder / "x.npy");
    const pass_options options{.budget_bytes = 32 * mib};
    npymap::save_as(folder / "y.npy", x, {.order = order::fortran}, options);
    npymap::save_as(folder / "z.npy", x.transpose(), {.dtype = npymap::parse_descr("'>f4'")},
                    options);
    npymap::copy(x, npymap::open(folder / "y.npy", open_mode::read_write).transpose().transpose(),
                 casting::same_kind, options);
    return 0;
  });
  CHECK(run.status == 0);
  CHECK(run.peak_bytes <= 64 * mib);
  const auto x = npymap::open<double>(folder / "x.npy");
  const auto y = npymap::open<double>(folder / "y.npy");
  const any_array z = npymap::open(folder / "z.npy");
  CHECK(npymap::equal(x, y));
  CHECK(npymap::equal(npymap::convert<float>(x.transpose()), npymap::convert<float>(z)));
}
