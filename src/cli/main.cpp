#include <algorithm>
#include <cerrno>
#include <charconv>
#include <CLI/CLI.hpp>
#include <cstdio>
#include <exception>
#include <limits>
#include <new>
#include <sstream>
#include <string>
#include <string_view>
#include <system_error>
#include <vector>

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
  std::fflush(stdout);  // what was found out comes first, where both go to one place
  // Not fmt::print, which throws when standard error is closed.
  std::fputs(fmt::format("npymap: {}\n", printable(message)).c_str(), stderr);
  return code;
}

// CLI11 alone takes '' for 0, -1 for the largest number, 010 for 8, and cuts what does not fit.
template <class Number>
std::string complaint_about_number(std::string& text) {
  Number number = 0;
  const char* const end = text.data() + text.size();
  const auto [stop, failure] = std::from_chars(text.data(), end, number);
  if (failure != std::errc() || stop != end || text.starts_with('-')) {
    return fmt::format("expected a whole number from 0 to {}, found '{}'",
                       std::numeric_limits<Number>::max(), text);
  }
  text = std::to_string(number);
  return {};
}

template <class Number>
void add_number(CLI::App& command, const char* name, Number& number, const char* description) {
  command.add_option(name, number, description)
      ->transform(CLI::Validator(complaint_about_number<Number>, ""))
      ->type_name("N")
      ->take_last()
      ->capture_default_str();
}

// As the shell passes a variable that is not set.
std::string complaint_about_path(const std::string& path) {
  return path.empty() ? "expected the name of a file, found nothing" : "";
}

// A slice that makes no sense is wrong usage, whatever the file holds.
std::string complaint_about_slice(const std::string& text) try {
  int ellipses = 0;
  for (const slice_item& item : parse_slice(text)) {
    if (item.is_range() && item.range().step() == 0) return "expected a step other than 0";
    if (item.is_ellipsis() && ++ellipses > 1) return "expected one ellipsis at most";
  }
  return {};
} catch (const error& e) {
  return fmt::format("expected {}, found {} (at byte {})", e.expected(), e.found(),
                     e.byte_offset().value_or(0));
}

// Make a command run, and each of its errors name the file.
template <class Options>
void run_with(CLI::App& command, const Options& given, void (*run)(const Options&)) {
  command.final_callback([&given, run] {
    try {
      run(given);
    } catch (const error& e) {
      throw e.in_file(given.source.path);
    } catch (const std::bad_alloc&) {
      throw error(std::error_code(ENOMEM, std::system_category()), {.path = given.source.path});
    }
  });
}

void add_source(CLI::App& command, source_options& source) {
  command.add_option("FILE", source.path, "An .npy file")
      ->check(CLI::Validator(complaint_about_path, ""))
      ->type_name("")
      ->required();
  add_number(command, "--header-limit", source.header_limit,
             "The longest header to accept, in characters");
}

void add_json(CLI::App& command, bool& json) {
  command.add_flag("--json", json, "Print one JSON object");
}

void add_progress(CLI::App& command, progress_display& display) {
  CLI::Option* const always = command.add_flag_callback(
      "--progress", [&display] { display = progress_display::always; },
      "Draw a progress bar even if standard error is no terminal");
  command
      .add_flag_callback(
          "--no-progress", [&display] { display = progress_display::never; }, "Draw none")
      ->excludes(always);
}

void add_info(CLI::App& tool, info_options& given) {
  CLI::App& command = *tool.add_subcommand("info", "Print what the header says");
  add_source(command, given.source);
  add_json(command, given.json);
  run_with(command, given, info);
}

void add_head(CLI::App& tool, head_options& given) {
  CLI::App& command = *tool.add_subcommand("head", "Print the first rows as NumPy would");
  add_source(command, given.source);
  add_number(command, "--rows", given.rows, "How many");
  run_with(command, given, head);
}

void add_dump(CLI::App& tool, dump_options& given) {
  CLI::App& command = *tool.add_subcommand(
      "dump", "Write the elements in C order, as bytes, each as it is stored in the file");
  add_source(command, given.source);
  command.add_option("--field", given.field, "One field of the records, by name or title")
      ->type_name("NAME")
      ->take_last();
  command.add_option("--slice", given.slice, "Only these, as in NumPy: '2:6,4,::-1'")
      ->check(CLI::Validator(complaint_about_slice, ""))
      ->type_name("SLICE")
      ->take_last();
  add_progress(command, given.progress);
  run_with(command, given, dump);
}

void add_verify(CLI::App& tool, verify_options& given) {
  CLI::App& command = *tool.add_subcommand("verify", "Check everything that can be checked");
  add_source(command, given.source);
  add_json(command, given.json);
  add_progress(command, given.progress);
  run_with(command, given, verify);
}

std::string list_of_commands(const CLI::App& tool) {
  std::string list;
  const auto commands = tool.get_subcommands({});
  for (const CLI::App* command : commands) {
    const bool last = command == commands.back();
    list += (list.empty() ? "" : last ? " and " : ", ") + command->get_name();
  }
  return list;
}

// CLI11 looks for what is missing before it tells of what is too much, and then backwards.
std::string complaint(const CLI::App& tool, const CLI::Error& otherwise) {
  const std::vector<std::string> left_over = tool.remaining(true);
  const auto first = std::ranges::find_if(left_over, [](const auto& word) { return word != "--"; });
  if (first != left_over.end()) {
    if (first->starts_with('-')) return fmt::format("unknown option '{}': see --help", *first);
    if (!tool.get_subcommands().empty()) return fmt::format("unexpected argument '{}'", *first);
    return fmt::format("unknown command '{}': there are {}", *first, list_of_commands(tool));
  }
  if (tool.get_subcommands().empty()) {
    return "a command is missing: there are " + list_of_commands(tool);
  }
  std::string what = otherwise.what();
  if (dynamic_cast<const CLI::ArgumentMismatch*>(&otherwise) == nullptr) return what;
  return what.substr(0, what.find(':')) + ": a value is missing";  // not "1 required N missing"
}

int run(int argc, char** argv) {
  CLI::App tool("Look at, check and copy out NumPy .npy files, however large.", "npymap");
  tool.set_version_flag("--version", "npymap " NPYMAP_VERSION);
  tool.require_subcommand(1, 1);
  tool.get_formatter()->label("SUBCOMMAND", "COMMAND");
  info_options info_given;
  head_options head_given;
  dump_options dump_given;
  verify_options verify_given;
  add_info(tool, info_given);
  add_head(tool, head_given);
  add_dump(tool, dump_given);
  add_verify(tool, verify_given);
  for (CLI::App* command : tool.get_subcommands({})) command->group("Commands");
  tool.footer("Each command has its own --help.");
  try {
    tool.parse(argc, argv);
    flush_output();
    return done;
  } catch (const CLI::Success& help_or_version) {
    std::ostringstream text;
    tool.exit(help_or_version, text);
    write_output(text.str());
    flush_output();
    return done;
  } catch (const CLI::Error& e) {
    return fail(wrong_usage, complaint(tool, e));
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
