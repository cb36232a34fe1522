#include <npymap/array.hpp>

#include <algorithm>
#include <complex>
#include <cstdint>
#include <string>
#include <utility>

#include <npymap/error.hpp>

#include "support/catch.hpp"
#include "support/failure.hpp"
#include "support/python.hpp"
#include "support/temp_folder.hpp"

using npymap::_;
using npymap::errc;
using npymap::index_t;
using npymap::open_mode;
using npymap::range;
using npymap_test::code_of;
using npymap_test::message_of;
using npymap_test::python;
using npymap_test::temp_folder;

namespace {

npymap::array<double> counting(const std::string& path, const npymap::shape& extents) {
  auto x = npymap::create<double>(path, extents);
  for (index_t i = 0; i < x.size(); ++i) x.data()[i] = double(i);
  return x;
}

}  // namespace

TEST_CASE("array: a slice is an array that keeps the mapping alive") {
  const temp_folder folder;
  npymap::array<const double> part;
  {
    const auto x = counting(folder / "x.npy", {8, 5, 6});
    part = x(range(2, 6), 4, range(_, _, -1));
  }
  CHECK(npymap::shape(part.shape()) == npymap::shape{4, 6});
  CHECK(part(0, 0) == 2 * 30 + 4 * 6 + 5);
  CHECK(part(3, 5) == 5 * 30 + 4 * 6 + 0);
  CHECK(part.path() == folder / "x.npy");
  const auto same = npymap::open<double>(folder / "x.npy").slice("2:6, 4, ::-1");
  CHECK(npymap::equal(same, part));
}

TEST_CASE("array: every change of layout gives an array over the same elements") {
  const temp_folder folder;
  const auto x = counting(folder / "x.npy", {2, 3, 4});
  CHECK(x.transpose()(3, 2, 1) == x(1, 2, 3));
  CHECK(x.permute({1, 2, 0})(2, 3, 1) == x(1, 2, 3));
  CHECK(x.swapaxes(0, 1)(2, 1, 3) == x(1, 2, 3));
  CHECK(x.moveaxis(0, 2)(2, 3, 1) == x(1, 2, 3));
  CHECK(x.flip(0)(0, 2, 3) == x(1, 2, 3));
  CHECK(x.expand_dims(0).squeeze()(1, 2, 3) == x(1, 2, 3));
  CHECK(x.ravel()(23) == x(1, 2, 3));
  CHECK(x.reshape({4, -1})(3, 5) == x(1, 2, 3));
  CHECK(x.diagonal()(3, 1) == x(1, 1, 3));
  CHECK(x.broadcast_to({5, 2, 3, 4})(4, 1, 2, 3) == x(1, 2, 3));
  CHECK(x.sliding_window_view({2}, {2})(1, 2, 2, 1) == x(1, 2, 3));
  CHECK(x.flip(0).path() == x.path());
}

TEST_CASE("array: close unmaps, is refused while another shares, and leaves an empty array") {
  const temp_folder folder;
  auto x = counting(folder / "x.npy", {4, 4});
  {
    const auto part = x(range(1, 2));
    CHECK(code_of([&] { x.close(); }) == errc::busy);
    CHECK(x(1, 1) == 5);
  }
  x.close();
  CHECK(x.size() == 0);
  CHECK_FALSE(x.is_mapped());
  CHECK_NOTHROW(x.close());
  CHECK_NOTHROW(x.flush());

  auto in_memory = npymap::load<double>(folder / "x.npy");
  {
    const auto shares = in_memory;
    CHECK(code_of([&] { in_memory.close(); }) == errc::busy);
  }
  in_memory.close();
  CHECK(in_memory.size() == 0);

  auto any = npymap::open(folder / "x.npy");
  any.close();
  CHECK(any.size() == 0);
}

