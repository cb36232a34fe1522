#include <npymap/detail/piece_walk.hpp>
#include <npymap/guard.hpp>

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <optional>
#include <utility>
#include <vector>

#include <oneapi/tbb/task_arena.h>

#include "io/aligned_buffer.hpp"
#include "stream/block_plan.hpp"
#include "stream/element_source.hpp"
#include "stream/fetched_pieces.hpp"
#include "stream/pass_operands.hpp"
#include "stream/piece_order.hpp"
#include "stream/progress_meter.hpp"
#include "stream/threads.hpp"

namespace npymap::detail {
namespace {

// Long enough that handing it to a thread costs nothing, short enough that two cores end together
// and that a decoded piece stays in the cache of one; and four fit the budget.
std::uint64_t piece_bytes(const pass_options& options) {
  return std::min(std::uint64_t{1} << 20, options.budget_bytes / 4);
}

// What is longer keeps no disk busier, and the first of it waiting.
constexpr std::uint64_t most_read_ahead_bytes = std::uint64_t{64} << 20;

class parallel_walk final : public piece_walk {
 public:
  parallel_walk(pass_operands operands, const pass_options& options)
      : operands_(std::move(operands)),
        options_(options),
        threads_(checked_threads(options.threads)),
        plan_(operands_.plan({piece_bytes(options), 0, 4, options.budget_bytes})),
        window_(window_of(options)),
        begun_at_once_(window_ >= 8 * threads_ && plan_.count() >= 16 * threads_ ? 2 : 1),
        hinted_at_once_(std::clamp<index_t>(window_ / 8, 1, 4)),
        dropped_at_once_(std::clamp<index_t>(window_ / 2, 1, 32)),
        fetches_(operands_.fetches()),
        fits_budget_(operands_.spanned_bytes() <= options.budget_bytes),
        meter_(options_, operands_.total_bytes()) {}

  index_t count() const noexcept override { return plan_.count(); }
  index_t most_at_once() const noexcept override { return std::min(window_, count()); }

  void run(visitor visit, collector collect, void* context) override {
    hinted_ = ended_ = dropped_ = 0;
    piece_order order([&](index_t n) {
      if (collect) collect(context, n);
      drop_shared(n);
      ended_ = n + 1;
    });
    // That of each piece would install the signal handler anew.
    std::vector<guard> handler_stays;
    for (const file_map& map : operands_.maps()) handler_stays.emplace_back(map);
    std::vector<reading_in_order> expected;
    for (const input_operand& from : operands_.inputs()) {
      const bool in_order = !fits_budget_ && count() > 0 && from.has_own_pages(plan_.at(0));
      if (in_order) expected.emplace_back(from.elements);
    }
    std::optional<fetched_pieces> fetched;
    if (fetches_) fetched.emplace(operands_, plan_, 2 * window_, order);
    const pass_state pass{visit, context, order, fetched ? &*fetched : nullptr};
    if (count() == 1) {  // not worth a thread
      scratch mine;
      visit_piece(pass, 0, mine);
      return meter_.finish();
    }
    std::atomic<index_t> next = 0;
    // One behind the other, so that few wait to be collected.
    in_each_thread(threads_, [&](int) {
      scratch mine;
      try {
        for (index_t first = 0; (first = next.fetch_add(begun_at_once_)) < count();) {
          const index_t last = std::min(first + begun_at_once_, count());
          for (index_t n = first; n < last; ++n) {
            if (!may_begin(pass, n)) return;
            read_ahead_of(n);
            visit_piece(pass, n, mine);
          }
        }
      } catch (...) {
        order.end_of_pass();
        throw;
      }
    });
    meter_.finish();
  }

 private:
  struct pass_state {
    visitor visit;
    void* context;
    piece_order& order;
    fetched_pieces* fetched;  // null where all inputs are mapped, or in memory
  };

  // Of one thread.
  struct scratch {
    std::vector<io::aligned_buffer> buffers;
    std::vector<piece_memory> memory;
    std::vector<piece_part> parts;
  };

  // How many pieces are read ahead: half of the budget's; the rest is at hand.
  index_t window_of(const pass_options& options) const {
    const auto largest = static_cast<std::uint64_t>(
        std::max<index_t>(plan_.largest_size() * operands_.bytes_per_element(), 1));
    const std::uint64_t bytes = std::min(options.budget_bytes / 2, most_read_ahead_bytes);
    return static_cast<index_t>(
        std::max<std::uint64_t>(bytes / std::max({largest, piece_bytes(options)}), 2));
  }

  // Of all that the pieces of a window span, the window of piece `n`.
  page_range pages_of_window(const input_operand& from, index_t n) const {
    const index_t first = n - n % window_;
    if (first >= count()) return {};
    const index_t last = std::min(first + window_, count()) - 1;
    const page_range a = from.elements->pages_of(from.box_of(plan_.at(first)));
    const page_range b = from.elements->pages_of(from.box_of(plan_.at(last)));
    return {std::min(a.begin, b.begin), std::max(a.end, b.end)};
  }

