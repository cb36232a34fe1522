/// \file
/// Passes over all elements, as a program runs them: seen, and interrupted, by a user.
#pragma once

#include <cstdint>
#include <optional>
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
  /// Of work that is several passes, over so many bytes in all.
  watched_pass(const pass_settings& given, std::uint64_t total_bytes) : watched_pass(given) {
    total_bytes_ = total_bytes;
  }

  /// For one pass, or for several over the same elements, which start the bar again.
  const pass_options& options() const noexcept { return options_; }

  /// Count a part of the work as done, whatever its pass has told: the bar goes on from there.
  /// \throws error stopped
  void end_part(std::uint64_t bytes);

 private:
  io::delayed_interrupt interrupt_;  // ends the process when the bar has ended its line
  std::stop_source stop_;
  progress bar_;
  std::uint64_t ended_bytes_ = 0;             // of parts
  std::optional<std::uint64_t> total_bytes_;  // of all parts, if there are several
  pass_options options_;
};

}  // namespace npymap::cli
