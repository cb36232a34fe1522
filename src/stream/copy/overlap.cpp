#include "stream/copy/overlap.hpp"

#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <numeric>
#include <optional>
#include <vector>

#include "io/file.hpp"
#include "view/wrapping.hpp"

namespace npymap::detail {
namespace {

/// An array as steps of at least so many bytes between groups of elements, which are dense enough
/// to count as one item.
struct grouped {
  index_t step_divisor = 0;  // of all those steps; 0 if there are none
  byte_reach group;          // of a group, from its element (0, ..., 0)

  grouped(const layout_ref& from, index_t least_step) : group{0, from.itemsize} {
    for (std::size_t i = 0; i < from.shape.size(); ++i) {
      const index_t extent = from.shape[i], step = from.byte_strides[i];
      if (extent == 1) continue;
      if (std::abs(step) >= least_step) {
        step_divisor = std::gcd(step_divisor, std::abs(step));
      } else {
        (step < 0 ? group.begin : group.end) += (extent - 1) * step;
      }
    }
  }
};

bool is_empty(const layout_ref& a) {
  return a.itemsize == 0 || std::find(a.shape.begin(), a.shape.end(), 0) != a.shape.end();
}

/// Where elements are: an address, or a byte of a file.
bool in_one_file(const array_storage& from, const array_storage& to) {
  if (!from.is_mapped() || !to.is_mapped()) return false;
  if (from.map().data() == to.map().data()) return true;
  // What is written to another map in mode c is seen by nobody else.
  return to.mode() != open_mode::copy_on_write &&
         io::file_of(from.map()).is_same(io::file_of(to.map()));
}

index_t place_in_file(const stored_elements& a) {
  const file_map& map = a.storage.map();
  return static_cast<index_t>(map.offset_bytes()) + (a.data - map.data());
}

}  // namespace

// For each split of the axes: all elements of `a` lie in groups that are a multiple of some step
// apart, and those of `b` too. Seen modulo that step there is one group of each, and where these
// are apart, all are.
bool may_overlap(const layout_ref& a, const layout_ref& b, index_t distance_bytes) {
  if (is_empty(a) || is_empty(b)) return false;
  std::vector<index_t> splits{max_reach_bytes};
  for (const layout_ref& each : {a, b}) {
    for (const index_t step : each.byte_strides) {
      if (step != 0) splits.push_back(step_length(step));
    }
  }
  return std::none_of(splits.begin(), splits.end(), [&](index_t least_step) {
    const grouped in_a(a, least_step), in_b(b, least_step);
    const index_t step = std::gcd(in_a.step_divisor, in_b.step_divisor);
    const index_t a_bytes = in_a.group.end - in_a.group.begin;
    const index_t b_bytes = in_b.group.end - in_b.group.begin;
    const index_t gap = distance_bytes + in_b.group.begin - in_a.group.begin;
    if (step == 0) return gap >= a_bytes || -gap >= b_bytes;
    const index_t behind = (gap % step + step) % step;
    return behind >= a_bytes && step - behind >= b_bytes;
  });
}

bool may_overlap(const stored_elements& from, const stored_elements& to) {
  if (is_empty(from.where) || is_empty(to.where)) return false;
  if (in_one_file(from.storage, to.storage)) {
    return may_overlap(from.where, to.where, place_in_file(to) - place_in_file(from));
  }
  if (from.storage.is_mapped() || to.storage.is_mapped()) return false;
  const auto address = [](const stored_elements& a) {
    return reinterpret_cast<std::intptr_t>(a.data);
  };
  return may_overlap(from.where, to.where, address(to) - address(from));
}

}  // namespace npymap::detail
