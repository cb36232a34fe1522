#include "io/program.hpp"

#include <unistd.h>

#include <csignal>
#include <cstdlib>
#include <utility>

namespace npymap::io {
namespace {

std::string lost_pages_message;  // set before the handler is, and not touched after

extern "C" void on_lost_pages(int) { end_of_lost_pages(); }

}  // namespace

bool errors_reach_terminal() noexcept { return ::isatty(STDERR_FILENO) == 1; }

void end_on_lost_pages(std::string message) {
  lost_pages_message = std::move(message);
  std::signal(SIGBUS, on_lost_pages);
}

// Nothing but what a signal handler may call.
void end_of_lost_pages() noexcept {
  // Nobody is left to tell of a failure.
  [[maybe_unused]] const auto written =
      ::write(STDERR_FILENO, lost_pages_message.data(), lost_pages_message.size());
  std::_Exit(1);
}

}  // namespace npymap::io
