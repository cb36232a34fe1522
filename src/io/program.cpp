#include "io/program.hpp"

#include <sys/ioctl.h>
#include <unistd.h>

#include <atomic>
#include <csignal>
#include <cstdlib>
#include <utility>

namespace npymap::io {
namespace {

std::string lost_pages_message;  // set before the handler is, and not touched after

extern "C" void on_lost_pages(int) { end_of_lost_pages(); }

constexpr int interrupts[] = {SIGINT, SIGTERM};

std::atomic<int> interrupted_by = 0;
static_assert(decltype(interrupted_by)::is_always_lock_free);  // or no handler may touch it

extern "C" void on_interrupt(int signal) { interrupted_by = signal; }

// Unless it is ignored, as of what a shell runs in the background.
void set_action(int signal, void (*handler)(int), int flags) noexcept {
  struct sigaction now = {};
  ::sigaction(signal, nullptr, &now);
  if (now.sa_handler == SIG_IGN) return;
  struct sigaction wanted = {};
  wanted.sa_handler = handler;
  wanted.sa_flags = flags;
  ::sigaction(signal, &wanted, nullptr);
}

}  // namespace

bool errors_reach_terminal() noexcept { return ::isatty(STDERR_FILENO) == 1; }

std::optional<int> output_columns() noexcept {
  winsize size = {};
  if (::ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) != 0 || size.ws_col == 0) return std::nullopt;
  return size.ws_col;
}

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

delayed_interrupt::delayed_interrupt() noexcept {
  for (const int signal : interrupts) {
    set_action(signal, on_interrupt, static_cast<int>(SA_RESETHAND) | SA_RESTART);
  }
}

delayed_interrupt::~delayed_interrupt() {
  for (const int signal : interrupts) set_action(signal, SIG_DFL, 0);
  if (came()) std::raise(interrupted_by);
}

bool delayed_interrupt::came() const noexcept { return interrupted_by != 0; }

}  // namespace npymap::io
