#include <npymap/convert.hpp>
#include <npymap/copy.hpp>

#include <cmath>
#include <complex>
#include <fstream>
#include <limits>
#include <sstream>
#include <string>
#include <vector>

#include <npymap/error.hpp>
#include <npymap/stored.hpp>
#include <npymap/strings.hpp>

#include "support/catch.hpp"
#include "support/failure.hpp"
#include "support/python.hpp"
#include "support/temp_folder.hpp"

using npymap::_;
using npymap::any_array;
using npymap::byte_order;
using npymap::casting;
using npymap::dtype;
using npymap::errc;
using npymap::index_t;
using npymap::open_mode;
using npymap::range;
using npymap_test::code_of;
using npymap_test::python;
using npymap_test::temp_folder;

namespace {

const std::string numbers = "b1 i1 i2 i4 i8 u1 u2 u4 u8 f2 f4 f8 f16 c8 c16 c32";

/// Open what NumPy wrote as `NAME.npy`, one array for each line of `names`.
std::vector<std::string> words(const std::string& text) {
  std::istringstream in(text);
  std::vector<std::string> found;
  for (std::string word; in >> word;) found.push_back(word);
  return found;
}

dtype dtype_named(const std::string& descr) { return npymap::parse_descr("'" + descr + "'"); }

}  // namespace

TEST_CASE("convert: can_cast says what NumPy's says, of all numbers and times") {
  REQUIRE(npymap_test::have_numpy());
  std::istringstream numpys(python(R"(
types = sys.argv[1].split()
for unit in 'Y M W D h m s ms us ns ps fs as 7D 25s 60s 100ms 1000ms 1000us 2Y 3M 12M'.split():
    types += ['M8[%s]' % unit, 'm8[%s]' % unit]
types += ['M8', 'm8', 'S3', 'S5', 'U3', 'U5', 'V3', 'V5']
for a in types:
    for b in types:
        for rule in 'safe', 'same_kind', 'unsafe':
            print(a, b, rule, int(np.can_cast(a, b, rule)))
)",
                                   {numbers}));
  std::string from, to, rule;
  int allowed = 0, compared = 0;
  while (numpys >> from >> to >> rule >> allowed) {
    const dtype a = dtype_named(from), b = dtype_named(to);
    // Beyond numbers and the ticks of times, npymap converts within a kind alone.
    const auto is_number = [](const dtype& t) {
      return std::string("biufc").find(static_cast<char>(t.kind())) != std::string::npos;
    };
    if (a.kind() != b.kind() && !(is_number(a) && is_number(b))) continue;
    if (rule == "unsafe" && !is_number(a)) continue;  // NumPy's unsafe rule refuses nothing
    if (a.kind() == npymap::dtype_kind::raw) continue;
    // Where a whole number of a finer unit makes the other, as 7D a W, NumPy minds; nothing is
    // lost.
    if (a.step().unit > b.step().unit && npymap::can_cast(a, b, casting::safe)) continue;
    const auto by = rule == "safe"        ? casting::safe
                    : rule == "same_kind" ? casting::same_kind
                                          : casting::unsafe;
    INFO(from << " to " << to << " by " << rule);
    CHECK(npymap::can_cast(a, b, by) == (allowed == 1));
    ++compared;
  }
  CHECK(compared > 1000);
}

