#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>
#include <list>
#include <numeric>
#include <random>
#include <unordered_map>
#include <vector>

#include <npymap/error.hpp>
#include <npymap/view.hpp>

#include "support/catch.hpp"
#include "support/python.hpp"

namespace {

using npymap::_;
using npymap::all;
using npymap::ellipsis;
using npymap::index_t;
using npymap::index_vector;
using npymap::range;
using npymap::view;

struct generator {
  std::mt19937_64 engine{npymap_test::random_seed()};
  index_t operator()(index_t least, index_t most) {
    return std::uniform_int_distribution<index_t>(least, most)(engine);
  }
};

/// Memory for a random layout of some shape: axes in any order, with gaps, either way round.
template <class T>
struct scattered {
  std::vector<T> memory;
  view<T> elements;

  scattered(generator& random, const index_vector& shape) {
    index_vector order(shape.rank());
    std::iota(order.begin(), order.end(), 0);
    std::shuffle(order.begin(), order.end(), random.engine);
    index_vector roomy(shape.rank());
    index_vector steps(shape.rank());
    for (int i = 0; i < shape.rank(); ++i) {
      const int axis = static_cast<int>(order[i]);
      steps[i] = random(1, 4) == 1 ? random(2, 3) : 1;
      roomy[i] = shape[axis] * steps[i] + (random(1, 4) == 1 ? random(1, 3) : 0);
    }
    memory.resize(static_cast<std::size_t>(*npymap::element_count(roomy)) + 1);
    view<T> v(memory.data(), roomy);
    for (int i = 0; i < shape.rank(); ++i) {
      std::vector<npymap::slice_item> items(static_cast<std::size_t>(i), all);
      items.push_back(range(_, shape[static_cast<int>(order[i])] * steps[i], steps[i]));
      v = v.slice(std::span<const npymap::slice_item>(items));
      if (random(1, 4) == 1) v = v.flip(i);
    }
    index_vector back(shape.rank());
    for (int i = 0; i < shape.rank(); ++i) back[static_cast<int>(order[i])] = i;
    elements = v.permute(back);
  }
};

index_vector random_shape(generator& random) {
  index_vector shape(static_cast<int>(random(0, 6)));
  index_t room = 20000;
  for (index_t& extent : shape) {
    extent = std::min(room, random(1, 30) == 1  ? 0
                            : random(1, 4) == 1 ? random(1, 200)
                                                : random(1, 6));
    room /= std::max<index_t>(extent, 1);
  }
  return shape;
}

template <class T>
void number(const view<T>& v) {
  T next{};
  for (T& element : v) element = next++;
}

}  // namespace

TEST_CASE("for_each: every element once, whatever the layout") {
  generator random;
  for (int i = 0; i < 1500; ++i) {
    const index_vector shape = random_shape(random);
    const scattered<std::uint16_t> a(random, shape);
    index_t calls = 0;
    npymap::for_each([&calls](std::uint16_t& x) { ++x, ++calls; }, a.elements);
    REQUIRE(calls == a.elements.size());
    REQUIRE(std::ranges::count(a.elements, 1) == calls);
    REQUIRE(std::accumulate(a.memory.begin(), a.memory.end(), index_t{0}) == calls);
  }
}

TEST_CASE("for_each: elements of several views meet at the same index") {
  generator random;
  for (int i = 0; i < 1000; ++i) {
    const index_vector shape = random_shape(random);
    const scattered<std::int32_t> a(random, shape);
    const scattered<std::int64_t> b(random, shape);
    const scattered<double> c(random, shape);
    number(a.elements);
    number(b.elements);
    npymap::for_each(
        [](std::int32_t x, std::int64_t y, double& z) { z = 100000.0 * x + double(y); },
        view<const std::int32_t>(a.elements), b.elements, c.elements);
    std::vector<double> expected(static_cast<std::size_t>(c.elements.size()));
    for (std::size_t k = 0; k < expected.size(); ++k) expected[k] = 100001 * static_cast<double>(k);
    REQUIRE(std::ranges::equal(c.elements, expected));
  }
}

