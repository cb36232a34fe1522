#include "text/outer_slice.hpp"

#include <span>
#include <utility>

namespace npymap::text {
namespace {

using detail::block_box;
using detail::page_range;

class sliced_elements final : public detail::element_source {
 public:
  sliced_elements(detail::shared<detail::element_source> whole, index_t n)
      : element_source(
            whole->path(), whole->type(),
            {std::span<const index_t>(whole->shape()).subspan(1),
             std::span<const index_t>(whole->byte_strides()).subspan(1), whole->type().itemsize()}),
        whole_(std::move(whole)),
        n_(n) {}

  const std::byte* at(const index_vector& start) const noexcept override {
    return whole_->at(with_outer(start, n_));
  }
  bool is_addressable() const noexcept override { return whole_->is_addressable(); }
  const file_map& map() const noexcept override { return whole_->map(); }
  bool may_overlap(const any_array& y) const override { return whole_->may_overlap(y); }

  page_range pages_of(const block_box& box) const noexcept override {
    return whole_->pages_of(widened(box));
  }
  bool is_cached(page_range pages) const noexcept override { return whole_->is_cached(pages); }
  void read_ahead(page_range pages) const noexcept override { whole_->read_ahead(pages); }
  void populate_pages(page_range pages) const override { whole_->populate_pages(pages); }
  void expect(advice hint) const noexcept override { whole_->expect(hint); }
  void drop(page_range pages, page_range kept) const noexcept override {
    whole_->drop(pages, kept);
  }

  std::size_t slot_bytes(index_t box_bytes) const noexcept override {
    return whole_->slot_bytes(box_bytes);
  }
  const std::byte* fetch(const block_box& box, std::span<std::byte> slot) const override {
    return whole_->fetch(widened(box), slot);
  }

 private:
  static index_vector with_outer(const index_vector& inner, index_t outer) {
    index_vector all{outer};
    for (const index_t each : inner) all.push_back(each);
    return all;
  }
  block_box widened(const block_box& box) const {
    return {with_outer(box.start, n_), with_outer(box.extents, 1)};
  }

  const detail::shared<detail::element_source> whole_;
  const index_t n_;
};

}  // namespace

detail::shared<detail::element_source> outer_slice(detail::shared<detail::element_source> x,
                                                   index_t n) {
  return detail::shared<detail::element_source>::adopt(new sliced_elements(std::move(x), n));
}

}  // namespace npymap::text
