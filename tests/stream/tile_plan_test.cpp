#include "stream/copy/tile_plan.hpp"

#include <algorithm>
#include <random>
#include <vector>

#include <npymap/detail/layout.hpp>

#include "stream/copy/byte_runs.hpp"
#include "support/catch.hpp"
#include "support/python.hpp"

using npymap::index_t;
using npymap::order;
using npymap::shape;
using npymap::detail::axes_inside_out;
using npymap::detail::byte_runs;
using npymap::detail::layout;
using npymap::detail::tile;
using npymap::detail::tile_plan;
using npymap::detail::tile_side;

namespace {

/// A plan for float64 from C to Fortran order, both behind a header of 128 bytes.
tile_plan plan_of(const shape& extents, index_t most_elements) {
  const layout c = npymap::detail::dense(extents, 8, order::c);
  const layout f = npymap::detail::dense(extents, 8, order::fortran);
  return {tile_side{{extents, c.byte_strides, 8}, axes_inside_out(c.byte_strides), 128, 512},
          tile_side{{extents, f.byte_strides, 8}, axes_inside_out(f.byte_strides), 128, 0},
          most_elements};
}

}  // namespace

TEST_CASE("tile plan: tiles cover each element once, and none is too large") {
  std::mt19937_64 random(npymap_test::random_seed());
  const auto below = [&](index_t n) { return static_cast<index_t>(random() % std::uint64_t(n)); };
  for (int i = 0; i < 300; ++i) {
    shape extents(static_cast<int>(below(4)));
    for (index_t& extent : extents) extent = below(1 << (14 / extents.rank())) + 1;
    const index_t most = below(5000) + 1;
    const tile_plan plan = plan_of(extents, most);
    std::vector<int> seen(static_cast<std::size_t>(*npymap::element_count(extents)));
    const npymap::strides places = npymap::dense_byte_strides(extents, 1, order::c);
    for (index_t n = 0; n < plan.count(); ++n) {
      const tile part = plan.at(n);
      CHECK(*npymap::element_count(part.extents) <= most);
      index_t first = 0;
      for (int axis = 0; axis < extents.rank(); ++axis) first += part.start[axis] * places[axis];
      const byte_runs single({part.extents, places, 1}, axes_inside_out(places));
      single.visit([&](index_t offset) {
        for (index_t b = 0; b < single.size_bytes(); ++b)
          ++seen.at(std::size_t(first + offset + b));
        return true;
      });
    }
    REQUIRE(std::all_of(seen.begin(), seen.end(), [](int times) { return times == 1; }));
  }
}

TEST_CASE("tile plan: runs are long on both sides, whichever is the longer axis") {
  constexpr index_t most = 1 << 22;  // 32 MiB
  CHECK(plan_of({1 << 18, 1 << 10}, most).extents() == shape{1 << 12, 1 << 10});
  CHECK(plan_of({1 << 10, 1 << 18}, most).extents() == shape{1 << 10, 1 << 12});
  CHECK(plan_of({1 << 14, 1 << 14}, most).extents() == shape{1 << 11, 1 << 11});
  CHECK(plan_of({1 << 9, 1 << 9, 1 << 10}, most).extents() == shape{1 << 9, 1 << 3, 1 << 10});
}

TEST_CASE("tile plan: no more tiles than the longest runs make, and all about as long") {
  constexpr index_t most = 22 << 20;
  const tile_plan wide = plan_of({1 << 10, 1 << 18}, most);
  CHECK(wide.extents() == shape{1 << 10, 43 * 512});  // of whole pages; of 44 * 512 at most
  CHECK(wide.count() == 12);
  CHECK(plan_of({1 << 18, 1 << 10}, most).extents() == shape{43 * 512, 1 << 10});
  CHECK(plan_of({1 << 14, 1 << 14}, most).extents() == shape{11 * 512, 1 << 12});
  CHECK(plan_of({100, 100}, 6000).extents() == shape{100, 50});
}

TEST_CASE("tile plan: tiles meet where pages do") {
  const tile_plan plan = plan_of({1 << 14, 1 << 14}, 1 << 22);
  CHECK(plan.at(0).extents == shape{(1 << 11) - 16, (1 << 11) - 16});
}
