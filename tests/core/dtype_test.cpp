#include <npymap/dtype.hpp>

#include <algorithm>
#include <array>
#include <complex>
#include <vector>

#include <npymap/error.hpp>
#include <npymap/statistics.hpp>

#include "support/catch.hpp"

using namespace npymap;

namespace {

constexpr byte_order swapped =
    native_byte_order == byte_order::little ? byte_order::big : byte_order::little;

template <class Call>
errc code_of(Call call) {
  try {
    call();
  } catch (const error& e) {
    return static_cast<errc>(e.code().value());
  }
  FAIL("no error was thrown");
  return {};
}

dtype int_of(index_t size) { return dtype::scalar(dtype_kind::signed_integer, size); }

}  // namespace

TEST_CASE("dtype: the default is native float64") {
  CHECK(dtype() == dtype::scalar(dtype_kind::floating, 8));
  CHECK(dtype().is_native());
}

TEST_CASE("dtype: scalars have the sizes that NumPy has, and no others") {
  struct row {
    dtype_kind kind;
    std::vector<index_t> sizes;
  };
  const std::vector<row> rows = {{dtype_kind::boolean, {1}},
                                 {dtype_kind::signed_integer, {1, 2, 4, 8}},
                                 {dtype_kind::unsigned_integer, {1, 2, 4, 8}},
                                 {dtype_kind::floating, {2, 4, 8, 16}},
                                 {dtype_kind::complex_floating, {8, 16, 32}}};
  for (const row& r : rows) {
    for (index_t size = -1; size <= 33; ++size) {
      CAPTURE(static_cast<char>(r.kind), size);
      if (std::ranges::count(r.sizes, size)) {
        CHECK(dtype::scalar(r.kind, size).itemsize() == size);
      } else {
        CHECK(code_of([&] { dtype::scalar(r.kind, size); }) == errc::bad_dtype);
      }
    }
  }
  CHECK(code_of([] { dtype::scalar(dtype_kind::datetime, 8); }) == errc::bad_dtype);
  CHECK(code_of([] { dtype::scalar(dtype_kind::bytes, 8); }) == errc::bad_dtype);
}

TEST_CASE("dtype: one byte has no order, in all but name") {
  CHECK(dtype::scalar(dtype_kind::signed_integer, 1, swapped).byte_order() == byte_order::none);
  CHECK(dtype::scalar(dtype_kind::raw, 7, swapped).byte_order() == byte_order::none);
  CHECK(dtype::text(dtype_kind::bytes, 7, swapped).is_native());
  CHECK(dtype::object().is_native());
  CHECK_FALSE(dtype::text(dtype_kind::unicode, 7, swapped).is_native());
  CHECK_FALSE(dtype::scalar(dtype_kind::floating, 2, swapped).is_native());
  CHECK(dtype::scalar(dtype_kind::floating, 2, byte_order::none).byte_order() == native_byte_order);
}

TEST_CASE("dtype: text counts characters, unicode in four bytes each, none is legal") {
  CHECK(dtype::text(dtype_kind::bytes, 5).itemsize() == 5);
  CHECK(dtype::text(dtype_kind::unicode, 5).itemsize() == 20);
  CHECK(dtype::text(dtype_kind::unicode, 0).itemsize() == 0);
  CHECK(dtype::text(dtype_kind::bytes, INT32_MAX).itemsize() == INT32_MAX);
  CHECK(code_of([] { dtype::text(dtype_kind::bytes, index_t{1} << 31); }) == errc::bad_dtype);
  CHECK(code_of([] { dtype::text(dtype_kind::unicode, 1 << 29); }) == errc::bad_dtype);
  CHECK(code_of([] { dtype::text(dtype_kind::bytes, -1); }) == errc::bad_dtype);
  CHECK(code_of([] { dtype::text(dtype_kind::raw, 1); }) == errc::bad_dtype);
}

TEST_CASE("dtype: times differ by unit and count, and a generic time counts nothing") {
  const auto time = [](time_unit unit, std::int32_t count) {
    return dtype::time(dtype_kind::datetime, {unit, count});
  };
  CHECK(time(time_unit::second, 25).step() == time_step{time_unit::second, 25});
  CHECK(time(time_unit::second, 25) != time(time_unit::second, 24));
  CHECK(time(time_unit::second, 1) != time(time_unit::millisecond, 1));
  CHECK(time(time_unit::generic, 5) == time(time_unit::generic, 1));
  CHECK(time(time_unit::second, 1) != dtype::time(dtype_kind::timedelta, {time_unit::second}));
  CHECK(code_of([&] { time(time_unit::second, 0); }) == errc::bad_dtype);
  CHECK(code_of([] { dtype::time(dtype_kind::floating, {}); }) == errc::bad_dtype);
}

