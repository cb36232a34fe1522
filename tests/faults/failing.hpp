/// \file
/// What is left when something failed, and what was said of it.
#pragma once

#include <sys/wait.h>

#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <optional>
#include <set>
#include <string>
#include <system_error>
#include <vector>

#include <npymap/error.hpp>

#include "support/catch.hpp"
#include "support/temp_folder.hpp"

namespace npymap_test {

/// An error as plain values; `code` is none where nothing was thrown.
struct told_failure {
  std::error_code code;
  std::string path, message;
  std::optional<std::uint64_t> byte;
};

template <class F>
told_failure failure_of(F&& f) {
  try {
    f();
  } catch (const npymap::error& e) {
    return {e.code(), e.path(), e.what(), e.byte_offset()};
  }
  return {{}, {}, "nothing was thrown", {}};
}

inline std::error_code system_error(int reason) { return {reason, std::system_category()}; }

inline std::set<std::string> names_in(const std::filesystem::path& folder) {
  std::set<std::string> names;
  for (const auto& entry : std::filesystem::directory_iterator(folder)) {
    names.insert(entry.path().filename());
  }
  names.erase("lost+found");  // which ext4 is born with
  return names;
}

#ifdef NPYMAP_TOOL
struct tool_result {
  int exit_code = 0;  ///< 128 + signal, as the shell says it
  std::string out, err;
};

inline tool_result run_tool(const std::vector<std::string>& arguments) {
  const temp_folder folder;
  std::string command = "'" NPYMAP_TOOL "'";
  for (const std::string& argument : arguments) command += " '" + argument + "'";
  command += " >'" + folder / "out" + "' 2>'" + folder / "err" + "'";
  const int status = std::system(command.c_str());
  return {WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status),
          read_file(folder / "out"), read_file(folder / "err")};
}

/// Check that the tool refused with one line, which has these words.
inline void check_refusal(const tool_result& result, const std::vector<std::string>& words) {
  INFO(result.err);
  CHECK(result.exit_code == 1);
  CHECK(std::count(result.err.begin(), result.err.end(), '\n') == 1);
  for (const std::string& word : words) CHECK_THAT(result.err, Catch::Contains(word));
}
#endif

}  // namespace npymap_test
