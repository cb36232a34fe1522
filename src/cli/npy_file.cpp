#include "cli/npy_file.hpp"

#include <algorithm>

#include <fmt/format.h>

#include "cli/terminal.hpp"

namespace npymap::cli {

std::optional<std::uint64_t> npy_file::data_bytes() const {
  if (facts.dtype.has_object()) return std::nullopt;
  // parse_header has refused a size that does not fit.
  return static_cast<std::uint64_t>(*array_bytes(facts.shape, facts.dtype.itemsize()));
}

std::optional<std::uint64_t> npy_file::trailing_bytes() const {
  const auto bytes = data_bytes();
  if (!bytes) return std::nullopt;
  return file_bytes() - std::min(file_bytes(), facts.data_offset_bytes + *bytes);
}

std::optional<error> npy_file::truncation() const {
  const std::uint64_t available = file_bytes() - facts.data_offset_bytes;
  const auto bytes = data_bytes();
  if (!bytes || *bytes <= available) return std::nullopt;
  return error(errc::truncated, {.path = map.path(),
                                 .subject = "array data",
                                 .expected = fmt::format("{} bytes", *bytes),
                                 .found = fmt::format("{}", available),
                                 .byte_offset = facts.data_offset_bytes});
}

file_map map_file(const source_options& source) {
  report_lost_pages(source.path);
  return file_map::open(source.path, open_mode::read);
}

npy_file read_npy(const file_map& map, const source_options& source) try {
  const std::span bytes(map.data(), map.size_bytes());
  return {.map = map, .facts = parse_header(bytes, source.header_limit)};
} catch (const error& e) {
  throw e.in_file(source.path);
}

std::string python_tuple(std::span<const index_t> values) {
  return fmt::format("({}{})", fmt::join(values, ", "), values.size() == 1 ? "," : "");
}

}  // namespace npymap::cli