TEST_CASE("for_each: broadcast views are read as often as they repeat") {
  std::vector<double> row = {1, 2, 3};
  std::vector<double> sums(6);
  const view<double, 2> target(sums.data(), {2, 3});
  npymap::for_each([](double x, double& y) { y += x; },
                   view<double, 1>(row.data(), {3}).broadcast_to({2, 3}), target);
  CHECK(sums == std::vector<double>{1, 2, 3, 1, 2, 3});
}

TEST_CASE("for_each: shapes that differ are refused before the first call") {
  std::vector<int> numbers(12);
  const view<int, 2> x(numbers.data(), {3, 4});
  const auto never = [](int, int) { FAIL("called"); };
  CHECK_THROWS_AS(npymap::for_each(never, x, x.transpose()), npymap::error);
  CHECK_THROWS_AS(npymap::for_each(never, x, x.ravel()), npymap::error);
  CHECK_THROWS_AS(npymap::copy(x, x.transpose()), npymap::error);
}

TEST_CASE("for_each: what the function throws comes through, from any depth") {
  std::vector<int> numbers(40 * 40 * 4);
  const view<int, 3> x(numbers.data(), {40, 40, 4});
  int calls = 0;
  const auto stop = [&calls](int, int) {
    if (++calls == 3000) throw calls;
  };
  CHECK_THROWS_AS(npymap::for_each(stop, x, x.swapaxes(0, 1)), int);
  CHECK(calls == 3000);
}

TEMPLATE_TEST_CASE("copy: every element of every size, whatever the layouts", "", std::uint8_t,
                   std::uint16_t, float, double, long double) {
  generator random;
  for (int i = 0; i < 400; ++i) {
    const index_vector shape = random_shape(random);
    const scattered<TestType> from(random, shape);
    const scattered<TestType> to(random, shape);
    number(from.elements);
    npymap::copy(view<const TestType>(from.elements), to.elements);
    REQUIRE(npymap::equal(from.elements, to.elements));
    REQUIRE(std::ranges::equal(from.elements, to.elements));
  }
}

TEST_CASE("copy: records of any size are moved whole, wherever they are aligned") {
  struct record {
    char bytes[11];
    bool operator==(const record&) const = default;
  };
  generator random;
  for (int i = 0; i < 200; ++i) {
    const index_vector shape = random_shape(random);
    const scattered<record> from(random, shape);
    const scattered<record> to(random, shape);
    for (record& r : from.elements)
      r.bytes[static_cast<std::size_t>(random(0, 10))] = static_cast<char>(random(1, 127));
    npymap::copy(from.elements, to.elements);
    REQUIRE(npymap::equal(from.elements, to.elements));
  }
  alignas(8) std::array<char, 66> unaligned{};
  unaligned[1] = 42;
  const npymap::detail::layout four =
      npymap::detail::dense(index_vector{2, 2}, 8, npymap::order::c);
  const npymap::detail::layout_ref in{four.shape, four.byte_strides, 8};
  const npymap::detail::layout turned = npymap::detail::transpose(in);
  npymap::detail::copy_elements(unaligned.data() + 1, in, unaligned.data() + 33,
                                {turned.shape, turned.byte_strides, 8});
  CHECK(unaligned[33] == 42);
}

TEST_CASE("copy: large transposes cross all tiles") {
  generator random;
  for (int i = 0; i < 12; ++i) {
    const index_t rows = random(1, 700);
    const index_t columns = random(1, 700);
    std::vector<std::uint32_t> a(static_cast<std::size_t>(rows * columns * 2));
    std::vector<std::uint32_t> b(a.size());
    std::iota(a.begin(), a.end(), 0u);
    const view<std::uint32_t, 3> from(a.data(), {rows, 2, columns});
    const view<std::uint32_t, 3> to(b.data(), {columns, 2, rows});
    npymap::copy(from.transpose(), to);
    index_t wrong = 0;
    for (index_t r = 0; r < rows; ++r) {
      for (index_t c = 0; c < columns; ++c) wrong += to(c, 1, r) != from(r, 1, c);
    }
    REQUIRE(wrong == 0);
  }
}

