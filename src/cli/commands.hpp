/// \file
/// The subcommands. Each writes its result to standard output and throws npymap::error.
#pragma once

#include <cstddef>
#include <optional>
#include <string>

#include <npymap/header.hpp>
#include <npymap/shape.hpp>

namespace npymap::cli {

/// The file to look at, as every subcommand takes it.
struct source_options {
  std::string path;
  std::size_t header_limit = default_header_limit;  ///< in characters
};

/// Whether to draw a progress bar on standard error.
enum class progress_display : char { on_terminal, always, never };

struct info_options {
  source_options source;
  bool json = false;
};

struct head_options {
  source_options source;
  index_t rows = 10;
};

struct dump_options {
  source_options source;
  std::optional<std::string> field = {};  ///< by name or title; the slice is one of its elements
  std::string slice = "...";
  progress_display progress = progress_display::on_terminal;
};

struct verify_options {
  source_options source;
  bool json = false;
  progress_display progress = progress_display::on_terminal;
};

/// What the header says. Of a truncated file, too, before this throws.
void info(const info_options& options);

/// The first rows, as NumPy would print them.
void head(const head_options& options);

/// The elements in C order, as bytes.
void dump(const dump_options& options);

/// All that can be checked, check by check; throws the defect after telling of it.
void verify(const verify_options& options);

}  // namespace npymap::cli
