#include "io/new_file.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <csignal>
#include <thread>
#include <vector>

#include <npymap/error.hpp>

#include "io/faults.hpp"
#include "support/catch.hpp"
#include "support/process.hpp"
#include "support/skip.hpp"
#include "support/temp_folder.hpp"

using namespace npymap_test;
using npymap::durability;
using npymap::errc;
using npymap::error;
using npymap::io::existing;
using npymap::io::file;
using npymap::io::new_file;

namespace {

void fill(new_file& fresh, std::string_view text) {
  fresh.contents().write_at(std::as_bytes(std::span(text)), 0);
}

void make(const std::string& path, std::string_view text, existing policy,
          durability how_safe = durability::none) {
  new_file fresh(path, policy);
  fill(fresh, text);
  std::move(fresh).commit(how_safe);
}

std::error_code make_code(const std::string& path, existing policy) {
  try {
    make(path, "new", policy);
  } catch (const error& e) {
    CHECK((e.path() == path || e.code() == errc::invalid_argument));
    return e.code();
  }
  return {};
}

bool is_errno(const std::error_code& code, int reason) {
  return code == std::error_code(reason, std::system_category());
}

std::vector<std::string> names_in(const std::filesystem::path& folder) {
  std::vector<std::string> names;
  for (const auto& entry : std::filesystem::directory_iterator(folder)) {
    names.push_back(entry.path().filename());
  }
  std::sort(names.begin(), names.end());
  return names;
}

unsigned permissions_of(const std::string& path) {
  struct stat found {};
  REQUIRE(stat(path.c_str(), &found) == 0);
  return found.st_mode & 07777;
}

// With files that have no name, and on file systems that know no such thing.
constexpr int unnamed_reasons[] = {0, EOPNOTSUPP};

}  // namespace

TEST_CASE("new_file: has no name before commit, and all its bytes after") {
  const temp_folder folder;
  new_file fresh(folder / "x", existing::replace);
  fill(fresh, "abc");
  CHECK_FALSE(std::filesystem::exists(folder / "x"));
  const file opened = std::move(fresh).commit(durability::full);
  CHECK(names_in(folder.path()) == std::vector<std::string>{"x"});
  CHECK(read_file(folder / "x") == "abc");
  CHECK(opened.size_bytes() == 3);
  CHECK(opened.path() == folder / "x");
}

TEST_CASE("new_file: replaces an existing file in one step, or refuses it before any work") {
  for (const int reason : unnamed_reasons) {
    const temp_folder folder;
    faults injected;
    injected.always(call::open_unnamed, reason);
    write_file(folder / "x", "old");
    {
      new_file fresh(folder / "x", existing::replace);
      fill(fresh, "new");
      CHECK(read_file(folder / "x") == "old");
      std::move(fresh).commit(durability::none);
    }
    CHECK(read_file(folder / "x") == "new");
    CHECK(is_errno(make_code(folder / "x", existing::refuse), EEXIST));
    CHECK(faults::count(call::open_unnamed) == 1);
    make(folder / "y", "y", existing::refuse);
    CHECK(names_in(folder.path()) == std::vector<std::string>{"x", "y"});
  }
}

TEST_CASE("new_file: what is not committed leaves nothing") {
  for (const int reason : unnamed_reasons) {
    const temp_folder folder;
    faults injected;
    injected.always(call::open_unnamed, reason);
    write_file(folder / "x", "old");
    {
      new_file fresh(folder / "x", existing::replace);
      fill(fresh, "new");
    }
    CHECK(names_in(folder.path()) == std::vector<std::string>{"x"});
    CHECK(read_file(folder / "x") == "old");
  }
}

TEST_CASE("new_file: kill -9 before commit leaves nothing") {
  const temp_folder folder;
  {
    const faults counting;
    new_file probe(folder / "probe", existing::replace);
    if (!names_in(folder.path()).empty()) NPYMAP_SKIP("no unnamed files on this file system");
  }
  CHECK(in_child([&] {
          new_file fresh(folder / "x", existing::replace);
          fill(fresh, "new");
          return raise(SIGKILL);
        }) == 128 + SIGKILL);
  CHECK(names_in(folder.path()).empty());
}

