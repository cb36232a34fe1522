// Pages that go away under a map, and those who look at them.
#include <signal.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <fstream>
#include <functional>
#include <stdexcept>
#include <thread>
#include <vector>

#include <npymap/error.hpp>
#include <npymap/guard.hpp>

#include "io/mounts.hpp"
#include "support/catch.hpp"
#include "support/failure.hpp"
#include "support/process.hpp"
#include "support/skip.hpp"
#include "support/temp_folder.hpp"

using namespace npymap_test;
using npymap::errc;
using npymap::error;
using npymap::file_map;
using npymap::guard;
using npymap::guarded;
using npymap::open_mode;

namespace {

constexpr std::size_t page = 4096;
constexpr int died_of_bus_error = 128 + SIGBUS;

std::string sample(const temp_folder& folder, const std::string& name = "a.bin",
                   std::size_t pages = 8) {
  write_file(folder / name, std::string(pages * page, 'x'));
  return folder / name;
}

char at(const file_map& map, std::size_t offset) {
  return static_cast<char>(*const_cast<const volatile std::byte*>(map.data() + offset));
}

void put(const file_map& map, std::size_t offset, char value) {
  *const_cast<volatile std::byte*>(map.writable_data() + offset) = static_cast<std::byte>(value);
}

void cut(const std::string& path, std::size_t bytes) {
  REQUIRE(::truncate(path.c_str(), static_cast<off_t>(bytes)) == 0);
}

struct sigaction handler_now() {
  struct sigaction now;
  ::sigaction(SIGBUS, nullptr, &now);
  return now;
}

bool handles_nothing() {
  const struct sigaction now = handler_now();
  return (now.sa_flags & SA_SIGINFO) == 0 && now.sa_handler == SIG_DFL;
}

/// Put another handler in the place of the sanitizer's, and bring it back.
struct as_without_sanitizer {
  as_without_sanitizer() {
    struct sigaction none {};
    none.sa_handler = SIG_DFL;
    ::sigaction(SIGBUS, &none, &before);
  }
  ~as_without_sanitizer() { ::sigaction(SIGBUS, &before, nullptr); }
  struct sigaction before;
};

int in_plain_child(const std::function<int()>& function) {
  return in_child([&] {
    const as_without_sanitizer plain;
    return function();
  });
}

}  // namespace

TEST_CASE("guard: a touch behind the end of a truncated file is an error with its path and byte") {
  const temp_folder folder;
  for (const open_mode mode : {open_mode::read, open_mode::read_write, open_mode::copy_on_write}) {
    const std::string path = sample(folder);
    const file_map map = file_map::open(path, mode, page / 2, 7 * page);
    cut(path, 2 * page + 5);
    int seen = -1;
    try {
      guarded(map, [&] { seen = at(map, 3 * page + 7); });
      FAIL("nothing was thrown");
    } catch (const error& e) {
      CHECK(e.code() == errc::truncated);
      CHECK(e.path() == path);
      CHECK(e.byte_offset() == 3 * page + 7 + page / 2);
      CHECK(e.found() == std::to_string(2 * page + 5));
    }
    CHECK(seen == 0);
    CHECK(at(map, page) == 'x');
    // The rest of the page in which the file ends: zeros without a signal.
    CHECK(code_of([&] { guarded(map, [&] { at(map, 2 * page); }); }) == errc::truncated);
  }
}

TEST_CASE("guard: what is there is read and written as without one") {
  const temp_folder folder;
  const std::string path = sample(folder);
  const file_map map = file_map::open(path, open_mode::read_write);
  guarded(map, [&] { put(map, 5, 'y'); });
  CHECK(guarded(map, [&] { return at(map, 5); }) == 'y');
  CHECK(read_file(path)[5] == 'y');
  CHECK(guarded(file_map(), [] { return 3; }) == 3);
}

TEST_CASE("guard: when it ends the pages are the file's again") {
  const temp_folder folder;
  const std::string path = sample(folder);
  const file_map map = file_map::open(path, open_mode::read_write);
  cut(path, page);
  CHECK(code_of([&] { guarded(map, [&] { put(map, 3 * page, 'z'); }); }) == errc::truncated);
  CHECK(in_plain_child([&] { return at(map, 3 * page); }) == died_of_bus_error);
  // Another writer makes the file whole.
  std::ofstream(path, std::ios::binary | std::ios::app) << std::string(7 * page, 'n');
  CHECK(at(map, 3 * page) == 'n');
  put(map, 3 * page, 'm');
  CHECK(read_file(path)[3 * page] == 'm');
}

