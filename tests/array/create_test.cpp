#include <npymap/array.hpp>

#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>

#include <npymap/error.hpp>
#include <npymap/header.hpp>

#include "support/catch.hpp"
#include "support/failure.hpp"
#include "support/python.hpp"
#include "support/skip.hpp"
#include "support/temp_folder.hpp"

using npymap::errc;
using npymap::index_t;
using npymap_test::code_of;
using npymap_test::python;
using npymap_test::read_file;
using npymap_test::temp_folder;
using npymap_test::write_file;

namespace {

std::size_t files_in(const std::filesystem::path& folder) {
  return static_cast<std::size_t>(std::distance(std::filesystem::directory_iterator(folder), {}));
}

}  // namespace

TEST_CASE("zeros: an array in memory, of any dtype and order") {
  const auto x = npymap::zeros<float>({3, 4});
  x(2, 3) = 5;
  CHECK(x.size() == 12);
  CHECK(x(2, 2) == 0.0f);
  CHECK(!x.is_mapped());
  CHECK(npymap::zeros<double>({2, 5}, npymap::order::fortran).byte_strides() ==
        npymap::strides{8, 16});
  CHECK(npymap::zeros(npymap::parse_descr("<U3"), {0, 7}).size() == 0);
  CHECK(code_of([] { npymap::zeros<double>({-1}); }) == errc::invalid_argument);
  CHECK(code_of([] { npymap::zeros<double>({index_t{1} << 61}); }) == errc::size_overflow);
  CHECK(code_of([] { npymap::zeros(npymap::parse_descr("O"), {1}); }) == errc::object_dtype);
}

TEST_CASE("create: the file is byte for byte that of open_memmap") {
  const temp_folder folder;
  const std::string mine = folder / "mine.npy", numpys = folder / "numpys.npy";
  for (const auto& [order, flag] :
       {std::pair{npymap::order::c, "0"}, {npymap::order::fortran, "1"}}) {
    npymap::create<float>(mine, {3, 5}, {.order = order}).close();
    python("np.lib.format.open_memmap(sys.argv[1], 'w+', '<f4', (3, 5), sys.argv[2] == '1')",
           {numpys, flag});
    CHECK(read_file(mine) == read_file(numpys));
  }
}

TEST_CASE("create: what is written through the map is read by NumPy, in either order") {
  const temp_folder folder;
  for (const auto order : {npymap::order::c, npymap::order::fortran}) {
    auto x = npymap::create<std::int32_t>(folder / "x.npy", {2, 3}, {.order = order});
    for (int i = 0; i < 2; ++i) {
      for (int j = 0; j < 3; ++j) x(i, j) = 10 * i + j;
    }
    x.flush();
    CHECK(python("print(np.load(sys.argv[1]).tolist(), end='')", {folder / "x.npy"}) ==
          "[[0, 1, 2], [10, 11, 12]]");
  }
}

TEST_CASE("create: replaces the name, and who has the old file open keeps it") {
  const temp_folder folder;
  npymap::create<double>(folder / "x.npy", {2})(0) = 1;
  const auto old = npymap::open<double>(folder / "x.npy");
  auto fresh = npymap::create<double>(folder / "x.npy", {3});
  fresh(0) = 2;
  CHECK(old(0) == 1);
  CHECK(npymap::open<double>(folder / "x.npy")(0) == 2);
  CHECK(files_in(folder.path()) == 1);
}

TEST_CASE("create: arguments that cannot be met leave the old file as it was") {
  const temp_folder folder;
  write_file(folder / "x.npy", "precious");
  const auto refuse = [&](const npymap::dtype& type, const npymap::shape& extents, errc code) {
    try {
      npymap::create(folder / "x.npy", type, extents);
      FAIL("created");
    } catch (const npymap::error& e) {
      CHECK(e.code() == code);
      CHECK(e.path() == folder / "x.npy");
    }
  };
  refuse({}, {std::int64_t{1} << 62, 4}, errc::size_overflow);
  refuse({}, {0, std::int64_t{1} << 62, 4}, errc::size_overflow);
  refuse(npymap::dtype::object(), {3}, errc::object_dtype);
  CHECK_THROWS_AS(npymap::create<double>(folder / "x.npy", {-1}), npymap::error);
  CHECK_THROWS_AS(npymap::create<double>(folder / "no/x.npy", {1}), npymap::error);
  CHECK(read_file(folder / "x.npy") == "precious");
  CHECK(files_in(folder.path()) == 1);
}

TEST_CASE("create: a disk too small is an error at once, and the old file is as it was") {
  const temp_folder folder;
  if (mount("none", folder.path().c_str(), "tmpfs", 0, "size=4m") != 0) {
    NPYMAP_SKIP("cannot mount a tmpfs here");
  }
  write_file(folder / "x.npy", "precious");
  for (const bool fresh : {false, true}) {
    const std::string path = folder / (fresh ? "y.npy" : "x.npy");
    try {
      npymap::create<double>(path, {1 << 20});
      FAIL("8 MiB created on a disk of 4 MiB");
    } catch (const npymap::error& e) {
      CHECK(e.code() == std::errc::no_space_on_device);
      CHECK(e.path() == path);
    }
  }
  CHECK(read_file(folder / "x.npy") == "precious");
  CHECK(files_in(folder.path()) == 1);
  CHECK_NOTHROW(
      npymap::create<double>(folder / "s.npy", {1 << 20}, {.space = npymap::space::sparse}));
  CHECK_NOTHROW(npymap::create<double>(folder / "y.npy", {1 << 18}));
  umount2(folder.path().c_str(), MNT_DETACH);
}

TEST_CASE("create_new: refuses a name that exists and leaves it alone") {
  const temp_folder folder;
  npymap::create_new<double>(folder / "x.npy", {2})(1) = 5;
  try {
    npymap::create_new<double>(folder / "x.npy", {2});
    FAIL("created twice");
  } catch (const npymap::error& e) {
    CHECK(e.code() == std::errc::file_exists);
  }
  CHECK(npymap::open<double>(folder / "x.npy")(1) == 5);
  CHECK(files_in(folder.path()) == 1);
}
