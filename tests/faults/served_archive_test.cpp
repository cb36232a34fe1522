// Archives that a process serves, as those of a network are, from a disk that may fail.
#include <cerrno>
#include <fstream>
#include <functional>
#include <string>
#include <vector>

#include <npymap/npymap.hpp>

#include "faults/failing.hpp"
#include "npz/raw_archive.hpp"
#include "support/catch.hpp"
#include "support/counting.hpp"
#include "support/fuse_file_system.hpp"
#include "support/skip.hpp"

using namespace npymap_test;
using npymap::index_t;
using npymap::npz_reader;

namespace {

constexpr index_t count = 1 << 19;  // 4 MiB
constexpr double total = double(count) * (count - 1) / 2;

/// Members "stored" and "deflated" of the same numbers, in x.npz.
void put_archive(const fuse_file_system& disk) {
  const temp_folder folder;
  counting(folder / "x.npy", {count}).close();
  const std::string npy = read_file(folder / "x.npy");
  const raw_archive archive{
      .members = {stored_member("stored.npy", npy), deflated_member("deflated.npy", npy)}};
  write_file(disk.stored() / "x.npz", archive.bytes());
}

bool is_mapped(const std::string& path) {
  std::ifstream maps("/proc/self/maps");
  for (std::string line; std::getline(maps, line);) {
    if (line.find(path) != std::string::npos) return true;
  }
  return false;
}

}  // namespace

TEST_CASE("served files: members of an archive are streamed, not mapped") {
  if (!can_mount_fuse()) NPYMAP_SKIP("cannot mount FUSE");
  const fuse_file_system disk;
  put_archive(disk);
  for (const bool has_no_cache : {false, true}) {
    disk.rules().direct_io = has_no_cache;
    const npz_reader z(disk / "x.npz");
    for (const char* name : {"stored", "deflated"}) {
      CAPTURE(has_no_cache, name);
      const auto x = z.source_of(name);
      double sum = 0;
      for (const auto& block : npymap::blocks<double>(x, {.budget_bytes = 1 << 20})) {
        for (const double value : block) sum += value;
        CHECK_FALSE(is_mapped(disk / "x.npz"));
      }
      CHECK(sum == total);
      CHECK(npymap::sum<double>(x) == total);
      CHECK(npymap::sum(z.load<double>(name)) == total);
      CHECK_NOTHROW(z.verify(name));
    }
  }
}

TEST_CASE("disk that cannot read: members of an archive are errors that name it, and no file") {
  if (!can_mount_fuse()) NPYMAP_SKIP("cannot mount FUSE");
  const fuse_file_system disk;
  put_archive(disk);
  const npz_reader z(disk / "x.npz");
  const temp_folder to;
  for (const npymap::npz_member& m : z.members()) {
    const std::uint64_t bad = m.offset_bytes + m.compressed_bytes * 3 / 4;
    disk.rules().fail_reads(bad, bad + 1);
    const std::function<void()> ways[] = {
        [&] { z.load(m); },
        [&] { z.verify(m); },
        [&] { z.read_bytes(m); },
        [&] { npymap::sum<double>(z.source_of(m)); },
        [&] { z.extract(m, to / "x.npy"); },
    };
    for (std::size_t i = 0; i < std::size(ways); ++i) {
      CAPTURE(m.name, i);
      const told_failure told = failure_of(ways[i]);
      INFO(told.message);
      CHECK(told.code == system_error(EIO));
      CHECK(told.path.starts_with(disk / "x.npz"));
      CHECK(told.message.find(m.file_name) != std::string::npos);
    }
    CHECK_NOTHROW(z.info(m));
    disk.rules().mend();
    CHECK_NOTHROW(z.verify(m));
  }
  CHECK(names_in(to.path()).empty());
}
