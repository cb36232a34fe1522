#include <CLI/CLI.hpp>
#include <cstdio>
#include <exception>
#include <string>
#include <string_view>

#include <fmt/format.h>

#include <npymap/error.hpp>
#include <npymap/slice.hpp>

#include "cli/commands.hpp"
#include "cli/terminal.hpp"

namespace npymap::cli {
namespace {

// Scripts rely on these.
enum exit_code : int { done = 0, refused = 1, wrong_usage = 2 };

int fail(exit_code code, std::string_view message) {
  // Not fmt::print, which throws when standard error is closed.
  std::fputs(fmt::format("npymap: {}\n", printable(message)).c_str(), stderr);
  return code;
}

// CLI11 takes -1 for the largest unsigned number.
std::string complaint_about_sign(const std::string& text) {
  return text.starts_with('-') ? "a number from 0 on is needed, not " + text : std::string();
}

void add_source(CLI::App& command, source_options& source) {
  command.add_option("FILE", source.path, "An .npy file")->required();
  command
      .add_option("--header-limit", source.header_limit,
                  "The longest header to accept, in characters")
      ->check(CLI::Validator(complaint_about_sign, ""))
      ->capture_default_str();
}

void add_json(CLI::App& command, bool& json) {
  command.add_flag("--json", json, "Print one JSON object");
}

void add_progress(CLI::App& command, progress_display& display) {
  command.add_flag_callback(
      "--progress", [&display] { display = progress_display::always; },
      "Draw a progress bar even if standard error is no terminal");
  command.add_flag_callback(
      "--no-progress", [&display] { display = progress_display::never; }, "Draw none");
}

void add_info(CLI::App& tool, info_options& given) {
  CLI::App& command = *tool.add_subcommand("info", "Print what the header says");
  add_source(command, given.source);
  add_json(command, given.json);
  command.final_callback([&given] { info(given); });
}

void add_head(CLI::App& tool, head_options& given) {
  CLI::App& command = *tool.add_subcommand("head", "Print the first rows as NumPy would");
  add_source(command, given.source);
  command.add_option("--rows", given.rows, "How many")
      ->check(CLI::Validator(complaint_about_sign, ""))
      ->capture_default_str();
  command.final_callback([&given] { head(given); });
}

// A slice that cannot be read is wrong usage, whatever the file holds.
std::string complaint_about_slice(const std::string& text) try {
  parse_slice(text);
  return {};
} catch (const error& e) {
  return e.what();
}

void add_dump(CLI::App& tool, dump_options& given) {
  CLI::App& command = *tool.add_subcommand(
      "dump", "Write the elements in C order, as bytes, each as it is stored in the file");
  add_source(command, given.source);
  command.add_option("--slice", given.slice, "Only these, as in NumPy: '2:6,4,::-1'")
      ->check(CLI::Validator(complaint_about_slice, ""));
  add_progress(command, given.progress);
  command.final_callback([&given] { dump(given); });
}

void add_verify(CLI::App& tool, verify_options& given) {
  CLI::App& command = *tool.add_subcommand("verify", "Check everything that can be checked");
  add_source(command, given.source);
  add_json(command, given.json);
  add_progress(command, given.progress);
  command.final_callback([&given] { verify(given); });
}

int run(int argc, char** argv) {
  CLI::App tool("Look at, check and copy out NumPy .npy files, however large.", "npymap");
  tool.set_version_flag("--version", "npymap " NPYMAP_VERSION);
  tool.require_subcommand(0, 1);
  info_options info_given;
  head_options head_given;
  dump_options dump_given;
  verify_options verify_given;
  add_info(tool, info_given);
  add_head(tool, head_given);
  add_dump(tool, dump_given);
  add_verify(tool, verify_given);
  try {
    tool.parse(argc, argv);
    if (tool.get_subcommands().empty())
      return fail(wrong_usage, "a command is missing: see --help");
    flush_output();
    return done;
  } catch (const CLI::Success& help_or_version) {
    return tool.exit(help_or_version);
  } catch (const CLI::Error& e) {
    return fail(wrong_usage, e.what());
  }
}

}  // namespace
}  // namespace npymap::cli

int main(int argc, char** argv) {
  using namespace npymap::cli;
  die_of_broken_pipes();
  try {
    return run(argc, argv);
  } catch (const std::exception& e) {
    return fail(refused, e.what());
  }
}
