// Whatever the user does: the n-th system call of each kind fails, or moves less than it was asked
// to, or is interrupted, for every n.
#include <malloc.h>

#include <cerrno>
#include <iostream>
#include <set>
#include <string>

#include <npymap/error.hpp>

#include "faults/operations.hpp"
#include "io/faults.hpp"
#include "support/catch.hpp"
#include "support/process.hpp"

using namespace npymap_test;

namespace {

struct ending {
  std::string result;
  bool threw = false;
  std::error_code code;
  std::string path;
};

ending end_of(const operation& each, const workplace& place) {
  ending found;
  try {
    found.result = each.run(place);
  } catch (const npymap::error& e) {
    found.threw = true;
    found.code = e.code();
    found.path = e.path();
  }
  return found;
}

// What an operation does without a fault.
struct expectation {
  std::string result, before, after;
};

expectation without_fault(const operation& each, const workplace& place) {
  expectation right;
  right.before = bytes_before(each, place);
  place.put_out(right.before);
  each.run(place);  // what is made once for a process is there
  place.put_out(right.before);
  right.result = each.run(place);
  right.after = place.out_bytes();
  return right;
}

bool is_hint(call which) {
  return which == call::advise || which == call::forget || which == call::read_ahead ||
         which == call::read_cached;
}

// Hints, what is tidied up, what closes a file whose data are safe, and what has a way around it.
bool is_optional(call which) {
  return is_hint(which) || which == call::set_owner || which == call::remove ||
         which == call::close || which == call::file_system;
}

bool is_memory(call which) { return which == call::map || which == call::map_memory; }

bool writes_names_or_bytes(call which) {
  static const std::set<call> those = {call::open_unnamed, call::write, call::allocate,
                                       call::set_size,     call::sync,  call::sync_folder,
                                       call::link,         call::rename};
  return those.contains(which);
}

std::vector<int> reasons_for(call which) {
  std::vector<int> reasons = {EIO};
  if (is_hint(which)) return reasons;
  if (writes_names_or_bytes(which)) reasons.push_back(ENOSPC);
  if (is_memory(which)) return {ENOMEM};  // neither is interrupted
  reasons.push_back(EINTR);
  if (which == call::read || which == call::write) {
    reasons.push_back(npymap::io::sys::short_count);
  }
  return reasons;
}

void check_ending(const expectation& right, call which, int reason, const ending& found) {
  if (!found.threw) {
    REQUIRE(found.result == right.result);
    const bool must_fail =
        reason > 0 && reason != EINTR && !is_optional(which) && !is_memory(which);
    REQUIRE_FALSE(must_fail);
    return;
  }
  REQUIRE(reason > 0);
  REQUIRE(reason != EINTR);
  REQUIRE(found.code == std::error_code(reason, std::system_category()));
  if (which != call::map_memory) REQUIRE_FALSE(found.path.empty());
}

void check_harmless(const operation& each, const workplace& place, const expectation& right,
                    const ending& found) {
  const std::string left = place.out_bytes();
  REQUIRE((found.threw ? may_be_left(each, left, right.before, right.after) : left == right.after));
  REQUIRE(place.maps() == 0);
}

/// Fails the calls of one kind, one after another, up to a run that has not so many; returns how
/// many failed.
int fail_each(const operation& each, const workplace& place, const expectation& right, call which,
              int reason) {
  const auto descriptors = open_descriptors();
  for (int n = 1;; ++n) {
    INFO(each.name << ": call " << static_cast<int>(which) << " no. " << n << ", " << reason);
    place.put_out(right.before);
    ending found;
    bool was_reached = false;
    {
      const faults injected(which, n, reason);
      found = end_of(each, place);
      was_reached = faults::count(which) >= n;
    }
    REQUIRE(open_descriptors() == descriptors);
    check_harmless(each, place, right, found);
    if (!was_reached) {  // all is well again
      REQUIRE_FALSE(found.threw);
      REQUIRE(found.result == right.result);
      return n - 1;
    }
    check_ending(right, which, reason, found);
    if (found.threw && each.with != operation::begins::without &&
        each.with != operation::begins::input) {  // what is left does not stop the next one
      REQUIRE(end_of(each, place).result == right.result);
      REQUIRE(place.out_bytes() == right.after);
    }
    if (which != call::remove) REQUIRE(place.left_over().empty());  // which was to tidy up
  }
}

/// Fails all calls of the operations that write a file, or of the others.
void sweep(bool writing) {
  ::mallopt(M_PERTURB, 0xa5);  // memory that was not read to does not hold what it held before
  const workplace place;
  int failed = 0, swept = 0;
  for (const operation& each : operations()) {
    if ((each.left != leaves::no_file) != writing) continue;
    const expectation right = without_fault(each, place);
    int failed_here = 0;
    for (int kind = 0; kind < call_kinds; ++kind) {
      const auto which = static_cast<call>(kind);
      for (const int reason : reasons_for(which)) {
        failed_here += fail_each(each, place, right, which, reason);
      }
    }
    CHECK(failed_here > 0);
    failed += failed_here;
    ++swept;
  }
  std::cout << failed << " calls failed in " << swept << " operations\n";
}

}  // namespace

TEST_CASE("faults: each call that fails while files are read is told of, and does no harm") {
  sweep(false);
}

TEST_CASE("faults: each call that fails while a file is written is told of, and does no harm") {
  sweep(true);
}
