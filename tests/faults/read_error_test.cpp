// Disks that cannot read some of a file: EIO, never SIGBUS, and nothing else that is wrong.
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
using npymap::index_t;
using npymap::reading;
using npymap::source;

namespace {

constexpr std::uint64_t mib = std::uint64_t{1} << 20, page = 4096;
constexpr index_t rows = 4096, columns = 128;  // 4 MiB
constexpr std::uint64_t header_bytes = 128, row_bytes = columns * 8;
constexpr std::uint64_t bad = 3 * mib + 5 * page;
constexpr auto rows_before = index_t((bad - header_bytes) / row_bytes);
const npymap::pass_options little{.budget_bytes = mib};

/// A disk with files x.npy, which cannot be read at `bad`, and before.npy, which can.
struct failing_disk {
  failing_disk() {
    counting(disk.stored() / "x.npy", {rows, columns});
    // The readings of concatenated files must tell them apart by name alone.
    counting(good / "before.npy", {rows, columns});
    counting(good / "after.npy", {rows, columns});
    break_at(bad);
  }
  ~failing_disk() {
    std::cout << "read errors: " << disk.rules().injected << " of " << disk.rules().reads
              << " reads failed\n";
  }
  void break_at(std::uint64_t byte) { disk.rules().fail_reads(byte, byte + 1); }

  fuse_file_system disk;
  temp_folder good;
  std::string path = disk / "x.npy";
};

// Requests are up to a megabyte long, and fail as a whole.
void check_read_error(const told_failure& told, const failing_disk& from) {
  INFO(told.message);
  CHECK(told.code == system_error(EIO));
  CHECK(told.path == from.path);
  REQUIRE(told.byte);
  CHECK(*told.byte / page <= bad / page);
  CHECK(*told.byte + mib > bad);
}

struct named_pass {
  const char* name;
  std::function<void(const source&)> run;
};

using npymap::along;
const named_pass passes[] = {
    {"sum", [](const source& x) { npymap::sum<double>(x, little); }},
    {"summarize", [](const source& x) { npymap::summarize<double>(x, little); }},
    {"mean along an axis", [](const source& x) { npymap::mean<double>(x, along{0}, little); }},
    {"min along another", [](const source& x) { npymap::min<double>(x, along{1}, little); }},
    {"dot", [](const source& x) { npymap::dot<double>(x, x, little); }},
    {"histogram", [](const source& x) { npymap::histogram<double>(x, {.bins = 9}, little); }},
    {"gram", [](const source& x) { npymap::gram(x, little); }},
    {"covariance", [](const source& x) { npymap::covariance(x, {}, little); }},
    {"reduce",
     [](const source& x) {
       npymap::reduce<double>(
           x, 0.0, [](const npymap::view<const double>& piece) { return piece(0, 0); },
           std::plus<>(), little);
     }},
    {"reduce, decoded",
     [](const source& x) {
       npymap::reduce<float>(
           x, 0.0f, [](const npymap::view<const float>& piece) { return piece(0, 0); },
           std::plus<>(), little);
     }},
    {"for_each_piece, one thread",
     [](const source& x) {
       npymap::for_each_piece<double>(x, [](const npymap::view<const double>&) {},
                                      {.budget_bytes = mib, .threads = 1});
     }},
    {"blocks",
     [](const source& x) {
       double sum = 0;
       for (const auto& block : npymap::blocks<double>(x, {.budget_bytes = mib})) {
         for (const double value : block) sum += value;
       }
     }},
    {"blocks of columns",
     [](const source& x) {
       for (const auto& block : npymap::blocks<double>(x, {.budget_bytes = mib, .axis = 1})) {
         CHECK(block(1, 0) - block(0, 0) == columns);
       }
     }},
    {"transform",
     [](const source& x) {
       const temp_folder folder;
       const auto y = npymap::create<double>(folder / "y.npy", x.shape());
       npymap::transform(
           std::make_tuple(npymap::typed_source<double>(x)), npymap::outputs(y),
           [](const auto& from, const auto& to) { npymap::copy(from, to); }, little);
     }},
    {"multiply",
     [](const source& x) {
       const temp_folder folder;
       const auto y = npymap::create<double>(folder / "y.npy", {columns, 3});
       npymap::fill(y, 1.0);
       npymap::multiply(x, y, npymap::create<double>(folder / "z.npy", {x.extent(0), 3}), little);
     }},
};

struct named_array_pass {
  const char* name;
  std::function<void(const npymap::array<const double>&, const temp_folder&)> run;
};

const named_array_pass array_passes[] = {
    {"gather, far apart",
     [](const auto& x, const auto&) {
       const std::vector<index_t> wanted = {5, rows_before, 17, rows - 1};
       npymap::gather(x, wanted);
     }},
    {"gather, all",
     [](const auto& x, const auto&) {
       std::vector<index_t> wanted;
       for (index_t i = rows; i-- > 0;) wanted.push_back(i);
       npymap::gather<float>(any_array(x), wanted);
     }},
    {"batches",
     [](const auto& x, const auto&) {
       double sum = 0;
       for (const auto& batch : npymap::batches(x, {.budget_bytes = 2 * mib})) sum += batch(0, 0);
     }},
    {"copy",
     [](const auto& x, const auto& folder) {
       npymap::copy(x, npymap::create<double>(folder / "copy.npy", x.shape()),
                    npymap::casting::same_kind, little);
     }},
    {"copy, turned",
     [](const auto& x, const auto& folder) {
       npymap::copy(x.transpose(), npymap::create<float>(folder / "copy.npy", {columns, rows}),
                    npymap::casting::same_kind, little);
     }},
    {"save_as",
     [](const auto& x, const auto& folder) {
       npymap::save_as(folder / "new.npy", x, {.order = npymap::order::fortran}, little);
     }},
    {"save_as over a file",
     [](const auto& x, const auto& folder) { npymap::save_as(folder / "old.npy", x, {}, little); }},
};

}  // namespace

