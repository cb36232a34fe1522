#include "support/python.hpp"

#include <sys/wait.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <random>
#include <stdexcept>

#include "support/temp_folder.hpp"

namespace npymap_test {
namespace {

std::string interpreter() {
  const char* chosen = std::getenv("NPYMAP_PYTHON");
  return chosen ? chosen : "/usr/bin/python3";
}

// Files rather than pipes: nothing can block, whatever the sizes.
int run(const std::vector<std::string>& command, const std::string& in, const std::string& out,
        const std::string& err) {
  const pid_t child = fork();
  if (child < 0) throw std::runtime_error("fork failed");
  if (child == 0) {
    if (!std::freopen(in.c_str(), "r", stdin) || !std::freopen(out.c_str(), "w", stdout) ||
        !std::freopen(err.c_str(), "w", stderr)) {
      _exit(126);
    }
    std::vector<char*> argv;
    for (const std::string& word : command) argv.push_back(const_cast<char*>(word.c_str()));
    argv.push_back(nullptr);
    execvp(argv[0], argv.data());
    _exit(127);
  }
  int status = 0;
  waitpid(child, &status, 0);
  return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

}  // namespace

bool have_numpy() {
  static const bool have = run_python("").exit_code == 0;
  return have;
}

python_result run_python(std::string_view script, const std::vector<std::string>& arguments,
                         std::string_view input) {
  const temp_folder folder;
  write_file(folder / "script.py", "import numpy as np, sys, os, json\n" + std::string(script));
  write_file(folder / "in", input);
  std::vector<std::string> command = {interpreter(), folder / "script.py"};
  command.insert(command.end(), arguments.begin(), arguments.end());
  python_result result;
  result.exit_code = run(command, folder / "in", folder / "out", folder / "err");
  result.out = read_file(folder / "out");
  result.err = read_file(folder / "err");
  return result;
}

std::string python(std::string_view script, const std::vector<std::string>& arguments,
                   std::string_view input) {
  python_result result = run_python(script, arguments, input);
  if (result.exit_code != 0) throw std::runtime_error("python: " + result.err);
  return std::move(result.out);
}

std::uint64_t random_seed() {
  static const std::uint64_t seed = [] {
    const char* chosen = std::getenv("NPYMAP_SEED");
    const std::uint64_t value = chosen ? std::strtoull(chosen, nullptr, 10) : std::random_device{}();
    std::printf("NPYMAP_SEED=%llu\n", static_cast<unsigned long long>(value));
    return value;
  }();
  return seed;
}

}  // namespace npymap_test
