#include "stream/rows/row_fetch.hpp"

#include <algorithm>
#include <atomic>
#include <cstring>
#include <deque>
#include <string>

#include <npymap/error.hpp>
#include <npymap/file_map.hpp>
#include <npymap/guard.hpp>

#include "io/aligned_buffer.hpp"
#include "io/file.hpp"
#include "stream/threads.hpp"

namespace npymap::detail {
namespace {

// What the system reads at least, whatever it is asked for.
constexpr std::size_t page_bytes = 4096;
// So many times faster is a disk, at least, that reads front to back.
constexpr std::uint64_t front_to_back_gain = 4;
// Disks of today answer 32 at once at full speed; more hide the delays of this side.
constexpr std::size_t most_under_way = 64;
// Less is copied sooner than another thread wakes up.
constexpr std::size_t worth_a_thread_bytes = 64 << 10;

void require_running(const std::stop_token& stop) {
  if (stop.stop_requested()) {
    throw error(errc::stopped, {.subject = "gather", .found = "a request to stop"});
  }
}

// A call of memcpy costs more than the number that it moves.
template <std::size_t Size>
void copy_fixed(const row_copy& copy, std::span<const row_place> rows) noexcept {
  for (const row_place& row : rows) {
    std::memcpy(copy.slots + row.slot * copy.slot_step_bytes,
                copy.from + (row.offset_bytes - copy.from_offset_bytes), Size);
  }
}

void copy_in_memory(const row_copy& copy, std::span<const row_place> rows) noexcept {
  switch (copy.row_bytes) {
    case 1:
      return copy_fixed<1>(copy, rows);
    case 2:
      return copy_fixed<2>(copy, rows);
    case 4:
      return copy_fixed<4>(copy, rows);
    case 8:
      return copy_fixed<8>(copy, rows);
    case 16:
      return copy_fixed<16>(copy, rows);
    case 32:
      return copy_fixed<32>(copy, rows);
    default:
      for (const row_place& row : rows) {
        std::memcpy(copy.slots + row.slot * copy.slot_step_bytes,
                    copy.from + (row.offset_bytes - copy.from_offset_bytes), copy.row_bytes);
      }
  }
}

/// Neighbours that are read together.
struct row_run {
  std::span<const row_place> rows;
  std::size_t bytes;  // from the first byte of the first row to the last byte of the last
};

// The rows at the front of sorted ones that lie close together, if not side by side.
row_run first_run(std::span<const row_place> rows, std::size_t row_bytes) noexcept {
  const index_t begin = rows.front().offset_bytes;
  std::size_t bytes = row_bytes;
  std::size_t count = 1;
  for (; count < rows.size(); ++count) {
    const auto distance = static_cast<std::size_t>(rows[count].offset_bytes - begin);
    if (distance > bytes + page_bytes || distance + row_bytes > longest_read_bytes) break;
    bytes = distance + row_bytes;
  }
  return {rows.first(count), bytes};
}

/// The rows of one fetch, taken by several threads.
class shared_fetch {
 public:
  shared_fetch(const byte_source& source, const row_copy& copy, std::span<const row_place> rows,
               const fetch_limit& limit)
      : source_(source),
        copy_(copy),
        rows_(rows),
        stop_(limit.stop),
        under_way_bytes_(limit.budget_bytes / static_cast<unsigned>(limit.threads)),
        rows_at_once_(std::clamp<std::size_t>(
            rows.size() / (static_cast<std::size_t>(limit.threads) * 8), 1, 1024)) {}

  // What each thread does.
  void work() {
    std::deque<row_run> asked;
    std::uint64_t asked_bytes = 0;
    io::aligned_buffer scratch;
    const auto take_oldest = [&] {
      take(asked.front(), scratch);
      asked_bytes -= asked.front().bytes;
      asked.pop_front();
    };
    for (auto rows = next(); !rows.empty(); rows = next()) {
      while (!rows.empty()) {
        require_running(stop_);
        const row_run run = first_run(rows, copy_.row_bytes);
        rows = rows.subspan(run.rows.size());
        if (try_take(run, scratch)) continue;
        asked.push_back(run);
        asked_bytes += run.bytes;
        while (asked.size() > most_under_way ||
               (asked.size() > 1 && asked_bytes > under_way_bytes_)) {
          take_oldest();
        }
      }
    }
    while (!asked.empty()) take_oldest();
  }

 private:
  std::span<const row_place> next() noexcept {
    const std::size_t begin = next_.fetch_add(rows_at_once_, std::memory_order_relaxed);
    if (begin >= rows_.size()) return {};
    return rows_.subspan(begin, std::min(rows_at_once_, rows_.size() - begin));
  }

  const std::byte* begin_of(const row_run& run) const noexcept {
    return copy_.from + run.rows.front().offset_bytes;
  }
  // A row alone goes to its slot at once, several through a buffer.
  std::span<std::byte> target_of(const row_run& run, io::aligned_buffer& scratch) const {
    if (run.rows.size() == 1) {
      return {copy_.slots + run.rows.front().slot * copy_.slot_step_bytes, run.bytes};
    }
    if (scratch.size_bytes() == 0) scratch = io::aligned_buffer(longest_read_bytes);
    return scratch.bytes().first(run.bytes);
  }
  void scatter(const row_run& run, io::aligned_buffer& scratch) const noexcept {
    if (run.rows.size() == 1) return;
    row_copy from_scratch = copy_;
    from_scratch.from = scratch.data();
    from_scratch.from_offset_bytes = run.rows.front().offset_bytes;
    copy_in_memory(from_scratch, run.rows);
  }

