// Files that somebody cuts while a pass goes over them.
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <filesystem>
#include <functional>
#include <random>
#include <string>
#include <thread>
#include <vector>

#include <npymap/eigen_passes.hpp>
#include <npymap/npymap.hpp>

#include "support/catch.hpp"
#include "support/failure.hpp"
#include "support/python.hpp"
#include "support/temp_folder.hpp"

using namespace npymap_test;
using npymap::errc;
using npymap::index_t;
using npymap::pass_options;

namespace {

constexpr index_t rows = 1 << 15, columns = 64;  // 16 MiB
constexpr std::uint64_t mib = std::uint64_t{1} << 20;

std::string sample(const temp_folder& folder) {
  const std::string path = folder / "x.npy";
  npymap::fill(npymap::create<double>(path, {rows, columns}), 1.0);
  return path;
}

void cut(const std::string& path, std::uint64_t bytes) {
  if (::truncate(path.c_str(), static_cast<off_t>(bytes)) != 0) throw std::runtime_error("cut");
}

/// Check that a pass ends well or with `truncated`, wherever in it the file is cut. Returns how
/// often it did not end well.
int cut_during(const temp_folder& folder, const char* name,
               const std::function<void(const std::string&)>& pass) {
  std::mt19937 random(static_cast<std::mt19937::result_type>(random_seed()));
  int refused = 0;
  for (int round = 0; round < 12; ++round) {
    const std::string path = sample(folder);
    const auto delay = std::chrono::microseconds(random() % 8000);
    std::jthread other([&] {
      std::this_thread::sleep_for(delay);
      cut(path, random() % (rows * columns * 8));
    });
    try {
      pass(path);
    } catch (const npymap::error& e) {
      INFO(name << ": " << e.what());
      CHECK(e.code() == errc::truncated);
      CHECK(e.path() == path);
      ++refused;
    }
  }
  return refused;
}

}  // namespace

TEST_CASE("a file that shrinks: each kind of pass is an error then, and no signal") {
  const temp_folder folder;
  const pass_options little{.budget_bytes = 4 * mib};
  using npymap::along;
  using npymap::any_array;
  int refused = 0;
  const auto over = [&](const char* name, auto pass) {
    refused += cut_during(folder, name, [&](const std::string& path) {
      const auto x = npymap::open<double>(path);
      for (int again = 0; again < 3; ++again) pass(x);
    });
  };
  over("summarize", [&](const auto& x) { npymap::summarize(x, little); });
  over("mean along an axis", [&](const auto& x) { npymap::mean(x, along{0}, little); });
  over("min along another", [&](const auto& x) { npymap::min(x, along{1}, little); });
  over("sum of a transpose", [&](const auto& x) { npymap::sum(x.transpose(), along{0}, little); });
  over("dot", [&](const auto& x) { npymap::dot(x, x, little); });
  over("histogram", [&](const auto& x) { npymap::histogram(x, {.bins = 9}, little); });
  over("covariance", [&](const auto& x) { npymap::covariance(x, {}, little); });
  over("for_each_piece", [&](const auto& x) {
    npymap::for_each_piece(
        x,
        [](const npymap::view<const double>& piece) {
          double sum = 0;
          for (const double value : piece) sum += value;
          static std::atomic<double> sink;
          sink = sum;
        },
        little);
  });
  over("decoded", [&](const auto& x) {
    npymap::reduce<float>(
        any_array(x), 0.0f, [](const npymap::view<const float>& piece) { return piece(0, 0); },
        std::plus<>(), little);
  });
  over("blocks", [&](const auto& x) {
    double sum = 0;
    for (const auto& block : npymap::blocks(x, {.budget_bytes = mib})) {
      for (const double value : block) sum += value;
    }
    CHECK(sum == double(rows * columns));
  });
  over("decoded tiles", [&](const auto& x) {
    for (const auto& block : npymap::blocks<float>(any_array(x), {.tile = {99, 7}})) {
      CHECK(block(0, 0) == 1);
    }
  });
  over("gather", [&](const auto& x) {
    std::vector<index_t> wanted(10000);
    for (std::size_t i = 0; i < wanted.size(); ++i) wanted[i] = index_t(i) * 3 + 1;
    const auto y = npymap::gather(x, wanted);
    CHECK(y(9999, 63) == 1);
  });
  over("batches", [&](const auto& x) {
    for (const auto& batch : npymap::batches(x, {.batch_size = 999})) CHECK(batch(0, 0) == 1);
  });
  over("copy", [&](const auto& x) {
    npymap::save_as(folder / "y.npy", x, {.order = npymap::order::fortran}, little);
  });
  over("product", [&](const auto& x) {
    const auto c = npymap::create<double>(folder / "c.npy", {columns, columns});
    npymap::multiply(x.transpose(), x, c, little);
  });
  CHECK(refused > 30);  // of 180
}

