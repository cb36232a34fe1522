#include "array/npy_file.hpp"

#include <algorithm>
#include <array>
#include <cstddef>
#include <limits>
#include <span>
#include <vector>

#include <fmt/format.h>

#include <npymap/detail/checked.hpp>
#include <npymap/error.hpp>

namespace npymap::detail {

header read_header(const io::file& opened, std::uint64_t base, std::uint64_t available,
                   std::size_t limit) {
  // NumPy's headers end at byte 128, those of a few dozen fields within this: one read for most.
  std::array<std::byte, 1024> start;
  const auto want = static_cast<std::size_t>(std::min<std::uint64_t>(start.size(), available));
  const std::span<const std::byte> got(start.data(),
                                       opened.read_at(std::span(start).first(want), base));
  const std::size_t declared = declared_header_bytes(got, limit);
  if (declared <= got.size()) return parse_header(got.first(declared), limit);

  // The limit has passed the declared length, and the file has to hold it, before it is allocated.
  std::vector<std::byte> whole(
      static_cast<std::size_t>(std::min<std::uint64_t>(declared, available)));
  whole.resize(opened.read_at(whole, base));
  return parse_header(whole, limit);
}

namespace {

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

}  // namespace

npy_elements find_elements(const io::file& opened, const open_options& options) try {
  const std::uint64_t base = options.offset_bytes, file_bytes = opened.size_bytes();
  const std::uint64_t behind = file_bytes - std::min(base, file_bytes);
  const std::uint64_t available = std::min(behind, options.length_bytes.value_or(behind));

  npy_elements found{.facts = read_header(opened, base, available, options.header_limit)};
  if (found.facts.dtype.has_object()) {
    throw error(errc::object_dtype, {.subject = "dtype",
                                     .expected = "elements that are stored as bytes",
                                     .found = descr(found.facts.dtype) + ", Python objects"});
  }
  // parse_header has refused a size that does not fit.
  found.size_bytes =
      static_cast<std::uint64_t>(*array_bytes(found.facts.shape, found.facts.dtype.itemsize()));
  const std::uint64_t data_offset = found.facts.data_offset_bytes;
  if (found.size_bytes > available - data_offset) {
    throw error(errc::truncated, {.subject = "array data",
                                  .expected = fmt::format("{} bytes", found.size_bytes),
                                  .found = fmt::format("{}", available - data_offset),
                                  .byte_offset = data_offset});
  }
  found.offset_bytes = base + data_offset;
  if (options.rows) place_window(found, *options.rows);
  return found;
} catch (const error& e) {
  throw e.in_file(opened.path(), options.offset_bytes);
}

}  // namespace npymap::detail
