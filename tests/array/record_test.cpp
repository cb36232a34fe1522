#include <npymap/record.hpp>

#include <complex>
#include <cstring>
#include <functional>
#include <tuple>
#include <type_traits>

#include <npymap/array.hpp>
#include <npymap/error.hpp>
#include <npymap/float16.hpp>
#include <npymap/stored.hpp>

#include "support/catch.hpp"
#include "support/python.hpp"
#include "support/temp_folder.hpp"

using npymap::array;
using npymap::byte_order;
using npymap::errc;
using npymap::index_t;
using npymap::stored;
using npymap_test::python;
using npymap_test::random_seed;
using npymap_test::read_file;
using npymap_test::temp_folder;

namespace {

struct vec {
  double x, y, z;
};
NPYMAP_RECORD(vec, x, y, z);

struct particle {
  std::int32_t id;
  vec pos;
  float m[2][3];
  vec corners[2];
  npymap::bool8 alive;
  npymap::float16 half;
  std::complex<float> c;
  char name[5];
  char32_t wide[2];
  std::array<std::byte, 3> raw;
};
NPYMAP_RECORD(particle, id, pos, m, corners, alive, half, c, name, wide, raw);

// The same, as NumPy's ctypes-like alignment has it.
const std::string particle_dtype = R"(
vec = np.dtype([('x', 'f8'), ('y', 'f8'), ('z', 'f8')], align=True)
dtype = np.dtype([('id', 'i4'), ('pos', vec), ('m', 'f4', (2, 3)), ('corners', vec, (2,)),
  ('alive', '?'), ('half', 'f2'), ('c', 'c8'), ('name', 'S5'), ('wide', 'U2'), ('raw', 'V3')],
  align=True)
)";

#pragma pack(push, 1)
struct packed {
  std::uint8_t tag;
  double value;
  std::int32_t counts[2];
  vec at;
};
#pragma pack(pop)
NPYMAP_RECORD(packed, tag, value, counts, at);

struct __attribute__((packed, aligned(8))) askew {
  std::uint8_t tag;
  double value;
};
NPYMAP_RECORD(askew, tag, value);

struct foreign {
  stored<double, byte_order::big> x;
  stored<std::int32_t, byte_order::little> y[2];
  stored<npymap::float16, byte_order::big> h;
};
NPYMAP_RECORD(foreign, x, y, h);

struct titled {
  std::int32_t id;
  double mass;
};

struct sample {
  std::int64_t id;
  double pos[3];
};
NPYMAP_RECORD(sample, id, pos);

struct holder {
  std::int32_t n;
  sample in;
};
NPYMAP_RECORD(holder, n, in);

template <class T>
std::string bytes_of(const T& value) {
  std::string bytes(sizeof value, '\0');
  std::memcpy(bytes.data(), &value, sizeof value);
  return bytes;
}

// What NumPy's tobytes of the same array is.
template <class T>
std::string bytes_of(const array<T>& elements) {
  std::string bytes;
  for (const T& element : elements) bytes += bytes_of(element);
  return bytes;
}

std::string message_of(const std::function<void()>& f) {
  try {
    f();
  } catch (const npymap::error& e) {
    CHECK(e.code() == errc::dtype_mismatch);
    return e.what();
  }
  return "nothing";
}

}  // namespace

template <>
struct npymap::dtype_traits<titled> {
  static dtype value() {
    return record_of<titled>(field_of("i", &titled::id),
                             field_of("m", &titled::mass, "mass in kg"));
  }
};

TEST_CASE("record: NumPy reads what npymap writes, field by field, aligned as C aligns") {
  const temp_folder folder;
  {
    auto x = npymap::create<particle>(folder / "x.npy", {2, 3}, {.order = npymap::order::fortran});
    particle& p = x(1, 2);
    p.id = -7;
    p.pos = {1, 2, 3};
    p.m[1][2] = 0.5f;
    p.corners[1].y = 9;
    p.alive = true;
    p.half = 1.5f;
    p.c = {1, -1};
    std::memcpy(p.name, "abc", 3);
    p.wide[0] = U'\u03b1';
    p.raw[2] = std::byte{0xff};
    npymap::save(folder / "saved.npy", x);
  }
  python(particle_dtype + R"(
for name in ('x', 'saved'):
    a = np.load(sys.argv[1] + f'/{name}.npy')
    assert a.dtype == dtype and a.shape == (2, 3) and a.flags.f_contiguous, a.dtype
    p = a[1, 2]
    assert p['id'] == -7 and p['pos'].tolist() == (1, 2, 3) and p['m'][1, 2] == 0.5
    assert p['corners'][1]['y'] == 9 and p['alive'] and p['half'] == 1.5 and p['c'] == 1 - 1j
    assert p['name'] == b'abc' and p['wide'] == '\u03b1' and p['raw'].tobytes() == b'\0\0\xff'
    assert a[0, 0].tobytes().strip(b'\0') == b''
)",
         {folder.path().string()});
}