TEST_CASE("a file that shrinks: private edits are read through a map, and that too is an error") {
  const temp_folder folder;
  const int refused = cut_during(folder, "mode c", [&](const std::string& path) {
    const auto x = npymap::open<double, npymap::open_mode::copy_on_write>(path);
    x(5, 5) = 1.0;
    for (int again = 0; again < 3; ++again) {
      npymap::sum(x, {.budget_bytes = 4 * mib});
      npymap::gather(x, std::vector<index_t>{3, 20000, 32000});
      npymap::save_as(folder / "y.npy", x, {.order = npymap::order::fortran});
    }
  });
  CHECK(refused > 0);
}

TEST_CASE("a file that shrinks: a copy into its map is an error too, however small") {
  const temp_folder folder;
  const std::string path = folder / "y.npy";
  const auto x = npymap::zeros<double>({2000, columns});
  const auto short_target = [&] {
    auto y = npymap::create<double>(path, {2000, columns});
    cut(path, 4096);
    return y;
  };
  CHECK(code_of([&] { npymap::copy(x, short_target()); }) == errc::truncated);
  CHECK(code_of([&] {
          npymap::copy(npymap::zeros<float>({2000, columns}), short_target());
        }) == errc::truncated);
  CHECK(code_of([&] {
          const auto y = short_target();
          npymap::copy(y(npymap::range(0, 1999), npymap::all),
                       y(npymap::range(1, 2000), npymap::all));  // they overlap
        }) == errc::truncated);
}

TEST_CASE("a file that shrinks: rows that are gathered into its map are an error too") {
  const temp_folder folder;
  const std::string path = folder / "y.npy";
  const auto x = npymap::zeros<double>({20000, columns});
  const auto big_endian =
      npymap::create(folder / "b.npy", npymap::parse_descr(">f8"), {20000, columns});
  const auto native = npymap::create<double>(folder / "x.npy", {20000, columns});
  std::vector<index_t> wanted(2000);
  for (index_t& row : wanted) row = 7 * (&row - wanted.data());
  for (const std::uint64_t budget : {256 * mib, mib, std::uint64_t{64} << 10}) {
    const auto gather_to_cut = [&](const auto& from, auto element) {
      const auto y = npymap::create<decltype(element)>(path, {2000, columns});
      cut(path, 4096);
      npymap::gather(from, wanted, y, {.budget_bytes = budget});
    };
    CHECK(code_of([&] { gather_to_cut(x, 0.0); }) == errc::truncated);
    CHECK(code_of([&] { gather_to_cut(native, 0.0); }) == errc::truncated);
    CHECK(code_of([&] { gather_to_cut(native, 0.0F); }) == errc::truncated);
    CHECK(code_of([&] { gather_to_cut(big_endian, 0.0); }) == errc::truncated);
  }
}