TEST_CASE("disk that cannot read: a guard names the file and the byte") {
  if (!can_mount_fuse()) NPYMAP_SKIP("cannot mount FUSE");
  failing_disk from;
  const auto x = npymap::open<double>(from.path);
  double sum = 0;
  const told_failure told = failure_of([&] {
    npymap::guarded(x, [&] {
      for (const double value : x) sum += value;
    });
  });
  CHECK(sum > 0);
  check_read_error(told, from);
  CHECK(told.byte.value_or(0) / page == bad / page);

  double before = 0;
  npymap::guarded(x, [&] {
    for (index_t i = 0; i < rows_before - 4; ++i) before += x(i, 0);
  });
  CHECK(before == double(rows_before - 4) * double(rows_before - 5) / 2 * columns);
}

TEST_CASE("disk that cannot read: each pass, through each reading, is an error that names it") {
  if (!can_mount_fuse()) NPYMAP_SKIP("cannot mount FUSE");
  failing_disk from;
  const std::vector<std::string> three = {from.good / "before.npy", from.path,
                                          from.good / "after.npy"};
  const std::pair<const char*, std::function<source()>> sources[] = {
      {"by file system", [&] { return source(from.path); }},
      {"mapped", [&] { return source(from.path, {.reading = reading::mapped}); }},
      {"buffered", [&] { return source(from.path, {.reading = reading::buffered}); }},
      {"direct", [&] { return source(from.path, {.reading = reading::direct}); }},
      {"concatenated", [&] { return npymap::concatenate(three); }},
      {"concatenated, direct",
       [&] { return npymap::concatenate(three, {.reading = reading::direct}); }},
  };
  for (const auto& [reading_name, open] : sources) {
    for (const named_pass& pass : passes) {
      INFO(pass.name << ", " << reading_name);
      const std::uint64_t injected = from.disk.rules().injected;
      check_read_error(failure_of([&] { pass.run(open()); }), from);
      CHECK(from.disk.rules().injected > injected);
    }
  }
  CHECK(names_in(from.disk.stored().path()) == std::set<std::string>{"x.npy"});
}

TEST_CASE("disk that cannot read: arrays are gathered, batched and copied until there") {
  if (!can_mount_fuse()) NPYMAP_SKIP("cannot mount FUSE");
  failing_disk from;
  const temp_folder folder;
  write_file(folder / "old.npy", "old");
  const auto x = npymap::open<double>(from.path);
  for (const named_array_pass& pass : array_passes) {
    INFO(pass.name);
    check_read_error(failure_of([&] { pass.run(x, folder); }), from);
  }
  CHECK(read_file(folder / "old.npy") == "old");
  CHECK(names_in(folder.path()) == std::set<std::string>{"copy.npy", "old.npy"});
}

