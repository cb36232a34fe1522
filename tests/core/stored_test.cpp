#include <npymap/stored.hpp>

#include <algorithm>
#include <array>
#include <complex>
#include <cstring>

#include <npymap/float16.hpp>
#include <npymap/record.hpp>
#include <npymap/view.hpp>

#include "support/catch.hpp"

using npymap::byte_order;
using npymap::float16;
using npymap::stored;

namespace {

template <class T>
using big = stored<T, byte_order::big>;
template <class T>
using little = stored<T, byte_order::little>;

template <class Stored>
std::string bytes_of(const Stored& value) {
  std::string bytes(sizeof value, '\0');
  std::memcpy(bytes.data(), &value, sizeof value);
  return bytes;
}

}  // namespace

TEST_CASE("stored: has the size of its value, and no alignment") {
  static_assert(sizeof(big<double>) == 8 && alignof(big<double>) == 1);
  static_assert(sizeof(little<std::complex<float>>) == 8 &&
                alignof(little<std::complex<float>>) == 1);
  static_assert(std::is_trivially_copyable_v<big<long double>>);
  static_assert(npymap::element<big<std::int16_t>>);
}

TEST_CASE("stored: keeps the bytes in its order, a component at a time") {
  CHECK(bytes_of(big<std::uint32_t>(0x01020304)) == std::string("\1\2\3\4"));
  CHECK(bytes_of(little<std::uint32_t>(0x01020304)) == std::string("\4\3\2\1"));
  CHECK(bytes_of(big<float16>(float16(1.0))) == std::string("\x3c\0", 2));
  CHECK(bytes_of(big<std::complex<float>>({1, -2})) == std::string("\x3f\x80\0\0\xc0\0\0\0", 8));
  CHECK(bytes_of(big<std::int8_t>(5)) == "\5");
  CHECK(bytes_of(big<std::array<char32_t, 2>>({U'a', U'b'})) == std::string("\0\0\0a\0\0\0b", 8));
  CHECK(bytes_of(big<std::array<char, 4>>({'a', 'b', 'c', 'd'})) == "abcd");
}

TEST_CASE("stored: reads and is assigned as its value") {
  big<double> x = 1.5;
  x += 2;
  x *= 3;
  x -= 0.5;
  x /= 2;
  CHECK(x == 5.0);
  CHECK(big<long double>(1.25L).value() == 1.25L);
  CHECK(big<std::complex<double>>({1, 2}).value() == std::complex<double>(1, 2));
}

TEST_CASE("stored: compares as its value, whatever that is") {
  using complex = std::complex<double>;
  CHECK(big<complex>({1, 2}) == little<complex>({1, 2}));
  CHECK(big<complex>({1, 2}) != complex(1, 3));
  CHECK(complex(1) == big<complex>(1));
  CHECK(big<float16>(float16(0.5)) == little<float16>(float16(0.5)));
  CHECK(big<float16>(float16(0.5)) == 0.5f);
  CHECK(big<npymap::bool8>(true) == true);
  CHECK(big<std::array<char32_t, 2>>({U'a'}) == std::array<char32_t, 2>{U'a'});
  CHECK(big<double>(2) == little<float>(2));
  CHECK(big<double>(2) == 2);

  const big<complex> values[] = {complex(1), complex(2)};
  const complex same[] = {1, 2};
  const npymap::view<const big<complex>, 1> stored_ones(values, {2});
  CHECK(npymap::equal(stored_ones, stored_ones));
  CHECK(npymap::equal(stored_ones, npymap::view<const complex, 1>(same, {2})));
  const big<double> numbers[] = {1, 2, 1};
  CHECK(std::ranges::count(numbers, 1.0) == 2);
}

TEST_CASE("stored: its dtype is that of its value in its order") {
  using npymap::dtype;
  using npymap::dtype_kind;
  CHECK(npymap::dtype_of<big<double>>() == dtype::scalar(dtype_kind::floating, 8, byte_order::big));
  CHECK(npymap::dtype_of<little<double>>() ==
        dtype::scalar(dtype_kind::floating, 8, byte_order::little));
  CHECK(npymap::dtype_of<big<std::int8_t>>() == dtype::scalar(dtype_kind::signed_integer, 1));
}

TEST_CASE("stored: a view of it takes any address") {
  unsigned char bytes[1 + 3 * 8] = {};
  const npymap::view<big<double>, 1> v(reinterpret_cast<big<double>*>(bytes + 1), {3});
  v(2) = 7;
  double sum = 0;
  for (const double x : v) sum += x;
  CHECK(sum == 7);
  CHECK(bytes[1 + 16] == 0x40);
}

namespace {

struct inner {
  double d;
  big<std::int32_t> z;
};
NPYMAP_RECORD(inner, d, z);

}  // namespace

TEST_CASE("stored: a record keeps the orders of its members, and has no other") {
  CHECK(npymap::dtype_of<stored<inner>>() == npymap::dtype_of<inner>());
}
