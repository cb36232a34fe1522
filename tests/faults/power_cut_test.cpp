// A file system that stops, with nothing more reaching its disk, and is mounted again: what was
// promised to be durable is there.
#include <cstdint>
#include <filesystem>
#include <iostream>
#include <random>
#include <string>
#include <vector>

#include <npymap/npymap.hpp>

#include "io/mounts.hpp"
#include "support/catch.hpp"
#include "support/python.hpp"
#include "support/skip.hpp"
#include "support/temp_folder.hpp"

using namespace npymap_test;
using npymap::append_durability;
using npymap::appender;
using npymap::index_t;

namespace {

constexpr index_t columns = 37;

std::vector<double> row_of(index_t n) {
  std::vector<double> row(columns);
  for (index_t i = 0; i < columns; ++i) row[static_cast<std::size_t>(i)] = double(n * columns + i);
  return row;
}

void append_row(appender& to, index_t n) {
  const std::vector<double> row = row_of(n);
  to.append(npymap::view<const double, 1>(row.data(), {columns}));
}

bool holds_rows(const std::string& path, index_t count) {
  const auto x = npymap::open<double>(path);
  if (x.extent(0) < count) return false;
  for (index_t i = 0; i < x.size(); ++i) {
    if (x(i / columns, i % columns) != double(i)) return false;
  }
  return true;
}

/// Call `f` with a disk of its own, some times.
template <class F>
void with_power_cuts(int times, const F& f) {
  if (!can_mount_images()) NPYMAP_SKIP("cannot mount ext4 images");
  std::mt19937 random(static_cast<std::mt19937::result_type>(random_seed()));
  for (int i = 0; i < times; ++i) {
    const temp_folder folder;
    const ext4_image disk(folder / "image", std::uint64_t{24} << 20, journal::kept);
    f(disk, random);
  }
  std::cout << "power cut: " << times << " times\n";
}

void cut(const ext4_image& disk) {
  if (!disk.cut_power()) NPYMAP_SKIP("this kernel does not shut ext4 down");
}

}  // namespace

TEST_CASE("power cut: rows that were appended durably are there, and the file is whole") {
  with_power_cuts(6, [](const ext4_image& disk, std::mt19937& random) {
    const std::string path = disk / "log.npy";
    npymap::create<double>(path, {0, columns}).flush();
    const auto told = static_cast<index_t>(random() % 60 + 1);
    {
      appender log(path, {.durability = append_durability::each_block});
      for (index_t n = 0; n < told; ++n) append_row(log, n);
      cut(disk);
    }
    disk.mount_again();
    CHECK(holds_rows(path, told));
    const auto found = npymap::recover(path);
    CHECK(found.rows >= told);
    appender again(path);
    append_row(again, found.rows);
    again.close();
    CHECK(holds_rows(path, found.rows + 1));
  });
}

TEST_CASE("power cut: a log that was closed durably is there") {
  with_power_cuts(3, [](const ext4_image& disk, std::mt19937& random) {
    const std::string path = disk / "log.npy";
    npymap::create<double>(path, {0, columns}).flush();
    const auto told = static_cast<index_t>(random() % 3000);
    appender log(path, {.durability = append_durability::on_close});
    for (index_t n = 0; n < told; ++n) append_row(log, n);
    log.close();
    cut(disk);
    disk.mount_again();
    CHECK(holds_rows(path, told));
    CHECK(npymap::open<double>(path).extent(0) == told);
  });
}

TEST_CASE("power cut: what was saved durably is there, also over an older file") {
  with_power_cuts(4, [](const ext4_image& disk, std::mt19937& random) {
    const std::string path = disk / "x.npy";
    for (const auto count : {random() % 100'000, random() % 100'000}) {
      const std::vector<double> values(count, double(count));
      npymap::save(path, npymap::view<const double>(values.data(), {index_t(count)}),
                   {.durability = npymap::durability::full});
    }
    const std::string bytes = read_file(path);
    cut(disk);
    disk.mount_again();
    CHECK(read_file(path) == bytes);
    for (const auto& entry : std::filesystem::directory_iterator(disk.path())) {
      CHECK((entry.path().filename() == "x.npy" || entry.path().filename() == "lost+found"));
    }
  });
}

TEST_CASE("power cut: what was flushed through a map is there") {
  with_power_cuts(3, [](const ext4_image& disk, std::mt19937& random) {
    const std::string path = disk / "x.npy";
    auto x = npymap::create<double>(path, {50'000});
    for (int i = 0; i < 100; ++i) x(index_t(random() % 50'000)) = i;
    const std::vector<double> values(x.begin(), x.end());
    x.flush();
    x(7) = -1;  // nobody asked for this
    cut(disk);
    x.close();
    disk.mount_again();
    const auto found = npymap::load<double>(path);
    REQUIRE(found.size() == 50'000);
    for (index_t i = 0; i < 50'000; ++i) {
      if (i != 7 && found(i) != values[std::size_t(i)]) FAIL("element " << i);
    }
    CHECK((found(7) == values[7] || found(7) == -1));
  });
}