TEST_CASE("array: a slice flushes and advises the pages that it spans, whatever its strides") {
  const temp_folder folder;
  auto x = counting(folder / "x.npy", {300, 500});
  const auto part = x(range(250, 10, -7), range(_, _, 3));
  part(0, 0) = -1;
  CHECK_NOTHROW(part.flush());
  CHECK_NOTHROW(part.flush(npymap::flush_mode::async));
  for (const auto hint :
       {npymap::advice::normal, npymap::advice::sequential, npymap::advice::random,
        npymap::advice::will_need, npymap::advice::dont_need}) {
    CHECK_NOTHROW(part.advise(hint));
  }
  CHECK(part(0, 0) == -1);
  CHECK_NOTHROW(x(range(0, 0)).flush());
  CHECK(python("print(np.load(sys.argv[1])[250, 0], end='')", {folder / "x.npy"}) == "-1.0");
}

TEST_CASE("any_array: as is exact about dtype and about writing") {
  const temp_folder folder;
  counting(folder / "x.npy", {3});
  const auto read = npymap::open(folder / "x.npy");
  CHECK(read.as<const double>()(2) == 2);
  CHECK(code_of([&] { read.as<double>(); }) == errc::read_only);
  CHECK(code_of([&] { read.as<const float>(); }) == errc::dtype_mismatch);
  CHECK(code_of([&] { read.as<const std::int64_t>(); }) == errc::dtype_mismatch);
  const auto write = npymap::open(folder / "x.npy", open_mode::read_write);
  write.as<double>()(2) = 7;
  CHECK(read.as<const double>()(2) == 7);
}

TEST_CASE("any_array: visit hands over every numeric dtype, once, as its C++ type") {
  const temp_folder folder;
  const std::string names = "? i1 i2 i4 i8 u1 u2 u4 u8 f2 f4 f8 g F D G";
  python(R"(
for n, name in enumerate(sys.argv[2].split()):
    np.save(f'{sys.argv[1]}/{n}.npy', np.array([0, 1, 1], name)))",
         {folder.path().string(), names});
  for (int n = 0; n < 16; ++n) {
    const auto x = npymap::open(folder / (std::to_string(n) + ".npy"), open_mode::copy_on_write);
    int calls = 0;
    const auto sum = x.visit([&](const auto& a) {
      ++calls;
      return double(std::abs(std::complex<long double>(a(0)) + std::complex<long double>(a(1)) +
                             std::complex<long double>(a(2))));
    });
    CHECK(sum == 2);
    CHECK(calls == 1);
    x.visit_writable([](const auto& a) { a(0) = a(1); });
    CHECK(x.visit([](const auto& a) { return a(0) == a(1); }));
  }
  python("np.save(sys.argv[1], np.zeros(3, 'S2'))", {folder / "text.npy"});
  CHECK(code_of([&] { npymap::open(folder / "text.npy").visit([](const auto&) {}); }) ==
        errc::dtype_mismatch);
}

TEST_CASE("any_array: a field is a strided array, sub-array axes last, at any depth") {
  const temp_folder folder;
  python(R"(
a = np.zeros((2, 3), [('id', '<i4'), ('pos', '<f8', (2,)), ('in', [('t', '<i2'), (('title', 'u'), '<u2')])])
a['id'] = np.arange(6).reshape(2, 3); a['pos'] = np.arange(12.).reshape(2, 3, 2); a['in']['u'] = 9
np.save(sys.argv[1], a))",
         {folder / "x.npy"});
  const auto x = npymap::open(folder / "x.npy");
  const auto id = x.field("id");
  CHECK(id.shape() == npymap::shape{2, 3});
  CHECK(id.byte_strides() == npymap::strides{72, 24});
  CHECK(id.as<const std::int32_t>()(1, 2) == 5);
  const auto pos = x.field("pos");
  CHECK(pos.shape() == npymap::shape{2, 3, 2});
  // 4 bytes into the record: no place for a double that C++ may touch.
  CHECK(code_of([&] { pos.as<const double>(); }) == errc::layout_mismatch);
  CHECK(x.field("in").field("u").as<const std::uint16_t>()(1, 1) == 9);
  CHECK(x.field("in").field("title").as<const std::uint16_t>()(0, 0) == 9);
  CHECK(x(1, range(0, 2)).field("id").as<const std::int32_t>()(1) == 4);
  CHECK(code_of([&] { x.field("nothing"); }) == errc::dtype_mismatch);
  CHECK(code_of([&] { id.field("id"); }) == errc::dtype_mismatch);
  CHECK_THROWS_WITH(
      x.field("nothing"),
      Catch::Contains("x.npy: field: expected one of 'id', 'pos', 'in', found 'nothing'"));
  std::string names;
  for (const auto& f : x.fields()) names += f.name + " ";
  CHECK(names == "id pos in ");
  CHECK(id.fields().empty());
}