namespace {

// Check each member of each struct, and its field as an array, against NumPy's field in NAME.bin.
template <class T>
struct field_check {
  const array<const T>& x;
  const npymap::any_array& any;
  const temp_folder& folder;

  template <class Member>
  void operator()(const std::string& name, Member T::*member) const {
    CAPTURE(name);
    const std::string expected = read_file(folder / (name + ".bin"));
    std::string found;
    for (const T& element : x) {  // whose members may lie where no reference may point
      found += bytes_of(element).substr(std::size_t(npymap::detail::member_offset_bytes(member)),
                                        sizeof(Member));
    }
    CHECK(found == expected);
    const auto part = x.field(member);
    CHECK(bytes_of(part) == expected);
    CHECK(part.shape() == any.field(name).shape());
    CHECK(part.byte_strides() == any.field(name).byte_strides());
    CHECK(part.path() == x.path());
  }
};

// Make c.npy and f.npy of `dtype` from random bytes, and NAME.bin of each field.
void write_random(const temp_folder& folder, const std::string& dtype) {
  python(dtype + R"(
os.chdir(sys.argv[1])
r = np.random.default_rng(int(sys.argv[2]))
a = np.frombuffer(r.bytes(5 * 4 * dtype.itemsize), dtype).reshape(5, 4)
np.save('c.npy', a)
np.save('f.npy', np.asfortranarray(a))
for name in dtype.names:
    open(name + '.bin', 'wb').write(a[name].tobytes())
)",
         {folder.path().string(), std::to_string(random_seed())});
}

}  // namespace

TEST_CASE("record: npymap reads what NumPy writes at random, and writes it back byte for byte") {
  const temp_folder folder;
  write_random(folder, particle_dtype);
  for (const char* name : {"c.npy", "f.npy"}) {
    CAPTURE(name, random_seed());
    const auto any = npymap::open(folder / name);
    const auto x = any.as<const particle>();
    const field_check<particle> check{x, any, folder};
    check("id", &particle::id);
    check("pos", &particle::pos);
    check("m", &particle::m);
    check("corners", &particle::corners);
    check("alive", &particle::alive);
    check("half", &particle::half);
    check("c", &particle::c);
    check("name", &particle::name);
    check("wide", &particle::wide);
    check("raw", &particle::raw);
    npymap::save(folder / "copy.npy", x);
    CHECK(read_file(folder / "copy.npy") == read_file(folder / name));
    CHECK(npymap::load<particle>(folder / name).shape() == npymap::shape{5, 4});
  }
}

TEST_CASE("record: packed structs map packed files, and their fields are stored values") {
  const temp_folder folder;
  write_random(folder, R"(
dtype = np.dtype([('tag', 'u1'), ('value', 'f8'), ('counts', 'i4', (2,)),
                  ('at', [('x', 'f8'), ('y', 'f8'), ('z', 'f8')])]))");
  for (const char* name : {"c.npy", "f.npy"}) {
    CAPTURE(name, random_seed());
    const auto any = npymap::open(folder / name);
    const auto x = any.as<const packed>();
    const field_check<packed> check{x, any, folder};
    check("tag", &packed::tag);
    check("value", &packed::value);
    check("counts", &packed::counts);
    check("at", &packed::at);
    npymap::save(folder / "copy.npy", x);
    CHECK(read_file(folder / "copy.npy") == read_file(folder / name));
  }
  const auto y = npymap::create<packed>(folder / "y.npy", {3});
  static_assert(std::is_same_v<decltype(y.field(&packed::value)), array<stored<double>>>);
  npymap::fill(y.field(&packed::value), stored<double>(2.5));
  npymap::for_each([](stored<double>& v) { v += 1; }, y.field(&packed::value));
  python("assert np.load(sys.argv[1])['value'].tolist() == [3.5] * 3", {folder / "y.npy"});
}

