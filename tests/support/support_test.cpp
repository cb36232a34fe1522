#include <chrono>
#include <csignal>

#include "support/catch.hpp"
#include "support/python.hpp"
#include "support/temp_folder.hpp"

using npymap_test::python;
using npymap_test::run_python;

TEST_CASE("support: a script sees its arguments and input, byte for byte") {
  const std::string odd("a\0'\n\xff", 5);
  CHECK(python("sys.stdout.buffer.write(sys.stdin.buffer.read())", {}, odd) == odd);
  CHECK(python("print(json.dumps(sys.argv[1:]))", {"", "two words", "\xc3\xa9\n'\"\\"}) ==
        "[\"\", \"two words\", \"\\u00e9\\n'\\\"\\\\\"]\n");
}

TEST_CASE("support: a script that fails, exits or dies says so and hurts no other") {
  CHECK(run_python("sys.exit(3)").exit_code == 3);
  CHECK(run_python("os.kill(os.getpid(), 8)").exit_code == 128 + SIGFPE);
  const auto broken = run_python("print('so far')\nraise ValueError('why')");
  CHECK(broken.exit_code == 1);
  CHECK(broken.out == "so far\n");
  CHECK(broken.err.find("ValueError: why") != std::string::npos);
  CHECK_THROWS_WITH(python("raise ValueError('why')"), Catch::Contains("ValueError: why"));
  CHECK(python("print(np.arange(3).sum())") == "3\n");
}

TEST_CASE("support: scripts share nothing and write into the test's current folder") {
  CHECK(python("import builtins; builtins.left = 1").empty());
  CHECK(python("import builtins; print(hasattr(builtins, 'left'))") == "False\n");
  CHECK(python("print(os.getcwd())") == std::filesystem::current_path().string() + "\n");
}

TEST_CASE("support: a file that a script leaves open is written") {
  const npymap_test::temp_folder folder;
  const std::string path = folder / "left.bin";
  python("def f(): return out\nout = open(sys.argv[1], 'wb'); out.write(b'left')", {path});
  CHECK(npymap_test::read_file(path) == "left");
}

TEST_CASE("support: a hundred scripts take well under a tenth of a second each") {
  REQUIRE(npymap_test::have_numpy());
  const auto start = std::chrono::steady_clock::now();
  for (int n = 0; n < 100; ++n) CHECK(python("print(np.float64(1))") == "1.0\n");
  const auto seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start);
  CHECK(seconds.count() < 5);
}
