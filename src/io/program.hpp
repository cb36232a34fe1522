/// \file
/// What a program asks of the system and a library must not: it handles signals and ends processes.
/// Not part of the library; the tool compiles it.
#pragma once

#include <string>

namespace npymap::io {

/// True if somebody is looking at standard error.
bool errors_reach_terminal() noexcept;

/// From now on a page of a map that cannot be had ends the process with this line on standard error
/// and exit code 1, instead of killing it (SIGBUS): its file was truncated, or cannot be read.
void end_on_lost_pages(std::string message);

/// End so now, where a system call has met such a page (EFAULT).
[[noreturn]] void end_of_lost_pages() noexcept;

}  // namespace npymap::io
