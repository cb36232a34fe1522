// Whatever the user does: the n-th allocation fails, in whichever thread, alone or with all that
// follow it, for every n. The caller is told, and nothing is lost or half written.
#include <atomic>
#include <cstdlib>
#include <iostream>
#include <new>
#include <string>
#include <system_error>

#include <npymap/error.hpp>

#include "faults/operations.hpp"
#include "support/catch.hpp"
#include "support/process.hpp"

namespace {

std::atomic<bool> is_counting = false;
std::atomic<long> allocations = 0, alive = 0;
std::atomic<long> first_to_fail = 0, last_to_fail = 0;

void* allocate(std::size_t n, std::size_t alignment) noexcept {
  if (is_counting) {
    const long nth = ++allocations;
    if (nth >= first_to_fail && nth <= last_to_fail) return nullptr;
  }
  void* const memory =
      alignment <= alignof(std::max_align_t)
          ? std::malloc(n == 0 ? 1 : n)
          : std::aligned_alloc(alignment, (n + alignment - 1) / alignment * alignment);
  if (memory != nullptr) ++alive;
  return memory;
}

void* allocate_or_throw(std::size_t n, std::size_t alignment) {
  void* const memory = allocate(n, alignment);
  if (memory == nullptr) throw std::bad_alloc();
  return memory;
}

void release(void* memory) noexcept {
  if (memory != nullptr) --alive;
  std::free(memory);
}

constexpr std::size_t plain = alignof(std::max_align_t);

}  // namespace

// The array forms call these, but those of a sanitizer do not.
void* operator new(std::size_t n) { return allocate_or_throw(n, plain); }
void* operator new[](std::size_t n) { return allocate_or_throw(n, plain); }
void* operator new(std::size_t n, std::align_val_t a) {
  return allocate_or_throw(n, std::size_t(a));
}
void* operator new[](std::size_t n, std::align_val_t a) {
  return allocate_or_throw(n, std::size_t(a));
}
void* operator new(std::size_t n, const std::nothrow_t&) noexcept { return allocate(n, plain); }
void* operator new[](std::size_t n, const std::nothrow_t&) noexcept { return allocate(n, plain); }
void* operator new(std::size_t n, std::align_val_t a, const std::nothrow_t&) noexcept {
  return allocate(n, std::size_t(a));
}
void* operator new[](std::size_t n, std::align_val_t a, const std::nothrow_t&) noexcept {
  return allocate(n, std::size_t(a));
}
void operator delete(void* memory) noexcept { release(memory); }
void operator delete[](void* memory) noexcept { release(memory); }
void operator delete(void* memory, std::size_t) noexcept { release(memory); }
void operator delete[](void* memory, std::size_t) noexcept { release(memory); }
void operator delete(void* memory, std::align_val_t) noexcept { release(memory); }
void operator delete[](void* memory, std::align_val_t) noexcept { release(memory); }
void operator delete(void* memory, std::size_t, std::align_val_t) noexcept { release(memory); }
void operator delete[](void* memory, std::size_t, std::align_val_t) noexcept { release(memory); }
void operator delete(void* memory, const std::nothrow_t&) noexcept { release(memory); }
void operator delete[](void* memory, const std::nothrow_t&) noexcept { release(memory); }
void operator delete(void* memory, std::align_val_t, const std::nothrow_t&) noexcept {
  release(memory);
}
void operator delete[](void* memory, std::align_val_t, const std::nothrow_t&) noexcept {
  release(memory);
}

using namespace npymap_test;

namespace {

constexpr long for_ever = 1L << 40;

struct ending {
  std::string result;
  bool threw = false;
  bool told_of_memory = false;
  std::string what;
};

/// Run an operation, of whose allocations those from `first` to `last` fail.
ending run_short_of_memory(const operation& each, const workplace& place, long first, long last) {
  ending found;
  allocations = 0;
  first_to_fail = first;
  last_to_fail = last;
  is_counting = true;
  try {
    std::string result = each.run(place);
    is_counting = false;
    found.result = std::move(result);
  } catch (const std::bad_alloc&) {
    is_counting = false;
    found.threw = found.told_of_memory = true;
  } catch (const npymap::error& e) {
    is_counting = false;
    found.threw = true;
    found.told_of_memory = e.code() == std::errc::not_enough_memory;
    found.what = e.what();
  } catch (const std::exception& e) {
    is_counting = false;
    found.threw = true;
    found.what = e.what();
  }
  return found;
}

/// Fails the allocations of an operation, one after another; returns how many failed.
long fail_each(const operation& each, const workplace& place, bool all_that_follow) {
  const std::string before = bytes_before(each, place);
  place.put_out(before);
  each.run(place);  // what is made once for a process, or by oneTBB, is there
  place.put_out(before);
  const std::string result = each.run(place), after = place.out_bytes();
  const auto descriptors = open_descriptors();
  for (long n = 1;; ++n) {
    INFO(each.name << ": allocation " << n << (all_that_follow ? " and all behind it" : ""));
    place.put_out(before);
    const ending found = run_short_of_memory(each, place, n, all_that_follow ? for_ever : n);
    const bool was_reached = allocations >= n;
    if (found.threw) {
      REQUIRE(was_reached);
      INFO(found.what);
      REQUIRE(found.told_of_memory);
    } else {
      REQUIRE(found.result == result);
    }
    const std::string left = place.out_bytes();
    REQUIRE((found.threw ? may_be_left(each, left, before, after) : left == after));
    REQUIRE(open_descriptors() == descriptors);
    REQUIRE(place.maps() == 0);
    REQUIRE(place.left_over().empty());
    if (!was_reached) return n - 1;  // and all is well again
  }
}

}  // namespace

TEST_CASE("allocation: each that fails in any operation is told of, and does no harm") {
  const workplace place;
  long failed = 0;
  for (const operation& each : operations()) {
    for (const bool all_that_follow : {false, true}) {
      const long failed_here = fail_each(each, place, all_that_follow);
      CHECK(failed_here > 0);
      failed += failed_here;
    }
  }
  std::cout << failed << " allocations failed in " << operations().size() << " operations\n";
}

TEST_CASE("allocation: operations give back what they took, whether they fail or not") {
  const workplace place;
  for (const operation& each : operations()) {
    INFO(each.name);
    const std::string before = bytes_before(each, place);
    const auto grown_by = [&](long failing) {
      const long count = alive;
      for (int i = 0; i < 8; ++i) {
        place.put_out(before);
        run_short_of_memory(each, place, failing, failing);
      }
      return alive - count;
    };
    grown_by(for_ever);
    for (const long failing : {for_ever, 3L, 9L, 20L}) {
      // A thread of oneTBB may keep a little, but not for each time.
      CHECK(grown_by(failing) < 8);
    }
  }
}
