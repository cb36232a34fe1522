#include <npymap/array.hpp>

#include <cstring>
#include <numeric>
#include <random>

#include <npymap/error.hpp>

#include "support/catch.hpp"
#include "support/python.hpp"
#include "support/temp_folder.hpp"

using npymap::errc;
using npymap::index_t;
using npymap::open_mode;
using npymap_test::python;
using npymap_test::read_file;
using npymap_test::temp_folder;
using npymap_test::write_file;

namespace {

std::error_code failure_of(const std::function<void()>& f) {
  try {
    f();
  } catch (const npymap::error& e) {
    CHECK_FALSE(e.path().empty());
    return e.code();
  }
  return {};
}

// Twelve doubles 0 to 11 of shape (3, 4), as NumPy writes them.
std::string small_file(npymap::order layout = npymap::order::c) {
  std::string bytes = npymap::header_bytes(npymap::dtype(), npymap::shape{3, 4}, layout);
  for (int i = 0; i < 12; ++i) {
    const double value = layout == npymap::order::c ? i : (i % 3) * 4 + i / 3;
    bytes.append(reinterpret_cast<const char*>(&value), sizeof value);
  }
  return bytes;
}

}  // namespace

TEST_CASE("open: mode r maps C and Fortran order alike") {
  const temp_folder folder;
  for (const auto layout : {npymap::order::c, npymap::order::fortran}) {
    write_file(folder / "x.npy", small_file(layout));
    const auto x = npymap::open<double>(folder / "x.npy");
    static_assert(std::is_same_v<decltype(x), const npymap::array<const double>>);
    REQUIRE(npymap::shape(x.shape()) == npymap::shape{3, 4});
    CHECK(x.is_f_contiguous() == (layout == npymap::order::fortran));
    for (index_t i = 0; i < 3; ++i) {
      for (index_t j = 0; j < 4; ++j) CHECK(x(i, j) == double(i * 4 + j));
    }
    CHECK(reinterpret_cast<std::uintptr_t>(x.data()) % 64 == 0);
    CHECK(x.mode() == open_mode::read);
    CHECK(x.path() == folder / "x.npy");
  }
}

TEST_CASE("open: writing through r+ reaches the file and NumPy, and never changes its size") {
  const temp_folder folder;
  write_file(folder / "x.npy", small_file() + "trailing");
  {
    auto x = npymap::open<double, open_mode::read_write>(folder / "x.npy");
    x(1, 2) = -1.5;
    x.flush();
  }
  CHECK(python("print(np.load(sys.argv[1])[1, 2], end='')", {folder / "x.npy"}) == "-1.5");
  CHECK(read_file(folder / "x.npy").size() == small_file().size() + 8);
}

TEST_CASE("open: writing through c stays in memory") {
  const temp_folder folder;
  write_file(folder / "x.npy", small_file());
  auto x = npymap::open<double, open_mode::copy_on_write>(folder / "x.npy");
  x(1, 2) = -1.5;
  x.flush();
  x.advise(npymap::advice::dont_need);
  CHECK(x(1, 2) == -1.5);
  CHECK(read_file(folder / "x.npy") == small_file());
}

TEST_CASE("open: zero-size, 0-d and zero-itemsize arrays work in every mode") {
  const temp_folder folder;
  const std::vector<std::tuple<npymap::dtype, npymap::shape, index_t>> cases = {
      {npymap::dtype(), {}, 8},
      {npymap::dtype(), {0}, 0},
      {npymap::dtype(), {3, 0, 2}, 0},
      {npymap::dtype::text(npymap::dtype_kind::bytes, 0), {5}, 0},
      {npymap::dtype::record({}, 0), {2, 2}, 0}};
  for (const auto& [type, extents, bytes] : cases) {
    const std::string path = folder / "x.npy";
    write_file(path, npymap::header_bytes(type, extents) + std::string(std::size_t(bytes), '\0'));
    for (const auto mode : {open_mode::read, open_mode::read_write, open_mode::copy_on_write}) {
      const auto x = npymap::open(path, mode);
      CHECK(x.shape() == extents);
      CHECK(x.dtype() == type);
      CHECK(x.size_bytes() == bytes);
      CHECK_NOTHROW(x.flush());
      CHECK_NOTHROW(x.advise(npymap::advice::will_need));
    }
    auto made = npymap::create(path, type, extents);
    CHECK(made.shape() == extents);
    CHECK_NOTHROW(made.close());
    CHECK(npymap::load(path).shape() == extents);
  }
}

