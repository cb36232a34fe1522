// Limits that the system sets a process: the size of a file, of its memory and of its address
// space, and how many files it may open. None of them is deadly.
#include <sys/resource.h>

#include <cerrno>
#include <filesystem>
#include <fstream>
#include <functional>
#include <iostream>
#include <string>
#include <vector>

#include <npymap/npymap.hpp>

#include "faults/operations.hpp"
#include "support/catch.hpp"
#include "support/failure.hpp"
#include "support/memory_cgroup.hpp"
#include "support/process.hpp"
#include "support/skip.hpp"
#include "support/temp_folder.hpp"

using namespace npymap_test;
using npymap::index_t;
using npymap::open_mode;
using npymap::reading;
using npymap::source;

namespace {

constexpr std::uint64_t mib = std::uint64_t{1} << 20;

// What children end with; 1 is what sanitizers end with.
constexpr int finished = 0, refused = 2, wrong = 3;

/// Run a function in a child whose resource is limited.
int limited(__rlimit_resource_t resource, std::uint64_t most, const std::function<int()>& run) {
  return in_child([&] {
    const rlimit limit{most, most};
    if (::setrlimit(resource, &limit) != 0) return 121;
    return run();
  });
}

/// How a function ends: `refused` if it throws npymap's error of that code.
int ends(int code, const std::function<void()>& run) {
  try {
    run();
  } catch (const npymap::error& e) {
    if (e.code() == std::error_code(code, std::system_category())) return refused;
    std::cerr << e.what() << std::endl;
    return wrong;
  } catch (const std::bad_alloc&) {
    return code == ENOMEM ? refused : wrong;
  } catch (const std::exception& e) {
    std::cerr << e.what() << std::endl;
    return wrong;
  }
  return finished;
}

/// Have oneTBB start the thread of a pass of two: it cannot do without those that it wants.
void start_thread() {
  const std::vector<float> zeros(1 << 20);
  const auto x = npymap::convert<double>(npymap::view<const float>(zeros.data(), {1 << 20}));
  npymap::sum(x, {.threads = 2});
}

/// How many descriptors a process may have, so that it can open so many more.
std::uint64_t descriptors_and(int more) {
  const auto taken = open_descriptors();
  int next = 0;
  for (; taken.contains(next) || more > 0; ++next) more -= taken.contains(next) ? 0 : 1;
  return static_cast<std::uint64_t>(next);
}

std::uint64_t address_space_bytes() {
  std::uint64_t pages = 0;
  std::ifstream("/proc/self/statm") >> pages;
  return pages * 4096;
}

/// A file of ones, and of nothing on the disk but its last element where it is sparse.
std::string made(const temp_folder& folder, std::uint64_t bytes, npymap::space how) {
  const std::string path = folder / "x.npy";
  const auto n = static_cast<index_t>(bytes / sizeof(double));
  auto x = npymap::create<double>(path, {n / 512, 512}, {.space = how});
  if (how == npymap::space::reserved) npymap::fill(x, 1.0);
  x(n / 512 - 1, 511) = 1;
  x.close();
  return path;
}

double sum_of_blocks(const source& x, std::uint64_t budget_bytes) {
  double total = 0;
  for (const auto& block : npymap::blocks<double>(x, {.budget_bytes = budget_bytes})) {
    npymap::for_each([&](double value) { total += value; }, block);
  }
  return total;
}

}  // namespace