TEST_CASE("a file that shrinks: a piece that a function looks at reads as zeros, and is an error") {
  const temp_folder folder;
  const std::string path = sample(folder);
  const auto x = npymap::open<double>(path);
  std::atomic<int> zeros = 0;
  CHECK(code_of([&] {
          npymap::for_each_piece(x,
                                 [&](const npymap::view<const double>& piece) {
                                   cut(path, 4096);
                                   zeros += piece(piece.extent(0) - 1, 0) == 0.0;
                                 },
                                 {.threads = 1});
        }) == errc::truncated);
  CHECK(zeros == 1);
}

TEST_CASE("a file that shrinks: the last block's loss is told when the loop goes on behind it") {
  const temp_folder folder;
  const std::string path = sample(folder);
  const auto x = npymap::open<double>(path);
  int seen = 0;
  CHECK(code_of([&] {
          for (const auto& block : npymap::blocks(x)) {
            cut(path, 4096);
            seen += block(rows - 1, 0) == 0.0;
          }
        }) == errc::truncated);
  CHECK(seen == 1);
}

TEST_CASE(
    "file_check: a file that is replaced, removed or cut under way is told of at the next block") {
  const temp_folder folder;
  const npymap::read_options ways[] = {
      {.reading = npymap::reading::mapped, .check = npymap::file_check::each_block},
      {.reading = npymap::reading::buffered, .check = npymap::file_check::each_block},
      {.reading = npymap::reading::direct, .check = npymap::file_check::each_block},
      {.reading = npymap::reading::mapped},
  };
  const npymap::block_options small{.budget_bytes = mib, .extent = 512};
  for (const npymap::read_options& way : ways) {
    for (const std::string what : {"replaced", "removed", "cut", "nothing"}) {
      const std::string path = sample(folder);
      const npymap::source x(path, way);
      index_t seen = 0;
      const std::error_code found = code_of([&] {
        for (const auto& block : npymap::blocks<double>(x, small)) {
          if (++seen != 3) continue;
          CHECK(block(0, 0) == 1);
          if (what == "replaced") npymap::create<double>(path, {rows, columns}).close();
          if (what == "removed") std::filesystem::remove(path);
          if (what == "cut") cut(path, 200 * 1024);
        }
      });
      INFO(what << " " << static_cast<int>(way.reading));
      const bool asks = way.check == npymap::file_check::each_block;
      if (what == "cut") {
        CHECK(found == errc::truncated);
      } else if (what == "nothing" || !asks) {
        CHECK(found == std::error_code());
        CHECK(seen == rows / 512);
      } else {
        CHECK(found == errc::replaced);
      }
      if (found) CHECK(seen <= 8);  // some are read ahead
    }
  }
}

TEST_CASE("file_check: a guard, and a pass, know a file that has another name now") {
  const temp_folder folder;
  const std::string path = sample(folder);
  const auto x = npymap::open<double>(path, {.check = npymap::file_check::each_block});
  CHECK(npymap::sum(x) == rows * columns);
  std::filesystem::rename(path, folder / "y.npy");
  CHECK(code_of([&] { npymap::sum(x); }) == errc::replaced);
  CHECK(message_of([&] { npymap::guarded(x, [] {}); }) ==
        path + ": name of the file: expected the file that was opened, found none");
  CHECK(x(0, 0) == 1);
  CHECK(npymap::sum(npymap::open<double>(folder / "y.npy")) == rows * columns);
}

TEST_CASE("file_check: a relative name is looked up where it was, whatever folder is current now") {
  const temp_folder folder;
  sample(folder);
  const std::filesystem::path before = std::filesystem::current_path();
  std::filesystem::current_path(std::filesystem::path(folder / "x.npy").parent_path());
  const auto x = npymap::open<double>("x.npy", {.check = npymap::file_check::each_block});
  std::filesystem::current_path("/");
  CHECK(npymap::sum(x) == rows * columns);
  std::filesystem::remove(folder / "x.npy");
  CHECK(code_of([&] { npymap::sum(x); }) == errc::replaced);
  std::filesystem::current_path(before);
}
