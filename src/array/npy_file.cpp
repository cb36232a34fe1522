#include "array/npy_file.hpp"

#include <algorithm>
#include <array>
#include <cstddef>
#include <limits>
#include <span>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include <npymap/detail/checked.hpp>
#include <npymap/error.hpp>

namespace npymap::detail {

namespace {

constexpr int most_reads = 1000;  // each of them between two writes of a header; nobody is so quick

/// Of a header that has been read, what a second read agrees upon: while it is written anew for
/// more rows, ext4 and tmpfs let others see half of the new one and half of the old, which may look
/// whole.
std::span<const std::byte> settled(const io::file& opened, std::uint64_t base,
                                   std::span<std::byte> first, std::span<std::byte> second) {
  for (int reads = 1; reads < most_reads; ++reads) {
    second = second.first(opened.read_at(second, base));
    if (std::ranges::equal(first, second)) return first;
    std::swap(first, second);
  }
  throw error(errc::busy, {.subject = "header",
                           .expected = "the same twice",
                           .found = "one that is written all the time",
                           .byte_offset = 0});
}

}  // namespace

header read_header(const io::file& opened, std::uint64_t base, std::uint64_t available,
                   std::size_t limit) {
  const auto read = [&](std::span<std::byte> out) { return out.first(opened.read_at(out, base)); };
  // NumPy's headers end at byte 128, those of a few dozen fields within this.
  std::array<std::byte, 1024> start, again;
  const std::span<std::byte> got = read(std::span(start).first(
      static_cast<std::size_t>(std::min<std::uint64_t>(start.size(), available))));
  // The limit has passed the declared length, and the file has to hold it, before it is allocated.
  const auto bytes = static_cast<std::size_t>(
      std::min<std::uint64_t>(declared_header_bytes(got, limit), available));
  if (bytes <= got.size()) {
    return parse_header(settled(opened, base, got.first(bytes), std::span(again).first(bytes)),
                        limit);
  }
  std::vector<std::byte> whole(bytes), whole_again(bytes);
  return parse_header(settled(opened, base, read(whole), whole_again), limit);
}

std::uint64_t element_bytes(const header& facts) {
  if (facts.dtype.has_object()) {
    throw error(errc::object_dtype, {.subject = "dtype",
                                     .expected = "elements that are stored as bytes",
                                     .found = descr(facts.dtype) + ", Python objects"});
  }
  // parse_header has refused a size that does not fit.
  return static_cast<std::uint64_t>(*array_bytes(facts.shape, facts.dtype.itemsize()));
}

void require_elements(const header& facts, std::uint64_t available) {
  const std::uint64_t size_bytes = element_bytes(facts);
  if (size_bytes <= available - facts.data_offset_bytes) return;
  throw error(errc::truncated, {.subject = "array data",
                                .expected = fmt::format("{} bytes", size_bytes),
                                .found = fmt::format("{}", available - facts.data_offset_bytes),
                                .byte_offset = facts.data_offset_bytes});
}

// The window replaces the shape by its own, and the place by that of its first row.
void place_window(npy_elements& found, const row_range& rows) {
  shape& extents = found.facts.shape;
  const int axis = found.facts.order == order::c ? 0 : extents.rank() - 1;
  const index_t available = extents.rank() == 0 ? 0 : extents[axis];
  if (extents.rank() == 0 || rows.first < 0 || rows.count < 0 || rows.first > available ||
      rows.count > available - rows.first) {
    throw error(errc::out_of_range,
                {.subject = "rows",
                 .expected = extents.rank() == 0 ? "an array with axes to take rows of"
                                                 : fmt::format("a range within 0 to {}", available),
                 .found = fmt::format("{} rows from {}", rows.count, rows.first)});
  }
  extents[axis] = 1;
  const auto row_bytes =
      static_cast<std::uint64_t>(*array_bytes(extents, found.facts.dtype.itemsize()));
  extents[axis] = rows.count;
  found.offset_bytes += static_cast<std::uint64_t>(rows.first) * row_bytes;
  found.size_bytes = static_cast<std::uint64_t>(rows.count) * row_bytes;
}

namespace {

std::uint64_t bytes_from(std::uint64_t base, const io::file& opened, const open_options& options) {
  const std::uint64_t file_bytes = opened.size_bytes();
  const std::uint64_t behind = file_bytes - std::min(base, file_bytes);
  return std::min(behind, options.length_bytes.value_or(behind));
}

npy_elements find_now(const io::file& opened, const open_options& options) {
  const std::uint64_t base = options.offset_bytes;
  std::uint64_t available = bytes_from(base, opened, options);
  npy_elements found{.facts = read_header(opened, base, available, options.header_limit)};
  found.size_bytes = element_bytes(found.facts);
  const std::uint64_t data_offset = found.facts.data_offset_bytes;
  if (found.size_bytes > available - data_offset) {
    // Somebody may have appended since, and the header tells of that.
    available = std::max(available, bytes_from(base, opened, options));
  }
  require_elements(found.facts, available);
  found.offset_bytes = base + data_offset;
  if (options.rows) place_window(found, *options.rows);
  return found;
}

}  // namespace

npy_elements find_elements(const io::file& opened, const open_options& options) try {
  return find_now(opened, options);
} catch (const error& e) {
  throw e.in_file(opened.path(), options.offset_bytes);
}

}  // namespace npymap::detail