TEST_CASE("any_array: slicing is the same as of a typed array") {
  const temp_folder folder;
  const auto x = counting(folder / "x.npy", {4, 5});
  const auto any = npymap::open(folder / "x.npy");
  CHECK(any(range(1, 3), npymap::newaxis, -1).as<const double>()(1, 0) == x(2, 4));
  CHECK(any(2, 3).rank() == 0);
  CHECK(any(2, 3).as<const double>()() == x(2, 3));
  CHECK(any.slice("..., ::2").shape() == npymap::shape{4, 3});
  CHECK(any.transpose().as<const double>()(4, 2) == x(2, 4));
  CHECK(any.permute({1, 0}).shape() == npymap::shape{5, 4});
  CHECK(any.reshape({2, -1}).shape() == npymap::shape{2, 10});
  CHECK(code_of([&] { any(4); }) == errc::out_of_range);
}

TEST_CASE("any_array: changes of layout are those of a typed array") {
  const temp_folder folder;
  const auto x = counting(folder / "x.npy", {2, 3, 4});
  const auto any = npymap::open(folder / "x.npy");
  const auto is = [](const npymap::any_array& a, const npymap::array<double>& b) {
    return a.shape() == b.shape() && npymap::equal(a.as<const double>(), b);
  };
  CHECK(is(any.swapaxes(0, 1), x.swapaxes(0, 1)));
  CHECK(is(any.moveaxis(0, 2), x.moveaxis(0, 2)));
  CHECK(is(any.flip(), x.flip()));
  CHECK(is(any.flip(-1), x.flip(-1)));
  CHECK(is(any.expand_dims(1), x.expand_dims(1)));
  CHECK(is(any.expand_dims(1).squeeze(), x));
  CHECK(is(any.expand_dims(1).squeeze(1), x));
  CHECK(is(any.diagonal(1, 1, 2), x.diagonal(1, 1, 2)));
  CHECK(is(any.ravel(), x.ravel()));
  CHECK(any.is_contiguous());
  CHECK(any.transpose().is_contiguous());
  CHECK_FALSE(any.flip().is_contiguous());
  CHECK_FALSE(any.empty());
  CHECK(any(range(0)).empty());
  CHECK(code_of([&] { any.flip(3); }) == errc::out_of_range);
}

TEST_CASE("array: what is moved from is empty, as after close") {
  const temp_folder folder;
  auto x = counting(folder / "x.npy", {3, 4});
  auto y = std::move(x);
  CHECK(x.data() == nullptr);
  CHECK(npymap::shape(x.shape()) == npymap::shape{0});
  CHECK(x.size() == 0);
  CHECK_FALSE(x.is_mapped());
  CHECK_NOTHROW(x.flush());
  CHECK(y(2, 3) == 11);
  CHECK_NOTHROW(y.close());

  auto a = npymap::open(folder / "x.npy");
  auto b = std::move(a);
  CHECK(a.data() == nullptr);
  CHECK(a.size() == 0);
  CHECK(a.rank() == 1);
  CHECK_FALSE(a.is_mapped());
  CHECK(b.size() == 12);
  CHECK_NOTHROW(b.close());
}

