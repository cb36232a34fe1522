#include <npymap/record.hpp>

#include <complex>

#include <npymap/error.hpp>
#include <npymap/float16.hpp>
#include <npymap/header.hpp>
#include <npymap/stored.hpp>

#include "support/catch.hpp"

using npymap::bool8;
using npymap::byte_order;
using npymap::descr;
using npymap::dtype_of;
using npymap::float16;
using npymap::stored;

namespace physics {

struct point {
  double x, y;
};
NPYMAP_RECORD(point, x, y);

struct particle {
  std::int32_t id;
  point pos;
  float m[2][3];
  std::array<std::array<std::int16_t, 2>, 3> n[4];
  point corners[2];
  bool8 alive;
  float16 half;
  std::complex<float> z;
};
NPYMAP_RECORD(particle, id, pos, m, n, corners, alive, half, z);

namespace {
struct local {
  struct nested {
    std::uint8_t u;
  };
  nested in;
};
NPYMAP_RECORD(local::nested, u);
NPYMAP_RECORD(local, in);
}  // namespace

}  // namespace physics

struct texts {
  char name[5];
  std::array<char, 3> code;
  char lines[2][4];
  char32_t wide[2];
  std::array<std::array<char32_t, 3>, 2> wides;
  std::byte raw[7];
  std::byte one;
};
NPYMAP_RECORD(texts, name, code, lines, wide, wides, raw, one);

#pragma pack(push, 1)
struct packed {
  std::uint8_t tag;
  double value;
  std::int32_t counts[2];
};
#pragma pack(pop)
NPYMAP_RECORD(packed, tag, value, counts);

struct foreign {
  stored<double, byte_order::big> x;
  stored<std::int32_t, byte_order::little> y[2];
};
NPYMAP_RECORD(foreign, x, y);

struct constant {
  const double x;
  const char name[8];
  const float m[2][3];
};
NPYMAP_RECORD(constant, x, name, m);

struct partly {
  std::int64_t a, hidden, b;
};
NPYMAP_RECORD(partly, b, a);

struct base {
  std::int32_t a, b;
};
struct derived : base {};
NPYMAP_RECORD(derived, a, b);

#define NPYMAP_TEST_TEN(x) x##0, x##1, x##2, x##3, x##4, x##5, x##6, x##7, x##8, x##9
#define NPYMAP_TEST_64                                                            \
  NPYMAP_TEST_TEN(a), NPYMAP_TEST_TEN(b), NPYMAP_TEST_TEN(c), NPYMAP_TEST_TEN(d), \
      NPYMAP_TEST_TEN(e), NPYMAP_TEST_TEN(f), g0, g1, g2, g3
struct wide {
  std::uint8_t NPYMAP_TEST_64;
};
NPYMAP_RECORD(wide, NPYMAP_TEST_64);

struct renamed {
  std::int32_t id;
  double mass;
};
template <>
struct npymap::dtype_traits<renamed> {
  static dtype value() {
    return record_of<renamed>(field_of("m", &renamed::mass, "mass in kg"),
                              field_of("\u03b1 b", &renamed::id));
  }
};

struct twice {
  std::int32_t a;
};
NPYMAP_RECORD(twice, a, a);

TEST_CASE("record: each member is a field at its place, with nested structs and sub-arrays") {
  CHECK(descr(dtype_of<physics::point>()) == "[('x', '<f8'), ('y', '<f8')]");
  CHECK(descr(dtype_of<physics::particle>()) ==
        "[('id', '<i4'), ('', '|V4'), ('pos', [('x', '<f8'), ('y', '<f8')]), ('m', '<f4', (2, 3)), "
        "('n', '<i2', (4, 3, 2)), ('corners', [('x', '<f8'), ('y', '<f8')], (2,)), "
        "('alive', '|b1'), ('', '|V1'), ('half', '<f2'), ('z', '<c8'), ('', '|V4')]");
  CHECK(dtype_of<physics::particle>().itemsize() == sizeof(physics::particle));
  CHECK(descr(dtype_of<physics::local>()) == "[('in', [('u', '|u1')])]");
}

TEST_CASE("record: arrays of characters and bytes are one item") {
  CHECK(descr(dtype_of<texts>()) ==
        "[('name', '|S5'), ('code', '|S3'), ('lines', '|S4', (2,)), ('wide', '<U2'), "
        "('wides', '<U3', (2,)), ('raw', '|V7'), ('one', '|V1')]");
}

TEST_CASE("record: a packed struct has no padding") {
  CHECK(descr(dtype_of<packed>()) == "[('tag', '|u1'), ('value', '<f8'), ('counts', '<i4', (2,))]");
}

TEST_CASE("record: stored members keep their byte order") {
  CHECK(descr(dtype_of<foreign>()) == "[('x', '>f8'), ('y', '<i4', (2,))]");
}

TEST_CASE("record: members may be const") {
  CHECK(descr(dtype_of<constant>()) == "[('x', '<f8'), ('name', '|S8'), ('m', '<f4', (2, 3))]");
}

TEST_CASE("record: fields stand in the order of their bytes, and members not named are padding") {
  CHECK(descr(dtype_of<partly>()) == "[('a', '<i8'), ('', '|V8'), ('b', '<i8')]");
}

TEST_CASE("record: inherited members are members") {
  CHECK(descr(dtype_of<derived>()) == "[('a', '<i4'), ('b', '<i4')]");
}

TEST_CASE("record: the macro takes 64 members") {
  const auto type = dtype_of<wide>();
  REQUIRE(type.fields().size() == 64);
  CHECK(type.fields()[63].name == "g3");
  CHECK(type.fields()[63].offset_bytes == 63);
}

TEST_CASE("record: fields may have names of their own, and titles") {
  CHECK(descr(dtype_of<renamed>()) ==
        "[('\u03b1 b', '<i4'), ('', '|V4'), (('mass in kg', 'm'), '<f8')]");
}

TEST_CASE("record: a name used twice is refused") {
  CHECK_THROWS_AS(dtype_of<twice>(), npymap::error);
}