TEST_CASE("disk that cannot read: what is loaded or saved whole is an error, and no file") {
  if (!can_mount_fuse()) NPYMAP_SKIP("cannot mount FUSE");
  failing_disk from;
  check_read_error(failure_of([&] { npymap::load(from.path); }), from);
  const temp_folder folder;
  write_file(folder / "old.npy", "old");
  const auto refused = [&](const auto& elements, const std::string& path) {
    check_read_error(failure_of([&] { npymap::save(path, elements); }), from);
    check_read_error(
        failure_of([&] { npymap::guarded(elements, [&] { npymap::save(path, elements); }); }),
        from);
  };
  const auto x = npymap::open<double>(from.path);
  for (const std::string& path : {folder / "new.npy", folder / "old.npy", from.disk / "y.npy"}) {
    refused(x, path);
    refused(x.transpose(), path);
    refused(x(npymap::all, npymap::range(0, 5)), path);
    refused(any_array(x), path);
    refused(any_array(x).slice("::2"), path);
  }
  CHECK(read_file(folder / "old.npy") == "old");
  CHECK(names_in(folder.path()) == std::set<std::string>{"old.npy"});
  CHECK(names_in(from.disk.stored().path()) == std::set<std::string>{"x.npy"});
  npymap::save(folder / "old.npy", x(npymap::range(0, 100)));
  CHECK(npymap::equal(npymap::open<double>(folder / "old.npy"), x(npymap::range(0, 100))));
}

TEST_CASE("disk that cannot read: rows that it does not give are not appended") {
  if (!can_mount_fuse()) NPYMAP_SKIP("cannot mount FUSE");
  failing_disk from;
  const temp_folder folder;
  const auto x = npymap::open<double>(from.path);
  const auto refused = [&](const auto& some_rows, std::size_t buffer_bytes, bool is_guarded) {
    counting(folder / "log.npy", {3, columns});
    const std::string before = read_file(folder / "log.npy");
    npymap::appender log(folder / "log.npy", {.buffer_bytes = buffer_bytes});
    const auto append = [&] { log.append(some_rows); };
    check_read_error(
        failure_of([&] { is_guarded ? npymap::guarded(some_rows, append) : append(); }), from);
    CHECK(log.rows() == 3);
    CHECK(failure_of([&] { log.close(); }).code == system_error(EIO));
    CHECK(read_file(folder / "log.npy") == before);

    npymap::npy_writer fresh(folder / "log.npy", npymap::dtype_of<double>(), {columns},
                             {.buffer_bytes = buffer_bytes});
    check_read_error(failure_of([&] { fresh.append(some_rows); }), from);
    CHECK(failure_of([&] { fresh.commit(); }).code == system_error(EIO));
    CHECK(read_file(folder / "log.npy") == before);
    CHECK(names_in(folder.path()) == std::set<std::string>{"log.npy"});
  };
  for (const std::size_t buffer_bytes : {std::size_t{1}, std::size_t{mib}, std::size_t{9 * mib}}) {
    for (const bool is_guarded : {false, true}) {
      INFO("buffer " << buffer_bytes << ", guarded " << is_guarded);
      refused(x, buffer_bytes, is_guarded);
      refused(any_array(x).slice(":, ::-1"), buffer_bytes, is_guarded);
      refused(x(npymap::range(rows_before, rows_before + 2)), buffer_bytes, is_guarded);
    }
  }
}

TEST_CASE("disk that cannot read: the blocks before are whole, and all is, when it can again") {
  if (!can_mount_fuse()) NPYMAP_SKIP("cannot mount FUSE");
  failing_disk from;
  for (const reading how :
       {reading::by_file_system, reading::mapped, reading::buffered, reading::direct}) {
    INFO("reading " << static_cast<int>(how));
    from.break_at(bad);
    const source x(from.path, {.reading = how});
    index_t seen = 0, wrong = 0, block_rows = 0;
    const auto walk = [&] {
      seen = 0;
      for (const auto& block : npymap::blocks<double>(x, {.budget_bytes = mib})) {
        block_rows = std::max(block_rows, block.extent(0));
        index_t here = 0;
        for (index_t i = 0; i < block.extent(0); ++i) {
          for (index_t j = 0; j < columns; ++j) {
            here += block(i, j) != double((seen + i) * columns + j);
          }
        }
        // The block that cannot be read may be seen as zeros, before going on throws.
        if (seen + block.extent(0) <= rows_before) wrong += here;
        seen += block.extent(0);
      }
    };
    check_read_error(failure_of(walk), from);
    CHECK(seen >= rows_before - block_rows);
    CHECK(wrong == 0);
    from.disk.rules().mend();
    walk();
    CHECK(seen == rows);
    CHECK(wrong == 0);
    CHECK(npymap::sum<double>(x, little) == double(rows * columns - 1) * (rows * columns) / 2);
  }
}

