#include <CLI/CLI.hpp>
#include <cstdio>
#include <exception>
#include <sstream>
#include <string_view>

#include <fmt/format.h>

#include "cli/command_line.hpp"
#include "cli/terminal.hpp"
#include "io/program.hpp"

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

int run(int argc, char** argv) {
  CLI::App tool("Look at, check and convert NumPy .npy files, however large.", "npymap");
  tool.set_version_flag("--version", "npymap " NPYMAP_VERSION);
  tool.require_subcommand(1, 1);
  tool.get_formatter()->label("SUBCOMMAND", "COMMAND");
  given_options given;
  add_commands(tool, given);
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
  npymap::io::occupy_closed_streams();
  die_of_broken_pipes();
  try {
    return run(argc, argv);
  } catch (const std::exception& e) {
    return fail(refused, e.what());
  }
}
