/// \file
/// The subcommands and their options, as CLI11 parses them.
#pragma once

#include <CLI/CLI.hpp>
#include <string>

#include <npymap/error.hpp>

#include "cli/commands.hpp"

namespace npymap::cli {

/// What the options of each subcommand are parsed into.
struct given_options {
  info_options info;
  head_options head;
  dump_options dump;
  stats_options stats;
  hist_options hist;
  convert_options convert;
  verify_options verify;
  append_options append;
  recover_options recover;
  pack_options pack;
  unpack_options unpack;
};

/// Add all subcommands, each of which runs when it has been parsed. `given` outlives the tool.
void add_commands(CLI::App& tool, given_options& given);

/// What is wrong with a value that was typed, without the name of the option.
std::string complaint_about(const error& e);

/// What is wrong with the command line, in one line. CLI11 tells of what is missing before it tells
/// of what is too much, and says otherwise what it would say.
std::string complaint(const CLI::App& tool, const CLI::Error& otherwise);

}  // namespace npymap::cli
