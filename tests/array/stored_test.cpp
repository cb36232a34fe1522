// Values that C++ cannot touch in place, in files: read and written value by value.

#include <npymap/stored.hpp>

#include <complex>
#include <sstream>
#include <string>

#include <npymap/array.hpp>
#include <npymap/error.hpp>

#include "support/catch.hpp"
#include "support/python.hpp"
#include "support/temp_folder.hpp"

using npymap::byte_order;
using npymap::index_t;
using npymap::open_mode;
using npymap::stored;
using npymap_test::python;
using npymap_test::temp_folder;

namespace {

/// NumPy writes `x` of a dtype in both orders and both layouts; we read each value, double it in
/// the file, and NumPy finds it doubled.
template <class T>
void check_both_ways(const temp_folder& folder, const std::string& type) {
  python(R"(
os.chdir(sys.argv[1])
a = np.arange(6).reshape(2, 3).astype(sys.argv[2])
for order in '<>': 
    b = a.astype(a.dtype.newbyteorder(order))
    np.save(order + 'C', b)
    np.save(order + 'F', np.asfortranarray(b))
)",
         {folder.path(), type});
  const auto check = [&]<byte_order Order>(const std::string& name) {
    const auto x = npymap::open<stored<T, Order>, open_mode::read_write>(folder / (name + ".npy"));
    for (index_t i = 0; i < 2; ++i) {
      for (index_t j = 0; j < 3; ++j) {
        REQUIRE(x(i, j).value() == T(static_cast<float>(3 * i + j)));
        x(i, j) += x(i, j).value();
      }
    }
    x.flush();
  };
  check.template operator()<byte_order::little>("<C");
  check.template operator()<byte_order::little>("<F");
  check.template operator()<byte_order::big>(">C");
  check.template operator()<byte_order::big>(">F");
  python(R"(
os.chdir(sys.argv[1])
a = 2 * np.arange(6).reshape(2, 3).astype(sys.argv[2])
for name in '<C', '<F', '>C', '>F': assert (np.load(name + '.npy') == a).all(), name
)",
         {folder.path(), type});
}

}  // namespace

TEST_CASE("stored: files of every number in either order are read and written in place") {
  const temp_folder folder;
  check_both_ways<std::int8_t>(folder, "i1");
  check_both_ways<std::int16_t>(folder, "i2");
  check_both_ways<std::int32_t>(folder, "i4");
  check_both_ways<std::int64_t>(folder, "i8");
  check_both_ways<std::uint8_t>(folder, "u1");
  check_both_ways<std::uint16_t>(folder, "u2");
  check_both_ways<std::uint32_t>(folder, "u4");
  check_both_ways<std::uint64_t>(folder, "u8");
  check_both_ways<npymap::float16>(folder, "f2");
  check_both_ways<float>(folder, "f4");
  check_both_ways<double>(folder, "f8");
  check_both_ways<long double>(folder, "f16");
  check_both_ways<std::complex<float>>(folder, "c8");
  check_both_ways<std::complex<double>>(folder, "c16");
  check_both_ways<std::complex<long double>>(folder, "c32");
}

TEST_CASE("stored: an array at an odd address is read, and summed as any other") {
  const temp_folder folder;
  python(R"(
import io
b = io.BytesIO(); np.save(b, np.arange(1000.))
open(sys.argv[1], 'wb').write(b'x' + b.getvalue())
)",
         {folder / "x.bin"});
  const auto any = npymap::open(folder / "x.bin", open_mode::read, {.offset_bytes = 1});
  CHECK_THROWS_WITH(any.as<const double>(), Catch::Contains("as<stored<T>>"));
  const auto x = any.as<const stored<double>>();
  double sum = 0;
  npymap::for_each([&](double value) { sum += value; }, x);
  CHECK(sum == 499500);
  CHECK(x(999) == 999);
}

TEST_CASE("stored: create and save write the byte order of the type") {
  const temp_folder folder;
  using big = stored<double, byte_order::big>;
  auto x = npymap::create<big>(folder / "x.npy", {3});
  for (index_t i = 0; i < 3; ++i) x(i) = 0.5 * static_cast<double>(i);
  npymap::save(folder / "y.npy", x);
  x.close();
  python(R"(
for name in sys.argv[1:]:
    a = np.load(name)
    assert a.dtype == '>f8' and (a == np.arange(3) / 2).all(), a
)",
         {folder / "x.npy", folder / "y.npy"});
}
