// kill -9 of those who make a file, at random moments: its name stands for the old file or for the
// new one, by NumPy's word.
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <functional>
#include <iostream>
#include <random>
#include <stdexcept>
#include <string>
#include <thread>

#include <npymap/npymap.hpp>

#include "support/catch.hpp"
#include "support/python.hpp"
#include "support/temp_folder.hpp"

using namespace npymap_test;
using npymap::index_t;

namespace {

constexpr index_t rows = 1000, columns = 100;

int kills_of_a_run() {
  const char* given = std::getenv("NPYMAP_KILLS");
  return given ? std::atoi(given) : 200;
}

npymap::array<double> filled(const std::string& path, double value) {
  auto x = npymap::create<double>(path, {rows, columns});
  npymap::fill(x, value);
  return x;
}

/// Write files again and again in a child, the n-th to `folder / "<kill>.npy"`, and kill it.
/// What is killed in between is a file that holds n - 1, or n.
void kill_while(const temp_folder& folder, int kill, std::chrono::microseconds delay,
                const std::function<void(const std::string& path, double value)>& write) {
  const std::string path = folder / (std::to_string(kill) + ".npy");
  filled(path, 0);
  int begun[2];
  if (::pipe(begun) != 0) throw std::runtime_error("pipe");
  const pid_t child = ::fork();
  if (child == 0) {
    try {
      for (int n = 1;; ++n) {
        write(path, n);
        if (n == 1 && ::write(begun[1], "b", 1) != 1) ::_exit(2);
      }
    } catch (...) {
      ::_exit(1);
    }
  }
  ::close(begun[1]);
  char byte = 0;
  // Half of the children are killed with their first file.
  if (kill % 2 == 0 && ::read(begun[0], &byte, 1) != 1) throw std::runtime_error("child has died");
  std::this_thread::sleep_for(delay);
  ::kill(child, SIGKILL);
  int status = 0;
  ::waitpid(child, &status, 0);
  ::close(begun[0]);
  REQUIRE(WIFSIGNALED(status));
}

/// What NumPy makes of all files: a line for each that is not as it should be; then what else there
/// is in the folder.
std::string complaints(const temp_folder& folder, bool may_be_in_part) {
  return python(R"(
folder, in_part = sys.argv[1], sys.argv[2] == '1'
for name in sorted(os.listdir(folder)):
  path = os.path.join(folder, name)
  if not name.endswith('.npy'):
    if not (name.startswith('.npymap-') and name.endswith('.tmp')):
      print('left over:', name)
    continue
  try:
    x = np.load(path)
  except Exception as e:
    print(name, e)
    continue
  if x.shape != (1000, 100) or x.dtype != np.float64 or os.path.getsize(path) != 128 + x.nbytes:
    print(name, x.shape, x.dtype, os.path.getsize(path))
  values = np.unique(x)
  if in_part:
    # Zeros of the file that is made, up to the place that it is filled to.
    if len(values) > 2 or (len(values) == 2 and (values[0] != 0 or np.any(np.diff(x.ravel()) > 0))):
      print(name, 'holds', values)
  elif len(values) != 1 or values[0] != int(values[0]):
    print(name, 'holds', values)
)",
                {folder.path().string(), may_be_in_part ? "1" : "0"});
}

void kill_often(bool may_be_in_part,
                const std::function<void(const std::string& path, double value)>& write) {
  const temp_folder folder;
  std::mt19937 random(static_cast<std::mt19937::result_type>(random_seed()));
  const int kills = kills_of_a_run();
  for (int kill = 0; kill < kills; ++kill) {
    kill_while(folder, kill, std::chrono::microseconds(random() % 4000), write);
  }
  CHECK(complaints(folder, may_be_in_part) == "");
}

}  // namespace

TEST_CASE("kill -9: a file that is saved over is the old one or a new one") {
  const temp_folder sources;
  const auto x = filled(sources / "x.npy", 0);
  kill_often(false, [&](const std::string& path, double value) {
    npymap::fill(x, value);
    const bool to_the_disk = value == 2;
    npymap::save(path, x,
                 {.durability = to_the_disk ? npymap::durability::full : npymap::durability::none});
  });
}

TEST_CASE("kill -9: a file that is created over another is that, or a new one as far as written") {
  kill_often(true, [](const std::string& path, double value) {
    auto y = filled(path, value);
    y.flush(npymap::flush_mode::async);
    y.close();
  });
}

TEST_CASE("kill -9: a file that is saved as another dtype and order is the old one or a new one") {
  const temp_folder sources;
  const auto x = npymap::create<float>(sources / "x.npy", {rows, columns});
  kill_often(false, [&](const std::string& path, double value) {
    npymap::fill(x, static_cast<float>(value));
    npymap::save_as(path, x, {.order = npymap::order::fortran, .dtype = npymap::dtype_of<double>()},
                    {.threads = 1});
  });
}
