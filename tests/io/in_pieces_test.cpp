#include "io/in_pieces.hpp"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <mutex>
#include <set>
#include <stdexcept>
#include <thread>
#include <vector>

#include "support/catch.hpp"

using npymap::io::in_pieces;

TEST_CASE("in_pieces: each byte is worked on once, whatever the pieces and threads") {
  for (const std::size_t total : {0u, 1u, 99u, 100u, 101u, 12345u}) {
    for (const std::size_t piece : {1u, 100u, 20000u}) {
      for (const std::size_t threads : {0u, 1u, 2u, 7u}) {
        std::vector<std::atomic<int>> seen(total);
        in_pieces(total, piece, threads, [&](std::size_t begin, std::size_t size) {
          if (begin % piece != 0 || size == 0 || size > piece) throw std::logic_error("no piece");
          for (std::size_t i = 0; i < size; ++i) ++seen[begin + i];
        });
        REQUIRE(std::all_of(seen.begin(), seen.end(), [](const auto& n) { return n == 1; }));
      }
    }
  }
}

TEST_CASE("in_pieces: several threads work, the caller's among them, and no more than asked for") {
  std::mutex guard;
  std::set<std::thread::id> workers;
  in_pieces(30, 1, 3, [&](std::size_t, std::size_t) {
    {
      const std::lock_guard lock(guard);
      workers.insert(std::this_thread::get_id());
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(2));
  });
  CHECK(workers.size() == 3);
  CHECK(workers.count(std::this_thread::get_id()) == 1);
}

TEST_CASE("in_pieces: what work throws arrives when all have ended, and no piece is begun anew") {
  for (const std::size_t threads : {1u, 4u}) {
    std::atomic<int> begun = 0, inside = 0;
    const auto work = [&](std::size_t begin, std::size_t) {
      ++begun;
      ++inside;
      if (begin < 10) std::this_thread::sleep_for(std::chrono::milliseconds(1));
      --inside;
      if (begin == 5) throw std::runtime_error("five");
    };
    CHECK_THROWS_WITH(in_pieces(10'000'000, 1, threads, work), "five");
    CHECK(inside == 0);
    CHECK(begun < 9'000'000);
  }
}
