#include <npymap/file_map.hpp>

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <random>
#include <span>
#include <string>
#include <thread>
#include <vector>

#include <npymap/error.hpp>

#include "io/faults.hpp"
#include "io/file.hpp"
#include "io/new_file.hpp"
#include "support/catch.hpp"
#include "support/failure.hpp"
#include "support/process.hpp"
#include "support/python.hpp"
#include "support/temp_folder.hpp"

using namespace npymap_test;
using npymap::advice;
using npymap::errc;
using npymap::error;
using npymap::file_map;
using npymap::flush_mode;
using npymap::open_mode;
using npymap::space;

namespace {

constexpr open_mode existing_modes[] = {open_mode::read, open_mode::read_write,
                                        open_mode::copy_on_write};

std::string text_of(const file_map& map) {
  return {reinterpret_cast<const char*>(map.data()), map.size_bytes()};
}

void write_to(const file_map& map, std::size_t offset, std::string_view text) {
  std::memcpy(map.writable_data() + offset, text.data(), text.size());
}

struct range {
  std::uint64_t offset;
  std::uint64_t n;
};

std::string pattern(std::size_t n) {
  std::string text(n, '\0');
  for (std::size_t i = 0; i < n; ++i) text[i] = static_cast<char>(i * 7 + i / 256);
  return text;
}

}  // namespace

TEST_CASE("open_mode: NumPy's four names are known, and others are told so") {
  CHECK(npymap::parse_open_mode("r") == open_mode::read);
  CHECK(npymap::parse_open_mode("r+") == open_mode::read_write);
  CHECK(npymap::parse_open_mode("w+") == open_mode::create);
  CHECK(npymap::parse_open_mode("c") == open_mode::copy_on_write);
  for (const char* name : {"", "w", "rb", "R", "r ", "c+"}) {
    CHECK(code_of([&] { npymap::parse_open_mode(name); }) == errc::invalid_argument);
  }
  CHECK_THROWS_WITH(npymap::parse_open_mode("w"),
                    "open mode: expected one of 'r', 'r+', 'w+' and 'c', found 'w'");
}