TEST_CASE("guard: of a private map, the edits of pages that the file has are kept") {
  const temp_folder folder;
  const std::string path = sample(folder);
  const file_map map = file_map::open(path, open_mode::copy_on_write);
  put(map, 3, 'e');
  put(map, 5 * page, 'e');
  cut(path, 2 * page);
  CHECK(code_of([&] { guarded(map, [&] { at(map, 5 * page); }); }) == errc::truncated);
  CHECK(at(map, 3) == 'e');
  CHECK(read_file(path)[3] == 'x');
}

TEST_CASE("guard: what a function threw gives way to the fault, and passes where there is none") {
  const temp_folder folder;
  const std::string path = sample(folder);
  const file_map map = file_map::open(path, open_mode::read);
  CHECK_THROWS_AS(guarded(map, [] { throw std::runtime_error("mine"); }), std::runtime_error);
  cut(path, 0);
  CHECK(code_of([&] {
          guarded(map, [&] {
            if (at(map, 0) == 0) throw std::runtime_error("a zero, which is not mine");
          });
        }) == errc::truncated);
}

TEST_CASE("guard: nested ones, of one map and of two, each tell of their own map") {
  const temp_folder folder;
  const std::string a_path = sample(folder, "a"), b_path = sample(folder, "b");
  const file_map a = file_map::open(a_path, open_mode::read);
  const file_map b = file_map::open(b_path, open_mode::read);
  cut(b_path, 0);
  guard outer(a);
  CHECK(message_of([&] { guarded(b, [&] { at(b, page); }); }).find(b_path) == 0);
  CHECK_FALSE(outer.has_faulted());
  cut(a_path, 0);
  CHECK(code_of([&] { guarded(a, [&] { at(a, page); }); }) == errc::truncated);
  CHECK(outer.has_faulted());
  CHECK(at(a, page) == 0);  // the outer one still holds
  // Who comes while pages are missing reads zeros, and learns of it.
  CHECK(code_of([&] { guarded(a, [&] { at(a, page); }); }) == errc::truncated);
  CHECK(code_of([&] { outer.finish(); }) == errc::truncated);
  outer.finish();
  CHECK(in_plain_child([&] { return at(a, page); }) == died_of_bus_error);
}

TEST_CASE("guard: catches for its own thread, and tells every thread that may have seen a zero") {
  const temp_folder folder;
  const std::string path = sample(folder, "a.bin", 4096);
  const file_map map = file_map::open(path, open_mode::read);
  cut(path, page);
  std::atomic<int> told = 0;
  std::vector<std::thread> threads;
  for (std::size_t n = 0; n < 8; ++n) {
    threads.emplace_back([&, n] {
      for (int again = 0; again < 50; ++again) {
        told += code_of([&] {
                  guarded(map, [&] {
                    for (std::size_t i = n; i < 4096; i += 97) at(map, i * page);
                  });
                }) == errc::truncated;
      }
    });
  }
  for (std::thread& each : threads) each.join();
  CHECK(told == 8 * 50);
  CHECK(in_plain_child([&] {
          guard mine(map);
          std::thread([&] { at(map, 2 * page); }).join();  // has none
          return 0;
        }) == died_of_bus_error);
}

TEST_CASE("guard: may be ended by another thread") {
  const temp_folder folder;
  const std::string path = sample(folder);
  const file_map map = file_map::open(path, open_mode::read);
  cut(path, 0);
  guard mine(map);
  at(map, 0);
  std::error_code told;
  std::thread([&, moved = std::move(mine)]() mutable {
    told = code_of([&] { moved.finish(); });
  }).join();
  CHECK(told == errc::truncated);
}

TEST_CASE("guard: faults of others go to the handler that was there, or end the process") {
  const temp_folder folder;
  const std::string path = sample(folder), other = sample(folder, "other.bin");
  const file_map map = file_map::open(path, open_mode::read);
  const file_map not_guarded = file_map::open(other, open_mode::read);
  cut(other, 0);
  CHECK(in_plain_child([&] {
          guard mine(map);
          return at(not_guarded, 0);
        }) == died_of_bus_error);
  CHECK(in_plain_child([&] {
          struct sigaction own {};
          own.sa_sigaction = [](int, siginfo_t* info, void*) {
            ::_exit(info->si_addr == nullptr ? 43 : 42);
          };
          own.sa_flags = SA_SIGINFO;
          ::sigaction(SIGBUS, &own, nullptr);
          guard mine(map);
          return at(not_guarded, 0);
        }) == 42);
  CHECK(in_plain_child([&] {
          ::signal(SIGBUS, [](int) { ::_exit(44); });
          guard mine(map);
          ::raise(SIGBUS);
          return 0;
        }) == 44);
  CHECK(in_plain_child([&] {
          ::signal(SIGBUS, SIG_IGN);
          guard mine(map);
          ::raise(SIGBUS);
          return 7;
        }) == 7);
  CHECK(in_plain_child([&] {
          guard mine(map);
          ::raise(SIGBUS);
          return 0;
        }) == died_of_bus_error);
}

