/// \file
/// The oracle: Debian's Python with NumPy, as a child process.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace npymap_test {

struct python_result {
  int exit_code = 0;  ///< 128 + signal when it was killed
  std::string out;    ///< standard output
  std::string err;    ///< standard error
};

/// True if the oracle can be had: `/usr/bin/python3` (or $NPYMAP_PYTHON) imports numpy.
bool have_numpy();

/// Run a script, given as text, with `import numpy as np, sys, os, json` before it and `arguments`
/// in sys.argv[1:]; `input` on its standard input.
python_result run_python(std::string_view script, const std::vector<std::string>& arguments = {},
                         std::string_view input = {});

/// `run_python`, whose failure is the test's failure: throws with its standard error.
std::string python(std::string_view script, const std::vector<std::string>& arguments = {},
                   std::string_view input = {});

/// The seed of this run's random cases: $NPYMAP_SEED, or a fresh one; printed when first asked for.
std::uint64_t random_seed();

}  // namespace npymap_test
