// Files that a process serves, as those of a network are: read without a map, ahead of the caller.
#include <cerrno>
#include <chrono>
#include <fstream>
#include <iostream>
#include <random>
#include <sstream>
#include <string>
#include <thread>

#include <npymap/npymap.hpp>

#include "faults/failing.hpp"
#include "stream/collected.hpp"
#include "support/counting.hpp"
#include "support/fuse_file_system.hpp"
#include "support/python.hpp"
#include "support/skip.hpp"

using namespace npymap_test;
using npymap::index_t;
using npymap::open_mode;
using npymap::reading;
using npymap::source;

namespace {

constexpr std::uint64_t mib = std::uint64_t{1} << 20;
constexpr reading every_reading[] = {reading::by_file_system, reading::mapped, reading::buffered,
                                     reading::direct};

bool is_mapped(const std::string& path) {
  std::ifstream maps("/proc/self/maps");
  for (std::string line; std::getline(maps, line);) {
    if (line.find(path) != std::string::npos) return true;
  }
  return false;
}

/// Wait until it is so; false after a time in which any machine has come to it.
template <class Condition>
bool comes_true(Condition condition) {
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(20);
  while (!condition()) {
    if (std::chrono::steady_clock::now() > deadline) return false;
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
  return true;
}

}  // namespace

TEST_CASE("served files: a source maps none unless it is asked to") {
  if (!can_mount_fuse()) NPYMAP_SKIP("cannot mount FUSE");
  const fuse_file_system disk;
  counting(disk.stored() / "x.npy", {1000, 100});
  for (const reading how : every_reading) {
    INFO("reading " << static_cast<int>(how));
    const source x(disk / "x.npy", {.reading = how});
    for (const auto& block : npymap::blocks<double>(x, {.budget_bytes = mib / 4})) {
      CHECK(block(0, 1) == double(block.first() * 100 + 1));
      CHECK(is_mapped(disk / "x.npy") == (how == reading::mapped));
    }
  }
}

TEST_CASE("served files: every reading gives what is stored, whatever the shape, order and dtype") {
  if (!can_mount_fuse()) NPYMAP_SKIP("cannot mount FUSE");
  if (!have_numpy()) NPYMAP_SKIP("needs NumPy");
  const fuse_file_system disk;
  constexpr int files = 40;
  python(R"(
os.chdir(sys.argv[1])
rng = np.random.default_rng(int(sys.argv[2]))
for i in range(int(sys.argv[3])):
    shape = tuple(int(n) for n in rng.integers(1, 40, rng.integers(0, 4)))
    if i % 10 == 3: shape = (0,) + shape[1:]
    dtype = rng.choice(['<f8', '>f8', '>f4', '<i2', '>i8', '|u1', '|b1', '<f2'])
    x = rng.integers(0, 200, shape)
    np.save(f'{i}', np.asarray(x, dtype=dtype, order=rng.choice(['C', 'F'])))
    np.save(f'{i}_wanted', np.asarray(np.asarray(x, dtype=dtype), dtype='f8'))
)",
         {disk.stored().path(), std::to_string(random_seed()), std::to_string(files)});
  std::mt19937_64 random(random_seed());
  int passes = 0;
  for (const bool uncached : {false, true}) {
    disk.rules().direct_io = uncached;
    for (int i = 0; i < files; ++i) {
      const std::string name = std::to_string(i);
      const auto wanted = npymap::open<double>(disk.stored() / (name + "_wanted.npy"));
      for (const reading how : every_reading) {
        const std::uint64_t budget = 64 + random() % 5000;
        INFO("file " << i << ", reading " << static_cast<int>(how) << ", budget " << budget);
        const source x(disk / (name + ".npy"), {.reading = how});
        passes += fits_budget([&] {
          CHECK(npymap::equal(collect_pieces<double>(x, {.budget_bytes = budget}), wanted));
          auto blocks = npymap::blocks<double>(x, {.budget_bytes = budget});
          CHECK(npymap::equal(collect_blocks<double>(blocks, x.shape()), wanted));
        });
        CHECK(npymap::equal(collect_pieces<double>(x), wanted));
      }
    }
  }
  CHECK(passes > 60);
}

