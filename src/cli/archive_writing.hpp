/// \file
/// New archives, as a program writes them: seen, and interrupted, by a user.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include <npymap/any_array.hpp>
#include <npymap/npz_writer.hpp>

#include "cli/commands.hpp"
#include "cli/progress.hpp"
#include "io/program.hpp"

namespace npymap::cli {

/// Writes arrays to a new archive in bounded memory. Ctrl-C or SIGTERM end the process when what
/// was half done is gone.
class archive_writing {
 public:
  /// \throws error as `npz_writer`
  archive_writing(const std::string& path, std::optional<int> threads, progress_display display,
                  std::uint64_t total_bytes);

  /// Add an array in the order that it has, compressed if there is a level.
  /// \throws error as `npz_writer`; stopped
  void add(const std::string& name, const any_array& elements, std::optional<int> level);
  void commit() { to_.commit(); }

 private:
  void count(const any_array& written);

  io::delayed_interrupt interrupt_;  // ends the process when the bar has ended its line
  progress bar_;
  npz_writer to_;
};

}  // namespace npymap::cli
