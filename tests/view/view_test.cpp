#include <algorithm>
#include <array>
#include <complex>
#include <cstdint>
#include <iterator>
#include <numeric>
#include <ranges>
#include <type_traits>
#include <vector>

#include <npymap/error.hpp>
#include <npymap/view.hpp>

#include "support/catch.hpp"

namespace {

using npymap::_;
using npymap::all;
using npymap::ellipsis;
using npymap::errc;
using npymap::index_t;
using npymap::newaxis;
using npymap::range;
using npymap::shape;
using npymap::slice_item;
using npymap::strides;
using npymap::view;

// What a subscript makes of a rank.
template <class View, class... Items>
using sliced = decltype(std::declval<View>()(std::declval<Items>()...));
static_assert(std::is_same_v<sliced<view<int, 3>, int, int, long>, int&>);
static_assert(std::is_same_v<sliced<view<const int, 3>, int, int, long>, const int&>);
static_assert(std::is_same_v<sliced<view<int>, int>, int&>);
static_assert(std::is_same_v<sliced<view<int, 0>>, int&>);
static_assert(std::is_same_v<sliced<view<int, 3>, range, int, range>, view<int, 2>>);
static_assert(std::is_same_v<sliced<view<int, 3>, int, npymap::ellipsis_t>, view<int, 2>>);
static_assert(std::is_same_v<sliced<view<int, 3>, npymap::newaxis_t, int>, view<int, 3>>);
static_assert(std::is_same_v<sliced<view<int, 2>, int, int, npymap::ellipsis_t>, view<int, 0>>,
              "an ellipsis makes a view even of a single element, as in NumPy");
static_assert(std::is_same_v<sliced<view<int, 3>, slice_item, int>, view<int>>);
static_assert(std::is_same_v<sliced<view<int>, range, int>, view<int>>);

// Constness and ranks go one way by themselves.
template <class From, class To>
concept implicit = std::is_convertible_v<From, To>;
static_assert(implicit<view<int, 2>, view<const int, 2>>);
static_assert(implicit<view<int, 2>, view<const int>>);
static_assert(!implicit<view<const int, 2>, view<int, 2>>);
static_assert(!implicit<view<int>, view<int, 2>>);
static_assert(std::is_constructible_v<view<const int, 2>, view<int>>);
static_assert(!std::is_constructible_v<view<int, 2>, view<int, 3>>);
static_assert(!std::is_constructible_v<view<long>, view<int>>);
struct base {
  int x;
};
struct derived : base {
  int y;
};
static_assert(!std::is_constructible_v<view<base>, view<derived>>, "strides would be wrong");
static_assert(!std::is_default_constructible_v<view<int, 0>>, "rank 0 has an element");

static_assert(std::random_access_iterator<view<int>::iterator>);
static_assert(std::ranges::random_access_range<view<const double, 2>>);
static_assert(std::ranges::common_range<view<int>>);
static_assert(std::ranges::view<view<int>>);
static_assert(std::ranges::borrowed_range<view<int>>);

std::vector<int> counted(std::size_t count) {
  std::vector<int> numbers(count);
  std::iota(numbers.begin(), numbers.end(), 0);
  return numbers;
}

template <class F>
errc refusal(F&& f) {
  try {
    f();
  } catch (const npymap::error& error) {
    INFO(error.what());
    CHECK(error.code().category() == npymap::error_category());
    return static_cast<errc>(error.code().value());
  }
  FAIL("was not refused");
  return {};
}

std::vector<int> listed(const view<const int>& v) { return {v.begin(), v.end()}; }

}  // namespace

TEST_CASE("view: the slice of the first example is NumPy's") {
  std::vector<int> numbers = counted(8 * 6 * 3);
  const view<int> x(numbers.data(), {8, 6, 3});
  const view<int> s = x(range(2, 6), 4, range(_, _, -1));
  CHECK(s.shape() == shape{4, 3});
  CHECK(s.byte_strides() == strides{72, -4});
  CHECK(s(0, 0) == 2 * 18 + 4 * 3 + 2);
  CHECK(npymap::equal(s, x.slice("2:6, 4, ::-1")));
}