TEST_CASE("new_file: every way to refuse an existing file lets exactly one of many win") {
  enum class way { link, rename_new, link_of_temporary };
  for (const way each : {way::link, way::rename_new, way::link_of_temporary}) {
    const temp_folder folder;
    faults injected;
    if (each != way::link) injected.always(call::open_unnamed, EOPNOTSUPP);
    if (each == way::link_of_temporary) injected.always(call::rename_new, EINVAL);
    for (int round = 0; round < 30; ++round) {
      const std::string path = folder / std::to_string(round);
      std::atomic<int> winners = 0, losers = 0, winner = -1;
      {
        std::vector<std::jthread> threads;
        threads.reserve(4);
        for (int i = 0; i < 4; ++i) {
          threads.emplace_back([&, i] {
            try {
              make(path, std::to_string(i), existing::refuse);
              ++winners;
              winner = i;
            } catch (const error& e) {
              if (is_errno(e.code(), EEXIST)) ++losers;
            }
          });
        }
      }
      REQUIRE(winners == 1);
      REQUIRE(losers == 3);
      REQUIRE(read_file(path) == std::to_string(winner));
    }
    CHECK(names_in(folder.path()).size() == 30);
  }
}

TEST_CASE("new_file: a file that appears in between is replaced or refused as asked") {
  for (const int reason : unnamed_reasons) {
    const temp_folder folder;
    faults injected;
    injected.always(call::open_unnamed, reason);
    new_file replacing(folder / "x", existing::replace), refusing(folder / "x", existing::refuse);
    fill(replacing, "replacing");
    fill(refusing, "refusing");
    write_file(folder / "x", "quicker");
    CHECK_THROWS_AS(std::move(refusing).commit(durability::none), error);
    CHECK(read_file(folder / "x") == "quicker");
    std::move(replacing).commit(durability::none);
    CHECK(read_file(folder / "x") == "replacing");
  }
}

TEST_CASE("new_file: whoever has the old file open keeps it whole") {
  const temp_folder folder;
  write_file(folder / "x", "old");
  const file old = file::open(folder / "x", npymap::open_mode::read);
  make(folder / "x", "other", existing::replace);
  std::byte bytes[8];
  CHECK(old.read_at(bytes, 0) == 3);
  CHECK(bytes[0] == std::byte{'o'});
}

TEST_CASE("new_file: fresh files obey the umask, and replacing ones keep permissions and owner") {
  for (const int reason : unnamed_reasons) {
    const temp_folder folder;
    faults injected;
    injected.always(call::open_unnamed, reason);
    const mode_t before = umask(027);
    make(folder / "fresh", "a", existing::replace);
    CHECK(permissions_of(folder / "fresh") == 0640);
    umask(before);

    write_file(folder / "x", "old");
    if (geteuid() == 0) REQUIRE(chown((folder / "x").c_str(), 1234, 4321) == 0);
    chmod((folder / "x").c_str(), 0606);
    make(folder / "x", "new", existing::replace);
    struct stat found {};
    REQUIRE(stat((folder / "x").c_str(), &found) == 0);
    CHECK((found.st_mode & 07777) == 0606);
    if (geteuid() == 0) CHECK((found.st_uid == 1234 && found.st_gid == 4321));
    CHECK(read_file(folder / "x") == "new");
  }
}

TEST_CASE("new_file: a group that cannot be handed down gives its rights to no other group") {
  if (geteuid() != 0) NPYMAP_SKIP("needs root to make a file of another group");
  const temp_folder folder;
  write_file(folder / "x", "old");
  REQUIRE(chown(folder.path().c_str(), 65534, 65534) == 0);
  REQUIRE(chown((folder / "x").c_str(), 65534, 4321) == 0);
  chmod((folder / "x").c_str(), 0664);
  CHECK(as_nobody([&] {
          make(folder / "x", "new", existing::replace);
          return 0;
        }) == 0);
  CHECK(permissions_of(folder / "x") == 0644);
}

