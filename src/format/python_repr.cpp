#include "format/python_repr.hpp"

#include <iterator>

#include <fmt/format.h>

#include <npymap/error.hpp>
#include <npymap/shape.hpp>

#include "format/unicode.hpp"

namespace npymap::detail {
namespace {

void append_escaped(std::string& out, char32_t c, char quote) {
  const auto number = static_cast<std::uint32_t>(c);
  const auto it = std::back_inserter(out);
  if (c == '\\' || c == static_cast<unsigned char>(quote)) {
    out += '\\';
    out += static_cast<char>(c);
  } else if (c == '\n') {
    out += "\\n";
  } else if (c == '\r') {
    out += "\\r";
  } else if (c == '\t') {
    out += "\\t";
  } else if (is_printable(c)) {
    append_utf8(out, c);
  } else if (c < 0x100) {
    fmt::format_to(it, "\\x{:02x}", number);
  } else if (c < 0x10000) {
    fmt::format_to(it, "\\u{:04x}", number);
  } else {
    fmt::format_to(it, "\\U{:08x}", number);
  }
}

}  // namespace

void append_repr(std::string& out, std::string_view text) {
  const bool has_single = text.find('\'') != std::string_view::npos;
  const bool has_double = text.find('"') != std::string_view::npos;
  const char quote = has_single && !has_double ? '"' : '\'';
  out += quote;
  for (std::string_view rest = text; !rest.empty();) {
    const auto c = take_utf8(rest);
    if (!c) {
      throw error(errc::bad_dtype,
                  {.subject = "field name", .expected = "UTF-8", .found = quoted(text)});
    }
    append_escaped(out, *c, quote);
  }
  out += quote;
}

void append_repr(std::string& out, std::span<const index_t> extents) { out += to_string(extents); }

}  // namespace npymap::detail
