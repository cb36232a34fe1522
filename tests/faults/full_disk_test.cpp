// Disks that are full: an error, the old file whole, no temporary one; and then there is room.
#include <cerrno>
#include <functional>
#include <iostream>
#include <string>
#include <utility>
#include <vector>

#include <npymap/npymap.hpp>

#include "faults/failing.hpp"
#include "io/mounts.hpp"
#include "support/counting.hpp"
#include "support/skip.hpp"

using namespace npymap_test;
using npymap::any_array;
using npymap::append_durability;
using npymap::durability;
using npymap::index_t;
using npymap::range;

namespace {

constexpr std::uint64_t mib = std::uint64_t{1} << 20;
constexpr index_t rows = 2048, columns = 128;  // 2 MiB
const npymap::pass_options little{.budget_bytes = mib};

int refusals = 0;  // because there was no room

/// A full disk of 8 MiB with an old y.npy of a few pages; x.npy, of 2 MiB, is elsewhere.
struct full_disk {
  explicit full_disk(std::filesystem::path mounted) : folder(std::move(mounted)) {
    counting(path, {100, columns}).close();
    before = read_file(path);
    fill_disk(folder / "filler");
  }
  ~full_disk() { std::cout << "full disk: " << refusals << " operations refused so far\n"; }

  bool is_as_before() const {
    return names_in(folder) == std::set<std::string>{"filler", "y.npy"} &&
           read_file(path) == before;
  }
  void make_room() const { std::filesystem::remove(folder / "filler"); }
  void check_refused(const std::function<void()>& write) const {
    const told_failure told = failure_of(write);
    INFO(told.message);
    CHECK(told.code == system_error(ENOSPC));
    CHECK(told.path == path);
    ++refusals;
  }

  std::filesystem::path folder;
  temp_folder local;
  npymap::array<double> x = counting(local / "x.npy", {rows, columns});
  std::string path = folder / "y.npy", before;
};

/// Call `f` with a fresh full tmpfs, and with a full ext4 where there can be one.
void on_full_disks(const std::function<void(full_disk&)>& f) {
  if (!can_mount()) NPYMAP_SKIP("cannot mount");
  {
    const tmpfs mounted("size=8m");
    full_disk disk(mounted.path());
    f(disk);
  }
  if (!can_mount_images()) NPYMAP_SKIP("cannot mount images");
  const temp_folder images;
  const ext4_image mounted(images / "image", 8 * mib);
  full_disk disk(mounted.path());
  f(disk);
}

struct named_writer {
  const char* name;
  std::function<void(const full_disk&)> run;
};

}  // namespace

TEST_CASE("full disk: saving and creating fail, and work when there is room") {
  const named_writer writers[] = {
      {"save", [](const auto& d) { npymap::save(d.path, d.x); }},
      {"save, durable",
       [](const auto& d) { npymap::save(d.path, d.x, {.durability = durability::full}); }},
      {"save, gathered", [](const auto& d) { npymap::save(d.path, any_array(d.x).slice("::-1")); }},
      {"save_as",
       [](const auto& d) {
         npymap::save_as(d.path, d.x, {.order = npymap::order::fortran}, little);
       }},
      {"save_as another dtype",
       [](const auto& d) {
         npymap::save_as(d.path, d.x, {.dtype = npymap::dtype_of<float>()}, little);
       }},
      {"create",
       [](const auto& d) {
         npymap::create<double>(d.path, {rows, columns});
       }},
      {"create in Fortran order",
       [](const auto& d) {
         npymap::create<double>(d.path, {rows, columns}, {.order = npymap::order::fortran});
       }},
  };
  for (const named_writer& writer : writers) {
    on_full_disks([&](full_disk& disk) {
      INFO(writer.name << " in " << disk.folder);
      disk.check_refused([&] { writer.run(disk); });
      CHECK(disk.is_as_before());
      disk.make_room();
      writer.run(disk);
      CHECK(npymap::open(disk.path).size() == rows * columns);
      CHECK(names_in(disk.folder) == std::set<std::string>{"y.npy"});
    });
  }
}

TEST_CASE("full disk: create_new leaves no file, and works when there is room") {
  on_full_disks([](full_disk& disk) {
    const std::string path = disk.folder / "new.npy";
    const auto create = [&] { return npymap::create_new<double>(path, {rows, columns}); };
    CHECK(failure_of(create).code == system_error(ENOSPC));
    ++refusals;
    CHECK(disk.is_as_before());
    disk.make_room();
    npymap::fill(create(), 0.5);
    CHECK(npymap::sum(npymap::open<double>(path)) == rows * columns / 2);
  });
}

TEST_CASE("full disk: text fails, plain or packed, and works when there is room") {
  for (const char* name : {"x.txt", "x.txt.gz"}) {
    on_full_disks([&](full_disk& disk) {
      const std::string path = disk.folder / name;
      const auto save = [&] {
        npymap::save_text(path, disk.x, {.format = "%.2e", .pass = little});
      };
      CHECK(failure_of(save).code == system_error(ENOSPC));
      ++refusals;
      CHECK(disk.is_as_before());
      disk.make_room();
      save();
      CHECK(names_in(disk.folder) == std::set<std::string>{"y.npy", name});
    });
  }
}