TEST_CASE("guard: no handler is there before the first and after the last") {
  const temp_folder folder;
  const file_map map = file_map::open(sample(folder), open_mode::read);
  const as_without_sanitizer plain;
  REQUIRE(handles_nothing());
  {
    guard first(map);
    CHECK_FALSE(handles_nothing());
    { const guard second(map); }
    CHECK_FALSE(handles_nothing());
    first.finish();
    CHECK(handles_nothing());
  }
  CHECK(handles_nothing());
}

TEST_CASE("guard: a handler that came later and calls ours is left in its place") {
  const temp_folder folder;
  const std::string path = sample(folder);
  const file_map map = file_map::open(path, open_mode::read);
  cut(path, 0);
  CHECK(in_plain_child([&] {
          static struct sigaction before;
          static int seen = 0;
          {
            guard mine(map);
            struct sigaction later {};
            later.sa_flags = SA_SIGINFO;
            later.sa_sigaction = [](int signal, siginfo_t* info, void* context) {
              ++seen;
              before.sa_sigaction(signal, info, context);
            };
            ::sigaction(SIGBUS, &later, &before);
            at(map, 0);
          }
          if (code_of([&] { guarded(map, [&] { at(map, 0); }); }) != errc::truncated) return 1;
          return seen == 2 ? 0 : 2;
        }) == 0);
}

TEST_CASE("guard: a full disk under a sparse map is an error that says so") {
  if (!can_mount()) NPYMAP_SKIP("needs root, to mount");
  const tmpfs disk("size=1m");
  const std::string path = disk / "sparse.bin";
  write_file(path, "");
  cut(path, 4096 * page);
  const file_map map = file_map::open(path, open_mode::read_write);
  // More pages than are kept apart: in the end all of the map is zeros.
  try {
    guarded(map, [&] {
      for (std::size_t n = 0; n < 4096; ++n) put(map, n * page, 'w');
    });
    FAIL("nothing was thrown");
  } catch (const error& e) {
    CHECK(e.code() == std::error_code(ENOSPC, std::system_category()));
    CHECK(e.path() == path);
    CHECK(e.byte_offset().value_or(0) % page == 0);
    CHECK(e.byte_offset().value_or(0) > 0);
  }
  CHECK(at(map, 0) == 'w');
}

TEST_CASE("guard: a map that is copied, and closed but for the guard, is still guarded") {
  const temp_folder folder;
  const std::string path = sample(folder);
  file_map map = file_map::open(path, open_mode::read);
  const std::byte* const data = map.data();
  cut(path, 0);
  guard mine(map);
  CHECK(code_of([&] { map.close(); }) == errc::busy);
  map = {};
  CHECK(static_cast<int>(*const_cast<const volatile std::byte*>(data)) == 0);
  CHECK(code_of([&] { mine.finish(); }) == errc::truncated);
}

TEST_CASE("guard: 100 at once, in threads and within one another, take and leave their places") {
  const temp_folder folder;
  const std::string path = sample(folder);
  const file_map map = file_map::open(path, open_mode::read);
  cut(path, page);
  std::atomic<int> told = 0;
  std::vector<std::thread> threads;
  for (int n = 0; n < 4; ++n) {
    threads.emplace_back([&] {
      std::vector<guard> many;
      for (int i = 0; i < 100; ++i) many.emplace_back(map);
      at(map, 2 * page);
      for (guard& each : many) told += code_of([&] { each.finish(); }) == errc::truncated;
    });
  }
  for (std::thread& each : threads) each.join();
  CHECK(told == 400);
  const int maps = mapping_count();
  for (int n = 0; n < 100; ++n) {
    CHECK(code_of([&] { guarded(map, [&] { at(map, 2 * page); }); }) == errc::truncated);
  }
  CHECK(mapping_count() == maps);
}
