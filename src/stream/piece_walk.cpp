#include <npymap/detail/piece_walk.hpp>

#include <algorithm>
#include <array>
#include <atomic>
#include <cstdint>
#include <future>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include <fmt/format.h>
#include <oneapi/tbb/enumerable_thread_specific.h>
#include <oneapi/tbb/parallel_for.h>
#include <oneapi/tbb/task.h>
#include <oneapi/tbb/task_arena.h>

#include <npymap/convert.hpp>
#include <npymap/error.hpp>

#include "io/aligned_buffer.hpp"
#include "io/in_pieces.hpp"
#include "stream/block_plan.hpp"
#include "stream/element_source.hpp"
#include "stream/pass_operands.hpp"
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

/// Pieces of files that are read, not mapped: fetched many at once, before they are asked for.
class fetched_pieces {
 public:
  void fetch(const input_operand& from, const block_plan& plan, index_t first, index_t last) {
    if (first >= last) return;
    const shape largest = from.box_of(plan.at(0)).extents;
    const std::size_t slot =
        from.elements->slot_bytes(*array_bytes(largest, from.elements->type().itemsize()));
    const auto count = static_cast<std::size_t>(last - first);
    if (slots_.size_bytes() < count * slot) slots_ = io::aligned_buffer(count * slot);
    begin_.resize(count);
    constexpr std::size_t most_requests = 8;  // enough to keep a disk busy
    io::in_pieces(count, 1, most_requests, [&](std::size_t i, std::size_t) {
      const block_box box = from.box_of(plan.at(first + static_cast<index_t>(i)));
      begin_[i] = from.elements->fetch(box, slots_.bytes().subspan(i * slot, slot));
    });
    first_ = first;
  }
  const std::byte* at(index_t n) const { return begin_[static_cast<std::size_t>(n - first_)]; }

 private:
  io::aligned_buffer slots_;
  std::vector<const std::byte*> begin_;
  index_t first_ = 0;
};

/// The pieces that are worked on while the next ones are read.
struct window {
  index_t first = 0;
  index_t last = 0;
  std::vector<fetched_pieces> fetched;  // for each input

  void turn_to(index_t begin, index_t size, index_t count, std::size_t inputs) {
    first = begin;
    last = std::min(begin + size, count);
    fetched.resize(inputs);
  }
};

/// Collects pieces in their order, whoever has visited them.
class collection {
 public:
  void begin(piece_walk::collector collector, void* context) {
    collector_ = collector;
    context_ = context;
    next_ = 0;
    visited_.clear();
  }

  void add(index_t n) {
    if (!collector_) return;
    const std::lock_guard lock(collecting_);
    visited_.push_back(n);
    for (;;) {
      const auto found = std::find(visited_.begin(), visited_.end(), next_);
      if (found == visited_.end()) return;
      visited_.erase(found);
      collector_(context_, next_++);
    }
  }

 private:
  piece_walk::collector collector_ = nullptr;
  void* context_ = nullptr;
  index_t next_ = 0;
  std::vector<index_t> visited_;  // and not collected
  std::mutex collecting_;
};

class parallel_walk final : public piece_walk {
 public:
  parallel_walk(pass_operands operands, const pass_options& options)
      : operands_(std::move(operands)),
        options_(options),
        threads_(checked_threads(options.threads)),
        plan_(operands_.plan({piece_bytes(options), 0, 4, options.budget_bytes})),
        // Half for the pieces at hand, half for those that are read.
        window_(window_of(options)),
        fetches_(operands_.fetches()),
        fits_budget_(operands_.spanned_bytes() <= options.budget_bytes),
        meter_(options_, operands_.total_bytes()) {}

  index_t count() const noexcept override { return plan_.count(); }

  void run(visitor visit, collector collect, void* context) override {
    collected_.begin(collect, context);
    std::array<window, 2> windows;  // of which one is worked on, the other read
    window* now = &windows[0];
    now->turn_to(0, window_, count(), operands_.inputs().size());
    if (count() == 1) {  // not worth a thread
      fetch(*now);
      visit_piece(*now, 0, visit, context);
      return meter_.finish();
    }
    tbb::task_arena arena(threads_);
    std::future<void> ahead = start_reading(*now);
    while (now->first < now->last) {
      if (fetches_) ahead.get();  // else it is a hint
      window* const next = now == &windows[0] ? &windows[1] : &windows[0];
      next->turn_to(now->last, window_, count(), operands_.inputs().size());
      ahead = start_reading(*next);
      arena.execute([&] {
        // One behind the other, so that few wait to be collected.
        std::atomic<index_t> next_piece = now->first;
        tbb::parallel_for(0, threads_, [&](int) {
          for (index_t n = next_piece++; n < now->last && !tbb::is_current_task_group_canceling();
               n = next_piece++) {
            visit_piece(*now, n, visit, context);
          }
        });
      });
      drop_shared(*now, *next);
      now = next;
    }
    meter_.finish();
  }