TEST_CASE("new_file: links are followed to what they name, and stay links") {
  const temp_folder folder;
  std::filesystem::create_directory(folder / "sub");
  write_file(folder / "sub/x", "old");
  std::filesystem::create_symlink("sub/x", folder / "relative");
  std::filesystem::create_symlink(folder / "relative", folder / "sub/absolute");
  std::filesystem::create_symlink("../made", folder / "sub/dangling");
  std::filesystem::create_symlink("loop", folder / "loop");

  make(folder / "sub/absolute", "new", existing::replace);
  CHECK(read_file(folder / "sub/x") == "new");
  make(folder / "sub/dangling", "made", existing::replace);
  CHECK(read_file(folder / "made") == "made");
  for (const char* link : {"relative", "sub/absolute", "sub/dangling"}) {
    CHECK(std::filesystem::is_symlink(folder / link));
  }
  CHECK(is_errno(make_code(folder / "loop", existing::replace), ELOOP));
  // To refuse what exists is to refuse a link, wherever it leads: as O_EXCL.
  std::filesystem::create_symlink("gone", folder / "gone_link");
  CHECK(is_errno(make_code(folder / "gone_link", existing::refuse), EEXIST));
  CHECK_FALSE(std::filesystem::exists(folder / "gone"));
}

TEST_CASE("new_file: a link to what has no name is refused, and makes nothing of that name") {
  const temp_folder folder;
  int ends[2];
  REQUIRE(pipe2(ends, O_CLOEXEC) == 0);
  const std::string pipe_link = "/proc/self/fd/" + std::to_string(ends[1]);
  CHECK(make_code(pipe_link, existing::replace) == errc::not_regular_file);
  ::close(ends[0]);
  ::close(ends[1]);

  write_file(folder / "x", "abc");
  const file opened = file::open(folder / "x", npymap::open_mode::read);
  std::filesystem::remove(folder / "x");
  const std::string gone_link = "/proc/self/fd/" + std::to_string(opened.native_handle());
  CHECK(is_errno(make_code(gone_link, existing::replace), ENOENT));
  CHECK(names_in(folder.path()).empty());
}

TEST_CASE("new_file: names in the current folder need no slash") {
  const temp_folder folder;
  CHECK(in_child([&] {
          if (chdir(folder.path().c_str()) != 0) return 1;
          make("x", "new", existing::replace);
          new_file fresh("y", existing::refuse);
          if (chdir("/") != 0) return 2;  // the folder is the one of the beginning
          std::move(fresh).commit(durability::full);
          return 0;
        }) == 0);
  CHECK(names_in(folder.path()) == std::vector<std::string>{"x", "y"});
}

TEST_CASE("new_file: what is no regular file is not replaced") {
  const temp_folder folder;
  REQUIRE(mkfifo((folder / "fifo").c_str(), 0600) == 0);
  std::filesystem::create_directory(folder / "sub");
  std::filesystem::create_symlink("fifo", folder / "link");
  for (const std::string& path : {folder / "fifo", folder / "sub", folder / "link",
                                  folder / "sub/.", folder / "sub/..", std::string("/dev/null")}) {
    INFO(path);
    CHECK(make_code(path, existing::replace) == errc::not_regular_file);
  }
  CHECK(is_errno(make_code(folder / "sub/", existing::replace), EISDIR));
  CHECK(is_errno(make_code("", existing::replace), ENOENT));
  CHECK(is_errno(make_code(folder / "no/x", existing::replace), ENOENT));
  CHECK(is_errno(make_code(folder / std::string(300, 'x'), existing::replace), ENAMETOOLONG));
  CHECK(make_code((folder / "x") + std::string("\0y", 2), existing::replace) ==
        errc::invalid_argument);
  CHECK(names_in(folder.path()) == std::vector<std::string>{"fifo", "link", "sub"});
}

