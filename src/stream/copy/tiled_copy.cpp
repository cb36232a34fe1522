// While one tile is gathered by all threads, the one before is written and the next one is read:
// two tiles are in buffers, and the pages of two in the map.

#include "stream/copy/tiled_copy.hpp"

#include <algorithm>
#include <array>
#include <cstdlib>
#include <future>
#include <span>
#include <string>
#include <utility>

#include <oneapi/tbb/blocked_range.h>
#include <oneapi/tbb/parallel_for.h>
#include <oneapi/tbb/task_arena.h>

#include <npymap/convert.hpp>
#include <npymap/error.hpp>

#include "io/aligned_buffer.hpp"
#include "stream/copy/byte_runs.hpp"
#include "stream/copy/tile_plan.hpp"
#include "stream/element_source.hpp"
#include "stream/threads.hpp"

namespace npymap::detail {
namespace {

constexpr index_t page_bytes = 4096;

// Gaps that are read along with what they part: shorter than what a run of its own would cost.
constexpr index_t gap_bytes = 512;

// Long enough that handing it to a thread costs nothing, short enough that all end together, and
// that what is read of it stays in the cache of one core.
constexpr index_t strip_bytes = index_t{1} << 20;

// The bytes of pages that an element stands for: its own, and those of the gap behind it.
index_t page_share(const layout_ref& where) {
  index_t step = page_bytes;
  for (std::size_t i = 0; i < where.shape.size(); ++i) {
    if (where.shape[i] > 1 && where.byte_strides[i] != 0) {
      step = std::min(step, std::abs(where.byte_strides[i]));
    }
  }
  return std::max<index_t>({where.itemsize, element_count(where.shape) == 1 ? 0 : step, 1});
}

/// One side of the copy, no element of the target below its first.
struct side {
  std::byte* data;  // of the first element; null in a file that is written to
  strides byte_strides;
  index_t itemsize;
  const file_map* map;  // of which the data is

  layout_ref part(const shape& extents) const noexcept { return {extents, byte_strides, itemsize}; }
  std::size_t offset_in_map(const std::byte* at) const {
    return static_cast<std::size_t>(at - map->data());
  }
};

class tiled_copy {
 public:
  tiled_copy(const any_array& from, const tile_target& to, const pass_options& options)
      : from_type_(from.dtype()),
        to_type_(to.type),
        from_{from.data(), from.byte_strides(), from.itemsize(),
              from.is_mapped() ? &from.map() : nullptr},
        to_{to.data, strides(to.where.byte_strides), to.where.itemsize, to.map},
        file_(to.file),
        offset_bytes_(to.offset_bytes),
        options_(options),
        whole_(from.shape()) {
    turn_falling();
    from_inside_out_ = axes_inside_out(from_.byte_strides);
    to_inside_out_ = axes_inside_out(to_.byte_strides);
  }

  void run() {
    if (*array_bytes(whole_, to_.itemsize) == 0) return options_.progress(progress_);
    const tile_plan plan(plan_side(from_, from_inside_out_),
                         file_ ? tile_side{to_.part(whole_), to_inside_out_,
                                           static_cast<index_t>(offset_bytes_ % page_bytes), 0}
                               : plan_side(to_, to_inside_out_),
                         most_elements());
    const index_t total = *element_count(whole_) * from_.itemsize;
    progress_ = {0, static_cast<std::uint64_t>(total)};
    const bool in_threads = *element_count(plan.extents()) * to_.itemsize > worth_a_thread_bytes;
    const auto how = in_threads ? std::launch::async : std::launch::deferred;
    if (in_threads) threads_ = checked_threads(options_.threads);
    std::future<void> ahead, behind;
    for (index_t n = 0; n < plan.count(); ++n) {
      require_going();
      const tile part = plan.at(n);
      if (in_threads && reads_file() && n + 1 < plan.count()) {
        ahead = std::async(how, [this, next = plan.at(n + 1)] { read_ahead(next); });
      }
      if (file_) {
        io::aligned_buffer& buffer = buffers_[static_cast<std::size_t>(n % 2)];
        const strides steps = buffer_strides(part.extents, buffer);
        gather(part, buffer.data(), steps);
        finish(behind);
        behind = std::async(how, [this, part, &buffer] { write(part, buffer); });
      } else {
        gather(part, to_.data + byte_offset(part.start, to_.byte_strides), to_.byte_strides);
        drop_target(part);
      }
      drop_source(part);
      if (!file_) report(part);
      if (file_) in_flight_ = part;
    }
    finish(behind);
  }

 private:
  // So that the target's strides rise.
  void turn_falling() {
    for (int axis = 0; axis < whole_.rank(); ++axis) {
      index_t& to_step = to_.byte_strides[axis];
      index_t& from_step = from_.byte_strides[axis];
      if (to_step >= 0 || whole_[axis] == 0) continue;
      const index_t last = whole_[axis] - 1;
      from_.data += last * from_step;
      if (file_) {
        offset_bytes_ += static_cast<std::uint64_t>(last * to_step);
      } else {
        to_.data += last * to_step;
      }
      from_step = -from_step;
      to_step = -to_step;
    }
  }

