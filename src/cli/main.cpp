#include <CLI/CLI.hpp>
#include <cstdio>
#include <exception>
#include <functional>
#include <string>

#include <fmt/format.h>

#include <npymap/error.hpp>
#include <npymap/slice.hpp>

#include "cli/commands.hpp"
#include "cli/terminal.hpp"

namespace npymap::cli {
namespace {

// CLI.md: what scripts may rely on.
enum exit_code : int { done = 0, refused = 1, wrong_usage = 2 };

int fail(exit_code code, std::string_view message) {
  fmt::print(stderr, "npymap: {}\n", printable(message));
  return code;
}

void add_source(CLI::App& command, source_options& source) {
  command.add_option("FILE", source.path, "An .npy file")->required();
  command
      .add_option("--header-limit", source.header_limit,
                  "The longest header to accept, in characters")
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

// A slice that cannot be read is wrong usage, whatever the file holds.
std::string check_slice(const std::string& text) try {
  parse_slice(text);
  return {};
} catch (const error& e) {
  return e.what();
}

int run(int argc, char** argv) {
  CLI::App tool("Look at, check and copy out NumPy .npy files, however large.", "npymap");
  tool.set_version_flag("--version", std::string("npymap ") + NPYMAP_VERSION);
  tool.require_subcommand(1);

  info_options info_given;
  CLI::App& info_command = *tool.add_subcommand("info", "Print what the header says");
  add_source(info_command, info_given.source);
  add_json(info_command, info_given.json);
  info_command.final_callback([&] { info(info_given); });

  head_options head_given;
  CLI::App& head_command = *tool.add_subcommand("head", "Print the first rows as NumPy would");
  add_source(head_command, head_given.source);
  head_command.add_option("--rows", head_given.rows, "How many")
      ->check(CLI::NonNegativeNumber)
      ->capture_default_str();
  head_command.final_callback([&] { head(head_given); });

  dump_options dump_given;
  CLI::App& dump_command = *tool.add_subcommand(
      "dump", "Write the elements in C order, as bytes, each as it is stored in the file");
  add_source(dump_command, dump_given.source);
  dump_command.add_option("--slice", dump_given.slice, "Only these, as in NumPy: '2:6,4,::-1'")
      ->check(CLI::Validator(check_slice, "SLICE"));
  add_progress(dump_command, dump_given.progress);
  dump_command.final_callback([&] { dump(dump_given); });

  verify_options verify_given;
  CLI::App& verify_command = *tool.add_subcommand("verify", "Check everything that can be checked");
  add_source(verify_command, verify_given.source);
  add_json(verify_command, verify_given.json);
  add_progress(verify_command, verify_given.progress);
  verify_command.final_callback([&] { verify(verify_given); });

  try {
    tool.parse(argc, argv);
    flush_output();
  } catch (const CLI::Success& asked_for_help) {
    return tool.exit(asked_for_help);
  } catch (const CLI::Error& e) {
    return fail(wrong_usage, e.what());
  }
  return done;
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
