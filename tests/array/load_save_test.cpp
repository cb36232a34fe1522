#include <npymap/array.hpp>

#include <complex>
#include <filesystem>
#include <fstream>

#include <npymap/error.hpp>

#include "support/catch.hpp"
#include "support/python.hpp"
#include "support/temp_folder.hpp"

using npymap::_;
using npymap::index_t;
using npymap::range;
using npymap_test::python;
using npymap_test::read_file;
using npymap_test::temp_folder;
using npymap_test::write_file;

TEST_CASE(
    "load: memory is aligned to 64 bytes and holds what the file held, whichever byte order") {
  const temp_folder folder;
  python(R"(
for name in ['f8', 'f4', 'i2', 'u8', 'c8', 'c16', 'g', 'G', 'i1']:
    for order in '<>':
        a = (np.arange(60).reshape(3, 4, 5) - 7).astype(np.dtype(name).newbyteorder(order))
        if name in ('c8', 'c16', 'G'): a += (np.arange(60).reshape(3, 4, 5) * 2j).astype(a.dtype)
        np.save(f'{sys.argv[1]}/{name}{ {"<": "l", ">": "b"}[order] }.npy', a))",
         {folder.path().string()});
  const auto check = [&]<class T>(T, const char* name) {
    for (const char* order : {"l", "b"}) {
      const auto x = npymap::load<T>(folder / (std::string(name) + order + ".npy"));
      CHECK(reinterpret_cast<std::uintptr_t>(x.data()) % 64 == 0);
      for (index_t i = 0; i < 60; ++i) {
        T expected;
        if constexpr (npymap::detail::dtype_complex<T>) {
          expected = {typename T::value_type(i - 7), typename T::value_type(2 * i)};
        } else {
          expected = static_cast<T>(i - 7);
        }
        REQUIRE(x.ravel()(i) == expected);
      }
    }
  };
  check(double(), "f8");
  check(float(), "f4");
  check(std::int16_t(), "i2");
  check(std::uint64_t(), "u8");
  check(std::complex<float>(), "c8");
  check(std::complex<double>(), "c16");
  check(static_cast<long double>(0), "g");
  check(std::complex<long double>(), "G");
  check(std::int8_t(), "i1");
}

TEST_CASE("load: owes nothing to the file once it has returned") {
  const temp_folder folder;
  npymap::create<int>(folder / "x.npy", {3})(1) = 4;
  auto x = npymap::load<int>(folder / "x.npy");
  std::filesystem::remove(folder / "x.npy");
  x(0) = 1;
  CHECK(x(1) == 4);
  CHECK_FALSE(x.is_mapped());
  CHECK(x.path() == folder / "x.npy");
  CHECK(x.mode() == npymap::open_mode::copy_on_write);
}

TEST_CASE("save: byte for byte as numpy.save, for every layout") {
  const temp_folder folder;
  const auto seed = npymap_test::random_seed();
  // NumPy saves a base array, and slices of it as text and as np.save writes them.
  python(R"(
folder, seed = sys.argv[1], int(sys.argv[2])
rng = np.random.default_rng(seed)
kinds = ['<f8', '>i4', '|S3', '<U2', '<c16', '|b1', '<M8[s]', [('a', '<i2'), ('b', '<f4')], '|V16']
for n in range(150):
    dtype, rank = np.dtype(kinds[n % len(kinds)]), int(rng.integers(0, 5))
    shape = tuple(rng.integers(0, 9, rank))
    a = np.frombuffer(rng.bytes(int(np.prod(shape, dtype=int)) * dtype.itemsize), dtype).reshape(shape)
    if rng.random() < .5: a = np.asfortranarray(a)
    parts, items = [], []
    for extent in shape:
        start, stop, step = int(rng.integers(0, extent + 1)), int(rng.integers(0, extent + 1)), int(rng.choice([-2, -1, 1, 2, 3]))
        if rng.random() < .5: start, stop, step = None, None, int(rng.choice([1, 1, -1]))
        items.append(slice(start, stop, step))
        parts.append(':'.join('' if x is None else str(x) for x in (start, stop, step)))
    np.save(f'{folder}/{n}.npy', a)
    np.save(f'{folder}/{n}.sliced.npy', a[tuple(items) or ...])
    open(f'{folder}/{n}.txt', 'w').write(', '.join(parts) or '...'))",
         {folder.path().string(), std::to_string(seed)});
  for (int n = 0; n < 150; ++n) {
    CAPTURE(n, seed);
    const std::string name = folder / std::to_string(n);
    const auto x = npymap::open(name + ".npy");
    npymap::save(folder / "copy.npy", x);
    REQUIRE(read_file(folder / "copy.npy") == read_file(name + ".npy"));
    npymap::save(folder / "copy.npy", x.slice(read_file(name + ".txt")));
    REQUIRE(read_file(folder / "copy.npy") == read_file(name + ".sliced.npy"));
  }
}

