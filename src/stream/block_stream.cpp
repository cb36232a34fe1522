#include <algorithm>
#include <array>
#include <atomic>
#include <cstdint>
#include <future>
#include <utility>

#include <npymap/blocks.hpp>
#include <npymap/convert.hpp>
#include <npymap/error.hpp>

#include "core/time_step.hpp"
#include "io/aligned_buffer.hpp"
#include "stream/block_plan.hpp"

namespace npymap::detail {
namespace {

// Read ahead in steps, so that a walk that is given up early ends soon.
constexpr std::size_t step_bytes = std::size_t{8} << 20;

// Below this, a block is read sooner than a thread is started.
constexpr std::int64_t worth_a_thread_bytes = 256 << 10;

/// Elements of some dtype, and the pages that they lie in, if these are a file's.
class source {
 public:
  source(const array_storage& storage, const std::byte* data, const layout_ref& where)
      : storage_(storage),
        data_(data),
        shape_(where.shape),
        byte_strides_(where.byte_strides),
        itemsize_(where.itemsize) {}

  layout_ref layout() const noexcept { return {shape_, byte_strides_, itemsize_}; }
  const std::byte* at(const index_vector& start) const noexcept {
    index_t offset = 0;
    for (int axis = 0; axis < start.rank(); ++axis) offset += start[axis] * byte_strides_[axis];
    return data_ + offset;
  }
  layout_ref part(const shape& extents) const noexcept {
    return {extents, byte_strides_, itemsize_};
  }
  const strides& byte_strides() const noexcept { return byte_strides_; }

  bool is_mapped() const noexcept { return storage_.is_mapped(); }

  /// Read the pages of a part. \throws error when they cannot be read
  void populate(const block_box& box, const std::atomic<bool>& stop) const {
    if (!is_mapped()) return;
    const auto [offset, size] = pages_of(box);
    storage_.map().advise(advice::will_need, offset, size);  // all of it is under way
    for (std::size_t done = 0; done < size && !stop; done += step_bytes) {
      storage_.map().advise(advice::populate, offset + done, std::min(step_bytes, size - done));
    }
  }

  /// Take its pages out of this process, where nothing is lost by that; but not those of `kept`.
  void drop(const block_box& box, const block_box* kept = nullptr) const noexcept {
    if (!is_mapped()) return;
    auto [offset, size] = pages_of(box);
    if (kept) {
      const auto [next, next_size] = pages_of(*kept);
      if (next >= offset) {
        size = std::min(size, next - offset);
      } else if (next + next_size > offset) {  // the file is walked from its end
        const std::size_t shared = std::min(next + next_size - offset, size);
        offset += shared;
        size -= shared;
      }
    }
    try {
      storage_.map().advise(advice::dont_need, offset, size);
    } catch (const error&) {  // a hint that was not taken
    }
  }

 private:
  struct range_in_map {
    std::size_t offset;
    std::size_t size;
  };
  range_in_map pages_of(const block_box& box) const {
    const byte_reach reached = reach(part(box.extents)).value_or(byte_reach{});
    const std::byte* const first = at(box.start) + reached.begin;
    return {static_cast<std::size_t>(first - storage_.map().data()),
            static_cast<std::size_t>(reached.end - reached.begin)};
  }

  struct share : array_storage {  // whose constructors are for its kin
    explicit share(const array_storage& other) : array_storage(other) {}
  };
  share storage_;
  const std::byte* data_;
  shape shape_;
  strides byte_strides_;
  index_t itemsize_;
};

/// Hands out one block while the next is prepared in another thread.
class stream_in_turn : public block_stream {
 public:
  stream_in_turn(source elements, block_plan plan)
      : elements_(std::move(elements)), plan_(std::move(plan)) {}

  index_t count() const noexcept override { return plan_.count(); }
  int axis() const noexcept override { return plan_.axis(); }

  const block_box& go_to(index_t n) override {
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
        plan_.largest_size() * elements_.layout().itemsize >= worth_a_thread_bytes) {
      ahead_of_ = next;
      ahead_ = std::async(std::launch::async, [this, next] { prepare(next); });
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

  const source& elements() const noexcept { return elements_; }
  const block_plan& plan() const noexcept { return plan_; }
  const std::atomic<bool>& stopping() const noexcept { return stop_; }
  const block_box* at_hand() const noexcept { return at_hand_ < 0 ? nullptr : &box_; }

 private:
  void wait() {
    if (ahead_.valid()) ahead_.wait();
    ahead_ = {};
  }

  source elements_;
  block_plan plan_;
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
    if (at_hand()) elements().drop(*at_hand());
  }

  const std::byte* data() const noexcept override { return data_; }
  const strides& byte_strides() const noexcept override { return elements().byte_strides(); }

