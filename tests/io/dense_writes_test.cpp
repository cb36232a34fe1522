#include "io/dense_writes.hpp"

#include <algorithm>
#include <random>
#include <vector>

#include "io/faults.hpp"
#include "io/new_file.hpp"
#include "support/catch.hpp"
#include "support/python.hpp"
#include "support/temp_folder.hpp"

using namespace npymap_test;
using npymap::io::dense_writes;
using npymap::io::large_page_bytes;

TEST_CASE("dense_writes: bytes arrive in order, however they are cut") {
  const temp_folder folder;
  std::mt19937_64 generator(random_seed());
  std::vector<std::byte> bytes(5 * large_page_bytes + 4321);
  for (std::byte& b : bytes) b = static_cast<std::byte>(generator());
  for (const std::size_t most : {std::size_t{100'000}, large_page_bytes, 4 * large_page_bytes}) {
    npymap::io::new_file fresh(folder / "x", npymap::io::existing::replace);
    const std::uint64_t offset = generator() % (large_page_bytes + 1);
    dense_writes writes(fresh.contents(), offset);
    for (std::size_t done = 0; done < bytes.size();) {
      const auto n = std::min<std::size_t>(generator() % most, bytes.size() - done);
      writes.append(std::span(bytes).subspan(done, n));
      done += n;
      CHECK(writes.end_bytes() == offset + done);
    }
    writes.finish();
    std::vector<std::byte> found(bytes.size() + 1);
    CHECK(fresh.contents().read_at(found, offset) == bytes.size());
    found.pop_back();
    CHECK(std::ranges::equal(found, bytes));
  }
}

TEST_CASE("dense_writes: each large page is one write, and what fills some goes without a copy") {
  const temp_folder folder;
  npymap::io::new_file fresh(folder / "x", npymap::io::existing::replace);
  const std::vector<std::byte> bytes(4 * large_page_bytes);
  const faults counting;
  const auto writes_of = [&](std::size_t at_once) {
    const int before = faults::count(call::write);
    dense_writes writes(fresh.contents(), 128);
    for (std::size_t done = 0; done < bytes.size(); done += at_once) {
      writes.append(std::span(bytes).subspan(done, at_once));
    }
    writes.finish();
    return faults::count(call::write) - before;
  };
  CHECK(writes_of(4096) == 5);
  CHECK(writes_of(large_page_bytes) == 5);
  CHECK(writes_of(bytes.size()) == 2);  // all but the end, and that
}
