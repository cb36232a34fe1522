/// \file
/// Passes over all elements, as a program runs them: seen, and interrupted, by a user.
#pragma once

#include <stop_token>

#include <npymap/pass.hpp>

#include "cli/commands.hpp"
#include "cli/progress.hpp"
#include "io/program.hpp"

namespace npymap::cli {

/// What a pass needs to know: it feeds a progress bar, and Ctrl-C or SIGTERM stop it. The
/// destructor then ends the process, when what was half done is gone.
class watched_pass {
 public:
  explicit watched_pass(const pass_settings& given);

  /// For one pass, or for several over the same elements, which start the bar again.
  const pass_options& options() const noexcept { return options_; }

 private:
  io::delayed_interrupt interrupt_;  // ends the process when the bar has ended its line
  std::stop_source stop_;
  progress bar_;
  pass_options options_;
};

}  // namespace npymap::cli
