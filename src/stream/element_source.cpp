#include "stream/element_source.hpp"

#include <algorithm>
#include <utility>

#include <npymap/convert.hpp>
#include <npymap/error.hpp>

#include "core/time_step.hpp"
#include "io/file.hpp"
#include "stream/block_plan.hpp"
#include "stream/copy/overlap.hpp"
#include "view/wrapping.hpp"

namespace npymap::detail {
namespace {

class elements_of_array final : public element_source {
 public:
  elements_of_array(const array_storage& storage, const dtype& type, const std::byte* data,
                    const layout_ref& where)
      : element_source(storage.path(), type, where), storage_(storage), data_(data) {}

  const std::byte* at(const index_vector& start) const noexcept override {
    return data_ + byte_offset(start, byte_strides());
  }

  bool is_addressable() const noexcept override { return true; }
  const file_map& map() const noexcept override { return storage_.map(); }

  page_range pages_of(const block_box& box) const noexcept override {
    if (!storage_.is_mapped()) return {};
    const byte_reach reached = reach(part(box.extents)).value_or(byte_reach{});
    const auto origin = static_cast<std::size_t>(at(box.start) - storage_.map().data());
    return {origin + static_cast<std::size_t>(reached.begin),
            origin + static_cast<std::size_t>(reached.end)};
  }

  // Where the last byte is, so is the rest; to ask for it costs less than the hint. A file that
  // lacks it has shrunk.
  bool is_cached(page_range pages) const noexcept override {
    if (pages.begin >= pages.end) return true;
    std::byte last;
    return io::file_of(storage_.map())
        .try_read_at({&last, 1}, storage_.map().offset_bytes() + pages.end - 1);
  }

  void read_ahead(page_range pages) const noexcept override {
    if (!is_cached(pages)) advise(advice::will_need, pages);
  }

  void populate_pages(page_range pages) const override {
    if (pages.begin == pages.end) return;
    storage_.map().advise(advice::populate, pages.begin, pages.end - pages.begin);
  }

  bool may_overlap(const any_array& y) const override {
    return detail::may_overlap({storage_, data_, layout()}, {y, y.data(), y.layout()});
  }

  void expect(npymap::advice hint) const noexcept override {
    advise(hint, pages_of({index_vector(shape().rank()), shape()}));
  }

  void drop(page_range pages, page_range kept) const noexcept override {
    // Where boxes lie within one another, what is dropped too much is still in the kernel's cache.
    const bool are_neighbours = std::min(pages.end, kept.end) <
                                std::max(pages.begin, kept.begin) + (pages.end - pages.begin) / 2;
    if (are_neighbours && kept.begin >= pages.begin && kept.begin < pages.end) {
      pages.end = kept.begin;
    } else if (are_neighbours && kept.end > pages.begin && kept.end <= pages.end) {
      pages.begin = kept.end;  // walked from the end
    }
    advise(advice::dont_need, pages);
  }

 private:
  void advise(advice hint, page_range pages) const noexcept {
    if (pages.begin >= pages.end) return;
    try {
      storage_.map().advise(hint, pages.begin, pages.end - pages.begin);
    } catch (const error&) {  // a hint that was not taken
    }
  }

  struct share : array_storage {  // whose constructors are for its kin
    explicit share(const array_storage& other) : array_storage(other) {}
  };

  const share storage_;
  const std::byte* const data_;
};

}  // namespace

strides packed_strides(const shape& extents, const index_vector& outward, index_t itemsize) {
  strides steps(extents.rank());
  index_t step = itemsize;
  for (int i = outward.rank() - 1; i >= 0; --i) {
    const int axis = static_cast<int>(outward[i]);
    steps[axis] = step;
    step *= extents[axis];
  }
  return steps;
}

element_source::element_source(std::string path, dtype type, const layout_ref& where)
    : path_(std::move(path)),
      type_(std::move(type)),
      shape_(where.shape),
      byte_strides_(where.byte_strides),
      outward_(axes_by_stride(where)) {
  const byte_reach reached = reach(where).value_or(byte_reach{});
  spanned_bytes_ = static_cast<std::uint64_t>(reached.end - reached.begin);
}

const file_map& element_source::map() const noexcept {
  static const file_map none;
  return none;
}

std::optional<std::array<block_box, 2>> element_source::halves_of(const block_box& box) const {
  for (const index_t longest : outward_) {
    const int axis = static_cast<int>(longest);
    if (box.extents[axis] < 2) continue;
    std::array<block_box, 2> halves{block_box{box.start, box.extents},
                                    block_box{box.start, box.extents}};
    const index_t middle = box.extents[axis] / 2;
    halves[0].extents[axis] = middle;
    halves[1].start[axis] += middle;
    halves[1].extents[axis] -= middle;
    return halves;
  }
  return std::nullopt;
}

// Steps that are shorter than a page leave none out.
double element_source::touched_bytes(const npymap::shape& extents) const {
  constexpr index_t page_bytes = 4096;
  index_t run = type_.itemsize();
  double runs = 1;
  for (int i = outward_.rank() - 1; i >= 0; --i) {
    const int axis = static_cast<int>(outward_[i]);
    const index_t step = step_length(byte_strides_[axis]);
    if (extents[axis] == 1) continue;
    if (step <= std::max(run, page_bytes)) {
      run += (extents[axis] - 1) * step;
    } else {
      runs *= static_cast<double>(extents[axis]);
    }
  }
  return runs * static_cast<double>(std::max(run, page_bytes));
}

template <class Visit>
void element_source::for_own_pages(const block_box& box, const Visit& visit) const {
  constexpr index_t worth_a_cut_bytes = 64 << 10;
  const page_range pages = pages_of(box);
  const index_t spanned = pages.size_bytes();
  const bool is_sparse =
      spanned > worth_a_cut_bytes && static_cast<double>(spanned) > 2 * touched_bytes(box.extents);
  const auto halves = is_sparse ? halves_of(box) : std::nullopt;
  if (!halves) return visit(pages);
  for (const block_box& half : *halves) for_own_pages(half, visit);
}

void element_source::make_present(const block_box& box) const {
  // What is cached is mapped on touch, by 16 pages or a huge one, in half the time of populating.
  for_own_pages(box, [this](page_range pages) {
    if (!is_cached(pages)) populate_pages(pages);
  });
}

void element_source::read_ahead_of(const block_box& box) const noexcept {
  for_own_pages(box, [this](page_range pages) { read_ahead(pages); });
}

shared<element_source> array_elements(const array_storage& storage, const dtype& type,
                                      const std::byte* data, const layout_ref& where) {
  return shared<element_source>::adopt(new elements_of_array(storage, type, data, where));
}

bool needs_decoding(const element_source& from, const dtype& wanted, std::size_t alignment,
                    const char* what) {
  if (!can_cast(from.type(), wanted)) {
    throw error(errc::dtype_mismatch,
                {.path = from.path(),
                 .subject = what,
                 .expected = "what becomes " + descr(wanted) + " by the rule same_kind",
                 .found = descr(from.type())});
  }
  return !same_meaning(from.type(), wanted) ||
         (from.is_addressable() &&
          !is_aligned(from.layout(), from.at(index_vector(from.shape().rank())), alignment));
}

}  // namespace npymap::detail
