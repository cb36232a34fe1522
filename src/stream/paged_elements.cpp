#include "stream/paged_elements.hpp"

#include <algorithm>

#include <npymap/convert.hpp>
#include <npymap/error.hpp>

#include "core/time_step.hpp"

namespace npymap::detail {

paged_elements::paged_elements(const array_storage& storage, const std::byte* data,
                               const layout_ref& where, std::uint64_t budget_bytes)
    : storage_(storage),
      data_(data),
      shape_(where.shape),
      byte_strides_(where.byte_strides),
      itemsize_(where.itemsize) {
  const byte_reach reached = reach(where).value_or(byte_reach{});
  fits_budget_ = static_cast<std::uint64_t>(reached.end - reached.begin) <= budget_bytes;
}

const std::byte* paged_elements::at(const index_vector& start) const noexcept {
  index_t offset = 0;
  for (int axis = 0; axis < start.rank(); ++axis) offset += start[axis] * byte_strides_[axis];
  return data_ + offset;
}

page_range paged_elements::pages_of(const block_box& box) const noexcept {
  if (!is_mapped()) return {};
  const byte_reach reached = reach(part(box.extents)).value_or(byte_reach{});
  const auto origin = static_cast<std::size_t>(at(box.start) - storage_.map().data());
  return {origin + static_cast<std::size_t>(reached.begin),
          origin + static_cast<std::size_t>(reached.end)};
}

void paged_elements::read_ahead(page_range pages) const noexcept {
  advise(advice::will_need, pages);
}

void paged_elements::populate(page_range pages) const {
  if (pages.begin == pages.end) return;
  storage_.map().advise(advice::populate, pages.begin, pages.end - pages.begin);
}

void paged_elements::drop(page_range pages, page_range kept) const noexcept {
  if (fits_budget_) return;
  if (kept.begin >= pages.begin && kept.begin < pages.end) {
    pages.end = kept.begin;
  } else if (kept.end > pages.begin && kept.end <= pages.end) {  // walked from the end
    pages.begin = kept.end;
  }
  advise(advice::dont_need, pages);
}

void paged_elements::advise(advice hint, page_range pages) const noexcept {
  if (pages.begin >= pages.end) return;
  try {
    storage_.map().advise(hint, pages.begin, pages.end - pages.begin);
  } catch (const error&) {  // a hint that was not taken
  }
}

bool needs_decoding(const array_storage& storage, const dtype& type, const std::byte* data,
                    const layout_ref& where, const dtype& wanted, std::size_t alignment,
                    const char* what) {
  if (!can_cast(type, wanted)) {
    throw error(errc::dtype_mismatch,
                {.path = storage.path(),
                 .subject = what,
                 .expected = "what becomes " + descr(wanted) + " by the rule same_kind",
                 .found = descr(type)});
  }
  return !same_meaning(type, wanted) || !is_aligned(where, data, alignment);
}

}  // namespace npymap::detail