  // Call `visit` for the pages that pieces `first` to `last` have to themselves: once for all that
  // lie side by side.
  template <class Visit>
  void in_own_pages(const input_operand& from, index_t first, index_t last,
                    const Visit& visit) const {
    page_range side_by_side;
    for (index_t n = first; n < last; ++n) {
      const block_box box = plan_.at(n);
      if (!from.has_own_pages(box)) continue;
      const page_range pages = from.elements->pages_of(from.box_of(box));
      if (pages.begin == side_by_side.end) {
        side_by_side.end = pages.end;
      } else {
        visit(side_by_side);
        side_by_side = pages;
      }
    }
    visit(side_by_side);
  }

  // Pages that pieces have to themselves go when a few pieces have ended, with those in between:
  // each drop is an interruption of all threads. Those of pieces that lie between one another go
  // with the window.
  void drop_own() {
    if (fits_budget_) return;
    const index_t ended = ended_;
    for (index_t first = dropped_;
         first < ended && (ended - first >= dropped_at_once_ || ended == count());) {
      const index_t last = std::min(first + dropped_at_once_, ended);
      if (!dropped_.compare_exchange_weak(first, last)) continue;
      for (const input_operand& from : operands_.inputs()) {
        in_own_pages(from, first, last, [&](page_range pages) { from.elements->drop(pages); });
      }
      first = last;
    }
  }
  // Called with each piece, in their order, when it has ended.
  void drop_shared(index_t n) const {
    if (fits_budget_ || ((n + 1) % window_ != 0 && n + 1 != count())) return;
    for (const input_operand& from : operands_.inputs()) {
      if (from.has_own_pages(plan_.at(n - n % window_))) continue;
      from.elements->drop(pages_of_window(from, n),
                          pages_of_window(from, n - n % window_ + window_));
    }
  }

  // At first twice as far as the pass has come, so that its first pieces need not wait for others;
  // then some pieces at once, since to ask whether they are cached costs as much as for one.
  void read_ahead_of(index_t n) {
    const index_t end = std::min(count(), n + std::min(n + 2, window_));
    const index_t least = n < window_ || end == count() ? 1 : hinted_at_once_;
    for (index_t first = hinted_; end - first >= least;) {
      const index_t last = std::min(first + hinted_at_once_, end);
      if (!hinted_.compare_exchange_weak(first, last)) continue;
      for (const input_operand& from : operands_.inputs()) read_ahead(from, first, last);
      first = last;
    }
  }
  void read_ahead(const input_operand& from, index_t first, index_t last) const {
    in_own_pages(from, first, last, [&](page_range pages) { from.elements->read_ahead(pages); });
    for (index_t n = first; n < last; ++n) {
      if (n % window_ != 0 || from.has_own_pages(plan_.at(n))) continue;
      from.elements->read_ahead(pages_of_window(from, n));
    }
  }

  bool may_begin(const pass_state& pass, index_t n) const {
    return pass.order.wait_for_turn(n, window_) && (!pass.fetched || pass.fetched->wait_for(n));
  }

  void visit_piece(const pass_state& pass, index_t n, scratch& mine) {
    meter_.throw_if_stopped();
    const block_box box = plan_.at(n);
    guarded(operands_.maps(), [&] { visit_box(pass, n, box, mine); });
    meter_.add(operands_.bytes_of(box));
    pass.order.end_of(n);
    drop_own();
  }
  void visit_box(const pass_state& pass, index_t n, const block_box& box, scratch& mine) {
    mine.buffers.resize(operands_.inputs().size() + 2 * operands_.outputs().size());
    io::aligned_buffer* buffer = mine.buffers.data();
    std::vector<piece_memory>& memory = mine.memory;
    memory.clear();
    for (std::size_t k = 0; k < operands_.inputs().size(); ++k) {
      const std::byte* const fetched = pass.fetched ? pass.fetched->at(n, k) : nullptr;
      memory.push_back(operands_.inputs()[k].read(box, fetched, *buffer++));
    }
    for (const output_operand& to : operands_.outputs()) memory.push_back(to.offer(box, *buffer++));
    mine.parts.clear();
    for (const piece_memory& m : memory) mine.parts.push_back(m.part());
    // A visitor that waits for parallel work of its own must not be given another piece meanwhile:
    // that might wait for this one to end.
    tbb::this_task_arena::isolate(
        [&] { pass.visit(pass.context, n, box.start, mine.parts.data()); });
    const piece_memory* written = memory.data() + operands_.inputs().size();
    for (const output_operand& to : operands_.outputs()) to.write(box, *written++, *buffer++);
  }

  const pass_operands operands_;
  const pass_options options_;
  const int threads_;
  const block_plan plan_;
  const index_t window_;
  const index_t begun_at_once_;  // by a thread: neighbours, whose large page no other faults in
  const index_t hinted_at_once_;
  const index_t dropped_at_once_;
  const bool fetches_;
  const bool fits_budget_;
  progress_meter meter_;
  std::atomic<index_t> hinted_ = 0;   // how many pieces were read ahead, or begun
  std::atomic<index_t> ended_ = 0;    // all of the first so many
  std::atomic<index_t> dropped_ = 0;  // of these
};

}  // namespace

shared<piece_walk> piece_walk::over(std::span<const pass_input> inputs,
                                    std::span<const pass_output> outputs,
                                    const pass_options& options) {
  return shared<piece_walk>::adopt(
      new parallel_walk(pass_operands(inputs, outputs, options.pieces), options));
}

}  // namespace npymap::detail
