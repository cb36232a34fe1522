#include <algorithm>
#include <cstdint>
#include <string>
#include <string_view>

#include <fmt/format.h>

#include "core/calendar.hpp"
#include "format/iso_time.hpp"
#include "format/time_step_string.hpp"
#include "format/unicode.hpp"
#include "text/put_value.hpp"

namespace npymap::text {
namespace {

// Python prefers single quotes, and double ones when only these save an escape.
template <class Text>
char quote_for(const Text& text) {
  using character = typename Text::value_type;
  const bool has_single = text.find(character('\'')) != Text::npos;
  return has_single && text.find(character('"')) == Text::npos ? '"' : '\'';
}

void append_hex(text_buffer& out, const char* prefix, int digits, std::uint32_t value) {
  constexpr char hex[] = "0123456789abcdef";
  out.append(prefix);
  while (digits-- > 0) out.append(hex[value >> (4 * digits) & 15]);
}

// The escapes that Python's repr has for text and for bytes alike.
bool append_common_escape(text_buffer& out, char32_t c, char quote) {
  const char letter = c == '\t' ? 't' : c == '\n' ? 'n' : c == '\r' ? 'r' : '\0';
  if (letter == '\0' && c != '\\' && c != static_cast<unsigned char>(quote)) return false;
  out.append('\\');
  out.append(letter == '\0' ? static_cast<char>(c) : letter);
  return true;
}

void put_bytes(text_target& to, const conversion& how, const dtype& type, const std::byte* at) {
  text_buffer& out = to.text;
  std::string_view text(reinterpret_cast<const char*>(at),
                        static_cast<std::size_t>(type.itemsize()));
  text = text.substr(0, text.find_last_not_of('\0') + 1);
  const std::size_t begin = out.size();
  const char quote = quote_for(text);
  out.append('b');
  out.append(quote);
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (append_common_escape(out, byte, quote)) continue;
    if (byte >= 0x20 && byte < 0x7f) {
      out.append(c);
    } else {
      append_hex(out, "\\x", 2, byte);
    }
  }
  out.append(quote);
  finish_text(out, begin, how);
}

// The characters of an item without the zeros that pad it.
std::u32string_view characters_of(const dtype& type, const std::byte* at, std::u32string& memory) {
  memory.resize(static_cast<std::size_t>(type.itemsize()) / 4);
  std::memcpy(memory.data(), at, 4 * memory.size());
  return std::u32string_view(memory).substr(0, memory.find_last_not_of(U'\0') + 1);
}

// Width and precision count characters, whatever their bytes.
void put_characters(text_target& to, const conversion& how, std::u32string_view text) {
  if (how.letter != 'c' && how.precision >= 0) {
    text = text.substr(0, static_cast<std::size_t>(how.precision));
  }
  const auto width = static_cast<std::size_t>(how.width);
  const std::size_t missing = width > text.size() ? width - text.size() : 0;
  if (!how.left) to.text.append(missing, ' ');
  for (const char32_t c : text) put_character(to, c);
  if (how.left) to.text.append(missing, ' ');
}

// `repr` or `ascii` of text, in characters: these may be cut, and be padded.
std::u32string repr(std::u32string_view text, bool is_ascii) {
  const char quote = quote_for(text);
  std::u32string out(1, static_cast<unsigned char>(quote));
  text_buffer escape;
  for (const char32_t c : text) {
    escape.cut(0);
    const bool is_character = c <= detail::max_code_point && !detail::is_surrogate(c);
    if (!append_common_escape(escape, c, quote)) {
      if (is_character && detail::is_printable(c) && (c < 0x80 || !is_ascii)) {
        out += c;
        continue;
      }
      const auto number = static_cast<std::uint32_t>(c);
      if (c < 0x100) {
        append_hex(escape, "\\x", 2, number);
      } else if (c < 0x10000) {
        append_hex(escape, "\\u", 4, number);
      } else {
        append_hex(escape, "\\U", 8, number);
      }
    }
    for (const std::byte b : escape.bytes()) out += static_cast<char32_t>(b);
  }
  out += static_cast<unsigned char>(quote);
  return out;
}

void put_unicode(text_target& to, const conversion& how, const dtype& type, const std::byte* at) {
  std::u32string memory;
  const std::u32string_view text = characters_of(type, at, memory);
  if (how.letter == 's') return put_characters(to, how, text);
  if (how.letter != 'c') return put_characters(to, how, repr(text, how.letter == 'a'));
  if (text.size() == 1) return put_characters(to, how, text);
  throw unfit_value{.expected = "one character for %c",
                    .found = fmt::format("text of {}", text.size())};
}

void put_raw(text_target& to, const conversion& how, const dtype& type, const std::byte* at) {
  const std::size_t begin = to.text.size();
  to.text.append(how.letter == 's' ? "b'" : "void(b'");
  for (index_t i = 0; i < type.itemsize(); ++i) {
    constexpr char hex[] = "0123456789ABCDEF";
    const auto byte = std::to_integer<unsigned>(at[i]);
    to.text.append("\\x");
    to.text.append(hex[byte >> 4]);
    to.text.append(hex[byte & 15]);
  }
  to.text.append(how.letter == 's' ? "'" : "')");
  finish_text(to.text, begin, how);
}

// Without the brackets of a dtype; NumPy leaves out what the text of a moment shows: a unit of
// which it counts single ones, but for hours.
std::string step_argument(const dtype& type) {
  const time_step step = type.step();
  const bool is_told =
      step.unit == time_unit::generic ||
      (type.kind() == dtype_kind::datetime && step.count == 1 && step.unit != time_unit::hour);
  if (is_told) return {};
  const std::string bracketed = detail::time_step_string(step);
  return ",'" + bracketed.substr(1, bracketed.size() - 2) + "'";
}

void put_time(text_target& to, const conversion& how, const dtype& type, const std::byte* at) {
  const std::size_t begin = to.text.size();
  const auto value = load_item<std::int64_t>(at);
  const bool is_moment = type.kind() == dtype_kind::datetime;
  if (how.letter == 's') {
    to.text.append(is_moment ? detail::iso_time(value, type.step())
                             : detail::time_span_text(value, type.step()));
  } else if (is_moment) {
    to.text.append(fmt::format("numpy.datetime64('{}'{})", detail::iso_time(value, type.step()),
                               step_argument(type)));
  } else {
    const std::string count = value == detail::not_a_time ? "'NaT'" : fmt::format("{}", value);
    to.text.append(fmt::format("numpy.timedelta64({}{})", count, step_argument(type)));
  }
  finish_text(to.text, begin, how);
}

}  // namespace

put_function find_put_text(const dtype& type, char letter) {
  const bool is_unicode = type.kind() == dtype_kind::unicode;
  const bool is_text = letter == 's' || letter == 'r' || letter == 'a';
  if (!is_text && !(is_unicode && letter == 'c')) return nullptr;
  switch (type.kind()) {
    case dtype_kind::bytes:
      return put_bytes;
    case dtype_kind::unicode:
      return put_unicode;
    case dtype_kind::raw:
      return put_raw;
    default:
      return put_time;
  }
}

}  // namespace npymap::text