 private:
  index_t window_of(const pass_options& options) const {
    const auto largest = static_cast<std::uint64_t>(
        std::max<index_t>(plan_.largest_size() * operands_.bytes_per_element(), 1));
    const std::uint64_t bytes = std::min(options.budget_bytes / 2, most_read_ahead_bytes);
    return static_cast<index_t>(
        std::max<std::uint64_t>(bytes / std::max({largest, piece_bytes(options)}), 2));
  }

  // Of all that the pieces of a window span.
  page_range pages_of(const input_operand& from, const window& w) const {
    if (w.first >= w.last) return {};
    const page_range a = from.elements->pages_of(from.box_of(plan_.at(w.first)));
    const page_range b = from.elements->pages_of(from.box_of(plan_.at(w.last - 1)));
    return {std::min(a.begin, b.begin), std::max(a.end, b.end)};
  }

  // Pages that one piece has to itself go as soon as it is done, from the thread that is at it;
  // those of pieces that lie between one another, with the window.
  void drop_own(const block_box& box) const {
    if (fits_budget_) return;
    for (const input_operand& from : operands_.inputs()) {
      if (from.has_own_pages(box)) from.elements->drop(from.elements->pages_of(from.box_of(box)));
    }
  }
  void drop_shared(const window& passed, const window& next) const {
    if (fits_budget_) return;
    for (const input_operand& from : operands_.inputs()) {
      if (from.has_own_pages(plan_.at(passed.first))) continue;
      from.elements->drop(pages_of(from, passed), pages_of(from, next));
    }
  }

  void fetch(window& w) const {
    for (std::size_t k = 0; k < operands_.inputs().size(); ++k) {
      const input_operand& from = operands_.inputs()[k];
      if (!from.elements->is_addressable()) w.fetched[k].fetch(from, plan_, w.first, w.last);
    }
  }

  std::future<void> start_reading(window& w) const {
    index_t bytes = 0;
    for (const input_operand& from : operands_.inputs()) {
      bytes += pages_of(from, w).size_bytes();
    }
    if (w.first >= w.last || (!fetches_ && bytes < worth_a_thread_bytes)) {
      return std::async(std::launch::deferred, [] {});
    }
    return std::async(std::launch::async, [this, &w] {
      for (const input_operand& from : operands_.inputs()) {
        from.elements->read_ahead(pages_of(from, w));
      }
      fetch(w);
    });
  }

  void visit_piece(const window& w, index_t n, visitor visit, void* context) {
    meter_.throw_if_stopped();
    const block_box box = plan_.at(n);
    scratch& mine = scratch_.local();
    mine.buffers.resize(operands_.inputs().size() + 2 * operands_.outputs().size());
    io::aligned_buffer* buffer = mine.buffers.data();
    std::vector<piece_memory>& memory = mine.memory;
    memory.clear();
    for (std::size_t k = 0; k < operands_.inputs().size(); ++k) {
      const input_operand& from = operands_.inputs()[k];
      const std::byte* const fetched =
          from.elements->is_addressable() ? nullptr : w.fetched[k].at(n);
      memory.push_back(from.read(box, fetched, *buffer++));
    }
    for (const output_operand& to : operands_.outputs()) memory.push_back(to.offer(box, *buffer++));
    mine.parts.clear();
    for (const piece_memory& m : memory) mine.parts.push_back(m.part());
    // A visitor that waits for parallel work of its own must not be given another piece meanwhile:
    // the scratch is this one's.
    tbb::this_task_arena::isolate([&] {
      visit(context, n, box.start, mine.parts.data());
      collected_.add(n);
    });
    const piece_memory* written = memory.data() + operands_.inputs().size();
    for (const output_operand& to : operands_.outputs()) to.write(box, *written++, *buffer++);
    drop_own(box);
    meter_.add(operands_.bytes_of(box));
  }

  struct scratch {
    std::vector<io::aligned_buffer> buffers;
    std::vector<piece_memory> memory;
    std::vector<piece_part> parts;
  };

  const pass_operands operands_;
  const pass_options options_;
  const int threads_;
  const block_plan plan_;
  const index_t window_;
  const bool fetches_;
  const bool fits_budget_;
  progress_meter meter_;
  collection collected_;
  tbb::enumerable_thread_specific<scratch> scratch_;
};

}  // namespace

shared<piece_walk> piece_walk::over(std::span<const pass_input> inputs,
                                    std::span<const pass_output> outputs,
                                    const pass_options& options) {
  return shared<piece_walk>::adopt(
      new parallel_walk(pass_operands(inputs, outputs, options.pieces), options));
}

}  // namespace npymap::detail