TEST_CASE("full disk: what is told of appended rows is there, and appending goes on with room") {
  for (const auto durable :
       {append_durability::none, append_durability::on_close, append_durability::each_block}) {
    for (const std::size_t buffer_bytes : {std::size_t{1}, std::size_t{100'000}}) {
      on_full_disks([&](full_disk& disk) {
        INFO("buffer " << buffer_bytes << " in " << disk.folder);
        std::filesystem::resize_file(disk.folder / "filler", 6 * mib);
        npymap::appender log(disk.path, {.durability = durable, .buffer_bytes = buffer_bytes});
        const auto block = [&](index_t first) { return disk.x(range(first, first + 4)); };
        index_t told = log.rows();
        disk.check_refused([&] {
          for (index_t row = told;; row += 4) {
            log.append(block(row % rows));
            if (row % 16 == 0) log.flush();
            if (row % 16 == 0 || durable == append_durability::each_block) told = log.rows();
          }
        });
        disk.check_refused([&] { log.flush(); });
        disk.check_refused([&] { log.close(); });
        CHECK(names_in(disk.folder) == std::set<std::string>{"filler", "y.npy"});

        const index_t kept = npymap::open(disk.path).extent(0);
        CHECK(told > 200);
        CHECK(kept >= told);
        if (durable == append_durability::each_block) CHECK(kept == told);
        CHECK(npymap::recover(disk.path).rows == kept);
        const auto y = npymap::open<double>(disk.path);
        index_t wrong = 0;
        for (index_t i = 0; i < kept; ++i) wrong += y(i, 5) != double(i % rows * columns + 5);
        CHECK(wrong == 0);
        disk.make_room();
        npymap::appender again(disk.path, {.durability = durable});
        again.append(block(0));
        again.close();
        CHECK(npymap::open(disk.path).extent(0) == kept + 4);
      });
    }
  }
}

TEST_CASE("full disk: a header without room for more digits is rewritten, or nothing is") {
  on_full_disks([](full_disk& disk) {
    // Writers other than NumPy leave no room; the specification of version 1.0 lets them.
    std::string header = "{'descr': '<f8', 'fortran_order': False, 'shape': (9, 128), }\n";
    std::string bytes("\x93NUMPY\x01\x00", 8);
    bytes += {static_cast<char>(header.size()), '\0'};
    disk.before = bytes + header + std::string(9 * columns * 8, '\0');
    disk.make_room();
    write_file(disk.path, disk.before);
    fill_disk(disk.folder / "filler");
    {
      npymap::appender log(disk.path);
      disk.check_refused([&] { log.append(disk.x(range(0, 2))); });
      log.discard();
    }
    CHECK(disk.is_as_before());
    disk.make_room();
    npymap::appender(disk.path).append(disk.x(range(0, 2)));
    const auto y = npymap::open<double>(disk.path);
    CHECK(npymap::equal(y(range(9, 11)), disk.x(range(0, 2))));
  });
}

TEST_CASE("full disk: a pass that fills a sparse array fails, and works when there is room") {
  const auto copied = [](const auto& from, const auto& to) { npymap::copy(from, to); };
  using target = npymap::array<double>;
  const std::pair<const char*, std::function<void(const full_disk&, const target&)>> writers[] = {
      {"transform",
       [&](const auto& d, const target& y) { npymap::transform(d.x, y, copied, little); }},
      {"copy", [](const auto& d,
                  const target& y) { npymap::copy(d.x, y, npymap::casting::same_kind, little); }},
      {"copy, turned",
       [](const auto& d, const target& y) {
         const auto turned = d.x.reshape({columns, rows}).transpose();
         npymap::copy(turned, y, npymap::casting::same_kind, little);
       }},
      {"through a map",
       [](const auto& d, const target& y) {
         npymap::guarded(y,
                         [&] { npymap::copy(npymap::view<double>(d.x), npymap::view<double>(y)); });
       }},
      {"one element through a map",
       [](const auto&, const target& y) { npymap::guarded(y, [&] { y(rows / 2, 0) = 1; }); }},
  };
  for (const auto& [name, write] : writers) {
    on_full_disks([&, name = name, write = write](full_disk& disk) {
      INFO(name << " in " << disk.folder);
      disk.make_room();
      const auto y =
          npymap::create<double>(disk.path, {rows, columns}, {.space = npymap::space::sparse});
      fill_disk(disk.folder / "filler");
      disk.check_refused([&] { write(disk, y); });
      disk.make_room();
      write(disk, y);
      CHECK(y(rows / 2, 0) != 0);
    });
  }
}

#ifdef NPYMAP_TOOL
TEST_CASE("full disk: the tool says so in one line, the old file is whole, and room mends it") {
  on_full_disks([](full_disk& disk) {
    const std::string x = disk.local / "x.npy";
    const std::vector<std::vector<std::string>> commands = {
        {"convert", x, disk.path},
        {"convert", x, disk.path, "--order", "F", "--dtype", ">f4"},
        {"append", disk.path, x},
        {"append", disk.path, x, x, "--durability", "on_close"}};
    for (const auto& command : commands) {
      INFO(command[0] << " in " << disk.folder);
      check_refusal(run_tool(command), {"npymap: ", disk.path, "No space left on device"});
      CHECK(disk.is_as_before());
      ++refusals;
    }
    disk.make_room();
    for (const auto& command : commands) CHECK(run_tool(command).exit_code == 0);
    CHECK(npymap::open(disk.path).size() == 4 * rows * columns);
    CHECK(names_in(disk.folder) == std::set<std::string>{"y.npy"});
  });
}
#endif
