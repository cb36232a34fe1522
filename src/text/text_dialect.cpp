#include "text/text_dialect.hpp"

#include <algorithm>

#include <npymap/error.hpp>

#include "format/unicode.hpp"

namespace npymap::text {
namespace {

[[noreturn]] void refuse(const char* subject, const char* expected, std::string_view found) {
  throw error(errc::invalid_argument,
              {.subject = subject, .expected = expected, .found = quoted(found)});
}

bool has_line_end(std::string_view text) {
  return text.find_first_of("\r\n") != std::string_view::npos;
}

// What Python's str.isspace takes for white space, beyond ASCII.
bool is_wide_space(char32_t c) noexcept {
  return c == 0x85 || c == 0xa0 || c == 0x1680 || (c >= 0x2000 && c <= 0x200a) || c == 0x2028 ||
         c == 0x2029 || c == 0x202f || c == 0x205f || c == 0x3000;
}

}  // namespace

text_dialect::text_dialect(const load_text_options& options)
    : encoding_(options.encoding),
      delimiter_(encoded(options.delimiter)),
      quote_(encoded(options.quote)) {
  for (const std::string& comment : options.comments) {
    if (comment.empty()) refuse("comments", "text, or no comment at all", comment);
    comments_.push_back(encoded(comment));
  }
  require_distinct();
  classify();
}

std::string text_dialect::encoded(std::string_view utf8) const {
  std::string out;
  while (!utf8.empty()) {
    const std::string_view all = utf8;
    const auto c = detail::take_utf8(utf8);
    if (!c) refuse("options of a text", "UTF-8", all);
    if (encoding_ == text_encoding::utf8) {
      detail::append_utf8(out, *c);
    } else if (*c > 0xff) {
      refuse("options of a text in latin1", "characters that it has", all);
    } else {
      out += static_cast<char>(*c);
    }
  }
  return out;
}

void text_dialect::require_distinct() const {
  const auto is_space = [&](const std::string& text) {
    return space_at(text.data(), text.data() + text.size()) == text.size();
  };
  if (has_line_end(delimiter_)) refuse("delimiter", "no end of a line", delimiter_);
  if (!quote_.empty()) {
    std::string_view rest = quote_;
    char32_t c = 0;
    if (has_line_end(quote_) || !take_character(rest, c) || !rest.empty()) {
      refuse("quote", "one character, and no end of a line", quote_);
    }
    if (quote_ == delimiter_ || (splits_at_space() && is_space(quote_))) {
      refuse("quote", "another than the delimiter", quote_);
    }
  }
  for (const std::string& comment : comments_) {
    if (has_line_end(comment)) refuse("comments", "no end of a line", comment);
    if (comment == delimiter_ || (splits_at_space() && is_space(comment))) {
      refuse("comments", "others than the delimiter", comment);
    }
    if (comment == quote_) refuse("comments", "others than the quote", comment);
  }
}

void text_dialect::classify() {
  const auto mark = [this](char c, byte_class how) {
    classes_[static_cast<unsigned char>(c)] |= how;
  };
  mark('\n', line_end);
  mark('\r', line_end);
  for (const std::string& comment : comments_) mark(comment[0], begins_comment);
  if (!delimiter_.empty()) return mark(delimiter_[0], begins_delimiter);
  for (const char c : {' ', '\t', '\v', '\f', '\x1c', '\x1d', '\x1e', '\x1f'}) {
    mark(c, begins_space);
  }
  if (encoding_ == text_encoding::latin1) {
    mark('\x85', begins_space);
    mark('\xa0', begins_space);
  } else {
    for (const char c : {'\xc2', '\xe1', '\xe2', '\xe3'}) mark(c, begins_space);
  }
}

std::size_t text_dialect::comment_at(const char* at, const char* end) const noexcept {
  std::size_t longest = 0;
  for (const std::string& comment : comments_) {
    if (stands_at(comment, at, end)) longest = std::max(longest, comment.size());
  }
  return longest;
}

std::size_t text_dialect::wide_space_at(const char* at, const char* end) const noexcept {
  std::string_view text(at, static_cast<std::size_t>(std::min<std::ptrdiff_t>(end - at, 4)));
  const std::size_t before = text.size();
  char32_t c = 0;
  return take_character(text, c) && is_wide_space(c) ? before - text.size() : 0;
}

std::string_view text_dialect::stripped(std::string_view text) const noexcept {
  while (!text.empty()) {
    const std::size_t n = space_at(text.data(), text.data() + text.size());
    if (n == 0) break;
    text.remove_prefix(n);
  }
  while (!text.empty()) {
    std::size_t n = 1;  // bytes of the last character
    if (encoding_ == text_encoding::utf8) {
      while (n < std::min<std::size_t>(text.size(), 4) &&
             (static_cast<unsigned char>(text[text.size() - n]) & 0xc0) == 0x80) {
        ++n;
      }
    }
    const char* const end = text.data() + text.size();
    if (space_at(end - n, end) != n) break;
    text.remove_suffix(n);
  }
  return text;
}

bool text_dialect::take_character(std::string_view& text, char32_t& c) const noexcept {
  if (encoding_ == text_encoding::latin1) {
    c = static_cast<unsigned char>(text[0]);
    text.remove_prefix(1);
    return true;
  }
  const auto taken = detail::take_utf8(text);
  if (taken) c = *taken;
  return taken.has_value();
}

}  // namespace npymap::text
