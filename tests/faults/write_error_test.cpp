// Disks that cannot write, or bring to rest what was written.
#include <cerrno>
#include <functional>
#include <iostream>
#include <string>
#include <utility>
#include <vector>

#include <npymap/eigen_passes.hpp>
#include <npymap/npymap.hpp>

#include "faults/failing.hpp"
#include "support/counting.hpp"
#include "support/fuse_file_system.hpp"
#include "support/skip.hpp"

using namespace npymap_test;
using npymap::any_array;
using npymap::append_durability;
using npymap::durability;
using npymap::index_t;

namespace {

constexpr std::uint64_t mib = std::uint64_t{1} << 20;
constexpr index_t rows = 2048, columns = 128;  // 2 MiB
constexpr std::uint64_t header_bytes = 128, row_bytes = columns * 8;
const npymap::pass_options little{.budget_bytes = mib};

/// A disk with an old y.npy, beside a local x.npy to be written to it.
struct failing_disk {
  ~failing_disk() {
    std::cout << "write errors: " << disk.rules().injected << " of "
              << disk.rules().writes + disk.rules().syncs << " writes and syncs failed\n";
  }
  bool is_as_before() const {
    return names_in(disk.stored().path()) == std::set<std::string>{"y.npy"} &&
           read_file(disk.stored() / "y.npy") == "old";
  }
  void make_old() const { write_file(disk.stored() / "y.npy", "old"); }

  fuse_file_system disk;
  temp_folder local;
  npymap::array<double> x = counting(local / "x.npy", {rows, columns});
  std::string path = disk / "y.npy";
};

void check_write_error(const told_failure& told, const failing_disk& to, int reason) {
  INFO(told.message);
  CHECK(told.code == system_error(reason));
  CHECK(told.path == to.path);
}

/// Ways to write x.npy to a new file, which has the name when all has been written, or not at all.
struct named_save {
  const char* name;
  std::function<void(const failing_disk&, durability)> run;
};
const named_save saves[] = {
    {"save", [](const auto& to, durability d) { npymap::save(to.path, to.x, {.durability = d}); }},
    {"save, gathered",
     [](const auto& to, durability d) {
       npymap::save(to.path, any_array(to.x).slice("::-1"), {.durability = d});
     }},
    {"save_as",
     [](const auto& to, durability d) {
       npymap::save_as(to.path, to.x, {.order = npymap::order::fortran, .durability = d}, little);
     }},
};

}  // namespace

TEST_CASE("disk that cannot write: a save fails, the old file is whole, and there is no other") {
  if (!can_mount_fuse()) NPYMAP_SKIP("cannot mount FUSE");
  failing_disk to;
  to.make_old();
  for (const named_save& save : saves) {
    for (const std::uint64_t byte : {std::uint64_t{0}, header_bytes, mib, 2 * mib + 100}) {
      for (const int reason : {EIO, ENOSPC}) {
        INFO(save.name << ", byte " << byte << ", errno " << reason);
        to.disk.rules().fail_writes(reason, byte, byte + 1);
        check_write_error(failure_of([&] { save.run(to, durability::none); }), to, reason);
        CHECK(to.is_as_before());
      }
    }
  }
  to.disk.rules().mend();
  saves[0].run(to, durability::none);
  CHECK(read_file(to.disk.stored() / "y.npy") == read_file(to.local / "x.npy"));
}

TEST_CASE("disk that cannot sync: a save that waits for the disk fails at whichever sync it is") {
  if (!can_mount_fuse()) NPYMAP_SKIP("cannot mount FUSE");
  failing_disk to;
  for (const named_save& save : saves) {
    INFO(save.name);
    to.make_old();
    int failures = 0;
    for (int n = 0; n < 10; ++n) {
      to.disk.rules().syncs_before_failure = n;
      const told_failure told = failure_of([&] { save.run(to, durability::full); });
      if (!told.code) break;
      ++failures;
      check_write_error(told, to, EIO);
      if (told.message.find("replaced, durability unknown") == std::string::npos) {
        CHECK(to.is_as_before());
      } else {
        CHECK(npymap::sum<double>(npymap::open(to.disk.stored() / "y.npy")) == npymap::sum(to.x));
      }
    }
    CHECK(failures >= 2);  // of the file, of the folder
    CHECK(failures < 10);
    to.disk.rules().mend();
    CHECK(names_in(to.disk.stored().path()) == std::set<std::string>{"y.npy"});
  }
}