TEST_CASE("limits: a file that may not grow to its size is an error, and the old one stays") {
  const workplace place;
  int refusals = 0;
  for (const operation& each : operations()) {
    if (each.left == leaves::no_file) continue;
    const std::string before = bytes_before(each, place);
    const auto run = [&] { each.run(place); };
    place.put_out(before);
    REQUIRE(in_child([&] { return ends(0, run); }) == finished);
    const std::string after = place.out_bytes();
    for (const std::uint64_t most : {0U, 100U, 4096U, 60'000U}) {
      INFO(each.name << ", files of " << most << " bytes at most");
      place.put_out(before);
      const int ended = limited(RLIMIT_FSIZE, most, [&] { return ends(EFBIG, run); });
      CHECK((ended == finished || ended == refused));
      refusals += ended == refused;
      const std::string left = place.out_bytes();
      CHECK((ended == finished ? left == after : may_be_left(each, left, before, after)));
      CHECK(place.left_over().empty());
    }
  }
  CHECK(refusals > 30);
}

TEST_CASE("limits: what cannot be mapped is ENOMEM to those who map, and passes read it") {
  const temp_folder folder;
  const std::string path = made(folder, 512 * mib, npymap::space::sparse);
  const npymap::pass_options little{.budget_bytes = 16 * mib};
  const auto within = [&](const std::function<void()>& run) {
    return limited(RLIMIT_AS, address_space_bytes() + 400 * mib, [&] { return ends(ENOMEM, run); });
  };
  const auto require = [](double sum) {
    if (sum != 1) throw std::runtime_error("another sum");
  };
  for (const auto mode : {open_mode::read, open_mode::read_write, open_mode::copy_on_write}) {
    CHECK(within([&] { npymap::open(path, mode); }) == refused);
  }
  CHECK(within([&] { npymap::load(path); }) == refused);
  CHECK(within([&] { source(path, {.reading = reading::mapped}); }) == refused);
  CHECK(within([&] {
          npymap::open(path, open_mode::read, {.rows = npymap::row_range{5, 100}});
        }) == finished);
  CHECK(within([&] { require(npymap::sum<double>(source(path), little)); }) == finished);
  CHECK(within([&] { require(sum_of_blocks(source(path), 16 * mib)); }) == finished);
  CHECK(within([&] {
          require(npymap::sum<double>(source(path, {.reading = reading::direct}), little));
        }) == finished);
  CHECK(within([&] {
          require(npymap::sum<double>(npymap::concatenate({path, path}), little) - 1);
        }) == finished);
  CHECK(within([&] { npymap::create<double>(folder / "y.npy", {512, 1 << 17}); }) == refused);
  CHECK_FALSE(std::filesystem::exists(folder / "y.npy"));
}

TEST_CASE("limits: however little address space is left, a pass ends well or is told of it") {
#ifdef __SANITIZE_ADDRESS__
  NPYMAP_SKIP("AddressSanitizer needs address space for each thread, or ends the process");
#endif
  const temp_folder folder;
  const std::string path = made(folder, 8 * mib, npymap::space::sparse);
  int finishing = 0, refusing = 0;
  for (std::uint64_t left = 0; left <= 60 * mib; left += left / 4 + mib / 4) {
    for (const auto how : {reading::by_file_system, reading::buffered, reading::direct}) {
      INFO(left << " bytes, " << static_cast<int>(how));
      const int ended = in_child([&] {
        start_thread();
        const rlimit limit{address_space_bytes() + left, RLIM_INFINITY};
        if (::setrlimit(RLIMIT_AS, &limit) != 0) return 121;
        return ends(ENOMEM, [&] {
          const source x(path, {.reading = how});
          if (npymap::sum<double>(x, {.budget_bytes = 4 * mib, .threads = 2}) != 1 ||
              sum_of_blocks(x, 4 * mib) != 1) {
            throw std::runtime_error("another sum");
          }
        });
      });
      CHECK((ended == finished || ended == refused));
      finishing += ended == finished;
      refusing += ended == refused;
    }
  }
  CHECK(finishing > 0);
  CHECK(refusing > 0);
}

TEST_CASE(
    "limits: where there is no thread to be had, passes do their work in the one that there is") {
  const temp_folder folder;
  const std::string path = folder / "x.npy";
  npymap::fill(npymap::create<double>(path, {4096, 1024}), 1.0);
  const auto x = npymap::open<double>(path);
  const source unmapped(path, {.reading = reading::buffered});
  const auto y = npymap::create<double>(folder / "y.npy", {1024, 4096});
  constexpr double sum = 4096 * 1024;
  const npymap::pass_options little{.budget_bytes = 8 * mib, .threads = 2};
  const auto alone = [](const std::function<bool()>& run) {
    return as_nobody([&] {
      const rlimit none{0, 0};
      if (::setrlimit(RLIMIT_NPROC, &none) != 0) return 121;
      return ends(EAGAIN, [&] {
        if (!run()) throw std::runtime_error("another result");
      });
    });
  };
  CHECK(alone([&] { return npymap::sum(x, little) == sum; }) == finished);
  CHECK(alone([&] { return npymap::sum<double>(unmapped, little) == sum; }) == finished);
  CHECK(alone([&] { return sum_of_blocks(unmapped, 8 * mib) == sum; }) == finished);
  CHECK(alone([&] { return npymap::mean(x, npymap::along{0}, little).size() == 1024; }) ==
        finished);
  CHECK(alone([&] {
          npymap::copy(x.transpose(), y, npymap::casting::same_kind, little);
          npymap::transform(
              y, y, [](double from, double& to) { to = from + 1; }, little);
          return npymap::sum(y, little) == 2 * sum;
        }) == finished);
  CHECK(
      alone([&] {
        npymap::for_each_piece(
            x,
            [](const npymap::view<const double>&) { throw std::runtime_error("of the function"); },
            little);
        return true;
      }) == wrong);
}

TEST_CASE("limits: few descriptors do for many files, and too few are EMFILE") {
#ifdef __SANITIZE_ADDRESS__
  NPYMAP_SKIP("UndefinedBehaviorSanitizer itself cannot do without descriptors");
#endif
  const temp_folder folder;
  std::vector<std::string> paths;
  for (int n = 0; n < 100; ++n) {
    paths.push_back(folder / (std::to_string(n) + ".npy"));
    npymap::fill(npymap::create<double>(paths.back(), {1000, 8}), 1.0);
  }
  const npymap::pass_options little{.budget_bytes = 1 * mib};
  for (const auto how : {reading::buffered, reading::direct}) {
    const auto add_up = [&] {
      const source all = npymap::concatenate(paths, {.reading = how});
      if (npymap::sum<double>(all, little) != 800'000 || sum_of_blocks(all, mib) != 800'000) {
        throw std::runtime_error("another sum");
      }
    };
    CHECK(limited(RLIMIT_NOFILE, descriptors_and(32), [&] { return ends(EMFILE, add_up); }) ==
          finished);
    CHECK(limited(RLIMIT_NOFILE, descriptors_and(4), [&] { return ends(EMFILE, add_up); }) ==
          refused);
    CHECK(limited(RLIMIT_NOFILE, descriptors_and(0), [&] { return ends(EMFILE, add_up); }) ==
          refused);
  }
  for (const int more : {0, 1, 2, 3}) {
    INFO(more << " descriptors");
    const int ended = limited(RLIMIT_NOFILE, descriptors_and(more), [&] {
      return ends(EMFILE, [&] { npymap::save(paths[0], npymap::load(paths[1])); });
    });
    CHECK(ended == (more < 2 ? refused : finished));
  }
}

TEST_CASE("limits: a budget larger than the memory there is kills no pass over a map") {
  if (!have_memory_cgroups()) NPYMAP_SKIP("no memory cgroups here");
  const temp_folder folder;
  const std::string path = made(folder, 160 * mib, npymap::space::reserved);
  const npymap::pass_options much{.budget_bytes = 1024 * mib};
  constexpr double sum = 160 * mib / sizeof(double);
  const auto within = [&](const std::function<bool()>& run) {
    return within_memory(64 * mib, [&] { return run() ? finished : wrong; }).status;
  };
  for (const auto mode : {open_mode::read, open_mode::read_write, open_mode::copy_on_write}) {
    INFO(static_cast<int>(mode));
    CHECK(within([&] { return npymap::sum<double>(npymap::open(path, mode), much) == sum; }) ==
          finished);
    CHECK(within([&] { return sum_of_blocks(npymap::open(path, mode), 1024 * mib) == sum; }) ==
          finished);
    CHECK(within([&] {
            const auto found = npymap::summarize<double>(npymap::open(path, mode), much);
            return found.mean == 1 && found.variance == 0;
          }) == finished);
  }
  CHECK(within([&] {
          const auto x = npymap::open<double, open_mode::read_write>(path);
          npymap::transform(
              x, x,
              [](const npymap::view<const double>& from, const npymap::view<double>& to) {
                npymap::for_each([](double a, double& b) { b = a + 1; }, from, to);
              },
              much);
          return x(0, 0) == 2;
        }) == finished);
  CHECK(within([&] {
          npymap::save(folder / "y.npy", npymap::open(path));
          return npymap::sum<double>(npymap::open(folder / "y.npy"), much) == 2 * sum;
        }) == finished);
}
