#include "pickle/escaped_text.hpp"

#include <algorithm>
#include <charconv>
#include <cstddef>
#include <optional>

#include "format/unicode.hpp"

namespace npymap::pickle {
namespace {

std::optional<char32_t> digits(std::string_view text, int base) {
  std::uint32_t number = 0;
  const char* const end = text.data() + text.size();
  const auto [stop, failure] = std::from_chars(text.data(), end, number, base);
  if (failure != std::errc() || stop != end || text.starts_with('-')) return {};
  return static_cast<char32_t>(number);
}

constexpr std::size_t longest_utf8 = 4;

}  // namespace

bool text_decoder::decode(std::string_view written, std::string& out) {
  if (coding_ == coding::plain) {
    out += written;
    return true;
  }
  if (held_.empty()) {
    if (!decode_held(written, out, false)) return false;
    held_ = written;
    return true;
  }
  held_ += written;
  std::string_view text = held_;
  if (!decode_held(text, out, false)) return false;
  held_.erase(0, held_.size() - text.size());
  return true;
}

bool text_decoder::finish(std::string& out) {
  std::string_view text = held_;
  return decode_held(text, out, true) && text.empty();
}

bool text_decoder::decode_held(std::string_view& text, std::string& out, bool is_all) {
  switch (coding_) {
    case coding::plain:
      return true;
    case coding::decimal:
      return false;
    case coding::latin1_in_utf8:
      return decode_utf8(text, out, is_all);
    case coding::raw_escape:
    case coding::latin1_in_raw_escape:
      return decode_raw_escape(text, out, is_all);
    case coding::string_escape:
      return decode_string_escape(text, out, is_all);
  }
  return false;
}

// A code point of the text that is written. False where the coding has no place for it.
bool text_decoder::put(char32_t c, std::string& out) const {
  if (coding_ == coding::raw_escape) {
    if (c > detail::max_code_point || detail::is_surrogate(c)) return false;
    detail::append_utf8(out, c);
    return true;
  }
  if (c > 0xff) return false;
  out += static_cast<char>(c);
  return true;
}

bool text_decoder::decode_utf8(std::string_view& text, std::string& out, bool is_all) {
  while (!text.empty() && (is_all || text.size() >= longest_utf8)) {
    const auto c = detail::take_utf8(text);
    if (!c || !put(*c, out)) return false;
  }
  return true;
}

// As PyUnicode_DecodeRawUnicodeEscape: a backslash in front of anything but u and U is one, and so
// is what follows it.
bool text_decoder::decode_raw_escape(std::string_view& text, std::string& out, bool is_all) {
  constexpr std::size_t longest = 10;  // \UXXXXXXXX
  while (!text.empty() && (is_all || text.size() >= longest)) {
    const auto first = static_cast<unsigned char>(text[0]);
    if (first != '\\' || text.size() == 1) {
      if (!put(first, out)) return false;
      text.remove_prefix(1);
      continue;
    }
    const std::size_t count = text[1] == 'u' ? 4 : text[1] == 'U' ? 8 : 0;
    if (count == 0) {
      if (!put(first, out) || !put(static_cast<unsigned char>(text[1]), out)) return false;
      text.remove_prefix(2);
      continue;
    }
    if (text.size() < 2 + count) return false;
    const auto c = digits(text.substr(2, count), 16);
    if (!c || !put(*c, out)) return false;
    text.remove_prefix(2 + count);
  }
  return true;
}

// As codecs.escape_decode.
bool text_decoder::decode_string_escape(std::string_view& text, std::string& out, bool is_all) {
  constexpr std::size_t longest = 4;  // \xXX, \OOO
  constexpr std::string_view names = "\\'\"abfnrtv", bytes = "\\'\"\a\b\f\n\r\t\v";
  while (!text.empty() && (is_all || text.size() >= longest)) {
    if (text[0] != '\\') {
      out += text[0];
      text.remove_prefix(1);
      continue;
    }
    if (text.size() == 1) return false;
    const std::size_t named = names.find(text[1]);
    if (named != std::string_view::npos) {
      out += bytes[named];
      text.remove_prefix(2);
    } else if (text[1] == 'x') {
      if (text.size() < 4) return false;
      const auto c = digits(text.substr(2, 2), 16);
      if (!c) return false;
      out += static_cast<char>(*c);
      text.remove_prefix(4);
    } else if (text[1] >= '0' && text[1] <= '7') {
      const std::size_t end = text.find_first_not_of("01234567", 1);
      constexpr std::size_t most = 3;
      const std::size_t count = std::min({end - 1, text.size() - 1, most});
      out += static_cast<char>(*digits(text.substr(1, count), 8));
      text.remove_prefix(1 + count);
    } else {
      out += text.substr(0, 2);
      text.remove_prefix(2);
    }
  }
  return true;
}

}  // namespace npymap::pickle
