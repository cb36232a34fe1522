#include <npymap/shape.hpp>

#include <array>
#include <cstdint>
#include <numeric>
#include <random>
#include <sstream>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include <npymap/error.hpp>

#include "support/catch.hpp"
#include "support/python.hpp"

namespace {

using npymap::array_bytes;
using npymap::dense_byte_strides;
using npymap::element_count;
using npymap::index_t;
using npymap::index_vector;
using npymap::shape;

static_assert(std::is_nothrow_move_constructible_v<index_vector>);
static_assert(!std::is_convertible_v<int, index_vector>, "a rank is no list of one extent");

index_vector counted(int rank) {
  index_vector values(rank);
  std::iota(values.begin(), values.end(), 1);
  return values;
}

}  // namespace

TEST_CASE("shape: keeps its axes through copies, moves and swaps, short or long") {
  for (const int rank : {0, 1, 7, 8, 9, 63, 64}) {
    CAPTURE(rank);
    const index_vector original = counted(rank);
    REQUIRE(original.rank() == rank);
    CHECK(std::accumulate(original.begin(), original.end(), index_t{0}) == rank * (rank + 1) / 2);

    index_vector copy = original;
    CHECK(copy == original);
    index_vector moved = std::move(copy);
    CHECK(moved == original);
    index_vector other{5};
    other.swap(moved);
    CHECK(other == original);
    CHECK(moved == index_vector{5});
    other = *&other;
    CHECK(other == original);
    moved = other;
    if (rank > 0) moved[rank - 1] = -1;
    CHECK((moved == original) == (rank == 0));
  }
}

TEST_CASE("shape: grows axis by axis up to the largest rank") {
  index_vector values;
  for (int i = 0; i < npymap::max_rank; ++i) values.push_back(i + 1);
  CHECK(values == counted(npymap::max_rank));
  CHECK_THROWS_AS(values.push_back(0), npymap::error);
  CHECK(values == counted(npymap::max_rank));
}

TEST_CASE("shape: a rank beyond the largest is refused") {
  CHECK_THROWS_AS(index_vector(npymap::max_rank + 1), npymap::error);
  CHECK_THROWS_AS(index_vector(-1), npymap::error);
  CHECK_THROWS_AS(index_vector(std::vector<index_t>(65)), npymap::error);
}

TEST_CASE("shape: made from whatever holds extents, and compared with it") {
  const std::array<index_t, 2> fixed = {2, 3};
  const std::vector<index_t> varying = {2, 3};
  CHECK(shape(fixed) == shape{2, 3});
  CHECK(shape(varying) == fixed);
  CHECK(varying == shape{2, 3});
  CHECK(shape{2, 3} != shape{2});
  CHECK(shape{} == shape());
}

TEST_CASE("shape: sizes are counted as NumPy counts, and never wrap") {
  constexpr index_t most = INT64_MAX;
  CHECK(element_count(shape{}) == 1);
  CHECK(element_count(shape{3, 4}) == 12);
  CHECK(element_count(shape{3, 0}) == 0);
  CHECK(element_count(shape{most}) == most);
  CHECK(element_count(shape{most, 2}) == std::nullopt);
  CHECK(element_count(shape{-1}) == std::nullopt);
  CHECK(element_count(shape{0, -1}) == std::nullopt);
  CHECK(element_count(shape{index_t{1} << 32, index_t{1} << 32}) == std::nullopt);
  // An axis of extent 0 forgives nothing.
  CHECK(element_count(shape{0, most, 2}) == std::nullopt);
  CHECK(element_count(shape{most, 2, 0}) == std::nullopt);

  CHECK(array_bytes(shape{3, 4}, 8) == 96);
  CHECK(array_bytes(shape{index_t{1} << 60}, 8) == std::nullopt);
  CHECK(array_bytes(shape{(index_t{1} << 60) - 1}, 8) == most - 7);
  CHECK(array_bytes(shape{0, index_t{1} << 60}, 8) == std::nullopt);
  CHECK(array_bytes(shape{5}, 0) == 0);
  CHECK(array_bytes(shape{most, 2}, 0) == std::nullopt);
}

TEST_CASE("shape: dense strides of an empty array are those of NumPy's memmap") {
  // numpy.empty has said all zeros since 1.23; nothing is ever reached by them.
  CHECK(dense_byte_strides(shape{3, 0, 3}, 9, npymap::order::c) == npymap::strides{27, 27, 9});
  CHECK(dense_byte_strides(shape{0, 3}, 9, npymap::order::c) == npymap::strides{27, 9});
}

TEST_CASE("shape: dense strides are NumPy's") {
  REQUIRE(npymap_test::have_numpy());
  std::mt19937_64 random(npymap_test::random_seed());
  std::string cases;
  std::vector<std::string> ours;
  for (int i = 0; i < 500; ++i) {
    index_vector extents(static_cast<int>(random() % 6));
    for (index_t& extent : extents) extent = static_cast<index_t>(random() % 5 + 1);
    const bool c = random() % 2 == 0;
    const auto itemsize = static_cast<index_t>(random() % 20 + 1);
    cases +=
        npymap::to_string(extents) + ";" + std::to_string(itemsize) + ";" + (c ? "C" : "F") + "\n";
    ours.push_back(npymap::to_string(
        dense_byte_strides(extents, itemsize, c ? npymap::order::c : npymap::order::fortran)));
  }
  std::istringstream numpys(npymap_test::python(R"(
memory = bytearray(5 ** 5 * 20)  # over a buffer, as in np.memmap; np.empty has strides of 0 if empty
for line in sys.stdin:
    shape, itemsize, order = line.strip().split(';')
    print(np.ndarray(eval(shape), 'V' + itemsize, memory, order=order).strides)
)",
                                                {}, cases));
  for (const std::string& strides : ours) {
    std::string numpy;
    REQUIRE(std::getline(numpys, numpy));
    REQUIRE(strides == numpy);
  }
}

TEST_CASE("shape: text is a Python tuple") {
  CHECK(npymap::to_string(shape{}) == "()");
  CHECK(npymap::to_string(shape{3}) == "(3,)");
  CHECK(npymap::to_string(shape{3, -4}) == "(3, -4)");
  CHECK(to_string(shape{3, 4}) == "(3, 4)");
}

TEST_CASE("shape: braces take integers of any type") {
  const std::vector<double> elements(3);
  CHECK(shape{elements.size(), 2} == shape{3, 2});
  CHECK(shape{std::int8_t{-1}, 5u} == shape{-1, 5});
}
