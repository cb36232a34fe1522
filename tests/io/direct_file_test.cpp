#include "io/direct_file.hpp"

#include <cerrno>
#include <cstring>
#include <random>
#include <string>
#include <vector>

#include <npymap/error.hpp>

#include "io/aligned_buffer.hpp"
#include "io/faults.hpp"
#include "io/mounts.hpp"
#include "support/catch.hpp"
#include "support/failure.hpp"
#include "support/python.hpp"
#include "support/skip.hpp"
#include "support/temp_folder.hpp"

using namespace npymap_test;
using npymap::open_mode;
using npymap::io::aligned_buffer;
using npymap::io::direct_file;
using npymap::io::file;

namespace {

constexpr std::size_t mib = std::size_t{1} << 20;

std::string random_bytes(std::size_t size) {
  std::mt19937 generator(static_cast<unsigned>(random_seed()));
  std::string bytes(size, '\0');
  for (char& byte : bytes) byte = static_cast<char>(generator());
  return bytes;
}

// Reads ranges of a file, among them all of it and some behind its end, into slots of any address.
void check_reads(const std::string& path, const std::string& bytes) {
  const direct_file opened(file::open(path, open_mode::read));
  std::mt19937_64 random(random_seed());
  aligned_buffer memory(direct_file::slot_bytes(bytes.size() + 10'000) + 4096);
  for (int i = 0; i < 200; ++i) {
    const std::size_t offset = i == 0 ? 0 : random() % (bytes.size() + 9000);
    const std::size_t n = i == 0 ? bytes.size() : random() % (i % 10 == 0 ? bytes.size() : 10'000);
    const std::size_t askew = random() % 4096;
    const auto slot = memory.bytes().subspan(askew, direct_file::slot_bytes(n));
    const direct_file::result got = opened.read(slot, offset, n);
    const std::size_t there = std::min(n, bytes.size() - std::min(bytes.size(), offset));
    INFO(n << " bytes from " << offset);
    REQUIRE(got.read_bytes == there);
    REQUIRE(got.first >= slot.data());
    REQUIRE(got.first + n <= slot.data() + slot.size());
    REQUIRE((there == 0 || std::memcmp(got.first, bytes.data() + offset, there) == 0));
  }
}

}  // namespace

TEST_CASE("direct_file: reads any range of a file as it is, and no more than there is") {
  const temp_folder folder;
  for (const std::size_t size : {std::size_t{1}, std::size_t{4095}, std::size_t{4096},
                                 std::size_t{4097}, 5 * mib, 5 * mib + 123}) {
    const std::string bytes = random_bytes(size);
    write_file(folder / "x", bytes);
    check_reads(folder / "x", bytes);
  }
}

TEST_CASE("direct_file: reads through the cache where a file system has no other way") {
  if (!can_mount()) NPYMAP_SKIP("needs mounts");
  const tmpfs disk("size=16m");
  const std::string bytes = random_bytes(3 * mib + 7);
  write_file(disk / "x", bytes);
  check_reads(disk / "x", bytes);
}

TEST_CASE("direct_file: a failing read among many is the caller's error, which says where") {
  const temp_folder folder;
  write_file(folder / "x", std::string(8 * mib, 'x'));
  const direct_file opened(file::open(folder / "x", open_mode::read));
  aligned_buffer slot(direct_file::slot_bytes(8 * mib));
  for (const int nth : {1, 3, 8}) {
    const faults broken(npymap::io::sys::call::read, nth, EIO);
    const auto read = [&] { opened.read(slot.bytes(), 0, 8 * mib); };
    CHECK_THAT(message_of(read), Catch::Contains(folder / "x"));
  }
  CHECK(opened.read(slot.bytes(), 0, 8 * mib).read_bytes == 8 * mib);
}
