/// \file
/// Puts the parts of a walk together again.
#pragma once

#include <algorithm>
#include <vector>

#include <npymap/array.hpp>
#include <npymap/blocks.hpp>
#include <npymap/convert.hpp>
#include <npymap/transform.hpp>

#include "support/catch.hpp"

namespace npymap_test {

/// Elements that were seen, each of which must come once, and at its place.
template <class T>
class collected {
 public:
  explicit collected(const npymap::shape& shape)
      : shape_(shape),
        elements_(static_cast<std::size_t>(*npymap::element_count(shape))),
        seen_(elements_.size()) {}

  /// Safe from any thread, for parts that do not overlap.
  void add(const npymap::index_vector& start, const npymap::view<const T>& part) {
    std::vector<npymap::slice_item> place;
    for (int axis = 0; axis < shape_.rank(); ++axis) {
      place.emplace_back(npymap::range(start[axis], start[axis] + part.extent(axis)));
    }
    npymap::copy(part, npymap::view<T>(elements_.data(), shape_).slice(place));
    npymap::for_each([](char& count) { ++count; },
                     npymap::view<char>(seen_.data(), shape_).slice(place));
  }
  void add_block(const npymap::block<T>& block) { add(block.interior_start(), block.interior()); }
  npymap::array<T> whole() {
    REQUIRE(std::all_of(seen_.begin(), seen_.end(), [](char count) { return count == 1; }));
    return npymap::convert<T>(npymap::view<T>(elements_.data(), shape_));
  }

 private:
  npymap::shape shape_;
  std::vector<T> elements_;
  std::vector<char> seen_;
};

template <class T, class Blocks>
npymap::array<T> collect_blocks(Blocks&& blocks, const npymap::shape& shape) {
  collected<T> all(shape);
  for (const auto& block : blocks) all.add_block(block);
  return all.whole();
}

template <class T>
npymap::array<T> collect_pieces(const npymap::source& x, const npymap::pass_options& options = {}) {
  collected<T> all(x.shape());
  npymap::for_each_piece<T>(
      x,
      [&](const npymap::index_vector& start, const npymap::view<const T>& piece) {
        all.add(start, piece);
      },
      options);
  return all.whole();
}

/// The answer, or nothing where the budget was too small and the error said so.
template <class F>
bool fits_budget(F&& f) {
  try {
    f();
    return true;
  } catch (const npymap::error& e) {
    REQUIRE(e.code() == npymap::errc::invalid_argument);
    REQUIRE_THAT(e.what(), Catch::Contains("budget_bytes of blocks: expected at least"));
    return false;
  }
}

}  // namespace npymap_test
