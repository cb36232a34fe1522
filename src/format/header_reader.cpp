#include <algorithm>
#include <optional>

#include <fmt/format.h>

#include <npymap/error.hpp>
#include <npymap/header.hpp>

#include "format/dtype_reader.hpp"
#include "format/literal.hpp"
#include "format/magic.hpp"
#include "format/unicode.hpp"

namespace npymap {
namespace {

using detail::describe;
using detail::literal;
using detail::literal_kind;

// A character of UTF-8 has at most so many bytes.
constexpr std::size_t longest_character = 4;

struct prefix {
  npy_version version;
  std::size_t bytes = 0;       // up to the text of the header
  std::size_t text_bytes = 0;  // as declared, limit not checked
};

[[noreturn]] void refuse_truncated(std::size_t expected, std::size_t found) {
  throw error(errc::truncated, {.subject = "header",
                                .expected = fmt::format("{} bytes", expected),
                                .found = fmt::format("{}", found)});
}

[[noreturn]] void refuse_length(std::size_t limit, std::string found, std::size_t offset) {
  throw error(errc::header_too_long, {.subject = "header length",
                                      .expected = fmt::format("at most {} characters", limit),
                                      .found = std::move(found),
                                      .byte_offset = offset});
}

std::string_view text_of(std::span<const std::byte> bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

// Of a type string without quotes.
bool begins_a_type(char c) {
  constexpr std::string_view others = "<>=|?";
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
         others.find(c) != std::string_view::npos;
}

// What else is taken for an NPY file, told by its first bytes.
std::string_view other_format(std::string_view start) {
  struct format {
    std::string_view magic, name;
  };
  constexpr std::string_view of_zlib = " of zlib data (as joblib compresses: dump without)";
  static constexpr format known[] = {
      {"PK\3\4", " of a zip archive (npz_reader opens .npz)"},
      {"PK\5\6", " of an empty zip archive (.npz)"},
      {"\x80", " of a Python pickle (read_pickled_array)"},
      {"\x89HDF", " of an HDF5 file"},
      {"\x1f\x8b", " of a gzip file"},
      {"x\1", of_zlib},  // RFC 1950, 2.2, at the levels that zlib's users ask for
      {"x^", of_zlib},
      {"x\x9c", of_zlib},
      {"x\xda", of_zlib},
  };
  const bool is_text = !start.empty() && std::ranges::all_of(start, [](char c) {
    return (c >= ' ' && c <= '~') || c == '\n' || c == '\r' || c == '\t';
  });
  if (is_text) return " of text (load_text)";
  for (const auto& [magic, name] : known) {
    if (start.starts_with(magic)) return name;
  }
  return {};
}

prefix read_prefix(std::string_view start) {
  const std::string_view found = start.substr(0, detail::magic.size());
  if (!detail::magic.starts_with(found)) {
    throw error(errc::not_npy, {.subject = "magic",
                                .expected = quoted(detail::magic),
                                .found = quoted(found).append(other_format(start)),
                                .byte_offset = 0});
  }
  constexpr std::size_t version_end = detail::magic.size() + 2;
  if (start.size() < version_end) refuse_truncated(version_end, start.size());
  const auto byte = [start](std::size_t i) { return static_cast<std::uint8_t>(start[i]); };
  prefix result = {.version = {byte(version_end - 2), byte(version_end - 1)}};
  const auto [major, minor] = result.version;
  if (major < 1 || major > 3 || minor != 0) {
    throw error(errc::unsupported_version, {.subject = "NPY version",
                                            .expected = "1.0, 2.0 or 3.0",
                                            .found = fmt::format("{}.{}", major, minor),
                                            .byte_offset = version_end - 2});
  }
  result.bytes = detail::prefix_bytes(result.version);
  if (start.size() < result.bytes) refuse_truncated(result.bytes, start.size());
  for (std::size_t i = result.bytes; i > version_end; --i) {
    result.text_bytes = result.text_bytes << 8 | byte(i - 1);  // little-endian
  }
  return result;
}

// As far as can be told before the text is read: in UTF-8, characters are fewer than bytes.
prefix read_checked_prefix(std::string_view start, std::size_t limit) {
  const prefix p = read_prefix(start);
  const bool is_utf8 = p.version.major == 3;
  const std::size_t fewest =
      is_utf8 ? (p.text_bytes + longest_character - 1) / longest_character : p.text_bytes;
  if (fewest > limit) refuse_length(limit, fmt::format("{} bytes", p.text_bytes), p.bytes);
  return p;
}

void check_utf8(std::string_view text, std::size_t limit) {
  const auto length = detail::utf8_length(text);
  if (!length) throw error(errc::bad_header, {.subject = "header", .expected = "UTF-8"});
  if (*length > limit) refuse_length(limit, fmt::format("{}", *length), 0);
}

struct entries {
  const literal* descr = nullptr;
  const literal* fortran_order = nullptr;
  const literal* shape = nullptr;
};

[[noreturn]] void refuse(const literal& place, std::string expected, std::string found) {
  throw error(errc::bad_header, {.subject = "header",
                                 .expected = std::move(expected),
                                 .found = std::move(found),
                                 .byte_offset = place.offset});
}

// Of a key that is given twice, the last counts, as in any dict of Python.
entries read_entries(const literal& dict) {
  if (dict.kind != literal_kind::dict) refuse(dict, "a dict", describe(dict.kind));
  entries result;
  for (auto part = dict.begin(); part != dict.end(); ++part) {
    const literal& key = *part;
    const literal& value = *++part;
    if (key.text == "descr") {
      result.descr = &value;
    } else if (key.text == "fortran_order") {
      result.fortran_order = &value;
    } else if (key.text == "shape") {
      result.shape = &value;
    } else {
      refuse(key, "the keys 'descr', 'fortran_order' and 'shape'", quoted(key.text));
    }
  }
  const char* missing = !result.descr           ? "'descr'"
                        : !result.fortran_order ? "'fortran_order'"
                        : !result.shape         ? "'shape'"
                                                : nullptr;
  if (missing) refuse(dict, missing, "a dict without it");
  return result;
}

shape read_shape(const literal& tuple) {
  if (tuple.kind != literal_kind::tuple) refuse(tuple, "a tuple as shape", describe(tuple.kind));
  if (tuple.parts > max_rank) {
    refuse(tuple, fmt::format("at most {} axes", max_rank), fmt::format("{}", tuple.parts));
  }
  shape result;
  for (const literal& extent : tuple) {
    if (extent.kind != literal_kind::integer) {
      refuse(extent, "an integer as extent", describe(extent.kind));
    }
    if (extent.integer < 0) {
      refuse(extent, "an extent of at least 0",
             extent.fits ? fmt::format("{}", extent.integer) : "less");
    }
    if (!extent.fits) {
      throw error(errc::size_overflow, {.subject = "shape",
                                        .expected = "extents of at most 2**63 - 1",
                                        .byte_offset = extent.offset});
    }
    result.push_back(extent.integer);
  }
  return result;
}

header read_text(std::string_view text, npy_version version, std::size_t limit) {
  const bool is_utf8 = version.major == 3;
  if (is_utf8) check_utf8(text, limit);
  const detail::literal_document document(
      text, {.encoding = is_utf8 ? detail::text_encoding::utf8 : detail::text_encoding::latin1,
             .filtered = !is_utf8});
  const entries found = read_entries(document.root());
  if (found.fortran_order->kind != literal_kind::boolean) {
    refuse(*found.fortran_order, "True or False as fortran_order",
           describe(found.fortran_order->kind));
  }
  header result = {.dtype = detail::read_descr(*found.descr),
                   .shape = read_shape(*found.shape),
                   .order = found.fortran_order->integer ? order::fortran : order::c,
                   .version = version};
  if (!array_bytes(result.shape, result.dtype.itemsize())) {
    throw error(
        errc::size_overflow,
        {.subject = "shape",
         .expected = "at most 2**63 - 1 bytes",
         .found = fmt::format("{} of {} bytes", to_string(result.shape), result.dtype.itemsize()),
         .byte_offset = found.shape->offset});
  }
  return result;
}

}  // namespace

std::size_t declared_header_bytes(std::span<const std::byte> start, std::size_t header_limit) {
  const prefix p = read_checked_prefix(text_of(start), header_limit);
  return p.bytes + p.text_bytes;
}

header parse_header(std::span<const std::byte> start, std::size_t header_limit) {
  const prefix p = read_checked_prefix(text_of(start), header_limit);
  const std::size_t end = p.bytes + p.text_bytes;
  if (start.size() < end) refuse_truncated(end, start.size());
  try {
    header result =
        read_text(text_of(start).substr(p.bytes, p.text_bytes), p.version, header_limit);
    result.data_offset_bytes = end;
    return result;
  } catch (const error& e) {
    throw e.in_file({}, p.bytes);
  }
}

dtype parse_descr(std::string_view python_literal) {
  if (!detail::utf8_length(python_literal)) {
    throw error(errc::bad_dtype,
                {.subject = "descr", .expected = "UTF-8", .found = quoted(python_literal)});
  }
  const bool is_name = !python_literal.empty() && begins_a_type(python_literal[0]);
  const std::string text =
      is_name ? fmt::format("'{}'", python_literal) : std::string(python_literal);
  const detail::literal_document document(text, {.code = errc::bad_dtype});
  return detail::read_descr(document.root());
}

}  // namespace npymap
