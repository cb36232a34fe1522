#include <string>
#include <string_view>

#include <fmt/format.h>

#include "cli/print/format.hpp"
#include "cli/print/stored.hpp"
#include "format/unicode.hpp"

namespace npymap::cli {
namespace {

constexpr std::size_t npos = std::string_view::npos;

// Python prefers single quotes, and double ones when only these save an escape.
char quote_for(bool has_single, bool has_double) { return has_single && !has_double ? '"' : '\''; }

// False for what a file may hold all the same.
bool is_character(char32_t c) { return c <= detail::max_code_point && !detail::is_surrogate(c); }

// The escapes that Python's repr has for text and for bytes alike.
bool append_common_escape(std::string& out, char32_t c, char quote) {
  switch (c) {
    case '\t':
      out += "\\t";
      return true;
    case '\n':
      out += "\\n";
      return true;
    case '\r':
      out += "\\r";
      return true;
    case '\\':
      out += "\\\\";
      return true;
    default:
      if (c != static_cast<unsigned char>(quote)) return false;
      out += '\\';
      out += quote;
      return true;
  }
}

void append_repr(std::string& out, char32_t c, char quote) {
  if (append_common_escape(out, c, quote)) return;
  if (is_character(c) && detail::is_printable(c)) {
    detail::append_utf8(out, c);
  } else if (c <= 0xff) {
    out += fmt::format("\\x{:02x}", static_cast<std::uint32_t>(c));
  } else if (c <= 0xffff) {
    out += fmt::format("\\u{:04x}", static_cast<std::uint32_t>(c));
  } else {
    out += fmt::format("\\U{:08x}", static_cast<std::uint32_t>(c));
  }
}

// The characters of an item without the zeros that pad it.
std::u32string load_text(const dtype& type, const std::byte* at) {
  std::u32string text(static_cast<std::size_t>(type.itemsize() / 4), U'\0');
  for (char32_t& c : text) {
    c = load<std::uint32_t>(at, type.byte_order());
    at += 4;
  }
  text.erase(text.find_last_not_of(U'\0') + 1);
  return text;
}

}  // namespace

void append_bytes_repr(std::string& out, std::string_view text) {
  const char quote = quote_for(text.find('\'') != npos, text.find('"') != npos);
  out += 'b';
  out += quote;
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (append_common_escape(out, byte, quote)) continue;
    if (byte >= 0x20 && byte < 0x7f) {
      out += c;
    } else {
      out += fmt::format("\\x{:02x}", byte);
    }
  }
  out += quote;
}

element_format bytes_format(const dtype& type) {
  const auto itemsize = static_cast<std::size_t>(type.itemsize());
  return [itemsize](std::string& out, const std::byte* at) {
    const std::string_view text(reinterpret_cast<const char*>(at), itemsize);
    append_bytes_repr(out, text.substr(0, text.find_last_not_of('\0') + 1));
  };
}

element_format unicode_format(const dtype& type) {
  return [type](std::string& out, const std::byte* at) {
    const std::u32string text = load_text(type, at);
    const char quote = quote_for(text.find(U'\'') != npos, text.find(U'"') != npos);
    out += quote;
    for (const char32_t c : text) append_repr(out, c, quote);
    out += quote;
  };
}

// As it is: what cannot be written in UTF-8, Python would fail at, and is escaped here.
std::string unicode_text(const dtype& type, const std::byte* at) {
  std::string out;
  for (const char32_t c : load_text(type, at)) {
    if (is_character(c)) {
      detail::append_utf8(out, c);
    } else {
      append_repr(out, c, '\'');
    }
  }
  return out;
}

element_format raw_format(const dtype& type) {
  const index_t itemsize = type.itemsize();
  return [itemsize](std::string& out, const std::byte* at) {
    out += "b'";
    for (index_t i = 0; i < itemsize; ++i) {
      out += fmt::format("\\x{:02X}", std::to_integer<unsigned>(at[i]));
    }
    out += '\'';
  };
}

}  // namespace npymap::cli