TEST_CASE("disk that cannot read: a header that it does not give is an error of whoever opens") {
  if (!can_mount_fuse()) NPYMAP_SKIP("cannot mount FUSE");
  failing_disk from;
  from.break_at(9);
  const auto refused = [&](const auto& open) {
    const told_failure told = failure_of(open);
    INFO(told.message);
    CHECK(told.code == system_error(EIO));
    CHECK(told.path == from.path);
  };
  refused([&] { npymap::open(from.path); });
  refused([&] { npymap::open(from.path, npymap::open_mode::read_write); });
  refused([&] { npymap::load(from.path); });
  refused([&] { npymap::source{from.path}; });
  refused([&] { npymap::source(from.path, {.reading = reading::direct}); });
  refused([&] { npymap::concatenate({from.good / "before.npy", from.path}); });
  refused([&] { npymap::appender{from.path}; });
  refused([&] { npymap::recover(from.path); });
}

TEST_CASE("disk that goes away: a pass over it is an error that names the file") {
  if (!can_mount_fuse()) NPYMAP_SKIP("cannot mount FUSE");
  for (const reading how : {reading::mapped, reading::buffered, reading::direct}) {
    INFO("reading " << static_cast<int>(how));
    fuse_file_system disk;
    counting(disk.stored() / "x.npy", {16 * rows, columns}).close();  // 64 MiB
    const source x(disk / "x.npy", {.reading = how});
    index_t wrong = 0;
    const told_failure told = failure_of([&] {
      for (const auto& block : npymap::blocks<double>(x, {.budget_bytes = mib})) {
        wrong += block.first() == 0 && block(1, 0) != columns;
        disk.die();
      }
    });
    INFO(told.message);
    CHECK(told.code.category() == std::system_category());
    CHECK(told.path == disk / "x.npy");
    CHECK(wrong == 0);
    CHECK(failure_of([&] { npymap::sum<double>(x, little); }).path == disk / "x.npy");
    CHECK(failure_of([&] { npymap::open(disk / "x.npy"); }).code == system_error(ENOTCONN));
    CHECK(failure_of([&] { npymap::create<double>(disk / "y.npy", {3}); }).code ==
          system_error(ENOTCONN));
  }
}

#ifdef NPYMAP_TOOL
TEST_CASE("disk that cannot read: the tool says so in one line, and leaves no file") {
  if (!can_mount_fuse()) NPYMAP_SKIP("cannot mount FUSE");
  failing_disk from;
  const temp_folder folder;
  counting(folder / "dest.npy", {3, columns});
  const std::string dest = read_file(folder / "dest.npy");
  const std::vector<std::string> reason = {"npymap: ", from.path, "Input/output error"};
  for (const std::vector<std::string>& command :
       {std::vector<std::string>{"stats", from.path},
        {"stats", from.path, "--axis", "0"},
        {"hist", from.path},
        {"dump", from.path},
        {"dump", from.path, "--slice", ":,3"},
        {"convert", from.path, folder / "out.npy"},
        {"convert", from.path, folder / "out.npy", "--order", "F", "--dtype", "<f4"},
        {"convert", from.path, folder / "dest.npy", "--memory", "1MiB"},
        {"verify", from.path},
        {"append", folder / "dest.npy", from.path}}) {
    INFO(command[0]);
    check_refusal(run_tool(command), reason);
  }
  CHECK(run_tool({"head", from.path}).exit_code == 0);
  from.break_at(page + 5);
  check_refusal(run_tool({"head", from.path, "--rows", "9"}), reason);
  from.break_at(3);
  check_refusal(run_tool({"info", from.path}), reason);
  CHECK(names_in(folder.path()) == std::set<std::string>{"dest.npy"});
  CHECK(read_file(folder / "dest.npy") == dest);
}
#endif
