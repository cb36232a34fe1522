#include <npymap/float16.hpp>

#include <cmath>
#include <limits>
#include <random>
#include <sstream>

#include <npymap/stored.hpp>

#include "support/catch.hpp"
#include "support/python.hpp"

using npymap::float16;

TEST_CASE("float16: each of its values becomes the float that NumPy makes of it, and comes back") {
  REQUIRE(npymap_test::have_numpy());
  std::istringstream numpys(npymap_test::python(R"(
for v in np.arange(65536, dtype='u2').view('f2').astype('f4').view('u4'): print(v)
)"));
  for (unsigned bits = 0; bits < 65536; ++bits) {
    std::uint32_t wanted = 0;
    numpys >> wanted;
    const auto half = float16::from_bits(static_cast<std::uint16_t>(bits));
    const float value = half;
    if (std::isnan(value)) {
      REQUIRE((wanted & 0x7fffffffu) > 0x7f800000u);
      REQUIRE(std::isnan(static_cast<float>(float16(value))));
      continue;
    }
    REQUIRE(std::bit_cast<std::uint32_t>(value) == wanted);
    REQUIRE(float16(value).bits() == bits);
    REQUIRE(float16(static_cast<double>(value)).bits() == bits);
  }
}

TEST_CASE("float16: floats and doubles are rounded once, as by NumPy") {
  REQUIRE(npymap_test::have_numpy());
  std::mt19937_64 random(npymap_test::random_seed());
  std::vector<double> values = {0.0,
                                -0.0,
                                65504,
                                65519.999,
                                65520,
                                -65520,
                                1e300,
                                6e-8,
                                2.98e-8,
                                std::ldexp(1.0, -25),
                                std::ldexp(1.0, -25) * 1.0000001,
                                std::ldexp(3.0, -25),
                                6.1035e-5,
                                6.09e-5,
                                1 + std::ldexp(1.0, -11) + std::ldexp(1.0, -40),
                                std::numeric_limits<double>::infinity(),
                                std::numeric_limits<double>::denorm_min()};
  for (int i = 0; i < 20000; ++i) {
    const double scale = std::ldexp(1.0, static_cast<int>(random() % 50) - 30);
    double value = static_cast<double>(static_cast<std::int64_t>(random())) * 0x1p-63 * scale;
    // Ties between halves, and what is a hair from one.
    if (i % 3 == 0) value = static_cast<double>(static_cast<float>(float16(value))) * (1 + 0x1p-11);
    if (i % 6 == 0) value *= 1 + 0x1p-50;
    values.push_back(value);
  }
  std::string text;
  for (const double value : values)
    text += std::to_string(std::bit_cast<std::uint64_t>(value)) + "\n";
  std::istringstream numpys(npymap_test::python(R"(
np.seterr(all='ignore')
d = np.array(sys.stdin.read().split(), dtype='u8').view('f8')
for a, b in zip(d.astype('f2').view('u2'), d.astype('f4').astype('f2').view('u2')): print(a, b)
)",
                                                {}, text));
  for (const double value : values) {
    unsigned from_double = 0, from_float = 0;
    REQUIRE(numpys >> from_double >> from_float);
    INFO("value " << value);
    REQUIRE(float16(value).bits() == from_double);
    REQUIRE(float16(static_cast<float>(value)).bits() == from_float);
  }
}

TEST_CASE("float16: computes as float, and is made from any number") {
  const float16 x = 1.5f;
  CHECK(x + 1 == 2.5f);
  CHECK(x == float16(1.5));
  CHECK(float16(3) == 3.0f);
  CHECK(std::isinf(static_cast<float>(float16(70000))));
  CHECK(npymap::dtype_of<float16>() == npymap::dtype::scalar(npymap::dtype_kind::floating, 2));
}

TEST_CASE("float16: is added to and multiplied in place, as a float is") {
  float16 x = 1.5f;
  const int two = 2;
  x += 1;
  x *= two;
  CHECK(x == 5.0f);
  x -= 0.5f;
  x /= float16(3);
  CHECK(x == 1.5f);
  x += npymap::stored<float16, npymap::byte_order::big>(float16(0.25));
  CHECK(x == 1.75f);
  x = 1;
  x += 0x1p-11 + 0x1p-40;  // as a float it would be half-way, and even is below
  CHECK(x.bits() == 0x3c01);
  x = float16(60000);
  x += float16(60000);
  CHECK(x.bits() == 0x7c00);
  constexpr float16 four = [] {
    float16 made = 2;
    return made *= 2;
  }();
  static_assert(four == 4.0f);
}

TEST_CASE("float16: a long double is rounded once too") {
  CHECK(float16(0x1p-25L * (1 + 0x1p-60L)).bits() == 0x0001);
  CHECK(float16(1 + 0x1p-11L + 0x1p-62L).bits() == 0x3c01);
  CHECK(float16(-(1 + 0x1p-11L + 0x1p-62L)).bits() == 0xbc01);
  CHECK(float16(65520 - 0x1p-40L).bits() == 0x7bff);
  CHECK(float16(1e4000L).bits() == 0x7c00);
  CHECK(float16(1.5L).bits() == 0x3e00);
}