TEST_CASE("dtype: a record keeps its fields, and finds them by name and by title") {
  const dtype record =
      dtype::record({{.name = "x", .type = int_of(4), .title = "across"},
                     {.name = "y", .type = int_of(2), .subshape = {3}, .offset_bytes = 8}},
                    16);
  CHECK(record.is_record());
  CHECK(record.itemsize() == 16);
  REQUIRE(record.fields().size() == 2);
  CHECK(record.find("x") == &record.fields()[0]);
  CHECK(record.find("across") == &record.fields()[0]);
  CHECK(record.find("y")->size_bytes() == 6);
  CHECK(record.find("z") == nullptr);
  CHECK(int_of(4).find("x") == nullptr);
}

TEST_CASE("dtype: fields stay within the record, whatever their numbers") {
  const auto record_of = [](index_t offset, shape subshape, index_t itemsize) {
    return dtype::record(
        {{.name = "x", .type = int_of(4), .subshape = std::move(subshape), .offset_bytes = offset}},
        itemsize);
  };
  CHECK(record_of(4, {}, 8).itemsize() == 8);
  CHECK(code_of([&] { record_of(5, {}, 8); }) == errc::bad_dtype);
  CHECK(code_of([&] { record_of(-1, {}, 8); }) == errc::bad_dtype);
  CHECK(code_of([&] { record_of(INT64_MAX, {}, 8); }) == errc::bad_dtype);
  CHECK(code_of([&] { record_of(0, {3}, 8); }) == errc::bad_dtype);
  CHECK(code_of([&] { record_of(0, {-1}, 8); }) == errc::bad_dtype);
  CHECK(code_of([&] { record_of(0, {INT64_MAX, INT64_MAX}, 8); }) == errc::bad_dtype);
  CHECK(code_of([&] { record_of(0, {0, INT64_MAX, INT64_MAX}, 8); }) == errc::bad_dtype);
  CHECK(code_of([&] { dtype::record({}, -1); }) == errc::bad_dtype);
  CHECK(code_of([&] { dtype::record({}, index_t{1} << 31); }) == errc::bad_dtype);
}

TEST_CASE("dtype: a field of no size says so, and is in no record") {
  for (const shape& subshape :
       {shape{-1}, shape{INT64_MAX, 2}, shape{0, INT64_MAX, 2}, shape{2, -3}}) {
    const field f = {.name = "x", .type = int_of(4), .subshape = subshape};
    CHECK(code_of([&] { f.size_bytes(); }) == errc::bad_dtype);
    CHECK(code_of([&] { dtype::record({f}, dtype::max_itemsize); }) == errc::bad_dtype);
  }
  CHECK(field{.name = "x", .type = int_of(4), .subshape = {3, 5}}.size_bytes() == 60);
}

TEST_CASE("dtype: elements without bytes are counted too") {
  const auto record_of = [](index_t count) {
    return dtype::record(
        {{.name = "x", .type = dtype::text(dtype_kind::unicode, 0), .subshape = {count, 1}}}, 0);
  };
  CHECK(record_of(dtype::max_itemsize).fields()[0].size_bytes() == 0);
  CHECK(code_of([&] { record_of(dtype::max_itemsize + 1); }) == errc::bad_dtype);
  CHECK(code_of([&] { record_of(INT64_MAX); }) == errc::bad_dtype);
}

TEST_CASE("dtype: a name or title stands for one field, and one of the two suffices") {
  const auto record_of = [](field a, field b) { return dtype::record({a, b}, 1); };
  const dtype byte = int_of(1);
  const field x = {.name = "x", .type = byte};
  CHECK(code_of([&] { record_of(x, x); }) == errc::bad_dtype);
  CHECK(code_of([&] { record_of(x, {.name = "y", .type = byte, .title = "x"}); }) ==
        errc::bad_dtype);
  CHECK(code_of([&] {
          record_of({.name = "y", .type = byte, .title = "t"},
                    {.name = "z", .type = byte, .title = "t"});
        }) == errc::bad_dtype);
  CHECK(code_of([&] { record_of(x, {.name = "y", .type = byte, .title = "y"}); }) ==
        errc::bad_dtype);
  CHECK(record_of(x, {.name = "y", .type = byte, .title = "t"}).fields().size() == 2);
}

