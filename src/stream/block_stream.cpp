#include <algorithm>
#include <array>
#include <atomic>
#include <cstdint>
#include <future>
#include <limits>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include <npymap/blocks.hpp>
#include <npymap/convert.hpp>
#include <npymap/error.hpp>
#include <npymap/guard.hpp>

#include "io/aligned_buffer.hpp"
#include "stream/block_plan.hpp"
#include "stream/element_source.hpp"
#include "stream/threads.hpp"

namespace npymap::detail {
namespace {

/// Hands out one block while the next is prepared in another thread.
class stream_in_turn : public block_stream {
 public:
  stream_in_turn(shared<element_source> elements, block_plan plan, std::uint64_t budget_bytes)
      : elements_(std::move(elements)),
        plan_(std::move(plan)),
        fits_budget_(elements_->spanned_bytes() <= budget_bytes) {
    if (!fits_budget_) expected_.emplace(elements_);
  }

  index_t count() const noexcept override { return plan_.count(); }
  int axis() const noexcept override { return plan_.axis(); }

  const block_box& go_to(index_t n) override {
    finish();
    if (ahead_.valid() && ahead_of_ == n) {
      ahead_.get();
    } else {
      wait();
      prepare(n);
    }
    const block_box before = std::exchange(box_, plan_.at(n));
    if (at_hand_ >= 0) leave(before, box_);
    at_hand_ = n;
    arrive(n, box_);
    const index_t next = n + 1;
    if (next < plan_.count() &&
        plan_.largest_size() * elements_->type().itemsize() >= worth_a_thread_bytes) {
      ahead_of_ = next;
      ahead_ = std::async(in_a_thread_if_any, [this, next] { prepare(next); });
    }
    return box_;
  }

 protected:
  /// Bring block `n` into memory; in any thread, but of one block at a time.
  virtual void prepare(index_t n) = 0;
  /// It is the one at hand now.
  virtual void arrive(index_t n, const block_box& box) = 0;
  /// The one at hand was another.
  virtual void leave(const block_box& passed, const block_box& next) = 0;

  /// For destructors, before what `prepare` uses goes away.
  void stop() noexcept {
    stop_ = true;
    if (ahead_.valid()) ahead_.wait();
  }

  /// Until the walk is given up. \throws error when pages cannot be read
  void read(page_range pages) const {
    constexpr std::size_t step_bytes = std::size_t{8} << 20;  // so that this is soon
    elements_->read_ahead(pages);
    for (std::size_t at = pages.begin; at < pages.end && !stop_; at += step_bytes) {
      elements_->populate_pages({at, std::min(at + step_bytes, pages.end)});
    }
  }

  /// What fits the budget as a whole is never dropped.
  void drop(page_range pages, page_range kept = {}) const noexcept {
    if (!fits_budget_) elements_->drop(pages, kept);
  }

  const element_source& elements() const noexcept { return *elements_; }
  const block_plan& plan() const noexcept { return plan_; }
  const std::atomic<bool>& stopping() const noexcept { return stop_; }
  const block_box* at_hand() const noexcept { return at_hand_ < 0 ? nullptr : &box_; }

 private:
  void wait() {
    if (ahead_.valid()) ahead_.wait();
    ahead_ = {};
  }

  shared<element_source> elements_;
  block_plan plan_;
  bool fits_budget_;
  std::optional<reading_in_order> expected_;
  block_box box_;
  index_t at_hand_ = -1;
  index_t ahead_of_ = -1;
  std::atomic<bool> stop_ = false;
  std::future<void> ahead_;
};

/// Blocks that are parts of the map itself.
class stream_in_place final : public stream_in_turn {
 public:
  using stream_in_turn::stream_in_turn;
  ~stream_in_place() override {
    stop();
    if (at_hand()) drop(elements().pages_of(*at_hand()));
  }

  void finish() override {
    if (watch_) watch_->finish();
    watch_.reset();
  }
  const std::byte* data() const noexcept override { return data_; }
  const strides& byte_strides() const noexcept override { return elements().byte_strides(); }

 private:
  void prepare(index_t n) override { read(elements().pages_of(plan().at(n))); }
  void arrive(index_t, const block_box& box) override {
    data_ = elements().at(box.start);
    watch_.emplace(elements().map());
  }
  void leave(const block_box& passed, const block_box& next) override {
    drop(elements().pages_of(passed), elements().pages_of(next));
  }

