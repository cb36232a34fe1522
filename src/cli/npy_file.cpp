#include "cli/npy_file.hpp"

#include <algorithm>
#include <utility>

#include <fmt/format.h>

#include "array/npy_file.hpp"

namespace npymap::cli {

std::optional<std::uint64_t> npy_file::data_bytes() const {
  if (facts.dtype.has_object()) return std::nullopt;
  // parse_header has refused a size that does not fit.
  return static_cast<std::uint64_t>(*array_bytes(facts.shape, facts.dtype.itemsize()));
}

std::optional<std::uint64_t> npy_file::trailing_bytes() const {
  const auto bytes = data_bytes();
  if (!bytes) return std::nullopt;
  return file_bytes - std::min(file_bytes, facts.data_offset_bytes + *bytes);
}

std::optional<error> npy_file::truncation() const {
  const std::uint64_t available = file_bytes - facts.data_offset_bytes;
  const auto bytes = data_bytes();
  if (!bytes || *bytes <= available) return std::nullopt;
  return cut_short(available);
}

error npy_file::cut_short(std::uint64_t available) const {
  return error(errc::truncated, {.path = opened.path(),
                                 .subject = "array data",
                                 .expected = fmt::format("{} bytes", data_bytes().value_or(0)),
                                 .found = fmt::format("{}", available),
                                 .byte_offset = facts.data_offset_bytes});
}

npy_file read_npy(io::file opened, std::size_t header_limit) {
  const std::uint64_t file_bytes = opened.size_bytes();
  header facts = detail::read_header(opened, 0, file_bytes, header_limit);
  // Somebody may have appended since, and the header tells of that.
  const std::uint64_t with_appended = std::max(file_bytes, opened.size_bytes());
  return {.opened = std::move(opened), .file_bytes = with_appended, .facts = std::move(facts)};
}

}  // namespace npymap::cli