TEST_CASE(
    "convert: every number becomes every other as by NumPy, in both byte orders and layouts") {
  REQUIRE(npymap_test::have_numpy());
  const temp_folder folder;
  python(R"(
os.chdir(sys.argv[1])
np.seterr(all='ignore')
rng = np.random.default_rng(int(sys.argv[3]))
types = sys.argv[2].split()
def values(t, shape):
    k, n = np.dtype(t).kind, int(np.prod(shape))
    if k == 'b': a = rng.integers(0, 2, n).astype(t)
    elif k in 'iu':
        info = np.iinfo(t)
        a = rng.integers(info.min, info.max, n, dtype=t, endpoint=True)
        a[::3] = rng.integers(0, 100, len(a[::3]))
    else:
        a = (rng.normal(0, 40, n)).astype(t)
        if k == 'c': a = a + (1j * rng.normal(0, 40, n)).astype(t)
    return a.reshape(shape)
for t in types:
    a = values(t, (7, 41))
    for order in '<>':
        np.save(order + t, a.astype(np.dtype(t).newbyteorder(order)))
        np.save(order + t + 'F', np.asfortranarray(a.astype(np.dtype(t).newbyteorder(order))))
    for u in types:
        # What C leaves undefined: a float that no such integer is near. Keep to what is defined.
        b = a.copy()
        if np.dtype(t).kind in 'fc' and np.dtype(u).kind in 'iu':
            info = np.iinfo(u)
            real = np.clip(b.real, max(info.min, -100), min(info.max, 100))
            b = real.astype(t)
            np.save('in-%s-%s' % (t, u), b)
        np.save('%s-%s' % (t, u), b.astype(u))
)",
         {folder.path(), numbers, std::to_string(npymap_test::random_seed())});
  const auto types = words(numbers);
  for (const std::string& from : types) {
    const any_array little = npymap::open(folder / ("<" + from + ".npy"));
    const any_array big = npymap::open(folder / (">" + from + ".npy"));
    const any_array fortran = npymap::open(folder / (">" + from + "F.npy"));
    for (const std::string& to : types) {
      INFO(from << " to " << to);
      const any_array wanted = npymap::open(folder / (from + "-" + to + ".npy"));
      const dtype native = wanted.dtype().with_byte_order(npymap::native_byte_order);
      const auto is_wanted = [&](const any_array& got, const any_array& expected) {
        REQUIRE(got.shape() == expected.shape());
        REQUIRE(got.dtype() == native);
        return got.visit([&](const auto& values) {
          using T = std::remove_cvref_t<decltype(values(0, 0))>;
          return npymap::equal(values, expected.as<const T>());
        });
      };
      const std::string clipped = folder / ("in-" + from + "-" + to + ".npy");
      if (std::ifstream(clipped).good()) {
        CHECK(is_wanted(convert(npymap::open(clipped), native, casting::unsafe), wanted));
        continue;
      }
      CHECK(is_wanted(convert(little, native, casting::unsafe), wanted));
      CHECK(is_wanted(convert(big, native, casting::unsafe), wanted));
      CHECK(is_wanted(convert(fortran, native, casting::unsafe), wanted));
      CHECK(is_wanted(convert(big.slice("::-2, 3:30:4"), native, casting::unsafe),
                      wanted.slice("::-2, 3:30:4")));
      // And to the other byte order, read back by it.
      const dtype foreign = native.with_byte_order(byte_order::big);
      const any_array turned = convert(little, foreign, casting::unsafe);
      CHECK(turned.dtype() == foreign);
      CHECK(is_wanted(convert(turned, native, casting::unsafe), wanted));
    }
  }
}

TEST_CASE("convert: elements at odd addresses are read and written") {
  const temp_folder folder;
  python(R"(
a = np.zeros(1000, dtype=[('c', 'i1'), ('x', '<f8'), ('y', '>i4'), ('z', '<c16')])
a['x'] = np.arange(1000) / 3
a['y'] = np.arange(1000) * 1000003
a['z'] = np.arange(1000) * (1 - 2j)
np.save(sys.argv[1], a)
)",
         {folder / "x.npy"});
  const any_array records = npymap::open(folder / "x.npy", open_mode::copy_on_write);
  const auto x = npymap::convert<double>(records.field("x"));
  const auto y = npymap::convert<std::int64_t>(records.field("y"));
  const auto z = npymap::convert<std::complex<float>>(records.field("z"));
  for (index_t i = 0; i < 1000; ++i) {
    REQUIRE(x(i) == static_cast<double>(i) / 3);
    REQUIRE(y(i) == static_cast<std::int32_t>(static_cast<std::uint32_t>(i * 1000003)));
    REQUIRE(z(i) == std::complex<float>(float(i), -2 * float(i)));
  }
  const auto back = npymap::convert<float>(records.field("y"), casting::same_kind);
  npymap::copy(records.field("y"), records.field("x"));
  CHECK(npymap::convert<double>(records.field("x"))(7) == 7000021);
  CHECK(records.field("c").as<const std::int8_t>()(7) == 0);
  CHECK(back(7) == 7000021.f);
}

