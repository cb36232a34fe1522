#include <npymap/source.hpp>

#include <sys/resource.h>
#include <unistd.h>

#include <atomic>
#include <filesystem>
#include <random>
#include <sstream>
#include <string>
#include <vector>

#include <npymap/blocks.hpp>
#include <npymap/error.hpp>
#include <npymap/statistics.hpp>

#include "io/memory_limit.hpp"
#include "io/mounts.hpp"
#include "stream/collected.hpp"
#include "support/catch.hpp"
#include "support/failure.hpp"
#include "support/memory_cgroup.hpp"
#include "support/process.hpp"
#include "support/python.hpp"
#include "support/skip.hpp"
#include "support/temp_folder.hpp"

using npymap::concatenate;
using npymap::errc;
using npymap::index_t;
using npymap::reading;
using npymap::source;
using npymap_test::code_of;
using npymap_test::collect_blocks;
using npymap_test::collect_pieces;
using npymap_test::fits_budget;
using npymap_test::message_of;
using npymap_test::python;
using npymap_test::temp_folder;

namespace {

constexpr std::uint64_t mib = std::uint64_t{1} << 20;

std::vector<std::string> names(const temp_folder& folder, const std::string& stem, int count) {
  std::vector<std::string> paths;
  for (int i = 0; i < count; ++i) paths.push_back(folder / (stem + std::to_string(i) + ".npy"));
  return paths;
}

/// Files of (rows, 100) doubles that count on from one to the next.
std::vector<std::string> steps(const temp_folder& folder, int count, index_t rows) {
  const auto paths = names(folder, "step", count);
  double next = 0;
  for (const std::string& path : paths) {
    const auto x = npymap::create<double>(path, {rows, 100});
    for (index_t i = 0; i < x.size(); ++i) x.data()[i] = next++;
  }
  return paths;
}

}  // namespace

TEST_CASE("concatenate, stack: as NumPy's, whatever the shape, order, dtype, budget and reading") {
  REQUIRE(npymap_test::have_numpy());
  const temp_folder folder;
  std::istringstream told(python(R"(
os.chdir(sys.argv[1])
rng = np.random.default_rng(int(sys.argv[2]))
for i in range(60):
    stacked = i % 4 == 3
    shape = tuple(int(n) for n in rng.integers(1, 9, rng.integers(0 if stacked else 1, 4)))
    if i % 15 == 0: shape = (0,) + shape[1:]
    files = int(rng.integers(1, 7))
    few = int(rng.choice([rng.integers(0, (shape + (0,))[0] + 1), 0, 1]))
    last = min(few, shape[0]) if i % 4 == 1 and files > 1 else shape[:1]
    dtype = rng.choice(['<f8', '>f8', '>f4', '<i2', '>i8', '|u1', '|b1', '<f2'])
    parts = [rng.integers(0, 200, (last,) + shape[1:] if k == files - 1 and np.ndim(last) == 0 else shape).astype(dtype)
             for k in range(files)]
    order = rng.choice(['C', 'F'])
    for k, part in enumerate(parts): np.save(f'{i}_{k}', np.asarray(part, order=order))
    np.save(f'{i}', (np.stack if stacked else np.concatenate)(parts).astype('f8'))
    print(files)
)",
                                 {folder.path(), std::to_string(npymap_test::random_seed())}));
  std::mt19937_64 random(npymap_test::random_seed());
  int files = 0, passes = 0;
  for (int i = 0; told >> files; ++i) {
    const auto wanted = npymap::open<double>(folder / (std::to_string(i) + ".npy"));
    const auto paths = names(folder, std::to_string(i) + "_", files);
    for (const reading how : {reading::mapped, reading::buffered, reading::direct}) {
      const std::uint64_t budget = 64 + random() % 3000;
      INFO("case " << i << ", budget " << budget << ", reading " << static_cast<int>(how));
      const bool is_stacked = i % 4 == 3;
      const source x = is_stacked ? npymap::stack(paths, {.reading = how})
                                  : concatenate(paths, {.reading = how});
      REQUIRE(x.shape() == wanted.shape());
      passes += fits_budget([&] {
        const auto found = collect_pieces<double>(x, {.budget_bytes = budget});
        CHECK(npymap::equal(found, wanted));
        CHECK(npymap::sum<double>(x, {.budget_bytes = budget}) == npymap::sum(wanted));
      });
      passes += fits_budget([&] {
        npymap::block_options options{.budget_bytes = budget, .halo = index_t(random() % 3)};
        if (random() % 2) options.axis = int(random() % std::uint64_t(x.rank()));
        const auto found = collect_blocks<double>(npymap::blocks<double>(x, options), x.shape());
        CHECK(npymap::equal(found, wanted));
      });
      if (files > 1 || is_stacked) continue;
      const source one(paths[0], {.reading = how});
      CHECK(npymap::equal(collect_pieces<double>(one, {.budget_bytes = mib}), wanted));
    }
  }
  CHECK(passes > 200);
}

