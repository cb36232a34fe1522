// One tile is in memory at a time, as large as the budget allows: the larger it is, the longer are
// the runs that are read and written, which decides on all. It is gathered box by box by all
// threads while the boxes behind these are read; the last of its runs are on their way to the disk
// while the next tile is gathered.

#include "stream/copy/tiled_copy.hpp"

#include <algorithm>
#include <array>
#include <atomic>
#include <cstdlib>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include <npymap/convert.hpp>
#include <npymap/error.hpp>
#include <npymap/file_map.hpp>
#include <npymap/guard.hpp>

#include "io/aligned_buffer.hpp"
#include "io/bounded_writes.hpp"
#include "stream/copy/byte_runs.hpp"
#include "stream/copy/tile_plan.hpp"
#include "stream/element_source.hpp"
#include "stream/progress_meter.hpp"
#include "stream/threads.hpp"

namespace npymap::detail {
namespace {

constexpr index_t page_bytes = 4096;

// Gaps that are read along with what they part: shorter than what a run of its own would cost.
constexpr index_t gap_bytes = 512;

// Long enough that handing it to a thread costs nothing, short enough to stay in the cache of one
// core.
constexpr index_t box_bytes = index_t{1} << 20;

// So many elements fill lines and pages of the target well enough.
constexpr index_t line_elements = 64;

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
        whole_(from.shape()),
        reads_file_(is_read(from_, whole_, options.budget_bytes)),
        threads_(checked_threads(options.threads)),
        meter_(options, static_cast<std::uint64_t>(from.size_bytes())) {
    if (from_.map && !reads_file()) maps_.push_back(*from_.map);
    if (to.pages) maps_.push_back(*to.pages);
    if (!from.empty()) turn_falling();
    from_inside_out_ = axes_inside_out(from_.byte_strides);
    to_inside_out_ = axes_inside_out(to_.byte_strides);
  }

  void run() {
    if (*array_bytes(whole_, to_.itemsize) == 0) return meter_.finish();
    const tile_plan plan(plan_side(from_, from_inside_out_),
                         file_ ? tile_side{to_.part(whole_), to_inside_out_,
                                           static_cast<index_t>(offset_bytes_ % page_bytes), 0}
                               : plan_side(to_, to_inside_out_),
                         most_elements());
    const bool in_threads = *element_count(plan.extents()) * to_.itemsize > worth_a_thread_bytes;
    if (!in_threads) threads_ = 1;
    if (from_.map && !reads_file_) read_ahead_all();
    std::optional<io::bounded_writes> writes;
    if (file_) writes.emplace(*file_, share_of_budget(8));
    io::aligned_buffer buffer;
    for (index_t n = 0; n < plan.count(); ++n) {
      const tile part = plan.at(n);
      if (writes) {
        const strides steps = buffer_strides(part.extents, buffer);
        gather(part, buffer.data(), steps);
        if (n + 1 < plan.count()) read_ahead_first(plan.at(n + 1));
        write(part, buffer, *writes);
      } else {
        gather(part, to_.data + byte_offset(part.start, to_.byte_strides), to_.byte_strides);
        drop_target(part);
      }
    }
    if (writes) writes->finish();
    meter_.finish();
  }

 private:
  // How a tile is gathered: box by box, each small enough for a cache, and long enough along the
  // innermost axis of the target to fill its lines. Boxes that hold the same rows of the axis that
  // is outermost in the source are a slab: it is read ahead in the long runs that the tile has.
  struct boxes {
    shape extents;
    int outer = -1;  // the axis; -1 where the tile is one element
    index_t rows_ahead = 0;
    index_t in_slab = 1;
    index_t count = 1;
  };
  boxes cut(const tile& part) const {
    boxes all{part.extents};
    const index_t share = page_share(from_.part(whole_));
    const auto slab = static_cast<index_t>(share_of_budget(16)) / share;
    const index_t most = std::min(box_bytes / share, slab / threads_);
    int inner = -1;
    for (const index_t i : to_inside_out_) {
      if (inner < 0 && part.extents[static_cast<int>(i)] > 1) inner = static_cast<int>(i);
    }
    for (int i = whole_.rank() - 1; i >= 0; --i) {
      const auto axis = static_cast<int>(from_inside_out_[i]);
      index_t& extent = all.extents[axis];
      if (extent == 1) continue;
      const index_t others = *element_count(all.extents) / extent;
      const index_t least =
          axis == inner ? std::clamp<index_t>(slab / others, 1, line_elements) : 1;
      extent = std::clamp(most / others, std::min(least, extent), extent);
      const index_t along = (part.extents[axis] + extent - 1) / extent;
      all.count *= along;
      if (all.outer < 0) {
        all.outer = axis;
        if (reads_file()) all.rows_ahead = std::max<index_t>(slab / others, 1);
      } else {
        all.in_slab *= along;
      }
    }
    return all;
  }
  tile box(const tile& part, const boxes& all, index_t n) const {
    tile found{part.start, all.extents};
    for (const index_t i : from_inside_out_) {
      const auto axis = static_cast<int>(i);
      const index_t along = (part.extents[axis] + all.extents[axis] - 1) / all.extents[axis];
      const index_t first = n % along * all.extents[axis];
      n /= along;
      found.start[axis] += first;
      found.extents[axis] = std::min(all.extents[axis], part.extents[axis] - first);
    }
    return found;
  }
  // Rows, from `first` to `last`, of the axis that is outermost in the source.
  static tile rows(const tile& part, const boxes& all, index_t first, index_t last) {
    tile found = part;
    if (all.outer < 0) return found;
    found.start[all.outer] += first;
    found.extents[all.outer] = std::min(last, part.extents[all.outer]) - first;
    return found;
  }