TEST_CASE("save: an array larger than the buffer, of every stride, is gathered in bounded memory") {
  const temp_folder folder;
  python(R"(
a = np.arange(1500 * 1100, dtype='<i8').reshape(1500, 1100)
np.save(sys.argv[1] + '/c.npy', a); np.save(sys.argv[1] + '/f.npy', np.asfortranarray(a))
np.save(sys.argv[1] + '/expected.npy', a[::-1, ::2])
big = np.zeros((3, 6 << 20), 'u1'); big[:, ::5] = 7
np.save(sys.argv[1] + '/big.npy', big); np.save(sys.argv[1] + '/expected_big.npy', big[::2, ::-1]))",
         {folder.path().string()});
  for (const char* name : {"c.npy", "f.npy"}) {
    npymap::save(folder / "saved.npy",
                 npymap::open(folder / name)(range(_, _, -1), range(_, _, 2)));
    CHECK(read_file(folder / "saved.npy") == read_file(folder / "expected.npy"));
  }
  // One row alone is larger than the buffer.
  npymap::save(folder / "saved.npy",
               npymap::open<std::uint8_t>(folder / "big.npy")(range(_, _, 2), range(_, _, -1)));
  CHECK(read_file(folder / "saved.npy") == read_file(folder / "expected_big.npy"));
}

TEST_CASE("save: over the file that is mapped is right, and the old map keeps the old elements") {
  const temp_folder folder;
  auto x = npymap::create<double>(folder / "x.npy", {1000});
  for (index_t i = 0; i < 1000; ++i) x(i) = double(i);
  npymap::save(folder / "x.npy", x.flip(0), {.durability = npymap::durability::full});
  CHECK(npymap::open<double>(folder / "x.npy")(0) == 999);
  CHECK(x(0) == 0);
  CHECK(std::distance(std::filesystem::directory_iterator(folder.path()), {}) == 1);
}

TEST_CASE("save: a view of plain memory, and of bool") {
  const temp_folder folder;
  const float values[6] = {1, 2, 3, 4, 5, 6};
  npymap::save(folder / "v.npy", npymap::view<const float, 2>(values, {2, 3}).transpose());
  CHECK(
      python(
          "a = np.load(sys.argv[1]); print(a.dtype.str, a.tolist(), a.flags.f_contiguous, end='')",
          {folder / "v.npy"}) == "<f4 [[1.0, 4.0], [2.0, 5.0], [3.0, 6.0]] True");
  const bool flags[3] = {true, false, true};
  npymap::save(folder / "b.npy", npymap::view<const bool, 1>(flags, {3}));
  CHECK(python("print(np.load(sys.argv[1]), end='')", {folder / "b.npy"}) == "[ True False  True]");
  npymap::save(folder / "b.npy", flags);  // a range of elements, too
  CHECK(python("print(np.load(sys.argv[1]), end='')", {folder / "b.npy"}) == "[ True False  True]");
}

TEST_CASE("save: a failure leaves the old file and no other") {
  const temp_folder folder;
  write_file(folder / "x.npy", "precious");
  const auto record = npymap::dtype::record(
      {{.name = "a", .type = {}, .offset_bytes = 0}, {.name = "b", .type = {}, .offset_bytes = 4}},
      16);  // overlapping fields: NPY has no words for them
  const auto x = npymap::load(([&] {
    npymap::create<double>(folder / "y.npy", {2}).close();
    return folder / "y.npy";
  })());
  std::filesystem::remove(folder / "y.npy");
  CHECK_THROWS_AS(npymap::create(folder / "x.npy", record, {2}), npymap::error);
  CHECK_THROWS_AS(npymap::save(folder.path().string(), x), npymap::error);
  CHECK_THROWS_AS(npymap::save(folder / "no/x.npy", x), npymap::error);
  CHECK(read_file(folder / "x.npy") == "precious");
  CHECK(std::distance(std::filesystem::directory_iterator(folder.path()), {}) == 1);
}