TEST_CASE("view: static and dynamic ranks, typed and textual subscripts agree") {
  std::vector<int> numbers = counted(4 * 5 * 6);
  const view<int, 3> fixed(numbers.data(), {4, 5, 6});
  const view<int> x = fixed;
  const auto agree = [&](std::string_view text, auto... items) {
    CAPTURE(text);
    const view<int> expected = x.slice(text);
    for (const view<int>& found : {view<int>(fixed(items...)), view<int>(x(items...))}) {
      CHECK(found.data() == expected.data());
      CHECK(found.shape() == expected.shape());
      CHECK(found.byte_strides() == expected.byte_strides());
    }
  };
  agree("1:3", range(1, 3));
  agree("-1, ...", -1, ellipsis);
  agree("..., -1", ellipsis, -1);
  agree("1, 2, 3, ...", 1, 2u, std::int8_t{3}, ellipsis);
  agree("None, 1:, None, ::2, 0, None", newaxis, range(1, _), newaxis, range(_, _, 2), 0, newaxis);
  agree(":, 1", all, 1);
  agree("::-1, ..., 5:0:-2", range(_, _, -1), ellipsis, range(5, 0, -2));
  agree("5:2, 1", range(5, 2), 1);
  agree("...", ellipsis);
  agree("1, :2", slice_item(1), range(2));
}

TEST_CASE("view: at() checks, counts from the end, and finds what operator() finds") {
  std::vector<int> numbers = counted(6);
  const view<int, 2> x(numbers.data(), {2, 3});
  CHECK(&x.at(1, 2) == &x(1, 2));
  CHECK(&x.at(-1, -3) == &x(1, 0));
  CHECK(&x.at(shape{1, 1}) == &x(1, 1));
  CHECK(refusal([&] { x.at(2, 0); }) == errc::out_of_range);
  CHECK(refusal([&] { x.at(0, -4); }) == errc::out_of_range);
  CHECK(refusal([&] { x.at(0, UINT64_MAX); }) == errc::out_of_range);
  CHECK(refusal([&] { x.at(0); }) == errc::out_of_range);
  CHECK(refusal([&] { view<int>().at(0); }) == errc::out_of_range);
}

TEST_CASE("view: rank 0 is one element") {
  int number = 7;
  const view<int, 0> x(&number, {});
  CHECK(x() == 7);
  CHECK(x.at() == 7);
  CHECK(x.size() == 1);
  CHECK(listed(x) == std::vector{7});
  CHECK(x.is_c_contiguous());
  CHECK(x(newaxis, ellipsis).shape() == std::array<index_t, 1>{1});
  CHECK(x.reshape({1, 1}).rank() == 2);
  npymap::fill(x, 8);
  CHECK(number == 8);
}

TEST_CASE("view: without elements nothing is touched, nor any pointer moved") {
  const view<int> none;
  CHECK(none.size() == 0);
  CHECK(none.empty());
  CHECK(none.shape() == shape{0});
  CHECK(none.begin() == none.end());
  CHECK(none.span().empty());
  CHECK(view<int, 2>().shape() == std::array<index_t, 2>{0, 0});

  const view<int> hollow(nullptr, {3, 0, 4});
  CHECK(hollow(2, all, 3).data() == nullptr);
  CHECK(hollow.flip().data() == nullptr);
  CHECK(hollow.diagonal(1, 0, 2).data() == nullptr);
  CHECK(hollow.is_c_contiguous());
  CHECK(hollow.is_f_contiguous());
  CHECK(hollow.reshape({0, 100}).size() == 0);
  npymap::for_each([](int) { FAIL("no element to call for"); }, hollow);
  npymap::copy(hollow, hollow.transpose().transpose());

  std::vector<int> numbers = counted(12);
  const view<int, 2> x(numbers.data(), {3, 4});
  CHECK(x(range(3, _), range(4, _)).data() == numbers.data());
}

