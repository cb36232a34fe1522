/// \file
/// What a program asks of the system and a library must not: it handles signals and ends processes.
/// Not part of the library; the tool compiles it.
#pragma once

#include <optional>

namespace npymap::io {

/// Put what can be neither read nor written in the place of each standard stream that is closed.
/// The next file that is opened would be that stream, and have in it what is meant for somebody to
/// read. Before anything is opened.
void occupy_closed_streams() noexcept;

/// True if somebody is looking at standard error.
bool errors_reach_terminal() noexcept;

/// How many columns the terminal behind standard output has; none where there is no terminal.
std::optional<int> output_columns() noexcept;

/// The same of standard error.
std::optional<int> error_columns() noexcept;

/// While it lives, SIGINT, SIGTERM and SIGHUP end the process no more but are taken note of, so
/// that what is half done can be undone first. The destructor then ends the process by the signal
/// that came, as shells want to see it. A second signal ends it at once; those that are ignored
/// stay so. Of several, one within the other, the outermost ends the process. For one thread.
class delayed_interrupt {
 public:
  delayed_interrupt() noexcept;
  delayed_interrupt(const delayed_interrupt&) = delete;
  delayed_interrupt& operator=(const delayed_interrupt&) = delete;
  ~delayed_interrupt();

  /// True if one came. Safe to ask from any thread.
  bool came() const noexcept;
};

}  // namespace npymap::io
