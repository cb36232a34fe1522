#include "io/program.hpp"

#include <fcntl.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <atomic>
#include <csignal>
#include <initializer_list>

namespace npymap::io {
namespace {

constexpr int interrupts[] = {SIGINT, SIGTERM, SIGHUP};

std::atomic<int> interrupted_by = 0;
static_assert(decltype(interrupted_by)::is_always_lock_free);  // or no handler may touch it

int interrupts_delayed = 0;  // how many live, one within the other

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

std::optional<int> columns_of(int descriptor) noexcept {
  winsize size = {};
  if (::ioctl(descriptor, TIOCGWINSZ, &size) != 0 || size.ws_col == 0) return std::nullopt;
  return size.ws_col;
}

}  // namespace

// A file gets the lowest number that is free. With O_PATH, reading and writing answer EBADF, as of
// what is closed.
void occupy_closed_streams() noexcept {
  for (const int stream : {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO}) {
    if (::fcntl(stream, F_GETFD) == -1) ::open("/", O_PATH | O_CLOEXEC);
  }
}

bool errors_reach_terminal() noexcept { return ::isatty(STDERR_FILENO) == 1; }

std::optional<int> output_columns() noexcept { return columns_of(STDOUT_FILENO); }

std::optional<int> error_columns() noexcept { return columns_of(STDERR_FILENO); }

delayed_interrupt::delayed_interrupt() noexcept {
  if (interrupts_delayed++ > 0) return;
  for (const int signal : interrupts) {
    set_action(signal, on_interrupt, static_cast<int>(SA_RESETHAND) | SA_RESTART);
  }
}

delayed_interrupt::~delayed_interrupt() {
  if (--interrupts_delayed > 0) return;
  for (const int signal : interrupts) set_action(signal, SIG_DFL, 0);
  if (came()) std::raise(interrupted_by);
}

bool delayed_interrupt::came() const noexcept { return interrupted_by != 0; }

}  // namespace npymap::io