TEST_CASE("stack: files are of one shape, and of one element too; paths of any kind") {
  const temp_folder folder;
  std::vector<std::filesystem::path> paths;
  for (const std::string& path : steps(folder, 3, 2)) paths.emplace_back(path);
  const source x = npymap::stack(paths);
  CHECK(x.shape() == npymap::shape{3, 2, 100});
  CHECK(npymap::mean<double>(x, npymap::along{0})(1, 99) == 399);
  CHECK(concatenate(paths).extent(0) == 6);
  npymap::create<double>(paths[2], {1, 100});
  CHECK(concatenate(paths).extent(0) == 5);
  CHECK(message_of([&] { npymap::stack(paths); }) ==
        paths[2].string() +
            ": shape: expected (2, 100) in C order as in the first file, found "
            "(1, 100) in C order");
  for (const auto& path : paths) npymap::save(path, npymap::zeros<float>({}));
  CHECK(npymap::stack(paths).shape() == npymap::shape{3});
  CHECK(message_of([&] { concatenate(paths); }).find("(stack takes it)") != std::string::npos);
}

TEST_CASE("concatenate: blocks and pieces that are native are read as they are, across files") {
  const temp_folder folder;
  const source x = concatenate(steps(folder, 7, 1000));  // 5.6 MB
  REQUIRE(x.shape() == npymap::shape{7000, 100});
  double next = 0;
  for (const auto& block : npymap::blocks<double>(x, {.budget_bytes = 3 * mib + 800})) {
    for (const double value : block) next += value == next;
  }
  CHECK(next == 700000);
  for (const int threads : {1, 2}) {
    CHECK(npymap::sum<double>(x, {.budget_bytes = 4 * mib, .threads = threads}) ==
          699999.0 * 700000 / 2);
  }
}

TEST_CASE("concatenate: a file unlike the first is named when a pass comes to it") {
  REQUIRE(npymap_test::have_numpy());
  const temp_folder folder;
  const auto paths = steps(folder, 5, 1000);
  const std::string bad = paths[2], good = npymap_test::read_file(bad);
  const auto failing = [&](std::error_code wanted) {
    for (const reading how : {reading::by_file_system, reading::direct}) {
      const source x = concatenate(paths, {.reading = how});
      const auto pass = [&] { npymap::sum<double>(x, {.budget_bytes = mib}); };
      const auto walk = [&] {
        for (const auto& block : npymap::blocks<double>(x, {.budget_bytes = mib})) {
          CHECK(block.size() > 0);
        }
      };
      CHECK(code_of(pass) == wanted);
      CHECK(code_of(walk) == wanted);
      CHECK_THAT(message_of(pass), Catch::Contains(bad));
      CHECK_THAT(message_of(walk), Catch::Contains(bad));
    }
  };
  const auto save = [&](const std::string& text) {
    python("np.save(sys.argv[1], eval(sys.argv[2]))", {bad, text});
  };
  save("np.zeros((1000, 100), 'f4')");
  failing(errc::dtype_mismatch);
  save("np.zeros((1000, 100), '>f8')");
  failing(errc::dtype_mismatch);
  for (const std::string shape : {"(999, 100)", "(1001, 100)", "(1000, 101)", "(100000,)", "()"}) {
    save("np.zeros(" + shape + ")");
    failing(errc::layout_mismatch);
  }
  save("np.zeros((1000, 100), order='F')");
  failing(errc::layout_mismatch);
  npymap_test::write_file(bad, good.substr(0, good.size() - 8));
  failing(errc::truncated);
  npymap_test::write_file(bad, std::string(4096, 'x'));
  failing(errc::not_npy);
  std::filesystem::remove(bad);
  failing({ENOENT, std::system_category()});
}

TEST_CASE("concatenate: what can be known at once is refused at once") {
  REQUIRE(npymap_test::have_numpy());
  const temp_folder folder;
  auto paths = steps(folder, 3, 10);
  CHECK(code_of([] { concatenate({}); }) == errc::invalid_argument);
  const auto last = [&](const std::string& text) {
    python("np.save(sys.argv[1], eval(sys.argv[2]))", {paths[2], text});
    CHECK_THAT(message_of([&] { concatenate(paths); }), Catch::Contains(paths[2]));
    return code_of([&] { concatenate(paths); });
  };
  CHECK(last("np.zeros((11, 100))") == errc::layout_mismatch);
  CHECK(last("np.zeros((10, 99))") == errc::layout_mismatch);
  CHECK(last("np.zeros((0, 99))") == errc::layout_mismatch);
  CHECK(last("np.float64(1)") == errc::layout_mismatch);
  CHECK(last("np.zeros((0, 100), 'i4')") == errc::dtype_mismatch);
  CHECK(last("np.zeros((3, 100), order='F')") == errc::layout_mismatch);
  python("np.save(sys.argv[1], np.float64(1))", {paths[0]});
  CHECK(code_of([&] { concatenate(paths); }) == errc::layout_mismatch);
  CHECK(npymap::sum<double>(concatenate({paths[0]})) == 1);
}