namespace {

/// A memory of some pages that drops the one not used for longest.
class page_cache {
 public:
  explicit page_cache(std::size_t capacity) : capacity_(capacity) {}

  void touch(std::uintptr_t page) {
    const auto known = places_.find(page);
    if (known != places_.end()) {
      pages_.splice(pages_.begin(), pages_, known->second);
      return;
    }
    ++loaded;
    pages_.push_front(page);
    places_[page] = pages_.begin();
    if (pages_.size() > capacity_) {
      places_.erase(pages_.back());
      pages_.pop_back();
    }
  }

  std::size_t loaded = 0;

 private:
  std::size_t capacity_;
  std::list<std::uintptr_t> pages_;
  std::unordered_map<std::uintptr_t, std::list<std::uintptr_t>::iterator> places_;
};

}  // namespace

TEST_CASE("loops: a transposed walk loads each page about once, the more memory the nearer") {
  using namespace npymap::detail;
  // Pages, and with them all sizes, are an eighth of the usual, for speed. The first element lies a
  // little behind the start of a page, as it does in a file.
  constexpr index_t page_bytes = 512;
  constexpr index_t rows = 1024;
  const auto* from = reinterpret_cast<const char*>(16);
  const auto* to = reinterpret_cast<const char*>((std::uintptr_t{1} << 40) + 16);
  for (const index_t columns : {1280, 1250}) {
    const layout a = dense(index_vector{rows, columns}, 8, npymap::order::c);
    const layout b = dense(index_vector{rows, columns}, 8, npymap::order::fortran);
    const layout_ref operands[] = {{a.shape, a.byte_strides, 8}, {b.shape, b.byte_strides, 8}};
    const double pages = 2.0 * rows * static_cast<double>(columns) * 8 / page_bytes;
    for (const auto& [capacity, most_loads] : {std::pair(256, 2.0), {1024, 1.5}, {4096, 1.25}}) {
      page_cache cache(static_cast<std::size_t>(capacity));
      const auto touch = [&](index_t count, element_run<const char> x, element_run<const char> y) {
        for (index_t i = 0; i < count; ++i) {
          cache.touch(reinterpret_cast<std::uintptr_t>(&x[i]) / page_bytes);
          cache.touch(reinterpret_cast<std::uintptr_t>(&y[i]) / page_bytes);
        }
        return true;
      };
      loop_nest nest(operands);
      visit_runs(nest, touch, from, to);
      CAPTURE(columns, capacity);
      CHECK(static_cast<double>(cache.loaded) / pages < most_loads);
      CHECK(static_cast<double>(cache.loaded) / pages >= 1);
    }
  }
}

TEST_CASE("fill: sets the elements of the view and no others") {
  std::vector<int> numbers(24);
  const view<int, 3> x(numbers.data(), {2, 3, 4});
  npymap::fill(x(all, range(_, _, 2), range(1, 3)), 1);
  CHECK(std::accumulate(numbers.begin(), numbers.end(), 0) == 8);
  numbers[0] = 9;
  npymap::fill(x, x(0, 0, 0));  // a value that lies in the view itself
  CHECK(std::accumulate(numbers.begin(), numbers.end(), 0) == 9 * 24);
}

TEST_CASE("equal: by shape and ==, to the last element") {
  std::vector<double> a(1000, 1.0);
  std::vector<double> b = a;
  const view<double, 2> x(a.data(), {10, 100});
  const view<double, 2> y(b.data(), {10, 100});
  CHECK(npymap::equal(x, y));
  CHECK(npymap::equal(x, view<double>(y)));
  CHECK_FALSE(npymap::equal(x, y.transpose()));
  CHECK_FALSE(npymap::equal(x, y.reshape({100, 10})));
  CHECK_FALSE(npymap::equal(x, y.ravel()));
  b.back() = 2;
  CHECK_FALSE(npymap::equal(x, y));
  CHECK(npymap::equal(x(all, range(99)), y(all, range(99))));
  a.back() = b.back() = std::nan("");
  CHECK_FALSE(npymap::equal(x, x));
  CHECK(npymap::equal(x(range(0), ellipsis), y(range(0), ellipsis)));
}
