// Files of 2 TiB, sparse: larger than any memory, and offsets far beyond 4 GiB.

#include <npymap/array.hpp>

#include <filesystem>
#include <fstream>

#include <npymap/error.hpp>

#include "support/catch.hpp"
#include "support/python.hpp"
#include "support/skip.hpp"
#include "support/temp_folder.hpp"

using npymap::index_t;
using npymap::open_mode;
using npymap_test::temp_folder;

namespace {

constexpr index_t columns = 1 << 10;
constexpr index_t rows = (index_t{2} << 40) / 8 / columns;

// A sparse file whose last element is 42, or nothing where the file system has no such files.
bool make_huge(const std::string& path, npymap::order layout) {
  try {
    auto x = npymap::create<double>(path, {rows, columns},
                                    {.order = layout, .space = npymap::space::sparse});
    x(rows - 1, columns - 1) = 42;
    return true;
  } catch (const npymap::error& e) {
    npymap_test::note_skip(std::string("no sparse file of 2 TiB here: ") + e.what());
    return false;
  }
}

}  // namespace

TEST_CASE("huge file: 2 TiB open in r, r+ and c, and the last element is read") {
  const temp_folder folder;
  for (const auto layout : {npymap::order::c, npymap::order::fortran}) {
    const std::string path = folder / "huge.npy";
    if (!make_huge(path, layout)) return;
    CHECK(npymap::open<double>(path)(rows - 1, columns - 1) == 42);
    {
      auto x = npymap::open<double, open_mode::read_write>(path);
      CHECK(x(rows - 1, columns - 1) == 42);
      x(rows - 1, 0) = 43;
      x(npymap::range(rows - 1, rows)).flush();
    }
    auto x = npymap::open<double, open_mode::copy_on_write>(path);
    CHECK(x(rows - 1, columns - 1) == 42);
    x(rows - 1, columns - 1) = 0;
    CHECK(x.at(-1, -1) == 0);
    CHECK(npymap::open<double>(path).at(-1, -1) == 42);
    CHECK(npymap::open<double>(path)(rows - 1, 0) == 43);
  }
}

TEST_CASE("huge file: slices beyond 4 GiB land where NumPy's do") {
  const temp_folder folder;
  const std::string path = folder / "huge.npy";
  if (!make_huge(path, npymap::order::c)) return;
  const auto x = npymap::open<double>(path);
  const auto last = x(npymap::range(npymap::_, npymap::_, -1), npymap::range(-1, npymap::_));
  CHECK(last(0, 0) == 42);
  CHECK(last.extent(0) == rows);
  CHECK(x.transpose()(columns - 1, rows - 1) == 42);
  CHECK(x.reshape({rows * columns})(rows * columns - 1) == 42);

  const npymap::row_range tail{rows - 3, 3};
  CHECK(npymap::open<double>(path, {.rows = tail})(2, columns - 1) == 42);
  CHECK(npymap::load<double>(path, {.rows = tail})(2, columns - 1) == 42);
  if (npymap_test::have_numpy()) {
    CHECK(npymap_test::python(
              "a = np.load(sys.argv[1], mmap_mode='r'); print(a[-1, -1], a.shape, end='')",
              {path}) == "42.0 (268435456, 1024)");
  }
}

TEST_CASE("huge file: memory that cannot hold it is an error, not an abort") {
  const temp_folder folder;
  const std::string path = folder / "huge.npy";
  if (!make_huge(path, npymap::order::c)) return;
  try {
    npymap::load(path);
    FAIL("2 TiB loaded");
  } catch (const npymap::error& e) {
    CHECK(e.code() == std::errc::not_enough_memory);
    CHECK(e.path() == path);
  }
}
