#include <algorithm>
#include <cstdint>
#include <future>
#include <utility>

#include <oneapi/tbb/blocked_range.h>
#include <oneapi/tbb/enumerable_thread_specific.h>
#include <oneapi/tbb/parallel_for.h>
#include <oneapi/tbb/task_arena.h>

#include <npymap/convert.hpp>
#include <npymap/error.hpp>
#include <npymap/reduce.hpp>

#include "io/aligned_buffer.hpp"
#include "stream/block_plan.hpp"
#include "stream/paged_elements.hpp"

namespace npymap::detail {
namespace {

// Long enough that handing it to a thread costs nothing, short enough that two cores end together
// and that a decoded piece stays in the cache of one; and four fit the budget.
std::uint64_t piece_bytes(const pass_options& options) {
  return std::min(std::uint64_t{1} << 20, options.budget_bytes / 4);
}

int checked_threads(std::optional<int> threads) {
  // oneTBB prints a warning when asked for more than there are.
  const int most = tbb::this_task_arena::max_concurrency();
  if (!threads) return most;
  if (*threads >= 1) return std::min(*threads, most);
  throw error(errc::invalid_argument, {.subject = "threads of a pass",
                                       .expected = "at least 1",
                                       .found = std::to_string(*threads)});
}

// The bytes of pages that an element stands for: more than its own where others lie between.
index_t bytes_per_element(const layout_ref& where) {
  const index_t count = element_count(where.shape).value_or(0);
  if (count == 0) return std::max<index_t>(where.itemsize, 1);
  const byte_reach reached = reach(where).value_or(byte_reach{});
  return std::max<index_t>({(reached.end - reached.begin) / count, where.itemsize, 1});
}

class parallel_walk final : public piece_walk {
 public:
  parallel_walk(paged_elements elements, dtype from, dtype to, bool decodes,
                const pass_options& options)
      : elements_(std::move(elements)),
        from_(std::move(from)),
        to_(std::move(to)),
        decodes_(decodes),
        threads_(checked_threads(options.threads)),
        plan_(elements_.layout(), limit_of_piece(options), {}),
        // Half for the pieces at hand, half for those that are read.
        window_(static_cast<index_t>(options.budget_bytes / 2 /
                                     std::max<std::uint64_t>(piece_bytes(options), 1))) {}

  index_t count() const noexcept override { return plan_.count(); }

  void run(visitor visit, void* context) override {
    if (count() == 1) return visit_piece(0, visit, context);  // not worth a thread
    tbb::task_arena arena(threads_);
    std::future<void> ahead = read(0);
    for (index_t first = 0; first < count(); first += window_) {
      ahead.get();
      ahead = read(first + window_);
      const index_t last = std::min(first + window_, count());
      arena.execute([&] {
        tbb::parallel_for(tbb::blocked_range<index_t>(first, last, 1),
                          [&](const tbb::blocked_range<index_t>& range) {
                            for (index_t n = range.begin(); n < range.end(); ++n) {
                              visit_piece(n, visit, context);
                            }
                          });
      });
      elements_.drop(pages_of(first), pages_of(first + window_));
    }
  }

 private:
  block_limit limit_of_piece(const pass_options& options) const {
    const index_t per_element =
        std::max(bytes_per_element(elements_.layout()), decodes_ ? to_.itemsize() : 0);
    return {piece_bytes(options), per_element, 4};
  }

  // Of the pieces from `first` on that are worked on together.
  page_range pages_of(index_t first) const {
    if (first >= count()) return {};
    const page_range a = elements_.pages_of(plan_.at(first));
    const page_range b = elements_.pages_of(plan_.at(std::min(first + window_, count()) - 1));
    return {std::min(a.begin, b.begin), std::max(a.end, b.end)};
  }

  std::future<void> read(index_t first) {
    const page_range pages = pages_of(first);
    if (pages.size_bytes() < worth_a_thread_bytes) return std::async(std::launch::deferred, [] {});
    return std::async(std::launch::async, [this, pages] { elements_.read_ahead(pages); });
  }

  void visit_piece(index_t n, visitor visit, void* context) {
    const block_box box = plan_.at(n);
    const layout_ref where = elements_.part(box.extents);
    const std::byte* const data = elements_.at(box.start);
    elements_.populate(elements_.pages_of(box));
    if (!decodes_) return visit(context, n, data, where);
    io::aligned_buffer& scratch = scratch_.local();
    if (scratch.size_bytes() == 0) {
      scratch = io::aligned_buffer(static_cast<std::size_t>(plan_.largest_size() * to_.itemsize()));
    }
    const strides packed = dense_byte_strides(box.extents, to_.itemsize(), order::c);
    const layout_ref decoded{box.extents, packed, to_.itemsize()};
    convert_elements(from_, data, where, to_, scratch.data(), decoded);
    visit(context, n, scratch.data(), decoded);
  }

  const paged_elements elements_;
  const dtype from_;
  const dtype to_;
  const bool decodes_;
  const int threads_;
  const block_plan plan_;
  const index_t window_;
  tbb::enumerable_thread_specific<io::aligned_buffer> scratch_;
};

}  // namespace

shared<piece_walk> piece_walk::over(const array_storage& storage, const dtype& type,
                                    const std::byte* data, const layout_ref& where,
                                    const dtype& wanted, std::size_t alignment,
                                    const pass_options& options) {
  const bool decodes = needs_decoding(storage, type, data, where, wanted, alignment, "a pass");
  return shared<piece_walk>::adopt(new parallel_walk(
      paged_elements(storage, data, where, options.budget_bytes), type, wanted, decodes, options));
}

}  // namespace npymap::detail