 private:
  void prepare(index_t n) override { elements().populate(plan().at(n), stopping()); }
  void arrive(index_t, const block_box& box) override { data_ = elements().at(box.start); }
  void leave(const block_box& passed, const block_box& next) override {
    elements().drop(passed, &next);
  }

  const std::byte* data_ = nullptr;
};

/// Blocks that are converted, or gathered, into one of two buffers.
class stream_of_copies final : public stream_in_turn {
 public:
  stream_of_copies(source elements, block_plan plan, dtype from, dtype to,
                   std::uint64_t source_budget_bytes)
      : stream_in_turn(std::move(elements), std::move(plan)),
        from_(std::move(from)),
        to_(std::move(to)),
        piece_bytes_(static_cast<index_t>(source_budget_bytes)),
        outward_(axes_by_stride(this->elements().layout())) {
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
    const strides steps = packed(box.extents);
    copy_piece({box.start, box.extents}, buffer_of(n).data(), steps);
  }
  void arrive(index_t n, const block_box& box) override {
    data_ = buffer_of(n).data();
    byte_strides_ = packed(box.extents);
  }
  void leave(const block_box&, const block_box&) override {}

  // In the order of the source, so that its elements are walked as they lie.
  strides packed(const shape& extents) const {
    strides steps(extents.rank());
    index_t step = to_.itemsize();
    for (int i = outward_.rank() - 1; i >= 0; --i) {
      const int axis = static_cast<int>(outward_[i]);
      steps[axis] = step;
      step *= extents[axis];
    }
    return steps;
  }

  // Pieces small enough that the pages of each, and no others, are in memory while it is copied.
  void copy_piece(const block_box& piece, std::byte* to, const strides& steps) {
    if (stopping()) return;
    const layout_ref where = elements().part(piece.extents);
    const byte_reach reached = reach(where).value_or(byte_reach{});
    if (elements().is_mapped() && reached.end - reached.begin > piece_bytes_) {
      for (const index_t axis : outward_) {
        if (piece.extents[static_cast<int>(axis)] > 1) {
          return copy_halves(piece, static_cast<int>(axis), to, steps);
        }
      }
    }
    elements().populate(piece, stopping());
    convert_elements(from_, elements().at(piece.start), where, to_, to,
                     {piece.extents, steps, to_.itemsize()});
    elements().drop(piece);
  }

  void copy_halves(const block_box& piece, int axis, std::byte* to, const strides& steps) {
    const index_t first = piece.extents[axis] / 2;
    block_box half{piece.start, piece.extents};
    half.extents[axis] = first;
    copy_piece(half, to, steps);
    half.start[axis] += first;
    half.extents[axis] = piece.extents[axis] - first;
    copy_piece(half, to + first * steps[axis], steps);
  }

  const dtype from_;
  const dtype to_;
  const index_t piece_bytes_;
  const index_vector outward_;
  std::array<io::aligned_buffer, 2> buffers_;
  const std::byte* data_ = nullptr;
  strides byte_strides_;
};

// True if blocks that are parts of the array touch few pages beside their own.
bool is_compact(const source& elements, const block_plan& plan) {
  if (plan.count() == 0) return true;
  const block_box first = plan.at(0);
  const layout_ref whole = elements.part(first.extents);
  const byte_reach reached = reach(whole).value_or(byte_reach{});
  return (reached.end - reached.begin) / 2 <= *array_bytes(whole.shape, whole.itemsize);
}

}  // namespace

shared<block_stream> block_stream::over(const array_storage& storage, const dtype& type,
                                        const std::byte* data, const layout_ref& where,
                                        const dtype& wanted, std::size_t alignment,
                                        const block_options& options) {
  if (!can_cast(type, wanted)) {
    throw error(errc::dtype_mismatch,
                {.path = storage.path(),
                 .subject = "blocks",
                 .expected = "what becomes " + descr(wanted) + " by the rule same_kind",
                 .found = descr(type)});
  }
  source elements(storage, data, where);
  if (same_meaning(type, wanted) && is_aligned(where, data, alignment)) {
    // The block at hand and the one that is read.
    const block_limit limit{options.budget_bytes / 2, std::max<index_t>(type.itemsize(), 1), 2};
    block_plan plan(where, limit, options);
    if (!storage.is_mapped() || is_compact(elements, plan)) {
      return shared<block_stream>::adopt(new stream_in_place(std::move(elements), std::move(plan)));
    }
  }
  // A quarter for the pages that are read from, the rest for two blocks of copies.
  const std::uint64_t quarter = options.budget_bytes / 4;
  const block_limit limit{quarter * 3 / 2, std::max<index_t>(wanted.itemsize(), 1), 3};
  return shared<block_stream>::adopt(new stream_of_copies(
      std::move(elements), block_plan(where, limit, options), type, wanted, quarter));
}

}  // namespace npymap::detail
