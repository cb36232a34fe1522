#include "cli/watched_pass.hpp"

#include <npymap/error.hpp>

namespace npymap::cli {

// A handler may not ask for a stop, which may wait for a lock: whoever tells of progress does.
watched_pass::watched_pass(const pass_settings& given)
    : bar_(given.progress),
      options_{.budget_bytes = given.memory_bytes,
               .threads = given.threads,
               .progress =
                   [this](const pass_progress& now) {
                     if (interrupt_.came()) stop_.request_stop();
                     bar_.reach(ended_bytes_ + now.done_bytes,
                                total_bytes_.value_or(now.total_bytes));
                   },
               .stop = stop_.get_token()} {}

void watched_pass::end_part(std::uint64_t bytes) {
  ended_bytes_ += bytes;
  bar_.reach(ended_bytes_, total_bytes_.value_or(ended_bytes_));
  if (interrupt_.came()) throw error(errc::stopped, {.subject = "work", .found = "an interrupt"});
}

}  // namespace npymap::cli
