#include "cli/watched_pass.hpp"

namespace npymap::cli {

// A handler may not ask for a stop, which may wait for a lock: whoever tells of progress does.
watched_pass::watched_pass(const pass_settings& given)
    : bar_(given.progress),
      options_{.budget_bytes = given.memory_bytes,
               .threads = given.threads,
               .progress =
                   [this](const pass_progress& now) {
                     if (interrupt_.came()) stop_.request_stop();
                     bar_.reach(now.done_bytes, now.total_bytes);
                   },
               .stop = stop_.get_token()} {}

}  // namespace npymap::cli