  tile_side plan_side(const side& s, const index_vector& inside_out) const {
    const auto first = reinterpret_cast<std::uintptr_t>(s.data) % page_bytes;
    return {s.part(whole_), inside_out, static_cast<index_t>(first), gap_bytes};
  }

  // The pages of two tiles in the map; two tiles in buffers, and the pages that are being written.
  index_t most_elements() const {
    index_t bytes = from_.map ? 2 * page_share(from_.part(whole_)) : 0;
    if (file_) bytes += 3 * std::max<index_t>(to_.itemsize, 1);
    if (to_.map) bytes += 2 * page_share(to_.part(whole_));
    if (bytes == 0) bytes = from_.itemsize + std::max<index_t>(to_.itemsize, 1);
    const std::uint64_t most = options_.budget_bytes / static_cast<std::uint64_t>(bytes);
    if (most > 0) return static_cast<index_t>(std::min<std::uint64_t>(most, INT64_MAX));
    throw error(errc::invalid_argument, {.subject = "budget_bytes of a copy",
                                         .expected = "at least " + std::to_string(bytes),
                                         .found = std::to_string(options_.budget_bytes)});
  }

  void require_going() const {
    if (options_.stop.stop_requested()) throw error(errc::stopped, {.subject = "copy"});
  }

  // Side by side in the order of the target, but for a gap between runs: at a distance of a power
  // of two they would share few lines of each cache.
  strides buffer_strides(const shape& extents, io::aligned_buffer& buffer) const {
    const byte_runs runs(to_.part(extents), to_inside_out_);
    strides steps(extents.rank());
    index_t step = to_.itemsize;
    for (int i = 0; i < extents.rank(); ++i) {
      if (i == runs.joined()) step = padded(runs.size_bytes());
      const auto axis = static_cast<int>(to_inside_out_[i]);
      steps[axis] = step;
      step *= extents[axis];
    }
    const auto needed = static_cast<std::size_t>(runs.count() * padded(runs.size_bytes()));
    if (buffer.size_bytes() < needed) {
      buffer = {};  // before there are two
      buffer = io::aligned_buffer(needed);
    }
    return steps;
  }
  static index_t padded(index_t run_bytes) noexcept {
    constexpr index_t line = 64;
    return run_bytes < page_bytes ? run_bytes : (run_bytes + line - 1) / line * line + line;
  }

  void gather(const tile& part, std::byte* to, const strides& to_steps) {
    const std::byte* const from = from_.data + byte_offset(part.start, from_.byte_strides);
    int axis = -1;  // outermost in the source
    for (const index_t i : from_inside_out_) {
      if (part.extents[static_cast<int>(i)] > 1) axis = static_cast<int>(i);
    }
    if (threads_ == 0 || axis < 0) return gather_strip(part.extents, from, to, to_steps);
    const index_t rows = part.extents[axis];
    const index_t row_bytes = *element_count(part.extents) / rows * page_share(from_.part(whole_));
    const index_t rows_at_once =
        std::max<index_t>(strip_bytes / std::max<index_t>(row_bytes, 1), 1);
    tbb::task_arena arena(threads_);
    arena.execute([&] {
      tbb::parallel_for(tbb::blocked_range<index_t>(0, (rows + rows_at_once - 1) / rows_at_once, 1),
                        [&](const tbb::blocked_range<index_t>& range) {
                          for (index_t n = range.begin(); n < range.end(); ++n) {
                            const index_t first = n * rows_at_once;
                            shape extents = part.extents;
                            extents[axis] = std::min(rows_at_once, rows - first);
                            gather_strip(extents, from + first * from_.byte_strides[axis],
                                         to + first * to_steps[axis], to_steps);
                          }
                        });
    });
  }

  void gather_strip(const shape& extents, const std::byte* from, std::byte* to,
                    const strides& to_steps) const {
    require_going();
    const layout_ref target{extents, to_steps, to_.itemsize};
    if (!reads_file()) {
      return convert_elements(from_type_, from, from_.part(extents), to_type_, to, target);
    }
    // Not from the map: what is not there yet would come a page at a time.
    const byte_runs runs(from_.part(extents), from_inside_out_, gap_bytes);
    const index_t size = runs.size_bytes();
    io::aligned_buffer scratch(static_cast<std::size_t>(runs.count() * size));
    std::byte* next = scratch.data();
    runs.visit([&](index_t offset) {
      read({next, static_cast<std::size_t>(size)}, from + offset);
      next += size;
      return true;
    });
    strides steps(from_.byte_strides);
    index_t first = 0, step = size;
    for (int i = 0; i < steps.rank(); ++i) {
      const auto axis = static_cast<int>(from_inside_out_[i]);
      if (extents[axis] == 1) continue;
      if (i >= runs.joined()) {
        steps[axis] = steps[axis] < 0 ? -step : step;
        step *= extents[axis];
      }
      if (steps[axis] < 0) first -= (extents[axis] - 1) * steps[axis];
    }
    convert_elements(from_type_, scratch.data() + first, {extents, steps, from_.itemsize}, to_type_,
                     to, target);
  }

