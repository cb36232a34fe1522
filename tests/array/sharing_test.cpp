// One file, several users: locks, threads, processes, and names that are no plain files.
#include <fcntl.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <cstdio>
#include <filesystem>
#include <optional>
#include <string>
#include <thread>

#include <npymap/any_array.hpp>
#include <npymap/array.hpp>

#include "io/system.hpp"
#include "support/catch.hpp"
#include "support/failure.hpp"
#include "support/process.hpp"
#include "support/skip.hpp"
#include "support/temp_folder.hpp"

using namespace npymap_test;
using npymap::any_array;
using npymap::errc;
using npymap::index_t;
using npymap::locking;
using npymap::open_mode;
using npymap::io::sys::call;

namespace {

std::string sample(const temp_folder& folder) {
  npymap::create<double>(folder / "x.npy", {1000})(7) = 7.0;
  return folder / "x.npy";
}

any_array open_locked(const std::string& path, open_mode mode) {
  return npymap::open(path, mode, {.locking = locking::advisory});
}

std::error_code outcome(const std::string& path, open_mode mode) {
  return code_of([&] { open_locked(path, mode); });
}

/// A child that does `work` and then waits to be killed.
class waiting_child {
 public:
  template <class Work>
  explicit waiting_child(Work work) {
    int ready[2];
    if (::pipe(ready) != 0) throw std::runtime_error("no pipe");
    child_ = ::fork();
    if (child_ == 0) {
      work();
      [[maybe_unused]] const auto told = ::write(ready[1], "x", 1);
      for (;;) ::pause();
    }
    char told;
    [[maybe_unused]] const auto heard = ::read(ready[0], &told, 1);
    ::close(ready[0]);
    ::close(ready[1]);
  }
  waiting_child(const waiting_child&) = delete;
  waiting_child& operator=(const waiting_child&) = delete;
  ~waiting_child() { kill(); }
  void kill() {
    if (child_ <= 0) return;
    ::kill(child_, SIGKILL);
    ::waitpid(child_, nullptr, 0);
    child_ = -1;
  }

 private:
  pid_t child_;
};

}  // namespace

TEST_CASE("locks: one writer or many readers, as long as their maps live") {
  const temp_folder folder;
  const std::string path = sample(folder);
  {
    const any_array reader = open_locked(path, open_mode::read);
    CHECK(outcome(path, open_mode::read) == std::error_code());
    CHECK(outcome(path, open_mode::copy_on_write) == std::error_code());
    CHECK(outcome(path, open_mode::read_write) == errc::busy);
    CHECK(message_of([&] { open_locked(path, open_mode::read_write); }).find(path + ": lock") == 0);
  }
  any_array part;
  {
    const any_array writer = open_locked(path, open_mode::read_write);
    part = writer(npymap::range(3, 5));
  }
  CHECK(outcome(path, open_mode::read) == errc::busy);  // a slice holds the mapping
  part = {};
  CHECK(outcome(path, open_mode::read_write) == std::error_code());
}

TEST_CASE("locks: load has one while it reads, and none afterwards") {
  const temp_folder folder;
  const std::string path = sample(folder);
  const auto load = [&] { npymap::load(path, {.locking = locking::advisory}); };
  const auto load_typed = [&] { npymap::load<double>(path, {.locking = locking::advisory}); };
  {
    const any_array writer = open_locked(path, open_mode::read_write);
    CHECK(code_of(load) == errc::busy);
    CHECK(code_of(load_typed) == errc::busy);
  }
  const any_array memory = npymap::load(path, {.locking = locking::advisory});
  CHECK(outcome(path, open_mode::read_write) == std::error_code());
}

TEST_CASE("locks: those who do not ask are not held off") {
  const temp_folder folder;
  const std::string path = sample(folder);
  const any_array writer = open_locked(path, open_mode::read_write);
  CHECK(npymap::open<double>(path)(7) == 7.0);
  npymap::open<double, open_mode::read_write>(path)(7) = 8.0;
  CHECK(npymap::open<double>(path)(7) == 8.0);
}