TEST_CASE("array: assigned to itself, it stays") {
  const temp_folder folder;
  auto x = counting(folder / "x.npy", {3, 4});
  auto& same = x;
  x = same;
  CHECK(x(2, 3) == 11);
  x = std::move(same);
  CHECK(x(2, 3) == 11);
}

TEST_CASE("array: a field or a shape of more elements than can be counted is refused") {
  using npymap::dtype;
  using npymap::dtype_kind;
  const temp_folder folder;
  const auto text = dtype::record({{"s", dtype::text(dtype_kind::unicode, 0)}}, 0);
  const auto many = dtype::record({{.name = "u", .type = text, .subshape = {INT32_MAX}},
                                   {.name = "c", .type = dtype::scalar(dtype_kind::raw, 1)}},
                                  1);
  const auto rows = npymap::index_t{1} << 33;
  const auto records =
      npymap::create(folder / "records.npy", many, {rows}, {.space = npymap::space::sparse});
  CHECK(code_of([&] { (void)records.field("u"); }) == errc::size_overflow);
  CHECK(records.field("c").size() == rows);

  const npymap::any_array none;
  CHECK(code_of([&] { (void)none.reshape({0, INT64_MAX, 2}); }) == errc::invalid_argument);
  CHECK(code_of([&] { (void)none.reshape({0, INT64_MAX}); }) == errc::size_overflow);
  CHECK(none.reshape({0, 1000, 2}).size() == 0);
}

TEST_CASE("array: what goes wrong with a field or a slice names the file") {
  const temp_folder folder;
  counting(folder / "x.npy", {3, 4});
  const auto x = npymap::open(folder / "x.npy");
  CHECK_THAT(message_of([&] { (void)x(7); }), Catch::Contains("x.npy: index of axis 0"));
  CHECK_THAT(message_of([&] { (void)x.slice("0,0,0"); }), Catch::Contains("x.npy: subscript"));
  CHECK_THAT(message_of([&] { (void)x.field("a"); }),
             Catch::Contains("x.npy: field 'a': expected a dtype with fields, found '<f8'"));
}

namespace {

struct pair {
  float a, b;
};
struct mislabelled {
  float a, b;
};

}  // namespace

template <>
struct npymap::dtype_traits<pair> {
  static dtype value() {
    const auto number = dtype_of<float>();
    return dtype::record(
        {{.name = "a", .type = number}, {.name = "b", .type = number, .offset_bytes = 4}}, 8);
  }
};
template <>
struct npymap::dtype_traits<mislabelled> {
  static dtype value() { return dtype_of<float>(); }
};

TEST_CASE("array: a dtype of the caller's own must be as large as its C++ type") {
  const temp_folder folder;
  const auto pairs = npymap::create<pair>(folder / "pairs.npy", {3});
  pairs(1) = {2, 3};
  CHECK(npymap::open(folder / "pairs.npy").field("b").as<const float>()(1) == 3);
  CHECK(pairs.dtype() == npymap::dtype_of<pair>());

  const auto floats = npymap::create<float>(folder / "floats.npy", {3});
  CHECK(code_of([&] { npymap::open<mislabelled>(folder / "floats.npy"); }) == errc::bad_dtype);
  CHECK(code_of([&] { npymap::create<mislabelled>(folder / "new.npy", {3}); }) == errc::bad_dtype);
}

TEST_CASE("array: bools are counted and compared as bool") {
  const temp_folder folder;
  const auto mask = npymap::create<npymap::bool8>(folder / "mask.npy", {5});
  mask(1) = mask(3) = true;
  CHECK(std::ranges::count(mask, true) == 2);
  CHECK(std::ranges::find(mask, true) - mask.begin() == 1);
}