TEST_CASE("open: w+ is refused, for it could only destroy the file") {
  const temp_folder folder;
  write_file(folder / "x.npy", small_file());
  CHECK(failure_of([&] { npymap::open(folder / "x.npy", open_mode::create); }) ==
        errc::invalid_argument);
  CHECK(read_file(folder / "x.npy") == small_file());
}

TEST_CASE("open: a truncated file is refused in every mode and left as it was") {
  const temp_folder folder;
  const std::string whole = small_file();
  for (std::size_t length = 0; length < whole.size(); ++length) {
    write_file(folder / "x.npy", whole.substr(0, length));
    for (const auto mode : {open_mode::read, open_mode::read_write, open_mode::copy_on_write}) {
      const auto code = failure_of([&] { npymap::open(folder / "x.npy", mode); });
      CHECK((code == errc::truncated || code == errc::not_npy || code == errc::bad_header));
    }
    CHECK(failure_of([&] { npymap::load(folder / "x.npy"); }) != std::error_code());
    REQUIRE(read_file(folder / "x.npy") == whole.substr(0, length));
  }
  CHECK_THROWS_WITH(
      npymap::open(folder / "x.npy"),
      Catch::Contains("x.npy: array data: expected 96 bytes, found 95 (at byte 128)"));
}

TEST_CASE("open: a file with any one bit flipped is opened or refused, never worse") {
  const temp_folder folder;
  const std::string whole = small_file();
  for (std::size_t bit = 0; bit < 8 * 136; ++bit) {
    std::string flipped = whole;
    flipped[bit / 8] = static_cast<char>(flipped[bit / 8] ^ (1 << bit % 8));
    write_file(folder / "x.npy", flipped);
    try {
      const auto x = npymap::open(folder / "x.npy", open_mode::read_write);
      CHECK(x.size_bytes() <= 96 + 64);
      unsigned sum = 0;
      const auto* const bytes = reinterpret_cast<const unsigned char*>(x.data());
      for (index_t i = 0; i < x.size_bytes(); ++i) sum += bytes[i];
      CHECK(sum < 255u * 200u);
    } catch (const npymap::error& e) {
      CHECK(e.path() == folder / "x.npy");
    }
    REQUIRE(read_file(folder / "x.npy") == flipped);
  }
}

TEST_CASE("open: Python objects are recognised and refused by name") {
  const temp_folder folder;
  python("np.save(sys.argv[1], np.array([{}, None], dtype=object))", {folder / "o.npy"});
  python("np.save(sys.argv[1], np.zeros(2, [('a', '<f8'), ('b', 'O')]))", {folder / "r.npy"});
  for (const char* name : {"o.npy", "r.npy"}) {
    CHECK(failure_of([&] { npymap::open(folder / name); }) == errc::object_dtype);
    CHECK(failure_of([&] { npymap::load(folder / name); }) == errc::object_dtype);
    CHECK_THROWS_WITH(npymap::open(folder / name), Catch::Contains("Python objects"));
  }
}

TEST_CASE("open: another dtype is refused, and the message says what to call") {
  const temp_folder folder;
  python("np.save(sys.argv[1], np.arange(3, dtype='>f8'))", {folder / "x.npy"});
  CHECK(failure_of([&] { npymap::open<float>(folder / "x.npy"); }) == errc::dtype_mismatch);
  CHECK_THROWS_WITH(npymap::open<double>(folder / "x.npy"),
                    Catch::Contains("expected '<f8' in place (as<stored<T, byte_order::big>>") &&
                        Catch::Contains("found '>f8'"));
  CHECK_THROWS_WITH(npymap::open<float>(folder / "x.npy"), Catch::Contains("convert<T>"));
  CHECK(npymap::load<double>(folder / "x.npy")(2) == 2.0);
}

