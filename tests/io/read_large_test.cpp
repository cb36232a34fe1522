#include "io/read_large.hpp"

#include <sys/resource.h>

#include <cerrno>
#include <cstring>
#include <random>

#include <npymap/error.hpp>

#include "io/aligned_buffer.hpp"
#include "io/faults.hpp"
#include "io/new_file.hpp"
#include "support/catch.hpp"
#include "support/process.hpp"
#include "support/python.hpp"
#include "support/temp_folder.hpp"

using namespace npymap_test;
using npymap::error;
using npymap::open_mode;
using npymap::io::aligned_buffer;
using npymap::io::file;
using npymap::io::read_large;

namespace {

constexpr std::size_t size = (std::size_t{100} << 20) + 12'345;  // several threads, ragged end

std::string random_file(const temp_folder& folder) {
  std::mt19937_64 generator(random_seed());
  aligned_buffer bytes(size + 8);
  for (std::size_t i = 0; i < size; i += 8) {
    const std::uint64_t word = generator();
    std::memcpy(bytes.data() + i, &word, 8);
  }
  npymap::io::new_file fresh(folder / "x", npymap::io::existing::replace);
  fresh.contents().write_at(bytes.bytes().first(size), 0);
  std::move(fresh).commit(npymap::durability::none);
  return folder / "x";
}

}  // namespace

TEST_CASE("read_large: reads what a plain read does, from any offset") {
  const temp_folder folder;
  const file opened = file::open(random_file(folder), open_mode::read);
  aligned_buffer plain(size), large(size);
  REQUIRE(opened.read_at(plain.bytes(), 0) == size);
  for (const std::size_t offset : {std::size_t{0}, std::size_t{13}, size - 5, size, size + 5}) {
    std::memset(large.data(), 0, size);
    const std::size_t there = size - std::min(offset, size);
    REQUIRE(read_large(opened, large.bytes(), offset) == there);
    REQUIRE(std::memcmp(large.data(), plain.data() + (size - there), there) == 0);
  }
}

TEST_CASE("read_large: a failing read in any thread is the caller's error") {
  const temp_folder folder;
  const file opened = file::open(random_file(folder), open_mode::read);
  aligned_buffer bytes(size);
  for (const int nth : {1, 2, 5, 13}) {
    const faults injected(call::read, nth, EIO);
    CHECK_THROWS_AS(read_large(opened, bytes.bytes(), 0), error);
  }
  const faults interrupted(call::read, 1, EINTR, 5);
  CHECK(read_large(opened, bytes.bytes(), 0) == size);
}

TEST_CASE("read_large: without more threads, the caller's does it all") {
  const temp_folder folder;
  const std::string path = random_file(folder);
  std::filesystem::permissions(folder.path(), std::filesystem::perms(0755));
  CHECK(as_nobody([&] {
          const rlimit none{1, 1};
          if (setrlimit(RLIMIT_NPROC, &none) != 0) return 1;
          aligned_buffer bytes(size);
          return read_large(file::open(path, open_mode::read), bytes.bytes(), 0) == size ? 0 : 2;
        }) == 0);
}

TEST_CASE("aligned_buffer: is aligned to 64 bytes, whatever its size") {
  for (const std::size_t n : {std::size_t{0}, std::size_t{1}, std::size_t{100},
                              std::size_t{4} << 20, (std::size_t{4} << 20) - 1, size}) {
    aligned_buffer bytes(n);
    CHECK(bytes.size_bytes() == n);
    CHECK(reinterpret_cast<std::uintptr_t>(bytes.data()) % aligned_buffer::alignment_bytes == 0);
    if (n != 0) std::memset(bytes.data(), 1, n);
    const std::byte* const place = bytes.data();
    const aligned_buffer moved = std::move(bytes);
    CHECK(moved.data() == place);
    CHECK(moved.size_bytes() == n);
  }
}

TEST_CASE("aligned_buffer: memory that is not there is an error with its size") {
  for (const std::size_t n : {std::size_t{1} << 60, ~std::size_t{0}}) {
    try {
      aligned_buffer bytes(n);
      FAIL("there was so much");
    } catch (const error& e) {
      CHECK(e.code() == std::errc::not_enough_memory);
      CHECK(e.subject() == "allocate " + std::to_string(n) + " bytes");
    }
  }
}