TEST_CASE("view: what a caller spells out is checked before it is believed") {
  alignas(16) std::array<double, 8> room{};
  double* data = room.data();
  auto* odd = reinterpret_cast<double*>(reinterpret_cast<char*>(data) + 4);
  CHECK(refusal([&] { view<double>(data, {2, -1}); }) == errc::invalid_argument);
  CHECK(refusal([&] { view<double>(data, {-1}, {8}); }) == errc::invalid_argument);
  CHECK(refusal([&] { view<double>(data, {2, 2}, {8}); }) == errc::invalid_argument);
  CHECK(refusal([&] { view<double, 2>(data, {2}); }) == errc::layout_mismatch);
  CHECK(refusal([&] { view<double>(data, {INT64_MAX, 2}); }) == errc::size_overflow);
  CHECK(refusal([&] { view<double>(data, {0, INT64_MAX, 2}); }) == errc::size_overflow);
  CHECK(refusal([&] { view<double>(data, {2}, {INT64_MIN}); }) == errc::size_overflow);
  CHECK(refusal([&] {
          view<double>(data, {2, 2}, {INT64_MAX / 8 * 8, 8});
        }) == errc::size_overflow);
  CHECK(refusal([&] {
          const index_t far = index_t{1} << 61;
          view<double>(data, {2, 2}, {far, -far - 8});
        }) == errc::size_overflow);
  CHECK(refusal([&] { view<double>(data, {2}, {4}); }) == errc::layout_mismatch);
  CHECK(refusal([&] { view<double>(odd, {2}); }) == errc::layout_mismatch);
  CHECK_NOTHROW(view<double>(odd, {0}));
  CHECK_NOTHROW(view<double>(data, {1}, {3}));  // a stride that nobody takes
  CHECK(refusal([&] { view<double, 1>(view<double>(data, {2, 2})); }) == errc::layout_mismatch);
}

TEST_CASE("view: extents and offsets beyond 4 GiB") {
  constexpr index_t giant = index_t{5} << 32;
  double number = 1;
  const view<const double> x = view<double>(&number, {1}).broadcast_to({giant, 3});
  CHECK(x.size() == 3 * giant);
  CHECK(x.size_bytes() == 24 * giant);
  CHECK(x.at(giant - 1, 2) == 1);
  CHECK(x(range(giant - 2, _), 0).extent(0) == 2);
  CHECK(x.end() - x.begin() == 3 * giant);
  CHECK(refusal([&] { x.broadcast_to({giant, giant, 3}); }) == errc::size_overflow);

  using namespace npymap::detail;
  const layout dense_rows = dense(shape{giant, 4}, 8, npymap::order::c);
  const layout_ref rows{dense_rows.shape, dense_rows.byte_strides, 8};
  const slice_item last_row[] = {-1, range(_, _, -1)};
  CHECK(slice(rows, last_row).offset_bytes == (giant - 1) * 32 + 24);
  CHECK(flip(rows).offset_bytes == giant * 32 - 8);
  CHECK(reach(rows)->end == giant * 32);
  CHECK(element_offset_bytes(rows, shape{-1, 3}) == giant * 32 - 8);
}

TEST_CASE("view: dense views are spans, others say why not") {
  std::vector<int> numbers = counted(12);
  const view<int, 2> x(numbers.data(), {3, 4});
  CHECK(x.span().data() == numbers.data());
  CHECK(x.span().size() == 12);
  CHECK(x.transpose().span().size() == 12);
  CHECK(x.transpose().is_f_contiguous());
  CHECK_FALSE(x.transpose().is_c_contiguous());
  CHECK(x(range(1, 2), ellipsis).span().data() == numbers.data() + 4);
  CHECK_FALSE(x(all, range(3)).is_contiguous());
  CHECK(refusal([&] { x(all, range(3)).span(); }) == errc::layout_mismatch);
  CHECK(x(all, 0).strides() == strides{4});
}

TEST_CASE("view: strides in elements are refused where they are none") {
  alignas(16) std::array<char, 256> records{};
  auto* data = reinterpret_cast<std::complex<double>*>(records.data());
  const view<std::complex<double>, 2> x(data, {4, 2}, {40, 16});  // 16 bytes each, in records of 40
  CHECK(refusal([&] { (void)x.strides(); }) == errc::layout_mismatch);
  x(2, 1) = {3, 4};
  CHECK(reinterpret_cast<const double*>(records.data() + 96)[1] == 4);
  CHECK(x.at(-2, -1).real() == 3);
  CHECK(x.transpose()(1, 2).real() == 3);
}

TEST_CASE("view: reshape says what to do where NumPy would copy") {
  std::vector<int> numbers = counted(12);
  const view<int, 2> x(numbers.data(), {3, 4});
  CHECK(x.reshape({2, -1}).shape() == shape{2, 6});
  CHECK(x.ravel()(7) == 7);
  CHECK(x.transpose().ravel(npymap::order::fortran)(7) == 7);
  try {
    x.transpose().reshape({2, 6});
    FAIL("needs a copy");
  } catch (const npymap::error& error) {
    CHECK(error.code() == errc::layout_mismatch);
    CHECK(error.what() == std::string("reshape to (2, 6): expected axes that can be joined in "
                                      "place (or else a dense copy of them), found shape (4, 3) "
                                      "with byte strides (4, 16)"));
  }
  CHECK(refusal([&] { x.reshape({5}); }) == errc::invalid_argument);
  CHECK(refusal([&] { x.reshape({-1, -1}); }) == errc::invalid_argument);
  CHECK(refusal([&] { x.reshape({INT64_MAX, INT64_MAX, -1}); }) == errc::invalid_argument);
}