TEST_CASE("locks: closing another descriptor of the file does not release them") {
  const temp_folder folder;
  const std::string path = sample(folder);
  const any_array writer = open_locked(path, open_mode::read_write);
  { const any_array other = npymap::open(path); }
  CHECK(outcome(path, open_mode::read) == errc::busy);
}

TEST_CASE("locks: another process is held off, and kill -9 releases") {
  const temp_folder folder;
  const std::string path = sample(folder);
  any_array writer;
  waiting_child child([&] { writer = open_locked(path, open_mode::read_write); });
  CHECK(outcome(path, open_mode::read) == errc::busy);
  CHECK(outcome(path, open_mode::read_write) == errc::busy);
  child.kill();
  CHECK(outcome(path, open_mode::read_write) == std::error_code());
}

TEST_CASE("locks: create takes one, of the new file and of the one that it replaces") {
  const temp_folder folder;
  const std::string path = sample(folder);
  const auto create = [&] {
    return npymap::create(path, npymap::dtype_of<float>(), {3}, {.locking = locking::advisory});
  };
  {
    const any_array reader = open_locked(path, open_mode::read);
    CHECK(code_of(create) == errc::busy);
    CHECK(npymap::open<double>(path)(7) == 7.0);  // as it was
  }
  const any_array fresh = create();
  CHECK(outcome(path, open_mode::read) == errc::busy);
  CHECK(code_of([&] {
          npymap::create_new(folder / "y.npy", npymap::dtype_of<float>(), {3},
                             {.locking = locking::advisory});
        }) == std::error_code());
}

TEST_CASE("locks: a file that is replaced while its lock is taken is not the one that is locked") {
  static std::string path, other;
  const temp_folder folder;
  path = sample(folder);
  other = folder / "other.npy";
  for (const open_mode mode : {open_mode::read, open_mode::read_write}) {
    npymap::create<double>(other, {3}).close();
    npymap::io::sys::inject([](call which) noexcept {
      if (which == call::lock) std::rename(other.c_str(), path.c_str());
      return 0;
    });
    const any_array found = open_locked(path, mode);
    npymap::io::sys::inject(nullptr);
    CHECK(found.shape() == npymap::shape{3});
    CHECK(outcome(path, open_mode::read_write) == errc::busy);
    sample(folder);
  }
}

TEST_CASE("locks: of two who create a file at the same time, one is refused") {
  static std::string path;
  static std::optional<any_array> winner;
  const temp_folder folder;
  path = folder / "x.npy";
  const auto create = [](npymap::index_t rows) {
    return npymap::create(path, npymap::dtype_of<double>(), {rows}, {.locking = locking::advisory});
  };
  npymap::io::sys::inject([](call which) noexcept {
    if (which != call::link && which != call::rename_new) return 0;
    npymap::io::sys::inject(nullptr);
    winner = npymap::create(path, npymap::dtype_of<double>(), {7}, {.locking = locking::advisory});
    return 0;
  });
  CHECK(code_of([&] { create(3); }) == errc::busy);
  npymap::io::sys::inject(nullptr);
  REQUIRE(winner);
  CHECK(npymap::open(path).shape() == npymap::shape{7});
  CHECK(code_of([&] { create(3); }) == errc::busy);
  winner.reset();
  CHECK(create(3).shape() == npymap::shape{3});
}

TEST_CASE("sharing: two arrays in one process over one file see each other's writes") {
  const temp_folder folder;
  const std::string path = sample(folder);
  const auto a = npymap::open<double, open_mode::read_write>(path);
  const auto b = npymap::open<double, open_mode::read_write>(path);
  const auto reader = npymap::open<double>(path);
  a(1) = 1.5;
  b(2) = 2.5;
  CHECK(b(1) == 1.5);
  CHECK(a(2) == 2.5);
  CHECK(reader(1) + reader(2) == 4.0);
}