TEST_CASE("convert: what a float cannot be as an integer has one answer") {
  const double huge = 1e300, nan = std::numeric_limits<double>::quiet_NaN();
  std::vector<double> values = {huge, -huge, nan, -1.5, 1.5, 127.9, -128.9, 255.9, 9.3e18, -9.3e18};
  const npymap::view<double, 1> v(values.data(), {values.size()});
  const auto i8 = npymap::convert<std::int8_t>(v, casting::unsafe);
  CHECK(std::vector<int>(i8.begin(), i8.end()) ==
        std::vector<int>{127, -128, 0, -1, 1, 127, -128, 127, 127, -128});
  const auto u8 = npymap::convert<std::uint8_t>(v, casting::unsafe);
  CHECK(std::vector<int>(u8.begin(), u8.end()) ==
        std::vector<int>{255, 0, 0, 0, 1, 127, 0, 255, 255, 0});
  const auto i64 = npymap::convert<std::int64_t>(v, casting::unsafe);
  CHECK(i64(0) == INT64_MAX);
  CHECK(i64(1) == INT64_MIN);
  CHECK(i64(2) == 0);
  CHECK(i64(8) == INT64_MAX);
  CHECK(npymap::convert<std::uint64_t>(v, casting::unsafe)(8) == 9300000000000000000u);
}

TEST_CASE("convert: bytes of a bool that are neither 0 nor 1 are true") {
  const temp_folder folder;
  python("np.save(sys.argv[1], np.array([0, 1, 2, 255], 'u1').view('?'))", {folder / "x.npy"});
  const auto x = npymap::convert<double>(npymap::open(folder / "x.npy"));
  CHECK(std::vector<double>(x.begin(), x.end()) == std::vector<double>{0, 1, 1, 1});
}

TEST_CASE("convert: times change their unit as in NumPy, and NaT stays NaT") {
  REQUIRE(npymap_test::have_numpy());
  const temp_folder folder;
  const std::string units = "Y M W D h m s ms us ns 7D 25s 100ms 2Y 3M";
  python(R"(
os.chdir(sys.argv[1])
rng = np.random.default_rng(int(sys.argv[3]))
for i, u in enumerate(sys.argv[2].split()):
    a = rng.integers(-100, 100, 60)
    a[5] = np.iinfo('i8').min
    for kind in 'Mm':
        t = a.astype('%s8[%s]' % (kind, u))
        np.save('%s%d' % (kind, i), t.astype(t.dtype.newbyteorder('>' if i % 2 else '<')))
        for j, v in enumerate(sys.argv[2].split()):
            to = '%s8[%s]' % (kind, v)
            if np.can_cast(t.dtype, to, 'same_kind'): np.save('%s%d-%d' % (kind, i, j), t.astype(to))
)",
         {folder.path(), units, std::to_string(npymap_test::random_seed())});
  int compared = 0;
  const auto count = words(units).size();
  for (const std::string kind : {"M", "m"}) {
    for (std::size_t i = 0; i < count; ++i) {
      const any_array from = npymap::open(folder / (kind + std::to_string(i) + ".npy"));
      for (std::size_t j = 0; j < count; ++j) {
        const std::string name =
            folder / (kind + std::to_string(i) + "-" + std::to_string(j) + ".npy");
        if (!std::ifstream(name).good()) continue;
        const any_array wanted = npymap::open(name);
        INFO(npymap::descr(from.dtype()) << " to " << npymap::descr(wanted.dtype()));
        const any_array got = convert(from, wanted.dtype());
        const auto ticks = npymap::convert<std::int64_t>(got, casting::unsafe);
        CHECK(npymap::equal(ticks, npymap::convert<std::int64_t>(wanted, casting::unsafe)));
        CHECK(ticks(5) == INT64_MIN);
        ++compared;
      }
    }
  }
  CHECK(compared > 200);
}