TEST_CASE("concatenate: no more than a few of many files are open") {
  const temp_folder folder;
  const source x = concatenate(steps(folder, 100, 10));
  REQUIRE(npymap_test::in_child([&] {
            const auto open = static_cast<rlim_t>(npymap_test::open_descriptors().size());
            const rlimit few{open + 30, open + 30};
            if (::setrlimit(RLIMIT_NOFILE, &few) != 0) return 2;
            for (const int axis : {0, 1}) {  // columns need every file
              index_t elements = 0;
              for (const auto& block :
                   npymap::blocks<double>(x, {.budget_bytes = 128 << 10, .axis = axis})) {
                elements += block.size();
              }
              if (elements != 100000) return 3;
            }
            return npymap::sum<double>(x, {.budget_bytes = 64 << 10}) == 99999.0 * 50000 ? 0 : 1;
          }) == 0);
}

TEST_CASE("source: elements that begin anywhere in a file are aligned and right") {
  const temp_folder folder;
  for (const int shift : {0, 1, 3, 4, 8, 4086, 5000}) {
    // Writers other than NumPy do not pad headers; the specification of version 1.0 lets them.
    std::string header = "{'descr': '<f8', 'fortran_order': False, 'shape': (20000,), }";
    header += std::string(static_cast<std::size_t>(shift), ' ') + '\n';
    std::string bytes("\x93NUMPY\x01\x00", 8);
    bytes += {static_cast<char>(header.size() & 0xff), static_cast<char>(header.size() >> 8)};
    bytes += header;
    for (int i = 0; i < 20000; ++i) {
      const double value = i;
      bytes.append(reinterpret_cast<const char*>(&value), sizeof value);
    }
    npymap_test::write_file(folder / "x.npy", bytes);
    for (const reading how : {reading::mapped, reading::buffered, reading::direct}) {
      INFO("shift " << shift << ", reading " << static_cast<int>(how));
      const source x(folder / "x.npy", {.reading = how});
      for (const std::uint64_t budget : {std::uint64_t{5000}, mib}) {
        std::atomic<index_t> askew = 0, wrong = 0;
        npymap::for_each_piece<double>(
            x,
            [&](const npymap::index_vector& start, const npymap::view<const double>& piece) {
              askew += reinterpret_cast<std::uintptr_t>(piece.data()) % alignof(double) != 0;
              for (index_t i = 0; i < piece.size(); ++i) wrong += piece(i) != double(start[0] + i);
            },
            {.budget_bytes = budget});
        index_t next = 0;
        for (const auto& block : npymap::blocks<double>(x, {.budget_bytes = budget})) {
          askew += reinterpret_cast<std::uintptr_t>(block.data()) % alignof(double) != 0;
          for (const double value : block) wrong += value != double(next++);
        }
        CHECK(next == 20000);
        CHECK(askew == 0);
        CHECK(wrong == 0);
      }
    }
  }
}

TEST_CASE("source: what was moved from is a source still") {
  const temp_folder folder;
  npymap::create<double>(folder / "x.npy", {3});
  npymap::source a(folder / "x.npy");
  const npymap::source b = std::move(a);
  CHECK(a.extent(0) == 3);
  CHECK(npymap::sum<double>(b) == 0);
}

TEST_CASE("source: a file that shrinks during a pass is an error, not a crash") {
  const temp_folder folder;
  for (const reading how : {reading::buffered, reading::direct}) {
    npymap::create<double>(folder / "x.npy", {1 << 20}).close();  // 8 MiB
    const source x(folder / "x.npy", {.reading = how});
    const auto cut = [&] { REQUIRE(::truncate((folder / "x.npy").c_str(), 5000001) == 0); };
    std::atomic<bool> is_cut = false;
    const auto pass = [&] {
      npymap::for_each_piece<double>(x,
                                     [&](const npymap::view<const double>&) {
                                       if (!is_cut.exchange(true)) cut();
                                     },
                                     {.budget_bytes = mib});
    };
    CHECK(code_of(pass) == errc::truncated);
    CHECK_THAT(message_of(pass), Catch::Contains(folder / "x.npy"));
    CHECK(code_of([&] {
            for (const auto& block : npymap::blocks<double>(x, {.budget_bytes = 2 * mib})) {
              CHECK(block.size() > 0);
            }
          }) == errc::truncated);
    CHECK(code_of([&] { source(folder / "x.npy", {.reading = how}); }) == errc::truncated);
  }
}

