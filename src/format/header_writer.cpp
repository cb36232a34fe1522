#include <algorithm>
#include <cstdint>
#include <optional>

#include <fmt/format.h>

#include <npymap/error.hpp>
#include <npymap/header.hpp>

#include "format/header_room.hpp"
#include "format/magic.hpp"
#include "format/python_repr.hpp"
#include "format/unicode.hpp"

namespace npymap {
namespace {

constexpr std::size_t alignment = 64;      // ARRAY_ALIGN in NumPy's format.py
constexpr std::size_t growth_digits = 21;  // GROWTH_AXIS_MAX_DIGITS there: room for append

// As NumPy's C_CONTIGUOUS flag of a new array in Fortran order: both orders are the same bytes.
bool is_c_contiguous(std::span<const index_t> extents) {
  const auto is_long = [](index_t extent) { return extent > 1; };
  return std::ranges::count_if(extents, is_long) <= 1 || element_count(extents) == 0;
}

[[noreturn]] void refuse_shape(errc code, std::string expected, std::span<const index_t> extents) {
  throw error(code,
              {.subject = "shape", .expected = std::move(expected), .found = to_string(extents)});
}

void check(const dtype& type, std::span<const index_t> extents) {
  if (type.has_object()) {
    throw error(
        errc::object_dtype,
        {.subject = "header", .expected = "a dtype without Python objects", .found = descr(type)});
  }
  if (std::ranges::any_of(extents, [](index_t extent) { return extent < 0; })) {
    refuse_shape(errc::invalid_argument, "extents of at least 0", extents);
  }
  if (extents.size() > max_rank) {
    refuse_shape(errc::invalid_argument, fmt::format("at most {} axes", max_rank), extents);
  }
  if (!array_bytes(extents, type.itemsize())) {
    refuse_shape(errc::size_overflow,
                 fmt::format("at most 2**63 - 1 bytes, in items of {}", type.itemsize()), extents);
  }
}

// NumPy writes these too, and then loses a field, or cannot read the file at all.
void require_readable(const dtype& type) {
  if (!type.is_record()) return;
  try {
    if (parse_descr(descr(type)) == type) return;
  } catch (const error&) {  // as when it is not the same
  }
  throw error(errc::bad_dtype,
              {.subject = "dtype",
               .expected = "one that can be read back: named fields, nested at most so deep that"
                           " NumPy reads them, sub-arrays of items that have bytes",
               .found = quoted(descr(type))});
}

std::string header_text(const dtype& type, std::span<const index_t> extents, order layout) {
  const bool fortran = layout == order::fortran && !is_c_contiguous(extents);
  std::string text = "{'descr': " + descr(type);
  text += fortran ? ", 'fortran_order': True, 'shape': " : ", 'fortran_order': False, 'shape': ";
  detail::append_repr(text, extents);
  text += ", }";
  if (!extents.empty()) {
    const auto digits = fmt::formatted_size("{}", fortran ? extents.back() : extents.front());
    text.append(growth_digits - digits, ' ');
  }
  return text;
}

// The text in latin-1; nothing if it does not fit.
std::optional<std::string> to_latin1(std::string_view utf8) {
  std::string latin1;
  latin1.reserve(utf8.size());
  while (!utf8.empty()) {
    const auto c = detail::take_utf8(utf8);
    if (!c || *c > 0xff) return std::nullopt;
    latin1 += static_cast<char>(*c);
  }
  return latin1;
}

// `text`, which is all that comes, and what stands before it.
std::string prefixed(const std::string& text, npy_version version) {
  const std::size_t prefix = detail::prefix_bytes(version);
  std::string bytes(detail::magic);
  bytes += static_cast<char>(version.major);
  bytes += static_cast<char>(version.minor);
  for (std::size_t i = bytes.size(), shift = 0; i < prefix; ++i, shift += 8) {
    bytes += static_cast<char>(text.size() >> shift);
  }
  return bytes + text;
}

// With the padding behind it.
std::string wrapped(std::string text, npy_version version) {
  if (text.size() > UINT32_MAX - alignment) {
    throw error(errc::size_overflow, {.subject = "header", .expected = "at most 4 GiB"});
  }
  text.append(alignment - (detail::prefix_bytes(version) + text.size() + 1) % alignment, ' ');
  text += '\n';
  return prefixed(text, version);
}

}  // namespace

std::string header_bytes(const dtype& type, std::span<const index_t> extents, order layout) {
  check(type, extents);
  require_readable(type);
  const std::string text = header_text(type, extents, layout);
  const auto latin1 = to_latin1(text);
  if (!latin1) return wrapped(text, {3, 0});
  std::string bytes = wrapped(*latin1, {1, 0});
  constexpr std::size_t longest = 10 + UINT16_MAX;  // version 1 tells the length in 16 bits
  return bytes.size() <= longest ? bytes : wrapped(*latin1, {2, 0});
}

std::optional<std::string> detail::header_bytes_of_length(const dtype& type,
                                                          std::span<const index_t> extents,
                                                          order layout, npy_version version,
                                                          std::size_t length_bytes) {
  check(type, extents);
  require_readable(type);
  const std::string padded = header_text(type, extents, layout);
  const auto encoded = version.major < 3 ? to_latin1(padded) : padded;
  if (!encoded) return std::nullopt;
  std::string text = encoded->substr(0, encoded->rfind('}') + 1);
  const std::size_t prefix = prefix_bytes(version);
  if (prefix + text.size() + 1 > length_bytes) return std::nullopt;
  text.append(length_bytes - prefix - text.size() - 1, ' ');
  return prefixed(text + '\n', version);
}

}  // namespace npymap