TEST_CASE("file_map: every range of a file shows its bytes, aligned or not") {
  const temp_folder folder;
  const std::string bytes = pattern(20'000);
  write_file(folder / "x", bytes);
  std::mt19937_64 random(random_seed());
  for (const open_mode mode : existing_modes) {
    CHECK(text_of(file_map::open(folder / "x", mode)) == bytes);
    for (int i = 0; i < 200; ++i) {
      const std::size_t offset = random() % (bytes.size() + 1);
      const std::size_t length = random() % (bytes.size() - offset + 1);
      const file_map map = file_map::open(folder / "x", mode, offset, length);
      REQUIRE(map.offset_bytes() == offset);
      REQUIRE(map.size_bytes() == length);
      REQUIRE(text_of(map) == bytes.substr(offset, length));
    }
  }
}

TEST_CASE("file_map: empty files and empty ranges work in every mode") {
  const temp_folder folder;
  write_file(folder / "empty", "");
  write_file(folder / "page", std::string(4096, 'x'));
  for (const open_mode mode : existing_modes) {
    for (const file_map& map :
         {file_map::open(folder / "empty", mode), file_map::open(folder / "empty", mode, 0, 0),
          file_map::open(folder / "page", mode, 17, 0),
          file_map::open(folder / "page", mode, 4096, 0)}) {
      CHECK(map.is_open());
      CHECK(map.size_bytes() == 0);
      CHECK(map.data() == nullptr);
      map.flush();
      map.flush(0, 0, flush_mode::async);
      map.advise(advice::dont_need);
      if (mode != open_mode::read) CHECK(map.writable_data() == nullptr);
    }
  }
  file_map made = file_map::create(folder / "made", 0);
  made.flush();
  CHECK(made.space_guaranteed() ==
        file_map::open(folder / "page", open_mode::read, 0, 0).space_guaranteed());
  made.close();
  CHECK(std::filesystem::file_size(folder / "made") == 0);
}

TEST_CASE("file_map: a range that the file does not have is refused, whatever the numbers") {
  const temp_folder folder;
  write_file(folder / "x", std::string(1000, 'x'));
  const std::uint64_t most = ~std::uint64_t{0};
  for (const open_mode mode : existing_modes) {
    for (const range& each : {range{0, 1001},
                              {1000, 1},
                              {1001, 0},
                              {999, 2},
                              {0, most},
                              {most, 1},
                              {1, most},
                              {most, most},
                              {most / 2 + 1, most / 2 + 1}}) {
      INFO(each.offset << " " << each.n);
      CHECK(code_of([&] { file_map::open(folder / "x", mode, each.offset, each.n); }) ==
            errc::truncated);
    }
  }
  CHECK_THROWS_WITH(file_map::open(folder / "x", open_mode::read, 900, 200),
                    (folder / "x") + ": mapped range: expected 200 bytes, found 100 (at byte 900)");
  CHECK(std::filesystem::file_size(folder / "x") == 1000);
}

TEST_CASE("file_map: a file that shrinks between the check and the map is refused") {
  const temp_folder folder;
  write_file(folder / "x", std::string(10'000, 'x'));
  npymap::io::file opened = npymap::io::file::open(folder / "x", open_mode::read);
  const std::uint64_t size = opened.size_bytes();
  std::filesystem::resize_file(folder / "x", 5'000);
  CHECK(code_of([&] { npymap::io::map_file(std::move(opened), open_mode::read, 0, size); }) ==
        errc::truncated);
}

TEST_CASE("file_map: read changes neither bytes nor times, and hands out nothing to write to") {
  const temp_folder folder;
  write_file(folder / "x", pattern(10'000));
  struct stat before {
  }, after{};
  REQUIRE(stat((folder / "x").c_str(), &before) == 0);
  {
    file_map map = file_map::open(folder / "x", open_mode::read);
    CHECK(code_of([&] { map.writable_data(); }) == errc::read_only);
    map.flush();
    map.flush(flush_mode::async);
    map.close();
  }
  REQUIRE(stat((folder / "x").c_str(), &after) == 0);
  CHECK(before.st_mtim.tv_nsec == after.st_mtim.tv_nsec);
  CHECK(before.st_ctim.tv_nsec == after.st_ctim.tv_nsec);
}

TEST_CASE("file_map: read_write changes the file's bytes and never its size") {
  const temp_folder folder;
  write_file(folder / "x", std::string(10'000, '.'));
  file_map map = file_map::open(folder / "x", open_mode::read_write, 4'090, 10);
  write_to(map, 0, "0123456789");
  map.close();
  CHECK(read_file(folder / "x") ==
        std::string(4'090, '.') + "0123456789" + std::string(5'900, '.'));
}

TEST_CASE("file_map: copy_on_write keeps its edits to itself") {
  const temp_folder folder;
  write_file(folder / "x", std::string(100'000, '.'));
  const file_map map = file_map::open(folder / "x", open_mode::copy_on_write);
  write_to(map, 50'000, "edited");
  map.flush();
  map.flush(0, 100'000, flush_mode::async);
  map.advise(advice::dont_need);  // the edits live nowhere else
  map.advise(advice::dont_need, 49'000, 2'000);
  CHECK(text_of(map).substr(50'000, 6) == "edited");
  CHECK(read_file(folder / "x") == std::string(100'000, '.'));
}

TEST_CASE("file_map: create reserves its space, reads as zeros, and replaces in one step") {
  const temp_folder folder;
  write_file(folder / "x", "old");
  const file_map old = file_map::open(folder / "x", open_mode::read);
  file_map map = file_map::create(folder / "x", 100'000);
  CHECK(map.mode() == open_mode::create);
  CHECK(text_of(map) == std::string(100'000, '\0'));
  write_to(map, 99'999, "!");
  struct stat found {};
  REQUIRE(stat((folder / "x").c_str(), &found) == 0);
  CHECK(found.st_blocks * 512 >= 100'000);
  CHECK(text_of(old) == "old");
  map.close();
  CHECK(read_file(folder / "x") == std::string(99'999, '\0') + "!");

  const file_map sparse = file_map::create(folder / "sparse", 1'000'000, space::sparse);
  CHECK_FALSE(sparse.space_guaranteed());
  REQUIRE(stat((folder / "sparse").c_str(), &found) == 0);
  CHECK(found.st_blocks * 512 < 1'000'000);
  CHECK(code_of([&] { file_map::open(folder / "x", open_mode::create); }) ==
        errc::invalid_argument);
}

TEST_CASE("file_map: write goes through the file, or stays in memory, and to no place outside") {
  const temp_folder folder;
  const auto bytes_of = [](std::string_view text) { return std::as_bytes(std::span(text)); };
  for (const open_mode mode : existing_modes) {
    INFO(static_cast<int>(mode));
    write_file(folder / "x", std::string(10'000, '.'));
    const file_map map = file_map::open(folder / "x", mode, 4'090, 10);
    CHECK(code_of([&] { map.write(8, bytes_of("abc")); }) == errc::out_of_range);
    CHECK(code_of([&] { map.write(11, {}); }) == errc::out_of_range);
    if (mode == open_mode::read) {
      CHECK(code_of([&] { map.write(0, bytes_of("abc")); }) == errc::read_only);
      CHECK(read_file(folder / "x") == std::string(10'000, '.'));
      continue;
    }
    map.write(10, {});
    map.write(7, bytes_of("abc"));
    CHECK(text_of(map) == ".......abc");
    const bool is_stored = mode == open_mode::read_write;
    CHECK(read_file(folder / "x").substr(4'096, 5) == (is_stored ? ".abc." : "....."));
    CHECK(std::filesystem::file_size(folder / "x") == 10'000);
  }
  CHECK(code_of([&] { file_map().write(0, {}); }) == errc::closed);
  const file_map fresh = file_map::create(folder / "y", 3 << 20, space::sparse);
  fresh.write(1 << 20, bytes_of(pattern(1 << 20)));
  CHECK(text_of(fresh).substr(1 << 20, 1 << 20) == pattern(1 << 20));
  const faults full(npymap::io::sys::call::write, 1, ENOSPC);
  CHECK(code_of([&] { fresh.write(0, bytes_of("abc")); }) ==
        std::error_code(ENOSPC, std::system_category()));
}

TEST_CASE("file_map: a new file that cannot be mapped has replaced nothing") {
  const temp_folder folder;
  write_file(folder / "x", "old");
  const faults injected(call::map, 1, ENOMEM);
  CHECK(code_of([&] { file_map::create(folder / "x", 100); }) == std::errc::not_enough_memory);
  CHECK(read_file(folder / "x") == "old");
}

TEST_CASE("file_map: a refused map is an error with path, place and the system's reason") {
  const temp_folder folder;
  write_file(folder / "x", "abc");
  const faults injected(call::map, 1, ENODEV);
  CHECK_THROWS_WITH(file_map::open(folder / "x", open_mode::read, 1, 2),
                    (folder / "x") + ": map 2 bytes (at byte 1): No such device");
}

TEST_CASE("file_map: a map that the address space cannot hold is an error, not an abort") {
  const temp_folder folder;
  {
    npymap::io::new_file fresh(folder / "x", npymap::io::existing::replace);
    fresh.contents().set_size(std::uint64_t{15} << 40);
    std::move(fresh).commit(npymap::durability::none);
  }
  std::vector<file_map> maps;
  CHECK(code_of([&] {
          for (int i = 0; i < 20; ++i)
            maps.push_back(file_map::open(folder / "x", open_mode::read));
        }) == std::errc::not_enough_memory);
  CHECK(maps.size() >= 5);
}

TEST_CASE("file_map: the last byte of a sparse file of 2 TiB is reached in r, r+ and c") {
  const temp_folder folder;
  const std::uint64_t size = std::uint64_t{2} << 40;
  file_map made = file_map::create(folder / "x", size, space::sparse);
  CHECK(made.size_bytes() == size);
  write_to(made, size - 1, "!");
  made.flush(size - 1, 1);
  made.close();

  for (const open_mode mode : existing_modes) {
    const file_map map = file_map::open(folder / "x", mode);
    REQUIRE(map.size_bytes() == size);
    CHECK(map.data()[size - 1] == std::byte{'!'});
    CHECK(map.data()[size / 2] == std::byte{0});
    if (mode == open_mode::read) continue;
    const bool shared = mode == open_mode::read_write;
    write_to(map, size - 3, shared ? "ab" : "cd");
    CHECK(map.data()[size - 2] == (shared ? std::byte{'b'} : std::byte{'d'}));
    const file_map tail = file_map::open(folder / "x", open_mode::read, size - 3, 3);
    CHECK(text_of(tail) == "ab!");
    map.flush(size - 3, 3);
    map.flush(size - 3, 3, flush_mode::async);
  }
}

TEST_CASE("file_map: ranges beyond 4 GiB, longer than 4 GiB, and not aligned are mapped") {
  const temp_folder folder;
  const std::uint64_t far = (std::uint64_t{5} << 30) + 123;
  file_map whole = file_map::create(folder / "x", 2 * far, space::sparse);
  write_to(whole, far, "far");
  write_to(whole, 2 * far - 3, "end");
  for (const open_mode mode : existing_modes) {
    CHECK(text_of(file_map::open(folder / "x", mode, far, 3)) == "far");
    const file_map half = file_map::open(folder / "x", mode, far, far);
    CHECK(std::memcmp(half.data() + far - 3, "end", 3) == 0);
  }
}

TEST_CASE("file_map: flush and advise take every range, and none outside") {
  const temp_folder folder;
  write_file(folder / "x", std::string(20'000, '.'));
  const file_map map = file_map::open(folder / "x", open_mode::read_write, 4'000, 8'300);
  std::mt19937_64 random(random_seed());
  for (int i = 0; i < 100; ++i) {
    const std::size_t offset = random() % 8'301, n = random() % (8'301 - offset);
    map.flush(offset, n, flush_mode::async);
    for (const advice hint : {advice::normal, advice::sequential, advice::random, advice::will_need,
                              advice::dont_need}) {
      map.advise(hint, offset, n);
    }
  }
  map.flush(0, 1);
  map.flush(8'299, 1);  // in a page that begins behind the length, counted from the first page
  map.flush(8'300, 0);
  const std::uint64_t most = ~std::uint64_t{0};
  for (const range& each :
       {range{0, 8'301}, {8'300, 1}, {8'301, 0}, {most, 1}, {1, most}, {most, most}}) {
    CHECK(code_of([&] { map.flush(each.offset, each.n); }) == errc::out_of_range);
    CHECK(code_of([&] { map.advise(advice::normal, each.offset, each.n); }) == errc::out_of_range);
  }
}

TEST_CASE("file_map: dont_need gives the memory back and keeps what was written") {
  const temp_folder folder;
  constexpr std::size_t size = std::size_t{64} << 20;
  const file_map map = file_map::create(folder / "x", size);
  std::memset(map.writable_data(), 'x', size);
  const std::uint64_t before = resident_bytes();
  map.advise(advice::dont_need);
  const std::uint64_t after = resident_bytes();
  CHECK(before > after + size * 9 / 10);
  CHECK(std::count(map.data(), map.data() + size, std::byte{'x'}) == size);
}

TEST_CASE("file_map: advice for a range takes the pages that the range touches, and no others") {
  const temp_folder folder;
  const auto page = static_cast<std::size_t>(sysconf(_SC_PAGESIZE));
  const std::size_t lead = 100;  // of the first page, in front of the map
  file_map::create(folder / "x", 8 * page).close();
  const file_map map = file_map::open(folder / "x", open_mode::read_write, lead, 8 * page - lead);
  std::memset(map.writable_data(), 'x', map.size_bytes());
  map.advise(advice::dont_need, 2 * page - lead + 10, page);
  map.advise(advice::dont_need, 6 * page - lead - 1, 1);
  const std::byte* const first = map.data() - lead;
  for (const std::size_t i : {0U, 1U, 4U, 6U, 7U}) CHECK(is_resident(first + i * page));
  for (const std::size_t i : {2U, 3U, 5U}) CHECK_FALSE(is_resident(first + i * page));
}

TEST_CASE("file_map: copies share one mapping, and close refuses while they do") {
  const temp_folder folder;
  write_file(folder / "x", "abc");
  file_map map = file_map::open(folder / "x", open_mode::read);
  {
    const file_map other = map;
    CHECK(other.data() == map.data());
    CHECK(map.owners() == 2);
    CHECK(code_of([&] { map.close(); }) == errc::busy);
    CHECK(text_of(map) == "abc");
  }
  const int mappings = mapping_count();
  map.close();
  CHECK(mapping_count() == mappings - 1);
  CHECK_FALSE(map.is_open());
  CHECK(map.owners() == 0);
  CHECK(map.data() == nullptr);
  CHECK(map.size_bytes() == 0);
  CHECK(map.path().empty());
  map.close();
  CHECK(code_of([&] { map.flush(); }) == errc::closed);
  CHECK(code_of([&] { map.advise(advice::normal); }) == errc::closed);
  CHECK(code_of([&] { map.writable_data(); }) == errc::closed);
  CHECK(code_of([&] { map.space_guaranteed(); }) == errc::closed);
}

TEST_CASE("file_map: a rename over the mapped name leaves the old map whole") {
  const temp_folder folder;
  write_file(folder / "x", std::string(100'000, 'o'));
  write_file(folder / "y", "new");
  const file_map map = file_map::open(folder / "x", open_mode::read);
  std::filesystem::rename(folder / "y", folder / "x");
  CHECK(text_of(map) == std::string(100'000, 'o'));
}

TEST_CASE("file_map: nothing is inherited across exec, and nothing leaks") {
  const temp_folder folder;
  write_file(folder / "x", std::string(10'000, 'x'));
  const auto before = open_descriptors();
  {
    const file_map maps[] = {file_map::open(folder / "x", open_mode::read),
                             file_map::open(folder / "x", open_mode::read_write),
                             file_map::open(folder / "x", open_mode::copy_on_write),
                             file_map::create(folder / "y", 10'000)};
    int opened = 0;
    for (const auto& [fd, leads_to] : open_descriptors()) {
      if (before.contains(fd)) continue;
      INFO(leads_to);
      ++opened;
      CHECK((fcntl(fd, F_GETFD) & FD_CLOEXEC) != 0);
    }
    CHECK(opened >= 4);
  }
  CHECK(open_descriptors() == before);

  const int mappings = mapping_count();
  for (int i = 0; i < 10'000; ++i) {
    const file_map map = file_map::open(folder / "x", existing_modes[i % 3], 100, 5'000);
    REQUIRE(map.data()[0] == std::byte{'x'});
    if (i % 10 != 0) continue;
    REQUIRE(code_of([&] { file_map::open(folder / "x", existing_modes[i % 3], 1, 10'000); }));
    REQUIRE(code_of([&] { file_map::open(folder / "gone", existing_modes[i % 3]); }));
    REQUIRE(code_of([&] { file_map::open(folder.path(), existing_modes[i % 3]); }));
  }
  for (int i = 0; i < 100; ++i) file_map::create(folder / "y", 5'000);
  CHECK(open_descriptors() == before);
  CHECK(mapping_count() <= mappings + 2);  // the allocator's own
}

TEST_CASE("file_map: one map is read, flushed and advised from several threads") {
  const temp_folder folder;
  const file_map map = file_map::create(folder / "x", 1 << 20);
  {
    std::vector<std::jthread> threads;
    for (std::size_t t = 0; t < 4; ++t) {
      threads.emplace_back([map, t] {
        for (std::size_t i = 0; i < 50; ++i) {
          const std::size_t offset = (t * 50 + i) * 4'000;
          map.writable_data()[offset] = std::byte{1};
          map.flush(offset, 4'000, i % 10 == 0 ? flush_mode::sync : flush_mode::async);
          map.advise(advice::will_need, offset, 4'000);
        }
      });
    }
  }
  CHECK(map.owners() == 1);
  CHECK(std::count(map.data(), map.data() + map.size_bytes(), std::byte{1}) == 200);
}

TEST_CASE("file_map: a child made by fork sees a shared map, and its private one stays its own") {
  const temp_folder folder;
  write_file(folder / "x", "....");
  const file_map shared = file_map::open(folder / "x", open_mode::read_write);
  const file_map own = file_map::open(folder / "x", open_mode::copy_on_write);
  write_to(own, 0, "a");
  CHECK(in_child([&] {
          write_to(own, 1, "b");
          write_to(shared, 2, "c");
          return 0;
        }) == 0);
  CHECK(text_of(shared) == "..c.");
  CHECK(text_of(own).substr(0, 2) == "a.");
}
