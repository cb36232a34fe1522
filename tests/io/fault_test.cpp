// The n-th system call of each kind fails, is interrupted, or is the last before kill -9, for every
// n. The name then stands for the old file or for the new one, and nothing else is left.
#include <array>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <filesystem>
#include <functional>
#include <stdexcept>
#include <string>

#include <npymap/error.hpp>
#include <npymap/file_map.hpp>

#include "io/faults.hpp"
#include "io/new_file.hpp"
#include "support/catch.hpp"
#include "support/process.hpp"
#include "support/temp_folder.hpp"

using namespace npymap_test;
using npymap::durability;
using npymap::error;
using npymap::file_map;
using npymap::flush_mode;
using npymap::open_mode;
using npymap::io::existing;
using npymap::io::file;
using npymap::io::new_file;

namespace {

constexpr std::size_t size = 10'000;

struct scenario {
  const char* name;
  bool begins_with_old_file;
  std::function<void(const std::string& path)> run;  // makes a file of 'n'
};

void save(const std::string& path, existing policy) {
  new_file fresh(path, policy);
  const std::string bytes(size, 'n');
  fresh.contents().write_at(std::as_bytes(std::span(bytes)), 0);
  std::move(fresh).commit(durability::full).close();
}

void write_through(file_map map) {
  if (map.size_bytes() != size) throw std::logic_error("another size");
  std::memset(map.writable_data(), 'n', size);
  map.advise(npymap::advice::random);
  map.flush(0, 100, flush_mode::async);
  map.flush();
  map.close();
}

const scenario scenarios[] = {
    {"save over", true, [](const std::string& path) { save(path, existing::replace); }},
    {"save", false, [](const std::string& path) { save(path, existing::replace); }},
    {"save new", false, [](const std::string& path) { save(path, existing::refuse); }},
    // Its zeros are the new contents; what comes after is up to the flush.
    {"create over", true,
     [](const std::string& path) { write_through(file_map::create(path, size)); }},
    {"write", true,
     [](const std::string& path) { write_through(file_map::open(path, open_mode::read_write)); }},
    {"read", true,
     [](const std::string& path) {
       file::open(path, open_mode::read).space_guaranteed(0, size);
       file_map::open(path, open_mode::copy_on_write).close();
     }},
};

// The file systems of the world: all that Linux has, and less of it.
void lack(faults& injected, int variant) {
  if (variant >= 1) injected.always(call::open_unnamed, EOPNOTSUPP);
  if (variant >= 2) injected.always(call::rename_new, EINVAL);
  if (variant >= 2) injected.always(call::allocate, EOPNOTSUPP);
}

std::string whole_of(const std::string& path) {
  std::string bytes = read_file(path);
  if (bytes.size() != size || bytes.find_first_not_of(bytes[0]) != std::string::npos) return bytes;
  return bytes.substr(0, 1);
}

// Runs a scenario once for each call of each kind that it makes; `fail` does so with the n-th.
void for_each_call(const std::function<void(const scenario&, int variant, call, int n)>& fail) {
  for (const scenario& each : scenarios) {
    for (int variant = 0; variant < 3; ++variant) {
      std::array<int, call_kinds> counts{};
      {
        const temp_folder folder;
        if (each.begins_with_old_file) write_file(folder / "x", std::string(size, 'o'));
        faults counting;
        lack(counting, variant);
        each.run(folder / "x");
        for (int i = 0; i < call_kinds; ++i) {
          counts[static_cast<std::size_t>(i)] = faults::count(static_cast<call>(i));
        }
      }
      for (int i = 0; i < call_kinds; ++i) {
        for (int n = 1; n <= counts[static_cast<std::size_t>(i)]; ++n)
          fail(each, variant, static_cast<call>(i), n);
      }
    }
  }
}

}  // namespace