  std::uint64_t share_of_budget(unsigned parts) const { return options_.budget_bytes / parts; }

  // So that the target's strides rise.
  void turn_falling() {
    for (int axis = 0; axis < whole_.rank(); ++axis) {
      index_t& to_step = to_.byte_strides[axis];
      index_t& from_step = from_.byte_strides[axis];
      if (to_step >= 0 || whole_[axis] == 1) continue;
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

  // A tile takes four fifths of the budget. The rest is for what is read ahead, what is worked on
  // and what is being written.
  index_t most_elements() const {
    index_t bytes = from_.map && !reads_file() ? page_share(from_.part(whole_)) : 0;
    if (file_) bytes += to_.itemsize;
    if (to_.map) bytes += 2 * page_share(to_.part(whole_));  // one of which is being written
    if (bytes == 0) bytes = from_.itemsize + to_.itemsize;
    const std::uint64_t most = options_.budget_bytes / 5 * 4 / static_cast<std::uint64_t>(bytes);
    if (most > 0) return static_cast<index_t>(std::min<std::uint64_t>(most, INT64_MAX));
    throw error(errc::invalid_argument,
                {.subject = "budget_bytes of a copy",
                 .expected = "at least " + std::to_string((bytes + 3) / 4 * 5),
                 .found = std::to_string(options_.budget_bytes)});
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
    const boxes all = cut(part);
    std::atomic<index_t> next = 0, hinted = 0;
    const auto work = [&] {
      io::aligned_buffer scratch;
      try {
        for (index_t n = next++; n < all.count; n = next++) {
          const index_t end = rows_wanted(part, all, n);
          for (index_t row = hinted; row < end;) {
            if (!hinted.compare_exchange_weak(row, end)) continue;
            read_ahead(rows(part, all, row, end));
            row = end;
          }
          const tile mine = box(part, all, n);
          index_vector from_first = mine.start;
          for (int i = 0; i < whole_.rank(); ++i) from_first[i] -= part.start[i];
          guarded(maps_, [&] {
            gather_box(mine, to + byte_offset(from_first, to_steps), to_steps, scratch);
          });
          if (!file_) meter_.add(bytes_of(mine));
          drop_slab(part, all, n + 1 - threads_);
        }
      } catch (...) {
        next = all.count;
        throw;
      }
    };
    in_threads(all.count, [&](int) { work(); });
    drop_source(part);  // what was read ahead once more, and the folios that slabs share
  }
  // To be read when box `n` begins: of the slab at hand all.
  static index_t rows_wanted(const tile& part, const boxes& all, index_t n) {
    if (all.rows_ahead == 0) return 0;
    const index_t in_slab = all.extents[all.outer];
    const index_t slab_end = (n / all.in_slab + 1) * in_slab;
    const index_t passed = (n + 1) * in_slab / all.in_slab;
    return std::min(std::max(slab_end, passed + all.rows_ahead), part.extents[all.outer]);
  }
  // If box `n`, which has most likely ended, was the last of one.
  void drop_slab(const tile& part, const boxes& all, index_t n) const {
    if (all.outer < 0 || n < 0 || (n + 1) % all.in_slab != 0) return;
    const index_t in_slab = all.extents[all.outer], first = n / all.in_slab * in_slab;
    drop_source(rows(part, all, first, first + in_slab));
  }

  // Call `work(n)` for each thread that is worth it.
  template <class Work>
  void in_threads(index_t parts, const Work& work) const {
    if (threads_ == 1 || parts < 2) {
      for (int n = 0; n < threads_; ++n) work(n);
      return;
    }
    in_each_thread(threads_, work);
  }

  void gather_box(const tile& part, std::byte* to, const strides& to_steps,
                  io::aligned_buffer& scratch) {
    meter_.throw_if_stopped();
    const shape& extents = part.extents;
    const std::byte* const from = from_.data + byte_offset(part.start, from_.byte_strides);
    const layout_ref target{extents, to_steps, to_.itemsize};
    if (!reads_file()) {
      return convert_elements(from_type_, from, from_.part(extents), to_type_, to, target);
    }
    // Not from the map: what is not there yet would come a page at a time.
    const byte_runs runs(from_.part(extents), from_inside_out_, gap_bytes);
    const index_t size = runs.size_bytes();
    const auto needed = static_cast<std::size_t>(runs.count() * size);
    if (scratch.size_bytes() < needed) scratch = io::aligned_buffer(needed);
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

  // Not through the map, whose pages come one at a time; and what was read is let go. But private
  // edits are in the map alone, and what is small stays where it is.
  bool reads_file() const noexcept { return reads_file_; }
  static bool is_read(const side& from, const shape& extents, std::uint64_t budget_bytes) {
    if (!from.map || from.map->mode() == open_mode::copy_on_write) return false;
    const byte_reach all = reach(from.part(extents)).value_or(byte_reach{});
    return static_cast<std::uint64_t>(all.end - all.begin) > budget_bytes / 4;
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
      // With the last page, though another tile shares it: who reads that reads the pages behind
      // it.
      file.forget(offset_in_file(from + offset),
                  static_cast<std::uint64_t>(runs.size_bytes() + page_bytes - 1));
      return true;
    });
  }

  // Of what is small.
  void read_ahead_all() const {
    const byte_reach all = reach(from_.part(whole_)).value_or(byte_reach{});
    io::file_of(*from_.map)
        .read_ahead(offset_in_file(from_.data + all.begin),
                    static_cast<std::uint64_t>(all.end - all.begin));
  }
  // The first slab of a tile.
  void read_ahead_first(const tile& part) const {
    const boxes all = cut(part);
    if (all.rows_ahead > 0) read_ahead(rows(part, all, 0, all.rows_ahead));
  }
  void read_ahead(const tile& part) const {
    const std::byte* const from = from_.data + byte_offset(part.start, from_.byte_strides);
    const io::file& file = io::file_of(*from_.map);
    const byte_runs runs(from_.part(part.extents), from_inside_out_, gap_bytes);
    runs.visit([&](index_t offset) {
      file.read_ahead(offset_in_file(from + offset), static_cast<std::uint64_t>(runs.size_bytes()));
      return true;
    });
  }

  void write(const tile& part, const io::aligned_buffer& buffer, io::bounded_writes& writes) {
    const auto first =
        static_cast<index_t>(offset_bytes_) + byte_offset(part.start, to_.byte_strides);
    const byte_runs runs(to_.part(part.extents), to_inside_out_);
    const index_t size = runs.size_bytes();
    in_threads(runs.count(), [&](int mine) {
      const auto write_run = [&](index_t n, index_t offset) {
        meter_.throw_if_stopped();
        writes.write({buffer.data() + n * padded(size), static_cast<std::size_t>(size)},
                     static_cast<std::uint64_t>(first + offset));
        meter_.add(static_cast<std::uint64_t>(size / to_.itemsize * from_.itemsize));
      };
      // The last page of a run, if another tile has written the rest of it, is read from the disk
      // before it is written: that is begun some runs ahead.
      std::array<index_t, 64> ahead;
      index_t n = 0, hinted = 0, written = 0;
      const auto write_next = [&] {
        write_run(written * threads_ + mine,
                  ahead[static_cast<std::size_t>(written) % ahead.size()]);
        ++written;
      };
      runs.visit([&](index_t offset) {
        if (n++ % threads_ != mine) return true;
        if (hinted - written == std::ssize(ahead)) write_next();
        ahead[static_cast<std::size_t>(hinted++) % ahead.size()] = offset;
        const auto end = static_cast<std::uint64_t>(first + offset + size);
        if (size >= page_bytes && end % page_bytes != 0) file_->read_ahead(end - 1, 1);
        return true;
      });
      while (written < hinted) write_next();
    });
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

  std::uint64_t bytes_of(const tile& part) const {
    return static_cast<std::uint64_t>(*element_count(part.extents) * from_.itemsize);
  }

  const dtype& from_type_;
  const dtype& to_type_;
  side from_;
  side to_;
  io::file* const file_;
  std::uint64_t offset_bytes_;
  const pass_options& options_;
  const shape whole_;
  const bool reads_file_;
  index_vector from_inside_out_;
  index_vector to_inside_out_;
  std::vector<file_map> maps_;  // that are looked at, or written, in place
  int threads_;
  progress_meter meter_;
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
