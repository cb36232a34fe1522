/// \file
/// Leaving a test case that this machine cannot run: no root, no loop device, no NumPy.
#pragma once

#include <string_view>

namespace npymap_test {

/// What a test program that skipped something and failed nothing exits with; ctest counts it.
inline constexpr int skipped_exit_code = 77;

/// Say why the running test case stops, and make the program exit with `skipped_exit_code`.
void note_skip(std::string_view why);

}  // namespace npymap_test

/// Leave the test case (or the void function) here: `NPYMAP_SKIP("needs root");`
#define NPYMAP_SKIP(why)           \
  do {                             \
    ::npymap_test::note_skip(why); \
    return;                        \
  } while (false)