TEST_CASE("convert: a time that does not fit the other unit is refused") {
  const temp_folder folder;
  python("np.save(sys.argv[1], np.array([0, 2**40], 'M8[Y]'))", {folder / "x.npy"});
  const any_array years = npymap::open(folder / "x.npy");
  CHECK(code_of([&] { (void)convert(years, dtype_named("<M8[s]")); }) == errc::out_of_range);
  CHECK(npymap::convert<std::int64_t>(convert(years(range(0, 1)), dtype_named("<M8[s]")),
                                      casting::unsafe)(0) == 0);
}

TEST_CASE("convert: text changes its length and its byte order, records theirs by name") {
  const temp_folder folder;
  python(R"(
os.chdir(sys.argv[1])
np.save('u', np.array(['', 'abc', 'h\xe9llo \u65e5'], '>U7'))
a = np.zeros((2, 3), [('x', '>f8'), ('n', [('s', 'S5'), ('m', '>i2', (2, 2))])])
a['x'] = np.arange(6.).reshape(2, 3); a['n']['s'] = b'hello'; a['n']['m'] = 7
np.save('r', a)
)",
         {folder.path()});
  const any_array u = npymap::open(folder / "u.npy");
  npymap::save(folder / "u9.npy", convert(u, dtype_named("<U9")));
  npymap::save(folder / "u3.npy", convert(u, dtype_named("<U3")));
  const any_array r = npymap::open(folder / "r.npy");
  const dtype wanted = npymap::parse_descr(
      "[('n', [('m', '<i4', (2, 2)), ('', '|V3'), ('s', '|S3')]), ('x', '<f4')]");
  npymap::save(folder / "r2.npy", convert(r, wanted));
  npymap::save(folder / "native.npy", convert(r, r.dtype().with_byte_order(byte_order::little)));
  python(R"(
os.chdir(sys.argv[1])
u = np.load('u.npy')
assert np.load('u9.npy').dtype == '<U9' and (np.load('u9.npy') == u).all()
assert (np.load('u3.npy') == u.astype('U3')).all()
a, b = np.load('r.npy'), np.load('r2.npy')
assert (b['x'] == a['x']).all() and (b['n']['m'] == 7).all() and (b['n']['s'] == b'hel').all()
assert (np.load('native.npy') == a).all() and np.load('native.npy').dtype == a.dtype.newbyteorder('<')
)",
         {folder.path()});
  CHECK(code_of([&] { (void)convert(u, dtype_named("<U3"), casting::safe); }) ==
        errc::dtype_mismatch);
  CHECK(code_of([&] { (void)convert(r, dtype_named("<f8"), casting::unsafe); }) ==
        errc::dtype_mismatch);
}

TEST_CASE("convert: a cast that the rule forbids is refused, and told what allows it") {
  const std::vector<double> values = {1, 2};
  const npymap::view<const double, 1> v(values.data(), {2});
  CHECK_THROWS_WITH(npymap::convert<int>(v),
                    Catch::Contains("rule same_kind") && Catch::Contains("casting 'unsafe'"));
  CHECK(npymap::convert<int>(v, casting::unsafe)(1) == 2);
  CHECK(npymap::convert<float>(v)(1) == 2.f);
}

TEST_CASE("convert: copy goes into a file, of any dtype, and not into one opened to read") {
  const temp_folder folder;
  {
    const any_array y = npymap::create(folder / "y.npy", dtype_named(">i2"), {2, 3},
                                       {.order = npymap::order::fortran});
    const auto x = npymap::create<std::int32_t>(folder / "x.npy", {2, 3});
    for (index_t i = 0; i < 6; ++i) x.data()[i] = static_cast<std::int32_t>(i - 3);
    npymap::copy(npymap::open(folder / "x.npy"), y);
    CHECK(code_of([&] { npymap::copy(y, npymap::open(folder / "x.npy")); }) == errc::read_only);
    CHECK(code_of([&] { npymap::copy(y, y.transpose()); }) == errc::layout_mismatch);
  }
  python("assert (np.load(sys.argv[1]) == np.arange(-3, 3).reshape(2, 3)).all()",
         {folder / "y.npy"});
}