  bool try_take(const row_run& run, io::aligned_buffer& scratch) const {
    if (!source_.try_read(begin_of(run), target_of(run, scratch))) return false;
    scatter(run, scratch);
    return true;
  }
  void take(const row_run& run, io::aligned_buffer& scratch) const {
    require_running(stop_);
    source_.read(begin_of(run), target_of(run, scratch));
    scatter(run, scratch);
  }

  const byte_source& source_;
  const row_copy& copy_;
  const std::span<const row_place> rows_;
  const std::stop_token& stop_;
  const std::uint64_t under_way_bytes_;
  const std::size_t rows_at_once_;
  std::atomic<std::size_t> next_ = 0;
};

/// The bytes from the first of the rows to the end of the last, in the file.
struct byte_span {
  index_t begin;
  index_t end;
};

byte_span extent_of(std::span<const row_place> rows, std::size_t row_bytes) noexcept {
  const auto [first, last] = std::ranges::minmax_element(rows, {}, &row_place::offset_bytes);
  return {first->offset_bytes, last->offset_bytes + static_cast<index_t>(row_bytes)};
}

void copy_all(const byte_source& source, const row_copy& copy, std::span<const row_place> rows,
              const fetch_limit& limit) {
  const std::size_t part =
      std::max<std::size_t>(worth_a_thread_bytes / std::max<std::size_t>(copy.row_bytes, 16), 1);
  in_parts(rows.size(), part, limit.threads, [&](std::size_t begin, std::size_t count) {
    require_running(limit.stop);
    const file_map maps[] = {source.map(), copy.slots_map};
    guarded(maps, [&] { copy_in_memory(copy, rows.subspan(begin, count)); });
  });
}

}  // namespace

byte_source::byte_source(const array_storage& storage)
    : storage_(storage),
      way_(!storage.is_mapped()                         ? way::memory
           : storage.mode() == open_mode::copy_on_write ? way::map
                                                        : way::file) {}

std::size_t byte_source::place_in_map(const std::byte* from) const noexcept {
  return static_cast<std::size_t>(from - storage_.map().data());
}

bool byte_source::try_read(const std::byte* from, std::span<std::byte> out) const {
  if (way_ == way::memory) {
    std::memcpy(out.data(), from, out.size());
    return true;
  }
  const std::size_t place = place_in_map(from);
  if (way_ == way::file) {
    return io::file_of(storage_.map()).try_read_at(out, storage_.map().offset_bytes() + place);
  }
  storage_.map().advise(advice::will_need, place, out.size());
  return false;
}

void byte_source::read(const std::byte* from, std::span<std::byte> out) const {
  if (way_ != way::file) {
    if (way_ == way::map) {
      storage_.map().advise(advice::populate, place_in_map(from), out.size());
    }
    guarded(storage_.map(), [&] { std::memcpy(out.data(), from, out.size()); });
    return;
  }
  const std::uint64_t offset = storage_.map().offset_bytes() + place_in_map(from);
  const std::size_t got = io::file_of(storage_.map()).read_at(out, offset);
  if (got == out.size()) return;
  throw error(errc::truncated, {.path = storage_.path(),
                                .subject = "rows to gather",
                                .expected = std::to_string(out.size()) + " bytes",
                                .found = std::to_string(got),
                                .byte_offset = offset});
}

// What is there, is there with its neighbours, which came by the same read: some bytes tell.
bool byte_source::is_cached(const std::byte* from, std::size_t n) const {
  if (way_ != way::file) return false;
  constexpr std::size_t apart_bytes = 512 << 10;
  std::byte last;
  for (std::size_t end = n; end > 0; end -= std::min(end, apart_bytes)) {
    if (!try_read(from + end - 1, {&last, 1})) return false;
  }
  return true;
}

void byte_source::populate(const std::byte* from, std::size_t n) const {
  if (way_ == way::memory || is_cached(from, n)) return;
  // The first asks for all of it at once, the second waits.
  for (const advice step : {advice::will_need, advice::populate}) {
    storage_.map().advise(step, place_in_map(from), n);
  }
}

void fetch_rows(const byte_source& source, const row_copy& copy, std::span<row_place> rows,
                const fetch_limit& limit) {
  if (rows.empty() || copy.row_bytes == 0) return;
  if (source.is_memory()) return copy_all(source, copy, rows, limit);

  const byte_span span = extent_of(rows, copy.row_bytes);
  const auto spanned = static_cast<std::uint64_t>(span.end - span.begin);
  const std::uint64_t wanted = rows.size() * std::max(copy.row_bytes, page_bytes);
  if (spanned <= limit.budget_bytes && spanned / front_to_back_gain <= wanted) {
    in_parts(spanned, 4 * longest_read_bytes, limit.threads,
             [&](std::size_t begin, std::size_t count) {
               require_running(limit.stop);
               source.populate(copy.from + span.begin + begin, count);
             });
    return copy_all(source, copy, rows, limit);
  }

  if (!std::ranges::is_sorted(rows, {}, &row_place::offset_bytes)) {
    std::ranges::sort(rows, {}, &row_place::offset_bytes);
  }
  shared_fetch fetch(source, copy, rows, limit);
  const auto threads = std::min<std::size_t>(static_cast<std::size_t>(limit.threads),
                                             wanted / worth_a_thread_bytes + 1);
  in_parts(threads, 1, static_cast<int>(threads),
           [&](std::size_t, std::size_t) { guarded(copy.slots_map, [&] { fetch.work(); }); });
}

}  // namespace npymap::detail
