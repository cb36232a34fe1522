#include "text/row_sink.hpp"

#include <algorithm>
#include <cstring>
#include <utility>

#include <npymap/error.hpp>
#include <npymap/header.hpp>

#include "array/array_access.hpp"
#include "io/memory_limit.hpp"
#include "stream/threads.hpp"

namespace npymap::text {

void longest_sink::put(index_t, std::span<const std::byte> rows) {
  std::int64_t longest = 0;
  for (std::size_t at = 0; at < rows.size(); at += sizeof longest) {
    std::int64_t length;
    std::memcpy(&length, rows.data() + at, sizeof length);
    longest = std::max(longest, length);
  }
  const std::lock_guard lock(changing_);
  longest_ = std::max(longest_, longest);
}

void memory_sink::begin(index_t row_bytes, std::optional<std::uint64_t> rows) {
  row_bytes_ = static_cast<std::uint64_t>(row_bytes);
  // Pages that are not needed in the end are never touched.
  const std::uint64_t most = io::memory_limit_bytes();
  if (rows && row_bytes_ != 0) expected_bytes_ = std::min(*rows, most / row_bytes_) * row_bytes_;
}

void memory_sink::grow(std::uint64_t bytes) {
  constexpr std::uint64_t least_bytes = std::uint64_t{1} << 16;
  const std::uint64_t begin = segments_.empty() ? 0 : segments_.back().end();
  const std::uint64_t needed = bytes - begin;
  const std::uint64_t wanted =
      std::max({needed, least_bytes, segments_.empty() ? expected_bytes_ : begin / 4});
  try {
    segments_.push_back({begin, io::aligned_buffer(static_cast<std::size_t>(wanted))});
  } catch (const error&) {
    if (wanted == needed) throw;
    segments_.push_back({begin, io::aligned_buffer(static_cast<std::size_t>(needed))});
  }
}

void memory_sink::put(index_t first, std::span<const std::byte> rows) {
  std::uint64_t at = static_cast<std::uint64_t>(first) * row_bytes_;
  struct run {
    std::byte* to;
    std::size_t size;
  };
  std::vector<run> runs;
  {
    const std::lock_guard lock(changing_);
    const std::uint64_t end = at + rows.size();
    if (segments_.empty() || segments_.back().end() < end) grow(end);
    for (const segment& each : segments_) {
      if (each.end() <= at || each.begin >= end) continue;
      const std::uint64_t from = std::max(at, each.begin);
      runs.push_back({const_cast<std::byte*>(each.memory.data()) + (from - each.begin),
                      static_cast<std::size_t>(std::min(end, each.end()) - from)});
    }
  }
  for (const run& each : runs) {
    std::memcpy(each.to, rows.data(), each.size);
    rows = rows.subspan(each.size);
  }
}

// Each segment goes when it has been copied: of all, there are never two.
io::aligned_buffer memory_sink::gathered(std::uint64_t bytes) {
  if (segments_.size() == 1) return std::move(segments_.front().memory);
  io::aligned_buffer all(static_cast<std::size_t>(bytes));
  constexpr std::size_t part_bytes = std::size_t{4} << 20;
  for (segment& each : segments_) {
    if (each.begin >= bytes) break;
    const auto size = static_cast<std::size_t>(std::min(bytes, each.end()) - each.begin);
    detail::in_parts(size, part_bytes, detail::checked_threads({}),
                     [&](std::size_t at, std::size_t n) {
                       std::memcpy(all.data() + each.begin + at, each.memory.data() + at, n);
                     });
    each.memory = {};
  }
  return all;
}

any_array memory_sink::finish(const dtype& type, const shape& extents, const std::string& path) {
  const auto bytes = static_cast<std::uint64_t>(*array_bytes(extents, type.itemsize()));
  const header facts{
      .dtype = type, .shape = extents, .order = order::c, .version = {}, .data_offset_bytes = 0};
  return detail::array_access::over(gathered(bytes), path, facts);
}

npy_sink::npy_sink(const std::string& path, const dtype& type, std::uint64_t buffer_bytes)
    : type_(type), fresh_(path, io::existing::replace), writes_(fresh_.contents(), buffer_bytes) {}

// NumPy leaves room for more digits of the first extent, so that it does not matter what it is.
void npy_sink::expect(const shape& extents) { head_bytes_ = header_bytes(type_, extents).size(); }

void npy_sink::begin(index_t row_bytes, std::optional<std::uint64_t>) {
  row_bytes_ = static_cast<std::uint64_t>(row_bytes);
}

void npy_sink::put(index_t first, std::span<const std::byte> rows) {
  if (rows.empty()) return;
  writes_.write(rows, head_bytes_ + static_cast<std::uint64_t>(first) * row_bytes_);
}

// Of arrays that have lost an axis of extent 1, and so are one row, or rows of one.
void npy_sink::move_elements(std::uint64_t to, std::uint64_t n) {
  io::aligned_buffer buffer(static_cast<std::size_t>(n));
  fresh_.contents().read_at(buffer.bytes(), head_bytes_);
  fresh_.contents().set_size(to);
  fresh_.contents().write_at(buffer.bytes(), to);
}

void npy_sink::finish(const shape& extents, durability how_safe) {
  writes_.finish();
  const std::string head = header_bytes(type_, extents);
  if (head.size() != head_bytes_) {
    move_elements(head.size(), static_cast<std::uint64_t>(*array_bytes(extents, type_.itemsize())));
  }
  fresh_.contents().write_at(std::as_bytes(std::span(head)), 0);
  std::move(fresh_).commit(how_safe).close();
}

}  // namespace npymap::text