TEST_CASE(
    "served files: of those without a cache, r and c work, and r+ and w+ are told by ENODEV") {
  if (!can_mount_fuse()) NPYMAP_SKIP("cannot mount FUSE");
  const fuse_file_system disk;
  disk.rules().direct_io = true;
  counting(disk.stored() / "x.npy", {1000, 100});
  constexpr double sum = 99999.0 * 50000;
  const std::string path = disk / "x.npy", before = read_file(disk.stored() / "x.npy");

  const told_failure updated = failure_of([&] { npymap::open(path, open_mode::read_write); });
  CHECK(updated.code == system_error(ENODEV));
  CHECK(updated.path == path);
  const told_failure created = failure_of([&] { npymap::create<double>(path, {5}); });
  CHECK(created.code == system_error(ENODEV));
  CHECK(created.path == path);
  CHECK(failure_of([&] { npymap::create_new<double>(disk / "y.npy", {5}); }).code);
  CHECK(read_file(disk.stored() / "x.npy") == before);
  CHECK(names_in(disk.stored().path()) == std::set<std::string>{"x.npy"});

  const auto own = npymap::open<double, open_mode::copy_on_write>(path);
  own(0, 0) = 5;
  CHECK(npymap::sum(own) == sum + 5);
  CHECK(npymap::sum(npymap::open<double>(path)) == sum);
  CHECK(npymap::sum<double>(npymap::concatenate({path, path})) == 2 * sum);
  CHECK(npymap::sum(npymap::load<double>(path)) == sum);

  npymap::save(disk / "y.npy", npymap::load(path));
  CHECK(read_file(disk.stored() / "y.npy") == before);
  npymap::appender(disk / "y.npy").append(npymap::load(path));
  CHECK(npymap::sum<double>(source(disk / "y.npy")) == 2 * sum);
  npymap::save_as(disk / "z.npy", npymap::open(path), {.order = npymap::order::fortran});
  CHECK(npymap::sum<double>(source(disk / "z.npy")) == sum);
}

TEST_CASE("served files: the next block is asked for while the caller holds this one") {
  if (!can_mount_fuse()) NPYMAP_SKIP("cannot mount FUSE");
  const fuse_file_system disk;
  counting(disk.stored() / "x.npy", {16 << 10, 128});  // 16 MiB
  for (const reading how : every_reading) {
    INFO("reading " << static_cast<int>(how));
    disk.rules().furthest_read = 0;
    const source x(disk / "x.npy", {.reading = how});
    auto blocks = npymap::blocks<double>(x, {.budget_bytes = 6 * mib});
    REQUIRE(blocks.size() > 3);
    std::uint64_t block_bytes = 0, wanted = 128;
    for (const auto& block : blocks) {
      if (block_bytes == 0) block_bytes = static_cast<std::uint64_t>(block.size()) * 8;
      wanted = std::min(wanted + block_bytes, 128 + 16 * mib - block_bytes);
      // The kernel alone reads a fraction of a block ahead.
      CHECK(comes_true([&] { return disk.rules().furthest_read >= wanted + block_bytes; }));
    }
  }
}

TEST_CASE("served files: a pass over a slow disk has many reads under way") {
  if (!can_mount_fuse()) NPYMAP_SKIP("cannot mount FUSE");
  const fuse_file_system disk;
  counting(disk.stored() / "x.npy", {16 << 10, 128});  // 16 MiB
  disk.rules().read_delay_ms = 10;
  for (const reading how : {reading::by_file_system, reading::buffered, reading::direct}) {
    const source x(disk / "x.npy", {.reading = how});
    disk.rules().delayed_us = 0;
    const auto begin = std::chrono::steady_clock::now();
    npymap::for_each_piece<double>(x,
                                   [](const npymap::view<const double>&) {
                                     std::this_thread::sleep_for(std::chrono::milliseconds(4));
                                   },
                                   {.budget_bytes = 12 * mib});
    const std::chrono::duration<double> took = std::chrono::steady_clock::now() - begin;
    const double delays = double(disk.rules().delayed_us) / 1e6;
    std::cout << "reading " << static_cast<int>(how) << ": " << took.count()
              << " s of a pass, in which reads took " << delays << " s\n";
    CHECK(delays > 0.15);
    CHECK(took.count() < 0.7 * delays);
  }
}

#ifdef NPYMAP_TOOL
TEST_CASE("served files: the tool tells of them what it tells of others") {
  if (!can_mount_fuse()) NPYMAP_SKIP("cannot mount FUSE");
  const fuse_file_system disk;
  counting(disk.stored() / "x.npy", {1000, 100});
  const std::string local = disk.stored() / "x.npy";
  for (const bool uncached : {false, true}) {
    disk.rules().direct_io = uncached;
    for (const std::vector<std::string>& options :
         {std::vector<std::string>{}, {"--axis", "1"}, {"--memory", "100000", "--json"}}) {
      std::vector<std::string> here = {"stats", disk / "x.npy"}, there = {"stats", local};
      here.insert(here.end(), options.begin(), options.end());
      there.insert(there.end(), options.begin(), options.end());
      const tool_result told = run_tool(here);
      CHECK(told.exit_code == 0);
      CHECK(told.err.empty());
      CHECK(told.out == run_tool(there).out);
    }
    CHECK(run_tool({"verify", disk / "x.npy"}).exit_code == 0);
  }
}
#endif