TEST_CASE("disk that cannot write: a file is not created, and the old one is whole") {
  if (!can_mount_fuse()) NPYMAP_SKIP("cannot mount FUSE");
  failing_disk to;
  // Space is reserved by writing zeros where there is no other way.
  to.disk.rules().refuses_fallocate = true;
  for (const bool is_there : {true, false}) {
    if (!is_there) std::filesystem::remove(to.disk.stored() / "y.npy");
    if (is_there) to.make_old();
    for (const std::uint64_t byte : {std::uint64_t{0}, mib, 2 * mib + 100}) {
      for (const int reason : {EIO, ENOSPC}) {
        INFO("byte " << byte << ", errno " << reason);
        to.disk.rules().fail_writes(reason, byte, byte + 1);
        const auto created = [&](auto create) {
          check_write_error(failure_of([&] {
                              create(to.path, npymap::shape{rows, columns});
                            }),
                            to, reason);
        };
        created([](const auto& path, const auto& shape) { npymap::create<double>(path, shape); });
        if (!is_there) {
          created(
              [](const auto& path, const auto& shape) { npymap::create_new<double>(path, shape); });
        }
        CHECK((is_there ? to.is_as_before() : names_in(to.disk.stored().path()).empty()));
      }
    }
  }
  to.disk.rules().mend();
  const auto y = npymap::create_new<double>(to.path, {rows, columns});
  CHECK(npymap::sum(y) == 0);
}

TEST_CASE("disk that cannot write: a flush tells, and so does each later one, and close") {
  if (!can_mount_fuse()) NPYMAP_SKIP("cannot mount FUSE");
  failing_disk to;
  const std::function<void(fuse_rules&)> faults[] = {
      [](fuse_rules& rules) { rules.fail_writes(EIO, mib, mib + 1); },
      [](fuse_rules& rules) { rules.fail_writes(ENOSPC); },
      [](fuse_rules& rules) { rules.syncs_before_failure = 0; }};
  for (const auto& fault : faults) {
    auto y = npymap::create<double>(to.path, {rows, columns});
    npymap::fill(y, 1.0);
    y.flush();
    npymap::fill(y, 2.0);
    fault(to.disk.rules());
    const told_failure told = failure_of([&] { y.flush(); });
    INFO(told.message);
    CHECK((told.code == system_error(EIO) || told.code == system_error(ENOSPC)));
    CHECK(told.path == to.path);
    to.disk.rules().mend();
    CHECK(failure_of([&] { y.flush(); }).code == told.code);
    CHECK(failure_of([&] { y(npymap::range(0, 1)).flush(); }).code == told.code);
    CHECK(failure_of([&] { y.close(); }).code == told.code);
    CHECK(failure_of([&] { y.close(); }).code == std::error_code());
  }
}

TEST_CASE("disk that cannot write: what writes to an array that is there is an error") {
  if (!can_mount_fuse()) NPYMAP_SKIP("cannot mount FUSE");
  failing_disk to;
  const auto twice = [](const auto& from, const auto& into) {
    npymap::for_each([](double& y, double x) { y = 2 * x; }, into, from);
  };
  using target = npymap::array<double>;
  const std::pair<const char*, std::function<void(const target&)>> writers[] = {
      {"transform", [&](const target& y) { npymap::transform(to.x, y, twice, little); }},
      {"copy", [&](const target& y) { npymap::copy(to.x, y, npymap::casting::same_kind, little); }},
      {"copy, turned",
       [&](const target& y) {
         const auto x = to.x.reshape({columns, rows}).transpose();
         npymap::copy(x, y, npymap::casting::same_kind, little);
       }},
      {"multiply",
       [&](const target& y) {
         const Eigen::MatrixXd one = Eigen::MatrixXd::Identity(columns, columns);
         npymap::save(to.local / "one.npy", npymap::as_view(one));
         npymap::multiply(to.x, npymap::open<double>(to.local / "one.npy"), y, little);
       }},
  };
  const auto y = npymap::create<double>(to.path, {rows, columns});
  for (const auto& [name, write] : writers) {
    for (const int reason : {EIO, ENOSPC}) {
      INFO(name << ", errno " << reason);
      to.disk.rules().fail_writes(reason, mib, mib + 1);
      check_write_error(failure_of([&] { write(y); }), to, reason);
    }
    to.disk.rules().mend();
    write(y);
    CHECK(y(rows - 1, columns - 1) != 0);
  }
  CHECK(names_in(to.disk.stored().path()) == std::set<std::string>{"y.npy"});
}