TEST_CASE("source: files are opened, or refused, alike by every reading") {
  const temp_folder folder;
  npymap_test::write_file(folder / "text", "not an array");
  const auto one = npymap::create<std::int16_t>(folder / "one.npy", {});
  one() = 42;
  npymap::create<double>(folder / "none.npy", {3, 0, 2}).close();
  for (const reading how :
       {reading::by_file_system, reading::mapped, reading::buffered, reading::direct}) {
    INFO("reading " << static_cast<int>(how));
    CHECK(code_of([&] { source(folder / "text", {.reading = how}); }) == errc::not_npy);
    CHECK(code_of([&] { source(folder / "nothing", {.reading = how}); }) ==
          std::error_code(ENOENT, std::system_category()));
    CHECK(code_of([&] { source(folder.path(), {.reading = how}); }) == errc::not_regular_file);
    CHECK(code_of([&] { source(folder / "one.npy", {.reading = how, .header_limit = 10}); }) ==
          errc::header_too_long);
    CHECK(npymap::sum<double>(source(folder / "one.npy", {.reading = how})) == 42);
    for (const auto& block : npymap::blocks<double>(source(folder / "one.npy", {.reading = how}))) {
      CHECK(block() == 42);
    }
    const source none(folder / "none.npy", {.reading = how});
    CHECK(npymap::sum<double>(none) == 0);
    CHECK(npymap::blocks<double>(none).empty());
    CHECK(code_of([&] { npymap::sum<std::int32_t>(none); }) == errc::dtype_mismatch);
    CHECK(code_of([&] { npymap::blocks<std::int32_t>(none); }) == errc::dtype_mismatch);
  }
}

TEST_CASE("source: direct reading goes through the cache where a file system has no other way") {
  if (!npymap_test::can_mount()) NPYMAP_SKIP("needs mounts");
  const npymap_test::tmpfs disk("size=16m");
  const auto x = npymap::create<double>(disk / "x.npy", {1 << 20});
  npymap::fill(x, 0.5);
  CHECK(npymap::sum<double>(source(disk / "x.npy", {.reading = reading::direct})) == 1 << 19);
}

TEST_CASE("source: a file eight times as large as all memory is read by every reading") {
  if (!npymap_test::have_memory_cgroups()) NPYMAP_SKIP("no memory cgroup");
  const temp_folder folder;
  npymap::create<double>(folder / "x.npy", {1 << 15, 1 << 10}).close();  // 256 MiB
  for (const reading how : {reading::mapped, reading::buffered, reading::direct}) {
    INFO("reading " << static_cast<int>(how));
    const auto run = npymap_test::within_memory(48 * mib, [&] {
      const source x(folder / "x.npy", {.reading = how});
      if (npymap::sum<double>(x, {.budget_bytes = 32 * mib}) != 0) return 1;
      double most = 0;
      for (const auto& block : npymap::blocks<double>(x, {.budget_bytes = 32 * mib})) {
        for (const double value : block) most = std::max(most, value);
      }
      return most == 0 ? 0 : 2;
    });
    CHECK(run.status == 0);
    CHECK(run.peak_bytes <= 48 * mib);
  }
}

TEST_CASE(
    "source: what is read once is mapped where memory can keep it, and else read past the cache") {
  if (!npymap_test::have_memory_cgroups()) NPYMAP_SKIP("no memory cgroup");
  const temp_folder folder;
  const auto is_mapped = [](const std::string& path) {
    return npymap_test::read_file("/proc/self/maps").find(path) != std::string::npos;
  };
  const std::string small = folder / "small.npy", large = folder / "large.npy";
  npymap::create<double>(small, {1 << 20}, {.space = npymap::space::sparse}).close();
  npymap::create<double>(large, {12 << 20}, {.space = npymap::space::sparse}).close();
  CHECK(npymap_test::within_memory(64 << 20, [&] {
          if (npymap::io::memory_limit_bytes() != 64 << 20) return 1;
          const npymap::source few(small, {.reading = npymap::reading::once});
          const npymap::source many(large, {.reading = npymap::reading::once});
          if (!is_mapped(small) || is_mapped(large)) return 2;
          const npymap::source list =
              npymap::concatenate({large, large}, {.reading = npymap::reading::once});
          const npymap::pass_options small_budget{.budget_bytes = 8 << 20};
          if (npymap::sum<double>(few, small_budget) != 0) return 3;
          if (npymap::summarize<double>(many, small_budget).count != 12 << 20) return 4;
          return npymap::summarize<double>(list, small_budget).count == 24 << 20 ? 0 : 5;
        }).status == 0);
}