  // Private edits are in the map alone.
  bool reads_file() const noexcept {
    return from_.map && from_.map->mode() != open_mode::copy_on_write;
  }
  std::uint64_t offset_in_file(const std::byte* from) const {
    return from_.map->offset_bytes() + from_.offset_in_map(from);
  }

  void read(std::span<std::byte> out, const std::byte* from) const {
    const io::file& file = io::file_of(*from_.map);
    const std::uint64_t offset = offset_in_file(from);
    const std::size_t found = file.read_at(out, offset);
    if (found == out.size()) return;
    throw error(errc::truncated, {.path = file.path(),
                                  .subject = "elements to copy",
                                  .expected = std::to_string(out.size()) + " bytes",
                                  .found = std::to_string(found),
                                  .byte_offset = offset});
  }

  // Once all of a tile is read: the kernel keeps folios that are larger than a strip's share of it.
  void drop_source(const tile& passed) const {
    if (!reads_file()) return;
    const std::byte* const from = from_.data + byte_offset(passed.start, from_.byte_strides);
    const io::file& file = io::file_of(*from_.map);
    const byte_runs runs(from_.part(passed.extents), from_inside_out_, gap_bytes);
    runs.visit([&](index_t offset) {
      file.forget(offset_in_file(from + offset), static_cast<std::uint64_t>(runs.size_bytes()));
      return true;
    });
  }

  void read_ahead(const tile& next) const {
    const std::byte* const from = from_.data + byte_offset(next.start, from_.byte_strides);
    const io::file& file = io::file_of(*from_.map);
    const byte_runs runs(from_.part(next.extents), from_inside_out_, gap_bytes);
    runs.visit([&](index_t offset) {
      if (options_.stop.stop_requested()) return false;
      file.read_ahead(offset_in_file(from + offset), static_cast<std::uint64_t>(runs.size_bytes()));
      return true;
    });
  }

  void write(const tile& part, io::aligned_buffer& buffer) const {
    const auto first =
        static_cast<index_t>(offset_bytes_) + byte_offset(part.start, to_.byte_strides);
    const byte_runs runs(to_.part(part.extents), to_inside_out_);
    const auto size = static_cast<std::size_t>(runs.size_bytes());
    const std::byte* from = buffer.data();
    runs.visit([&](index_t offset) {
      require_going();
      const auto at = static_cast<std::uint64_t>(first + offset);
      file_->write_at({from, size}, at);
      file_->start_writing(at, size);
      from += padded(runs.size_bytes());
      return true;
    });
    // The kernel would let us write as fast as memory goes, and fill all of it.
    file_->wait_for_writing();
    file_->forget(0, 0);
  }

  // Have the disk begin with a tile that was written through the map, and let go of its pages.
  void drop_target(const tile& passed) const {
    if (!to_.map) return;
    const std::byte* const first = to_.data + byte_offset(passed.start, to_.byte_strides);
    const byte_reach reached = reach(to_.part(passed.extents)).value_or(byte_reach{});
    const auto begin = to_.offset_in_map(first + reached.begin);
    const auto size = static_cast<std::size_t>(reached.end - reached.begin);
    to_.map->flush(begin, size, flush_mode::async);
    to_.map->advise(advice::dont_need, begin, size);
  }

  void finish(std::future<void>& behind) {
    if (!behind.valid()) return;
    behind.get();
    report(in_flight_);
  }
  void report(const tile& done) {
    progress_.done_bytes +=
        static_cast<std::uint64_t>(*element_count(done.extents) * from_.itemsize);
    options_.progress(progress_);
  }

  const dtype& from_type_;
  const dtype& to_type_;
  side from_;
  side to_;
  io::file* const file_;
  std::uint64_t offset_bytes_;
  const pass_options& options_;
  const shape whole_;
  index_vector from_inside_out_;
  index_vector to_inside_out_;
  int threads_ = 0;  // 0 for this one alone
  std::array<io::aligned_buffer, 2> buffers_;
  tile in_flight_;
  pass_progress progress_;
};

}  // namespace

bool lie_side_by_side(const layout_ref& where) {
  const index_vector inside_out = axes_inside_out(where.byte_strides);
  index_t least = where.itemsize;
  bool is_first = true;
  for (const index_t i : inside_out) {
    const auto axis = static_cast<std::size_t>(i);
    if (where.shape[axis] == 1) continue;
    const index_t step = std::abs(where.byte_strides[axis]);
    if (is_first ? step != least : step < least) return false;
    is_first = false;
    least = step * where.shape[axis];
  }
  return true;
}

void copy_tiles(const any_array& from, const tile_target& to, const pass_options& options) {
  tiled_copy(from, to, options).run();
}

}  // namespace npymap::detail