TEST_CASE("dtype: order and objects show through records") {
  const auto wrap = [](const dtype& inner) {
    const dtype once = dtype::record({{.name = "a", .type = inner}}, inner.itemsize());
    return dtype::record({{.name = "b", .type = once}}, inner.itemsize());
  };
  CHECK(wrap(int_of(4)).is_native());
  CHECK_FALSE(wrap(dtype::scalar(dtype_kind::signed_integer, 4, swapped)).is_native());
  CHECK_FALSE(wrap(int_of(8)).has_object());
  CHECK(wrap(dtype::object()).has_object());
}

TEST_CASE("dtype: records compare by names, titles, types, shapes, offsets and size") {
  const field x = {.name = "x", .type = int_of(4)};
  const auto record_of = [](field f, index_t itemsize = 16) {
    return dtype::record({std::move(f)}, itemsize);
  };
  const auto changed = [&](auto change) {
    field f = x;
    change(f);
    return record_of(f);
  };
  CHECK(record_of(x) == record_of(x));
  CHECK(record_of(x) != record_of(x, 17));
  CHECK(record_of(x) != changed([](field& f) { f.name = "y"; }));
  CHECK(record_of(x) != changed([](field& f) { f.title = "t"; }));
  CHECK(record_of(x) != changed([](field& f) { f.type = int_of(2); }));
  CHECK(record_of(x) != changed([](field& f) { f.subshape = {1}; }));
  CHECK(record_of(x) != changed([](field& f) { f.offset_bytes = 4; }));
  CHECK(record_of(x) != dtype::scalar(dtype_kind::raw, 16));
}

// The float16 and bfloat16 of C++23 are told apart where a compiler has them.
TEST_CASE("dtype: numbers that compilers add are elements if NumPy has their bytes") {
#ifdef __SIZEOF_FLOAT128__
  __extension__ using quadruple = __float128;
  STATIC_REQUIRE(!element<quadruple>);
#endif
#ifdef __SIZEOF_INT128__
  __extension__ using wide = __int128;
  STATIC_REQUIRE(!element<wide>);
#endif
#ifdef __STDCPP_FLOAT16_T__
  CHECK(dtype_of<decltype(0.0f16)>() == dtype::scalar(dtype_kind::floating, 2));
#endif
#ifdef __STDCPP_BFLOAT16_T__
  STATIC_REQUIRE(!element<decltype(0.0bf16)>);
#endif
  STATIC_REQUIRE(element<const long double>);
  STATIC_REQUIRE(ordered_number<const long double>);
}

TEST_CASE("dtype: a C++ type has the dtype that NumPy gives the same C type") {
  CHECK(dtype_of<double>() == dtype());
  CHECK(dtype_of<const float>() == dtype::scalar(dtype_kind::floating, 4));
  CHECK(dtype_of<long double>() == dtype::scalar(dtype_kind::floating, sizeof(long double)));
  CHECK(dtype_of<std::complex<float>>() == dtype::scalar(dtype_kind::complex_floating, 8));
  CHECK(dtype_of<signed char>() == int_of(1));
  CHECK(dtype_of<long>() == int_of(sizeof(long)));
  CHECK(dtype_of<unsigned short>() == dtype::scalar(dtype_kind::unsigned_integer, 2));
  CHECK(dtype_of<bool8>() == dtype::scalar(dtype_kind::boolean, 1));
  CHECK(dtype_of<std::byte>() == dtype::scalar(dtype_kind::raw, 1));
  CHECK(dtype_of<std::array<char, 5>>() == dtype::text(dtype_kind::bytes, 5));
  CHECK(dtype_of<std::array<char32_t, 5>>() == dtype::text(dtype_kind::unicode, 5));
  CHECK(dtype_of<const std::array<std::byte, 5>>() == dtype::scalar(dtype_kind::raw, 5));
  static_assert(!npymap::element<std::array<char, 0>>);
  STATIC_REQUIRE_FALSE(element<bool>);
  STATIC_REQUIRE_FALSE(element<char>);
  STATIC_REQUIRE_FALSE(element<std::string>);
  STATIC_REQUIRE(element<std::complex<double>>);
}
