/// \file
/// NumPy in the same run: a Python process that waits for statements and times them.
#pragma once

#include <string>

namespace npymap_bench {

/// The seconds that NumPy takes for `statement`, run `times` times, after `setup` (run once for
/// each new text). Negative when there is no NumPy.
double numpy_seconds(const std::string& setup, const std::string& statement, int times);

}  // namespace npymap_bench