TEST_CASE("view: ranks follow from the operation where they can") {
  std::vector<int> numbers = counted(12);
  const view<int, 2> x(numbers.data(), {3, 4});
  static_assert(std::is_same_v<decltype(x.transpose()), view<int, 2>>);
  static_assert(std::is_same_v<decltype(x.expand_dims(0)), view<int, 3>>);
  static_assert(std::is_same_v<decltype(x.diagonal()), view<int, 1>>);
  static_assert(std::is_same_v<decltype(x.squeeze(0)), view<int, 1>>);
  static_assert(std::is_same_v<decltype(x.ravel()), view<int, 1>>);
  static_assert(std::is_same_v<decltype(x.broadcast_to({1})), view<const int>>);
  static_assert(std::is_same_v<decltype(x.sliding_window_view({1})), view<const int>>);
  static_assert(std::is_same_v<decltype(view<int>().diagonal()), view<int>>);
  const auto [rows, columns] = x.shape();
  CHECK(rows * columns == 12);
  CHECK(x.swapaxes(0, 1).shape() == std::array<index_t, 2>{4, 3});
  CHECK(x.permute({1, 0})(3, 2) == 11);
  CHECK(x.ravel().reshape(x.shape()).shape() == x.shape());
  CHECK(listed(x.diagonal(1)) == std::vector{1, 6, 11});
}

TEST_CASE("iterators: standard algorithms work through any layout") {
  std::vector<int> numbers = counted(60);
  const view<int> x(numbers.data(), {3, 4, 5});
  const view<int> odd = x.permute({2, 0, 1})(range(_, _, -2), ellipsis);
  CHECK(odd.end() - odd.begin() == 36);

  std::ranges::sort(odd, std::greater());
  CHECK(std::ranges::is_sorted(odd, std::greater()));
  CHECK(odd(0, 0, 0) == 59);
  std::vector<int> sorted = numbers;
  std::ranges::sort(sorted);
  CHECK(sorted == counted(60));  // nothing lost, nothing written beside the view

  std::vector<int> forwards(odd.begin(), odd.end());
  std::vector<int> backwards(std::reverse_iterator(odd.end()), std::reverse_iterator(odd.begin()));
  std::ranges::reverse(backwards);
  CHECK(forwards == backwards);
  CHECK(std::accumulate(odd.begin(), odd.end(), 0) ==
        std::accumulate(forwards.begin(), forwards.end(), 0));
}

TEST_CASE("iterators: every jump lands where as many steps do") {
  std::vector<int> numbers = counted(120);
  const view<int> base(numbers.data(), {2, 3, 4, 5});
  for (const view<int>& v :
       {base, base.transpose(), base.flip(), base(all, 1), base(all, range(2), ellipsis, 3),
        base(1, 2, 3, range(4, 5)), base(ellipsis, newaxis, range(_, _, 2)),
        view<int>(base.ravel()(range(0))), view<int>(numbers.data(), {3, 2}, {0, 4})}) {
    std::vector<int*> steps;
    for (int& element : v) steps.push_back(&element);
    REQUIRE(std::ssize(steps) == v.size());
    const auto begin = v.begin();
    for (index_t from = 0; from <= v.size(); ++from) {
      for (index_t to = 0; to < v.size(); to += 7) {
        auto it = begin + from;
        REQUIRE(&it[to - from] == steps[static_cast<std::size_t>(to)]);
        it += to - from;
        REQUIRE(&*it == steps[static_cast<std::size_t>(to)]);
        REQUIRE(it - begin == to);
        REQUIRE((it < begin + from) == (to < from));
      }
    }
    auto it = v.end();
    for (auto step = steps.rbegin(); step != steps.rend(); ++step) REQUIRE(&*--it == *step);
    REQUIRE(it == begin);
  }
}

TEST_CASE("iterators: they outlive the view that they came from") {
  std::vector<int> numbers = counted(6);
  const auto largest =
      std::ranges::max_element(view<int>(numbers.data(), {2, 3})(all, range(_, _, 2)));
  CHECK(*largest == 5);
}