TEST_CASE("disk that cannot write: appended rows that were told of stay, and recover makes whole") {
  if (!can_mount_fuse()) NPYMAP_SKIP("cannot mount FUSE");
  failing_disk to;
  const auto at = [&](index_t row) { return to.x(npymap::range(row, row + 1)); };
  for (const index_t bad_row : {1, 5, 40}) {
    for (const std::size_t buffer_bytes : {std::size_t{1}, std::size_t{8} * row_bytes}) {
      for (const int reason : {EIO, ENOSPC}) {
        INFO("row " << bad_row << ", buffer " << buffer_bytes);
        npymap::create<double>(to.path, {0, columns}).close();
        const std::uint64_t byte = header_bytes + std::uint64_t(bad_row) * row_bytes + 77;
        to.disk.rules().fail_writes(reason, byte, byte + 1);
        npymap::appender log(to.path, {.buffer_bytes = buffer_bytes});
        index_t told = 0;
        const auto fill = [&] {
          for (index_t row = 0; row < 64; ++row) {
            log.append(at(row));
            if (row % 3 == 2) {
              log.flush();
              told = row + 1;
            }
          }
        };
        check_write_error(failure_of(fill), to, reason);
        check_write_error(failure_of([&] { log.append(at(0)); }), to, reason);
        check_write_error(failure_of([&] { log.flush(); }), to, reason);
        to.disk.rules().mend();
        check_write_error(failure_of([&] { log.close(); }), to, reason);

        const index_t kept = npymap::open(to.path).extent(0);
        CHECK(kept >= told);
        CHECK(kept <= bad_row);
        npymap::recover(to.path);
        const auto y = npymap::open<double>(to.path);
        REQUIRE(y.extent(0) >= kept);
        CHECK(npymap::equal(y(npymap::range(0, kept)), to.x(npymap::range(0, kept))));
        npymap::appender(to.path).append(at(kept));
        CHECK(npymap::open(to.path).extent(0) == y.extent(0) + 1);
      }
    }
  }
}

TEST_CASE("disk that cannot write: a header that is not written tells of the earlier rows") {
  if (!can_mount_fuse()) NPYMAP_SKIP("cannot mount FUSE");
  failing_disk to;
  npymap::save(to.path, to.x(npymap::range(0, 3)));
  npymap::appender log(to.path);
  log.append(to.x(npymap::range(3, 5)));
  to.disk.rules().fail_writes(EIO, 0, 1);
  check_write_error(failure_of([&] { log.flush(); }), to, EIO);
  check_write_error(failure_of([&] { log.close(); }), to, EIO);
  to.disk.rules().mend();
  CHECK(npymap::open(to.path).extent(0) == 3);
  CHECK(npymap::recover(to.path).rows == 5);
  CHECK(npymap::equal(npymap::open<double>(to.path), to.x(npymap::range(0, 5))));
}

TEST_CASE("disk that cannot sync: rows whose append came back stay, whichever sync fails") {
  if (!can_mount_fuse()) NPYMAP_SKIP("cannot mount FUSE");
  failing_disk to;
  for (int n = 0; n < 7; ++n) {
    INFO("after " << n << " syncs");
    npymap::create<double>(to.path, {0, columns}).close();
    index_t told = 0;
    npymap::appender log(to.path, {.durability = append_durability::each_block});
    to.disk.rules().syncs_before_failure = n;
    check_write_error(failure_of([&] {
                        for (; told < 10; ++told) log.append(to.x(npymap::range(told, told + 1)));
                      }),
                      to, EIO);
    check_write_error(failure_of([&] { log.close(); }), to, EIO);
    const auto y = npymap::open<double>(to.path);
    CHECK(told == n / 2);
    CHECK(y.extent(0) >= told);
    CHECK(y.extent(0) <= told + 1);
    CHECK(npymap::equal(y(npymap::range(0, told)), to.x(npymap::range(0, told))));
  }
}

#ifdef NPYMAP_TOOL
TEST_CASE("disk that cannot write: the tool says so in one line, and the old file is whole") {
  if (!can_mount_fuse()) NPYMAP_SKIP("cannot mount FUSE");
  failing_disk to;
  to.make_old();
  const std::vector<std::string> reason = {"npymap: ", to.path, "Input/output error"};
  to.disk.rules().fail_writes(EIO, mib, mib + 1);
  for (const std::vector<std::string>& options :
       {std::vector<std::string>{}, {"--order", "F"}, {"--dtype", ">f8", "--memory", "1MiB"}}) {
    std::vector<std::string> command = {"convert", to.local / "x.npy", to.path};
    command.insert(command.end(), options.begin(), options.end());
    check_refusal(run_tool(command), reason);
    CHECK(to.is_as_before());
  }
  npymap::save(to.disk.stored() / "y.npy", to.x(npymap::range(0, 5)));
  const std::string before = read_file(to.disk.stored() / "y.npy");
  for (const std::uint64_t byte : {std::uint64_t{0}, mib}) {
    to.disk.rules().fail_writes(EIO, byte, byte + 1);
    check_refusal(run_tool({"append", to.path, to.local / "x.npy"}), reason);
    CHECK(read_file(to.disk.stored() / "y.npy") == before);
  }
  to.disk.rules().mend();
  CHECK(run_tool({"append", to.path, to.local / "x.npy", "--durability", "on_close"}).exit_code ==
        0);
  CHECK(npymap::open(to.path).extent(0) == rows + 5);
}
#endif
