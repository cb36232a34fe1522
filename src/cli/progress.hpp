/// \file
/// The progress bar of long work.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>

#include "cli/commands.hpp"

namespace npymap::cli {

/// A line on standard error: how much is done, how fast, and how long it still takes.
///
/// Redrawn at most ten times a second, and not before half a second has passed unless it was asked
/// for. The destructor ends the line. Write errors are ignored: nothing hangs on a progress bar.
class progress {
 public:
  explicit progress(progress_display display, std::uint64_t total_bytes = 0);
  progress(const progress&) = delete;
  progress& operator=(const progress&) = delete;
  ~progress();

  void advance(std::uint64_t bytes) { reach(done_bytes_ + bytes, total_bytes_); }
  void reach(std::uint64_t done_bytes, std::uint64_t total_bytes);

 private:
  using clock = std::chrono::steady_clock;

  std::string line(clock::time_point now) const;
  void draw(clock::time_point now);

  bool shown_;
  bool drawn_ = false;
  std::uint64_t total_bytes_;
  std::uint64_t done_bytes_ = 0;
  clock::time_point start_ = clock::now();
  clock::time_point next_draw_;
};

}  // namespace npymap::cli