  const std::byte* data_ = nullptr;
  std::optional<guard> watch_;  // of the thread that asked for the block at hand
};

/// Blocks that are read from files, into one of two buffers.
class stream_of_reads final : public stream_in_turn {
 public:
  stream_of_reads(shared<element_source> elements, block_plan plan, std::uint64_t budget_bytes)
      : stream_in_turn(std::move(elements), std::move(plan), budget_bytes) {
    const index_t bytes = this->plan().largest_size() * this->elements().type().itemsize();
    for (slot& s : slots_) {
      const bool is_used = &s == &slots_[0] || this->plan().count() > 1;
      if (is_used) s.buffer = io::aligned_buffer(this->elements().slot_bytes(bytes));
    }
  }
  ~stream_of_reads() override { stop(); }

  const std::byte* data() const noexcept override { return data_; }
  const strides& byte_strides() const noexcept override { return byte_strides_; }

 private:
  struct slot {
    io::aligned_buffer buffer;
    const std::byte* first = nullptr;
  };
  slot& slot_of(index_t n) noexcept { return slots_[static_cast<std::size_t>(n % 2)]; }

  void prepare(index_t n) override {
    slot_of(n).first = elements().fetch(plan().at(n), slot_of(n).buffer.bytes());
  }
  void arrive(index_t n, const block_box& box) override {
    data_ = slot_of(n).first;
    byte_strides_ = elements().packed(box.extents, elements().type().itemsize());
  }
  void leave(const block_box&, const block_box&) override {}

  std::array<slot, 2> slots_;
  const std::byte* data_ = nullptr;
  strides byte_strides_;
};

/// Blocks that are converted, or gathered, into one of two buffers.
class stream_of_copies final : public stream_in_turn {
 public:
  stream_of_copies(shared<element_source> elements, block_plan plan, dtype to,
                   std::uint64_t source_budget_bytes)
      : stream_in_turn(std::move(elements), std::move(plan), source_budget_bytes),
        to_(std::move(to)),
        piece_bytes_(static_cast<index_t>(source_budget_bytes)) {
    const auto bytes = static_cast<std::size_t>(this->plan().largest_size() * to_.itemsize());
    for (io::aligned_buffer& buffer : buffers_) {
      if (&buffer == &buffers_[0] || this->plan().count() > 1) buffer = io::aligned_buffer(bytes);
    }
  }
  ~stream_of_copies() override { stop(); }

  const std::byte* data() const noexcept override { return data_; }
  const strides& byte_strides() const noexcept override { return byte_strides_; }

 private:
  io::aligned_buffer& buffer_of(index_t n) noexcept {
    return buffers_[static_cast<std::size_t>(n % 2)];
  }

  void prepare(index_t n) override {
    const block_box box = plan().at(n);
    copy_piece({box.start, box.extents}, buffer_of(n).data(), packed(box.extents));
  }
  void arrive(index_t n, const block_box& box) override {
    data_ = buffer_of(n).data();
    byte_strides_ = packed(box.extents);
  }
  void leave(const block_box&, const block_box&) override {}

  // In the order of the source, so that its elements are walked as they lie.
  strides packed(const shape& extents) const { return elements().packed(extents, to_.itemsize()); }

  // What a piece takes of memory while it is copied.
  index_t taken_bytes(const block_box& piece) const {
    if (!elements().is_addressable()) {
      return *array_bytes(piece.extents, elements().type().itemsize());
    }
    const page_range pages = elements().pages_of(piece);  // none, of memory
    return pages.size_bytes();
  }

  // Pieces small enough that the pages of each, and no others, are in memory while it is copied.
  void copy_piece(const block_box& piece, std::byte* to, const strides& steps) {
    if (stopping()) return;
    if (taken_bytes(piece) > piece_bytes_) {
      if (const auto halves = elements().halves_of(piece)) {
        for (const block_box& half : *halves) {
          index_vector way = half.start;
          for (int axis = 0; axis < way.rank(); ++axis) way[axis] -= piece.start[axis];
          copy_piece(half, to + byte_offset(way, steps), steps);
        }
        return;
      }
    }
    const dtype& from = elements().type();
    const layout_ref there{piece.extents, steps, to_.itemsize()};
    if (elements().is_addressable()) {
      const page_range pages = elements().pages_of(piece);
      read(pages);
      guarded(elements().map(), [&] {
        convert_elements(from, elements().at(piece.start), elements().part(piece.extents), to_, to,
                         there);
      });
      drop(pages);
    } else {
      const std::size_t bytes = elements().slot_bytes(taken_bytes(piece));
      if (slot_.size_bytes() < bytes) slot_ = io::aligned_buffer(bytes);
      const std::byte* const got = elements().fetch(piece, slot_.bytes());
      const strides as_read = elements().packed(piece.extents, from.itemsize());
      convert_elements(from, got, {piece.extents, as_read, from.itemsize()}, to_, to, there);
    }
  }