TEST_CASE("convert: shapes of no elements and of rank 0 convert too") {
  const temp_folder folder;
  python("np.save(sys.argv[1], np.zeros((3, 0), '>f4')); np.save(sys.argv[2], np.array(5, '>u2'))",
         {folder / "none.npy", folder / "one.npy"});
  CHECK(npymap::shape(npymap::convert<double>(npymap::open(folder / "none.npy")).shape()) ==
        npymap::shape{3, 0});
  const auto one = npymap::convert<double>(npymap::open(folder / "one.npy"));
  CHECK(one.rank() == 0);
  CHECK(one() == 5);
}

TEST_CASE("convert: copy casts between views by NumPy's rules too") {
  std::vector<double> values = {1.5, 2.5};
  std::vector<float> floats(2);
  std::vector<int> integers(2);
  const npymap::view<const double, 1> from(values.data(), {2});
  npymap::copy(from, npymap::view<float, 1>(floats.data(), {2}));
  CHECK(floats == std::vector<float>{1.5f, 2.5f});
  const npymap::view<int, 1> to(integers.data(), {2});
  CHECK(code_of([&] { npymap::copy(from, to); }) == errc::dtype_mismatch);
  npymap::copy(from, to, casting::unsafe);
  CHECK(integers == std::vector<int>{1, 2});
}

TEST_CASE("convert: to_native copies what is foreign or unaligned, and nothing else") {
  const temp_folder folder;
  python(R"(
os.chdir(sys.argv[1])
np.save('big', np.array(['ab', 'c'], '>U3'))
np.save('native', np.arange(3.))
np.save('packed', np.array([(1, 2.5), (3, 4.5)], [('c', 'i1'), ('x', 'f8')]))
)",
         {folder.path()});
  const any_array big = npymap::open(folder / "big.npy");
  CHECK(npymap::to_native(big).dtype() == dtype_named("<U3"));
  CHECK(npymap::as_strings<char32_t>(npymap::to_native(big))(1) == U"c");
  const any_array native = npymap::open(folder / "native.npy");
  CHECK(npymap::to_native(native).data() == native.data());
  const any_array packed = npymap::open(folder / "packed.npy").field("x");
  CHECK(npymap::to_native(packed).as<const double>()(1) == 4.5);
  CHECK(npymap::to_native(npymap::open(folder / "packed.npy")).is_mapped());
}

TEST_CASE("convert: items without bytes take no time, however many there are") {
  const temp_folder folder;
  const auto text = dtype::text(npymap::dtype_kind::unicode, 0);
  const auto swapped = dtype::text(npymap::dtype_kind::unicode, 0, byte_order::big);
  const any_array none = npymap::create(folder / "none.npy", text, {index_t{1} << 62});
  CHECK(convert(none, swapped).size() == index_t{1} << 62);
  const auto record_of = [](const dtype& type) { return dtype::record({{"a", type}}, 0); };
  const any_array records =
      npymap::create(folder / "records.npy", record_of(text), {index_t{1} << 62});
  CHECK(convert(records, record_of(swapped)).size() == index_t{1} << 62);
}

TEST_CASE("convert: records within records need little stack") {
  const temp_folder folder;
  const auto nested = [](byte_order order) {
    dtype type = dtype::scalar(npymap::dtype_kind::signed_integer, 4, order);
    for (int i = 0; i < 60; ++i) type = dtype::record({{"a", type}}, 4);
    return type;
  };
  const any_array x = npymap::create(folder / "x.npy", nested(byte_order::little), {3});
  const any_array turned = convert(x, nested(byte_order::big));
  CHECK(turned.size() == 3);
}

TEST_CASE("convert: copy names the file whose shape does not fit") {
  const temp_folder folder;
  const any_array from = npymap::create(folder / "from.npy", dtype(), {3});
  const any_array to = npymap::create(folder / "to.npy", dtype(), {4});
  CHECK_THROWS_WITH(npymap::copy(from, to), Catch::Contains("to.npy: shape of the target"));
}
