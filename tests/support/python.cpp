#include "support/python.hpp"

#include <spawn.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <mutex>
#include <random>
#include <stdexcept>
#include <system_error>
#include <utility>

#include "support/temp_folder.hpp"

namespace npymap_test {
namespace {

// NumPy takes a tenth of a second to import, so one interpreter imports it and forks for each
// script: these are as quick and as separate as if they were alone, and one that dies of a signal
// takes nothing with it. A request is the length of its fields, then these, joined by NUL. A script
// that comes to its end drops its variables, which closes its files, and skips the slow rest.
constexpr char fork_server[] = R"(
import gc, os, sys
sys.path = [folder for folder in sys.path if folder]
os.environ.setdefault('OPENBLAS_NUM_THREADS', '1')
import json, numpy
gc.freeze()
requests, replies = os.fdopen(os.dup(0), 'rb'), os.dup(1)
os.write(replies, b'0\n')
for length in requests:
  folder, *argv = os.fsdecode(requests.read(int(length))).split('\0')
  child = os.fork()
  if child == 0:
    break
  code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
  os.write(replies, b'%d\n' % (code if code >= 0 else 128 - code))
else:
  os._exit(0)
requests.close()
os.close(replies)
script = argv[0]
os.chdir(folder)
for stream, name in enumerate(('in', 'out', 'err')):
  path = os.path.join(os.path.dirname(script), name)
  os.dup2(os.open(path, os.O_RDWR | os.O_CREAT, 0o600), stream)
sys.argv = argv
scope = {'__name__': '__main__'}
exec(compile(open(script).read(), script, 'exec'), scope)
scope.clear()
sys.stdout.flush()
os._exit(0)
)";

std::string interpreter() {
  const char* chosen = std::getenv("NPYMAP_PYTHON");
  return chosen ? chosen : "/usr/bin/python3";
}

[[noreturn]] void fail(int error, const char* what) {
  throw std::system_error(error, std::system_category(), what);
}

/// The interpreter that waits for scripts. It ends when this process does and its socket closes.
class oracle {
 public:
  /// False if the interpreter cannot be started, or has no NumPy.
  bool ready() {
    const std::lock_guard lock(mutex_);
    return start();
  }

  /// The exit code of the script `command[0]`.
  int run(const std::vector<std::string>& command) {
    const std::lock_guard lock(mutex_);
    if (!start()) throw std::runtime_error(interpreter() + " does not import numpy");
    std::string fields = std::filesystem::current_path().string();
    for (const std::string& word : command) fields += '\0' + word;
    send_all(std::to_string(fields.size()) + '\n' + fields);
    const std::string code = receive_line();
    if (code.empty()) throw std::runtime_error("the Python oracle is gone");
    return std::stoi(code);
  }

 private:
  bool start() {
    if (owner_ == getpid()) return ready_;
    owner_ = getpid();  // a forked test has a parent that talks on the old socket
    int ends[2];
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0) fail(errno, "socketpair");
    socket_ = ends[0];
    const std::string program = interpreter();
    char* argv[] = {const_cast<char*>(program.c_str()), const_cast<char*>("-c"),
                    const_cast<char*>(fork_server), nullptr};
    posix_spawn_file_actions_t actions;
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_adddup2(&actions, ends[1], STDIN_FILENO);
    posix_spawn_file_actions_adddup2(&actions, ends[1], STDOUT_FILENO);
    pid_t child = 0;
    const int failed = posix_spawnp(&child, argv[0], &actions, nullptr, argv, environ);
    posix_spawn_file_actions_destroy(&actions);
    close(ends[1]);
    return ready_ = failed == 0 && receive_line() == "0";
  }

  void send_all(std::string_view bytes) {
    while (!bytes.empty()) {
      const ssize_t sent = send(socket_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
      if (sent < 0 && errno != EINTR) fail(errno, "send to the Python oracle");
      if (sent > 0) bytes.remove_prefix(static_cast<std::size_t>(sent));
    }
  }

  /// Without its end; empty when the interpreter is gone.
  std::string receive_line() {
    std::string line;
    for (;;) {
      char byte = 0;
      const ssize_t got = recv(socket_, &byte, 1, 0);
      if (got < 0 && errno == EINTR) continue;
      if (got <= 0) return {};
      if (byte == '\n') return line;
      line += byte;
    }
  }

  std::mutex mutex_;
  pid_t owner_ = 0;
  int socket_ = -1;
  bool ready_ = false;
};

oracle& the_oracle() {
  static oracle instance;
  return instance;
}

}  // namespace

bool have_numpy() { return the_oracle().ready(); }

python_result run_python(std::string_view script, const std::vector<std::string>& arguments,
                         std::string_view input) {
  const temp_folder folder;
  write_file(folder / "script.py", "import numpy as np, sys, os, json\n" + std::string(script));
  write_file(folder / "in", input);
  std::vector<std::string> command = {folder / "script.py"};
  command.insert(command.end(), arguments.begin(), arguments.end());
  python_result result;
  result.exit_code = the_oracle().run(command);
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
    const std::uint64_t value =
        chosen ? std::strtoull(chosen, nullptr, 10) : std::random_device{}();
    std::printf("NPYMAP_SEED=%llu\n", static_cast<unsigned long long>(value));
    return value;
  }();
  return seed;
}

}  // namespace npymap_test