TEST_CASE("record: stored members read and write foreign byte order") {
  const temp_folder folder;
  write_random(folder, "dtype = np.dtype([('x', '>f8'), ('y', '<i4', (2,)), ('h', '>f2')])\n");
  const auto any = npymap::open(folder / "c.npy");
  const auto x = any.as<const foreign>();
  const field_check<foreign> check{x, any, folder};
  check("x", &foreign::x);
  check("y", &foreign::y);
  check("h", &foreign::h);
  {
    const auto y = npymap::create<foreign>(folder / "y.npy", {2});
    y(1).x = -0.5;
    y(1).y[0] = 7;
    y(0).h = npymap::float16(2);
  }
  python("assert str(np.load(sys.argv[1])) == '[( 0. , [0, 0], 2.) (-0.5, [7, 0], 0.)]'",
         {folder / "y.npy"});
}

TEST_CASE("record: titles and names of their own are written, and not asked for") {
  const temp_folder folder;
  {
    const auto x = npymap::create<titled>(folder / "x.npy", {2});
    x(0) = {1, 2.5};
  }
  python(R"(
os.chdir(sys.argv[1])
a = np.load('x.npy')
assert a.dtype == np.dtype([('i', 'i4'), (('mass in kg', 'm'), 'f8')], align=True), a.dtype
assert a['mass in kg'][0] == 2.5
np.save('other.npy', np.ones(3, np.dtype([(('t', 'i'), 'i4'), ('m', 'f8')], align=True))))",
         {folder.path().string()});
  CHECK(npymap::open<titled>(folder / "x.npy")(0).mass == 2.5);
  CHECK(npymap::open<titled>(folder / "other.npy")(2).id == 1);
  CHECK(npymap::load<titled>(folder / "other.npy")(2).mass == 1);
}

TEST_CASE("record: a file that differs from the struct is refused by the first field that does") {
  const std::tuple<const char*, const char*, const char*> cases[] = {
      {"[('id', 'i8'), ('pos', 'f4', (3,))]", "field 'pos': expected '<f8' of shape (3,) at byte 8",
       "found '<f4' of shape (3,) at byte 8"},
      {"[('id', 'i4'), ('pos', 'f4')]", "field 'id': expected '<i8' at byte 0",
       "found '<i4' at byte 0"},
      {"[('id', 'i8'), ('gap', 'i4'), ('pos', 'f8', (3,))]",
       "field 'pos': expected '<f8' of shape (3,) at byte 8",
       "found '<f8' of shape (3,) at byte 12"},
      {"[('id', 'i8'), ('pos', 'f8', (3, 1))]",
       "field 'pos': expected '<f8' of shape (3,) at byte 8",
       "found '<f8' of shape (3, 1) at byte 8"},
      {"[('id', 'i8')]", "field 'pos': expected '<f8' of shape (3,) at byte 8",
       "found no such field"},
      {"[('id', 'i8'), (('pos', 'p'), 'f8', (3,))]",
       "field 'pos': expected '<f8' of shape (3,) at byte 8", "found no such field"},
      {"[('id', 'i8'), ('pos', 'f8', (3,)), ('w', 'f4')]",
       "field 'w': expected none but those of the struct", "found '<f4' at byte 32"},
      {"{'names': ['id', 'pos'], 'formats': ['i8', ('f8', (3,))], 'itemsize': 40}",
       "record: expected 32 bytes", "found 40 bytes"},
      {"[('id', 'i8'), ('pos', [('x', 'f8')], (3,))]",
       "field 'pos': expected '<f8' of shape (3,) at byte 8",
       "found [('x', '<f8')] of shape (3,) at byte 8"},
      {"'f8'", "dtype: expected [('id', '<i8'), ('pos', '<f8', (3,))]", "found '<f8'"},
      {"[]", "field 'id': expected '<i8' at byte 0", "found no such field"},
  };
  const temp_folder folder;
  for (const auto& [dtype, expected, found] : cases) {
    python("np.save(sys.argv[1], np.zeros(2, " + std::string(dtype) + "))", {folder / "x.npy"});
    const auto begins = Catch::StartsWith(folder / "x.npy" + ": " + expected);
    const auto ends = Catch::EndsWith(found);
    CHECK_THAT(message_of([&] { npymap::open<sample>(folder / "x.npy"); }), begins && ends);
    CHECK_THAT(message_of([&] { npymap::load<sample>(folder / "x.npy"); }), begins && ends);
    CHECK_THAT(message_of([&] { npymap::open(folder / "x.npy").as<sample>(); }), begins && ends);
  }
}