TEST_CASE("faults: each failing call is told, and leaves the old file or the new one") {
  for_each_call([](const scenario& each, int variant, call which, int n) {
    INFO(each.name << ", variant " << variant << ", call " << static_cast<int>(which) << " no. "
                   << n);
    const temp_folder folder;
    const std::string path = folder / "x";
    if (each.begins_with_old_file) write_file(path, std::string(size, 'o'));
    const auto descriptors = open_descriptors();
    bool threw = false;
    {
      faults injected(which, n, EIO);
      lack(injected, variant);
      try {
        each.run(path);
      } catch (const error& e) {
        threw = true;
        CHECK(e.path() == path);
        CHECK_FALSE(e.subject().empty());
        CHECK(e.code() == std::error_code(EIO, std::system_category()));
      }
    }
    // To close a folder or a file that failed, to hand down an owner and to tidy up are tried.
    const bool may_fail = which == call::close || which == call::set_owner || which == call::remove;
    CHECK((threw || may_fail));
    CHECK(open_descriptors() == descriptors);
    const std::string found = std::filesystem::exists(path) ? whole_of(path) : "none";
    CHECK((found == "n" || found == std::string(1, '\0') ||
           found == (each.begins_with_old_file ? "o" : "none")));
    for (const auto& entry : std::filesystem::directory_iterator(folder.path())) {
      CHECK((entry.path() == path || which == call::remove));
    }
  });
}

TEST_CASE("faults: an interrupted call is made again") {
  for_each_call([](const scenario& each, int variant, call which, int n) {
    if (which == call::map) return;  // mmap(2) is not interrupted
    INFO(each.name << ", variant " << variant << ", call " << static_cast<int>(which) << " no. "
                   << n);
    const temp_folder folder;
    if (each.begins_with_old_file) write_file(folder / "x", std::string(size, 'o'));
    faults injected(which, n, EINTR);
    lack(injected, variant);
    CHECK_NOTHROW(each.run(folder / "x"));
    CHECK(whole_of(folder / "x") == (std::string_view(each.name) == "read" ? "o" : "n"));
  });
}

TEST_CASE("faults: kill -9 at any call leaves the old file or the new one") {
  for_each_call([](const scenario& each, int variant, call which, int n) {
    INFO(each.name << ", variant " << variant << ", call " << static_cast<int>(which) << " no. "
                   << n);
    const temp_folder folder;
    if (each.begins_with_old_file) write_file(folder / "x", std::string(size, 'o'));
    CHECK(in_child([&] {
            faults injected(which, n, killed);
            lack(injected, variant);
            each.run(folder / "x");
            return 0;
          }) == 128 + SIGKILL);
    const std::string found =
        std::filesystem::exists(folder / "x") ? whole_of(folder / "x") : "none";
    CHECK((found == "n" || found == std::string(1, '\0') ||
           found == (each.begins_with_old_file ? "o" : "none")));
    for (const auto& entry : std::filesystem::directory_iterator(folder.path())) {
      const std::string name = entry.path().filename();
      CHECK((name == "x" || (name.starts_with(".npymap-") && name.ends_with(".tmp"))));
    }
  });
}

TEST_CASE("faults: a failed flush is remembered by every later flush and close") {
  for (const call which : {call::sync_map, call::sync, call::sync_folder, call::sync_range}) {
    const temp_folder folder;
    const auto descriptors = open_descriptors();
    file_map map = file_map::create(folder / "x", size, npymap::space::reserved, durability::none);
    file_map other = map;
    const flush_mode how = which == call::sync_range ? flush_mode::async : flush_mode::sync;
    const std::string told =
        (folder / "x") +
        ": flush of bytes 100 to 150 failed, in doubt is what was written to bytes 0 to 10000 "
        "since the last flush: Input/output error";
    {
      const faults injected(which, 1, EIO);
      CHECK_THROWS_WITH(map.flush(100, 50, how), told);
    }
    CHECK_THROWS_WITH(map.flush(), told);
    CHECK_THROWS_WITH(other.flush(0, 0, flush_mode::async), told);
    { const file_map last = std::move(const_cast<file_map&>(other)); }
    CHECK_THROWS_WITH(map.close(), told);
    CHECK_FALSE(map.is_open());
    CHECK(open_descriptors() == descriptors);
  }
}

TEST_CASE("faults: a failing close is told, and closes") {
  const temp_folder folder;
  write_file(folder / "x", "abc");
  const auto descriptors = open_descriptors();
  file_map map = file_map::open(folder / "x", open_mode::read_write);
  const faults injected(call::close, 1, EIO);
  CHECK_THROWS_WITH(map.close(), (folder / "x") + ": close: Input/output error");
  CHECK(open_descriptors() == descriptors);
  map.close();
}