TEST_CASE("open: an NPY inside a larger file, unaligned, is mapped and not read as if aligned") {
  const temp_folder folder;
  write_file(folder / "x.bin", "padding" + small_file() + "more");
  const npymap::open_options inside{.offset_bytes = 7, .length_bytes = small_file().size()};
  const auto x = npymap::open(folder / "x.bin", open_mode::read, inside);
  CHECK(x.shape() == npymap::shape{3, 4});
  double value = 0;
  std::memcpy(&value, x.data() + 8 * 11, sizeof value);
  CHECK(value == 11.0);
  CHECK(failure_of([&] { x.as<const double>(); }) == errc::layout_mismatch);
  CHECK(npymap::load<double>(folder / "x.bin", inside)(2, 3) == 11.0);

  const npymap::open_options short_by_one{.offset_bytes = 7,
                                          .length_bytes = small_file().size() - 1};
  CHECK(failure_of([&] { npymap::open(folder / "x.bin", open_mode::read, short_by_one); }) ==
        errc::truncated);
  for (const std::uint64_t offset : {std::uint64_t{1} << 40, ~std::uint64_t{0}}) {
    CHECK(failure_of([&] {
            npymap::open(folder / "x.bin", open_mode::read, {.offset_bytes = offset});
          }) != std::error_code());
  }
}

TEST_CASE("open: a window maps its rows alone, along the axis that is outermost in the file") {
  const temp_folder folder;
  python(R"(
a = np.arange(7*5*3.).reshape(7, 5, 3)
np.save(sys.argv[1] + '/c.npy', a)
np.save(sys.argv[1] + '/f.npy', np.asfortranarray(a)))",
         {folder.path().string()});
  const auto c = npymap::open<double>(folder / "c.npy", {.rows = npymap::row_range{2, 3}});
  CHECK(npymap::shape(c.shape()) == npymap::shape{3, 5, 3});
  CHECK(c(0, 0, 0) == 30.0);
  CHECK(c(2, 4, 2) == 74.0);
  CHECK(c.map().size_bytes() == 3 * 5 * 3 * 8);
  const auto f = npymap::open<double>(folder / "f.npy", {.rows = npymap::row_range{1, 2}});
  CHECK(npymap::shape(f.shape()) == npymap::shape{7, 5, 2});
  CHECK(f(0, 0, 0) == 1.0);
  CHECK(f(6, 4, 1) == 104.0);
  CHECK(npymap::open(folder / "c.npy", open_mode::read, {.rows = npymap::row_range{7, 0}}).size() ==
        0);
  for (const npymap::row_range bad :
       {npymap::row_range{-1, 2}, {0, 8}, {8, 0}, {3, -1}, {1, INT64_MAX}, {INT64_MAX, 1}}) {
    CHECK(failure_of([&] { npymap::open(folder / "c.npy", open_mode::read, {.rows = bad}); }) ==
          errc::out_of_range);
  }
}

TEST_CASE("open: what NumPy writes at random is read back, through the map and into memory") {
  const temp_folder folder;
  const auto seed = npymap_test::random_seed();
  // Each file is a.npy-like with its elements' bytes, in C order, beside it.
  python(R"(
folder, seed = sys.argv[1], int(sys.argv[2])
rng = np.random.default_rng(seed)
kinds = ['<f8', '>f8', '<i4', '>u2', '<c16', '|b1', '|S5', '<U3', '>U2', '<M8[25s]', '>m8[ns]', '<f2', '<f16',
         '|V3', [('a', '<i2'), ('b', '>f8', (2, 2))]]
for n in range(200):
    dtype = np.dtype(kinds[n % len(kinds)])
    shape = tuple(rng.integers(0, 5, rng.integers(0, 5)))
    a = np.frombuffer(rng.bytes(int(np.prod(shape, dtype=int)) * dtype.itemsize), dtype).reshape(shape)
    if rng.random() < .5: a = np.asfortranarray(a)
    np.save(f'{folder}/{n}.npy', a)
    open(f'{folder}/{n}.bytes', 'wb').write(a.tobytes()))",
         {folder.path().string(), std::to_string(seed)});
  for (int n = 0; n < 200; ++n) {
    CAPTURE(n, seed);
    const std::string name = folder / std::to_string(n);
    const std::string expected = read_file(name + ".bytes");
    for (const auto& x : {npymap::open(name + ".npy"), npymap::load(name + ".npy")}) {
      // C order by index, whatever the order of the file.
      std::string found;
      npymap::index_vector index(x.rank());
      for (index_t i = 0; i < x.size(); ++i) {
        index_t offset = 0, rest = i;
        for (int axis = x.rank() - 1; axis >= 0; --axis) {
          offset += rest % x.extent(axis) * x.byte_strides()[axis];
          rest /= x.extent(axis);
        }
        found.append(reinterpret_cast<const char*>(x.data()) + offset, std::size_t(x.itemsize()));
      }
      REQUIRE(found == expected);
    }
  }
}