  const dtype to_;
  const index_t piece_bytes_;
  io::aligned_buffer slot_;
  std::array<io::aligned_buffer, 2> buffers_;
  const std::byte* data_ = nullptr;
  strides byte_strides_;
};

// True if blocks that are parts of the array touch few pages beside their own.
bool is_compact(const element_source& elements, const block_plan& plan) {
  const block_box first = plan.at(0);
  const auto elements_bytes = array_bytes(first.extents, elements.type().itemsize());
  return !elements_bytes || elements.pages_of(first).size_bytes() / 2 <= *elements_bytes;
}

// A quarter of a budget for what is read from, the rest for two blocks of copies.
constexpr std::uint64_t copied_bytes(std::uint64_t budget_bytes) {
  return (budget_bytes - budget_bytes / 4) / 2;
}
constexpr std::uint64_t budget_to_copy(index_t bytes) {
  return (static_cast<std::uint64_t>(bytes) / 3 + 1) * 8;
}

// What an array takes for each place along an axis; as much as there can be for one that is
// broadcast to more.
index_t place_bytes(const pass_input& x, int axis) {
  shape place = x.elements.shape();
  place[checked_axis(axis, place.rank())] = 1;
  const index_t itemsize = std::max(x.elements.dtype().itemsize(), x.wanted.itemsize());
  return array_bytes(place, itemsize).value_or(std::numeric_limits<index_t>::max());
}

void require_extent(const source& x, int axis, const source& lead) {
  const index_t found = x.extent(checked_axis(axis, x.rank()));
  const index_t expected = lead.extent(checked_axis(axis, lead.rank()));
  if (found == expected) return;
  throw error(errc::layout_mismatch,
              {.path = x.elements()->path(),
               .subject = fmt::format("extent of axis {} of arrays in step", axis),
               .expected = std::to_string(expected),
               .found = std::to_string(found)});
}

}  // namespace

shared<block_stream> block_stream::over(const source& x, const dtype& wanted, std::size_t alignment,
                                        const block_options& options) {
  const shared<element_source>& elements = x.elements();
  const layout_ref where = elements->layout();
  if (!needs_decoding(*elements, wanted, alignment, "blocks")) {
    // The block at hand and the one that is read.
    const block_limit limit{options.budget_bytes / 2, std::max<index_t>(where.itemsize, 1), 2,
                            options.budget_bytes};
    block_plan plan(where, limit, options);
    const std::uint64_t budget = options.budget_bytes;
    if (!elements->is_addressable()) {
      plan.fitting();
      return shared<block_stream>::adopt(new stream_of_reads(elements, std::move(plan), budget));
    }
    if (plan.count() == 0 || is_compact(*elements, plan)) {
      plan.fitting();
      return shared<block_stream>::adopt(new stream_in_place(elements, std::move(plan), budget));
    }
  }
  const block_limit limit{copied_bytes(options.budget_bytes),
                          std::max<index_t>(wanted.itemsize(), 1), 3, options.budget_bytes};
  return shared<block_stream>::adopt(new stream_of_copies(
      elements, block_plan(where, limit, options).fitting(), wanted, options.budget_bytes / 4));
}

std::vector<shared<block_stream>> block_stream::in_step(std::span<const pass_input> xs,
                                                        const block_options& options) {
  if (!options.tile.empty()) {
    throw error(errc::invalid_argument, {.subject = "options of blocks in step",
                                         .expected = "an axis and an extent",
                                         .found = "a tile"});
  }
  const int axis = options.axis.value_or(0);
  index_t bytes = 0;
  for (const pass_input& x : xs) {
    require_extent(x.elements, axis, xs.front().elements);
    const index_t more = place_bytes(x, axis);
    bytes += std::min(more, std::numeric_limits<index_t>::max() - bytes);
  }
  // Planned as if they were one array, of one element for each place along the axis.
  const source& lead = xs.front().elements;
  const shape places{lead.extent(checked_axis(axis, lead.rank()))};
  const strides steps{1};
  const block_plan together(
      {places, steps, 1},
      {copied_bytes(options.budget_bytes), std::max<index_t>(bytes, 1), 3, options.budget_bytes},
      {.extent = options.extent, .halo = options.halo});
  index_t extent = 1;
  if (together.fitting().count() > 0) {
    const block_box first = together.at(0);
    extent = first.extents[0] - first.halo_after[0];
  }
  std::vector<shared<block_stream>> streams;
  for (const pass_input& x : xs) {
    const std::uint64_t budget = budget_to_copy(together.largest_size() * place_bytes(x, axis));
    const block_options alike{
        .budget_bytes = budget, .axis = axis, .extent = extent, .halo = options.halo};
    streams.push_back(over(x.elements, x.wanted, x.alignment, alike));
  }
  return streams;
}

}  // namespace npymap::detail