TEST_CASE("sharing: after fork, each mode is what it was before, in the child and in the parent") {
  const temp_folder folder;
  const std::string path = sample(folder);
  const auto r = npymap::open<double>(path);
  const auto rw = npymap::open<double, open_mode::read_write>(path);
  const auto c = npymap::open<double, open_mode::copy_on_write>(path);
  const auto fresh = npymap::create<double>(folder / "w.npy", {10});
  c(3) = 3.0;
  CHECK(in_child([&] {
          if (r(7) != 7.0 || c(3) != 3.0) return 1;
          rw(5) = 5.0;
          fresh(1) = 1.0;
          c(4) = 4.0;
          fresh.flush();
          rw.flush();
          return 0;
        }) == 0);
  CHECK(r(5) == 5.0);
  CHECK(fresh(1) == 1.0);
  CHECK(c(3) == 3.0);
  CHECK(c(4) == 0.0);
  rw(6) = 6.0;
  rw.flush();
  CHECK(r(6) == 6.0);
}

TEST_CASE("sharing: no descriptor of a map survives exec") {
  const temp_folder folder;
  const std::string path = sample(folder);
  const auto rw = npymap::open<double, open_mode::read_write>(path);
  const auto fresh = npymap::create<double>(folder / "w.npy", {10});
  const std::string command = "ls -l /proc/self/fd | grep -c " + folder.path().string();
  CHECK(std::system((command + " > /dev/null").c_str()) != 0);  // grep finds none
  for (const auto& [descriptor, target] : open_descriptors()) {
    if (target.find(folder.path().string()) == std::string::npos) continue;
    CHECK((::fcntl(descriptor, F_GETFD) & FD_CLOEXEC) != 0);
  }
}

TEST_CASE("sharing: links lead to the file, and what is no file is refused at once") {
  const temp_folder folder;
  const std::string path = sample(folder);
  std::filesystem::create_symlink("x.npy", folder / "soft.npy");
  std::filesystem::create_hard_link(path, folder / "hard.npy");
  npymap::open<double, open_mode::read_write>(folder / "soft.npy")(1) = 1.0;
  npymap::open<double, open_mode::read_write>(folder / "hard.npy")(2) = 2.0;
  CHECK(npymap::open<double>(path)(1) + npymap::open<double>(path)(2) == 3.0);
  // The map is the file's, whatever becomes of the names.
  const auto held = npymap::open<double>(folder / "soft.npy");
  std::filesystem::remove(path);
  std::filesystem::remove(folder / "hard.npy");
  CHECK(held(2) == 2.0);
  CHECK(code_of([&] { npymap::open(folder / "soft.npy"); }) ==
        std::errc::no_such_file_or_directory);

  REQUIRE(::mkfifo((folder / "fifo").c_str(), 0600) == 0);
  for (const std::string& odd :
       {folder / "fifo", folder.path().string(), std::string("/dev/null"), std::string("/dev/zero"),
        std::string("/proc/self/maps"), std::string("/proc/version")}) {
    INFO(odd);
    for (const open_mode mode : {open_mode::read, open_mode::read_write}) {
      const std::error_code code = code_of([&] { npymap::open(odd, mode); });
      CHECK((code == errc::not_regular_file || code == std::errc::permission_denied));
    }
    CHECK(code_of([&] { npymap::create<double>(odd, {3}); }));
  }
  std::filesystem::create_symlink("loop.npy", folder / "loop.npy");
  CHECK(code_of([&] { npymap::open(folder / "loop.npy"); }) ==
        std::errc::too_many_symbolic_link_levels);
}

TEST_CASE("sharing: a file that may not be read is an error that names it") {
  const temp_folder folder;
  const std::string path = sample(folder);
  std::filesystem::permissions(folder.path(), std::filesystem::perms::all);
  ::chmod(path.c_str(), 0200);
  CHECK(as_nobody([&] {
          const std::string message = message_of([&] { npymap::open(path); });
          const bool names = message.find(path) == 0;
          const bool refused = code_of([&] { npymap::open(path); }) == std::errc::permission_denied;
          return names && refused ? 0 : 1;
        }) == 0);
}