TEST_CASE("record: open refuses foreign byte order, which load turns") {
  const temp_folder folder;
  python(
      "np.save(sys.argv[1], np.array([(1, [2, 3, 4])], [('id', '>i8'), (('t', 'pos'), '>f8', "
      "(3,))]))",
      {folder / "x.npy"});
  CHECK_THAT(message_of([&] { npymap::open<sample>(folder / "x.npy"); }),
             Catch::EndsWith("field 'id': expected '<i8' at byte 0 (convert<T> makes it so), "
                             "found '>i8' at byte 0"));
  const auto x = npymap::load<sample>(folder / "x.npy");
  CHECK(x(0).id == 1);
  CHECK(x(0).pos[2] == 4);
}

TEST_CASE("record: a difference in a nested record is told with its place") {
  const temp_folder folder;
  python(R"(np.save(sys.argv[1], np.zeros(2,
    [('n', 'i4'), ('in', [('id', 'i8'), ('pos', 'f4', (3,))])])))",
         {folder / "x.npy"});
  CHECK_THAT(message_of([&] { npymap::open<holder>(folder / "x.npy"); }),
             Catch::EndsWith(
                 "field 'in': expected [('id', '<i8'), ('pos', '<f8', (3,))] at byte 8 (convert<T> "
                 "makes it so), found [('id', '<i8'), ('pos', '<f4', (3,))] at byte 4"));
  python(R"(np.save(sys.argv[1], np.zeros(2, np.dtype({'names': ['n', 'in'], 'offsets': [0, 8],
    'formats': ['i4', [('id', 'i8'), ('pos', 'f4', (3,)), ('more', 'V12')]]}))))",
         {folder / "x.npy"});
  CHECK_THAT(message_of([&] { npymap::open<holder>(folder / "x.npy"); }),
             Catch::EndsWith("field 'pos' of 'in': expected '<f8' of shape (3,) at byte 8, found "
                             "'<f4' of shape (3,) at byte 8"));
}

TEST_CASE("record: fields are read and written in place, and share the mapping") {
  const temp_folder folder;
  const auto x = npymap::create<sample>(folder / "x.npy", {4, 2});
  const auto pos = x.field(&sample::pos);
  static_assert(std::is_same_v<decltype(pos), const array<double>>);
  CHECK(pos.shape() == npymap::shape{4, 2, 3});
  CHECK(pos.byte_strides() == npymap::strides{64, 32, 8});
  npymap::fill(pos(npymap::ellipsis, 1), 2.0);
  CHECK(x(3, 1).pos[1] == 2);
  const array<const sample> read = x;
  static_assert(std::is_same_v<decltype(read.field(&sample::id)), array<const std::int64_t>>);
  CHECK(read.field(&sample::pos).transpose()(1, 0, 2) == 2);
}

TEST_CASE("record: fields of no records are empty") {
  const temp_folder folder;
  const auto x = npymap::create<sample>(folder / "x.npy", {0});
  CHECK(x.field(&sample::pos).shape() == npymap::shape{0, 3});
  CHECK(array<sample>().field(&sample::id).empty());
}

TEST_CASE("record: a member that is not aligned in an aligned struct is no array") {
  const temp_folder folder;
  const auto x = npymap::create<askew>(folder / "x.npy", {2});
  CHECK(x.field(&askew::tag).size() == 2);
  CHECK_THROWS_WITH(x.field(&askew::value), Catch::Contains("a multiple of 8"));
  CHECK(npymap::open(folder / "x.npy").field("value").as<const stored<double>>()(1) == 0.0);
}