TEST_CASE("new_file: the longest names that there are can be made") {
  for (const int reason : unnamed_reasons) {
    const temp_folder folder;
    faults injected;
    injected.always(call::open_unnamed, reason);
    make(folder / std::string(255, 'x'), "old", existing::replace);
    make(folder / std::string(255, 'x'), "new", existing::replace);
    CHECK(read_file(folder / std::string(255, 'x')) == "new");
  }
}

TEST_CASE("new_file: a write-protected file is not replaced behind its owner's back") {
  const temp_folder folder;
  std::filesystem::permissions(folder.path(), std::filesystem::perms(0777));
  write_file(folder / "x", "old");
  chmod((folder / "x").c_str(), 0444);
  CHECK(as_nobody([&] {
          return is_errno(make_code(folder / "x", existing::replace), EACCES) ? 0 : 1;
        }) == 0);
  CHECK(read_file(folder / "x") == "old");
  CHECK(names_in(folder.path()) == std::vector<std::string>{"x"});
}

TEST_CASE("new_file: durability is a sync of the file, then of the folder") {
  const temp_folder folder;
  {
    const faults counting;
    make(folder / "x", "new", existing::replace, durability::none);
    CHECK(faults::count(call::sync) == 0);
    make(folder / "x", "new", existing::replace, durability::full);
    CHECK(faults::count(call::sync) >= 1);
    CHECK(faults::count(call::sync_folder) == 1);
  }

  // Contents that are not safe are not given the name.
  const faults injected(call::sync, 1, EIO);
  CHECK_THROWS_AS(make(folder / "x", "other", existing::replace, durability::full), error);
  CHECK(read_file(folder / "x") == "new");
}

TEST_CASE("new_file: a name not yet durable becomes so with the first sync of the file") {
  const temp_folder folder;
  const faults counting;
  new_file fresh(folder / "x", existing::replace);
  file made = std::move(fresh).commit(durability::none);
  CHECK(faults::count(call::sync_folder) == 0);
  made.sync();
  CHECK(faults::count(call::sync_folder) == 1);
  made.sync();
  CHECK(faults::count(call::sync_folder) == 1);
}

TEST_CASE("new_file: a folder that may be written but not read is good enough, durable or not") {
  for (const int reason : unnamed_reasons) {
    const temp_folder folder;
    const auto may = [&](unsigned mode) { REQUIRE(chmod(folder.path().c_str(), mode) == 0); };
    write_file(folder / "old", "old");
    chmod((folder / "old").c_str(), 0666);
    may(0333);
    CHECK(as_nobody([&] {
            faults injected;
            injected.always(call::open_unnamed, reason);
            make(folder / "old", "new", existing::replace, durability::full);
            make(folder / "fresh", "fresh", existing::refuse, durability::full);
            new_file later(folder / "later", existing::replace);
            std::move(later).commit(durability::none).sync();
            return faults::count(call::sync_folder) == 6 ? 0 : 1;  // folders, then file systems
          }) == 0);
    may(0755);
    CHECK(read_file(folder / "old") == "new");
    CHECK(names_in(folder.path()) == std::vector<std::string>{"fresh", "later", "old"});
  }
}

TEST_CASE("new_file: a folder that cannot be synced is told as the file that is in place already") {
  const temp_folder folder;
  const auto told = [&](const std::string& what) {
    return (folder / "x") + ": sync folder: " + what + ", durability unknown: Input/output error";
  };
  const auto make_durable = [&](std::string_view text) {
    const faults injected(call::sync_folder, 1, EIO);
    make(folder / "x", text, existing::replace, durability::full);
  };
  CHECK_THROWS_WITH(make_durable("old"), told("created"));
  CHECK(read_file(folder / "x") == "old");
  CHECK_THROWS_WITH(make_durable("new"), told("replaced"));
  CHECK(read_file(folder / "x") == "new");
  CHECK(names_in(folder.path()) == std::vector<std::string>{"x"});
}
