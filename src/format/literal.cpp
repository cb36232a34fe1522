#include "format/literal.hpp"

#include <algorithm>
#include <optional>

#include <npymap/detail/checked.hpp>

#include "format/unicode.hpp"

namespace npymap::detail {
namespace {

constexpr int max_nesting = 200;  // MAXLEVEL of CPython's tokenizer
constexpr std::size_t typical_values = 16;

bool is_newline(char c) { return c == '\n' || c == '\r'; }
bool is_blank(char c) { return c == ' ' || c == '\t' || c == '\f'; }
bool is_quote(char c) { return c == '\'' || c == '"'; }
bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool is_ascii(char c) { return static_cast<unsigned char>(c) < 0x80; }

// What could go on a name or a number: `6L` is one word.
bool continues_word(char c) {
  return is_digit(c) || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' ||
         !is_ascii(c);
}

// The value of a digit in any base up to 16; 16 for what is none.
int digit_value(char c) {
  if (is_digit(c)) return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return 16;
}

}  // namespace

const char* describe(literal_kind kind) noexcept {
  switch (kind) {
    case literal_kind::none:
      return "None";
    case literal_kind::boolean:
      return "a bool";
    case literal_kind::integer:
      return "an integer";
    case literal_kind::string:
      return "a string";
    case literal_kind::tuple:
      return "a tuple";
    case literal_kind::list:
      return "a list";
    case literal_kind::dict:
      return "a dict";
  }
  return "nothing";
}

// A recursive descent, whose depth the brackets bound.
class literal_document::reader {
 public:
  reader(literal_document& document, std::string_view source, literal_syntax syntax)
      : values_(document.values_),
        strings_(document.strings_),
        source_(source),
        syntax_(syntax),
        last_string_(strings_.before_begin()) {
    values_.reserve(typical_values);
  }

  void read() {
    // CPython takes no NUL, not even in a string; without them, `peek` can say '\0' for the end.
    const auto nul = source_.find('\0');
    if (nul != std::string_view::npos) fail_at(nul, "no NUL byte");
    skip_blanks();
    const std::size_t first_line = position_;
    skip_space();
    if (position_ != first_line && is_blank(source_[position_ - 1])) fail("no indentation");
    value();
    const bool in_blank_line = skip_space();
    if (position_ != source_.size()) fail("nothing more");
    // CPython takes them for the indentation of a line that never comes.
    if (!syntax_.filtered && in_blank_line && is_blank(source_.back())) fail("a last line end");
  }

 private:
  char peek(std::size_t ahead = 0) const {
    return position_ + ahead < source_.size() ? source_[position_ + ahead] : '\0';
  }

  bool take(char c) {
    if (peek() != c) return false;
    ++position_;
    return true;
  }

  [[noreturn]] void fail_at(std::size_t offset, std::string expected) const {
    constexpr std::size_t shown = 20;
    throw error(
        syntax_.code,
        {.subject = syntax_.code == errc::bad_dtype ? "descr" : "header",
         .expected = std::move(expected),
         .found = offset == source_.size() ? "its end" : quoted(source_.substr(offset, shown)),
         .byte_offset = offset});
  }
  [[noreturn]] void fail(std::string expected) const { fail_at(position_, std::move(expected)); }

  void skip_blanks() {
    std::size_t at = position_;
    while (at < source_.size() && is_blank(source_[at])) ++at;
    position_ = at;
  }

  // The bytes of the line end at `peek(ahead)`, in any of its three forms; 0 if there is none.
  std::size_t newline_length(std::size_t ahead) const {
    if (!is_newline(peek(ahead))) return 0;
    return peek(ahead) == '\r' && peek(ahead + 1) == '\n' ? 2 : 1;
  }

  bool take_newline() {
    const std::size_t length = newline_length(0);
    position_ += length;
    return length != 0;
  }

  // Take white space, comments and joined lines; true if it stops in a line of nothing but blanks.
  bool skip_space() {
    bool in_blank_line = false;
    for (;;) {
      skip_blanks();
      if (take_newline()) {
        in_blank_line = true;
      } else if (peek() == '#') {
        while (position_ < source_.size() && !is_newline(peek())) ++position_;
        in_blank_line = false;
      } else if (take('\\')) {
        if (!take_newline() || position_ == source_.size()) fail("a line after the backslash");
      } else {
        return in_blank_line;
      }
    }
  }

  void value() {
    const char c = peek();
    if (at_string()) return string();
    if (is_digit(c)) return integer();
    if (c == '-' || c == '+') return signed_integer();
    if (c == '[') return static_cast<void>(sequence(literal_kind::list, ']'));
    if (c == '{') return static_cast<void>(sequence(literal_kind::dict, '}'));
    if (c == '(') return tuple_or_group();
    keyword();
  }

  literal& add(literal_kind kind, std::size_t offset) {
    return values_.emplace_back(literal{.kind = kind, .offset = offset});
  }

  // Read a bracketed sequence; true if nothing followed its last comma.
  bool sequence(literal_kind kind, char closing) {
    if (nesting_ == max_nesting) fail("brackets nested at most 200 deep");
    ++nesting_;
    const std::size_t self = values_.size();
    add(kind, position_++);
    std::uint32_t parts = 0;
    bool may_go_on = true;
    for (;;) {
      skip_space();
      if (take(closing)) break;
      if (!may_go_on) fail(std::string("',' or '") + closing + "'");
      if (kind == literal_kind::dict) {
        key();
        ++parts;
      }
      value();
      ++parts;
      skip_space();
      may_go_on = take(',');
    }
    --nesting_;
    values_[self].parts = parts;
    values_[self].span = static_cast<std::uint32_t>(values_.size() - self);
    return may_go_on;
  }

  void key() {
    const std::size_t self = values_.size();
    value();
    if (values_[self].kind != literal_kind::string) {
      fail_at(values_[self].offset, "a string as the key");
    }
    skip_space();
    if (!take(':')) fail("':'");
    skip_space();
  }

  void tuple_or_group() {
    const std::size_t self = values_.size();
    const bool has_comma = sequence(literal_kind::tuple, ')');
    if (values_[self].parts == 1 && !has_comma) {
      values_.erase(values_.begin() + static_cast<std::ptrdiff_t>(self));
    }
  }

  void signed_integer() {
    const std::size_t offset = position_;
    const bool negative = peek() == '-';
    ++position_;
    skip_space();
    // Python has one sign at most: `- -6` is an expression. The check also bounds the recursion.
    if (peek() == '-' || peek() == '+') fail("an integer");
    const std::size_t self = values_.size();
    value();
    literal& operand = values_[self];
    if (operand.kind != literal_kind::integer || !is_digit(source_[operand.offset])) {
      fail_at(operand.offset, "an integer");
    }
    operand.offset = offset;
    if (negative) operand.integer = -operand.integer;
  }

  void integer() {
    literal& self = add(literal_kind::integer, position_);
    int base = 10;
    if (peek() == '0') {
      const char mark = static_cast<char>(peek(1) | 0x20);  // in lower case
      base = mark == 'x' ? 16 : mark == 'o' ? 8 : mark == 'b' ? 2 : 10;
    }
    if (base != 10) {
      position_ += 2;
      take('_');
    }
    const bool leading_zero = base == 10 && peek() == '0';
    const std::size_t first_digit = position_;
    for (; digit_value(peek()) < base; ++position_) {
      const auto tens = checked_multiply(self.integer, base);
      const auto sum = tens ? checked_add(*tens, digit_value(peek())) : std::nullopt;
      self.fits = self.fits && sum;
      if (sum) self.integer = *sum;
      if (peek(1) == '_' && digit_value(peek(2)) < base) ++position_;
    }
    const bool has_digits = position_ != first_digit;
    if (has_digits && syntax_.filtered) skip_long_suffix();
    const bool is_octal_of_old = leading_zero && (self.integer != 0 || !self.fits);
    if (!has_digits || is_octal_of_old || continues_word(peek()) || peek() == '.') {
      fail_at(self.offset, "an integer");
    }
  }

  // NumPy drops every `L` behind a number, blanks between them or not.
  void skip_long_suffix() {
    for (;;) {
      const std::size_t start = position_;
      skip_blanks();
      if (peek() != 'L' || continues_word(peek(1))) {
        position_ = start;
        return;
      }
      ++position_;
    }
  }

  void keyword() {
    const std::size_t offset = position_;
    std::size_t length = 0;
    while (continues_word(peek(length))) ++length;
    const std::string_view word = source_.substr(offset, length);
    if (word == "None") {
      add(literal_kind::none, offset);
    } else if (word == "True" || word == "False") {
      add(literal_kind::boolean, offset).integer = word == "True";
    } else {
      fail("a string, an integer, True, False, None, a tuple, a list or a dict");
    }
    position_ += length;
  }

  bool at_string() const {
    const char c = peek();
    const bool has_prefix = c == 'u' || c == 'U' || c == 'r' || c == 'R';
    return is_quote(c) || (has_prefix && is_quote(peek(1)));
  }

  // Strings that follow one another are one string.
  void string() {
    literal& self = add(literal_kind::string, position_);
    std::string* built = nullptr;
    do {
      const string_piece piece = read_piece();
      if (!built && self.text.empty() && piece.verbatim) {
        self.text = source_.substr(piece.begin, piece.end - piece.begin);
      } else {
        if (!built) {
          last_string_ = strings_.emplace_after(last_string_, self.text);
          built = &*last_string_;
        }
        decode(piece, *built);
        self.text = *built;
      }
      skip_space();
    } while (at_string());
  }

  // What stands between the quotes of one string.
  struct string_piece {
    std::size_t begin = 0;
    std::size_t end = 0;
    bool raw = false;
    bool verbatim = true;  // it says what it means
  };

  string_piece read_piece() {
    string_piece piece;
    if (!is_quote(peek())) {
      piece.raw = peek() == 'r' || peek() == 'R';
      ++position_;
    }
    const std::size_t opening = position_;
    const char quote = peek();
    const std::size_t quotes = peek(1) == quote && peek(2) == quote ? 3 : 1;
    position_ += quotes;
    piece.begin = position_;
    const bool converts = syntax_.encoding == text_encoding::latin1;
    for (;; ++position_) {
      const char c = peek();
      if (position_ >= source_.size() || (quotes == 1 && is_newline(c))) {
        fail_at(opening, std::string("a string up to its closing ") + quote);
      }
      if (c == quote && (quotes == 1 || (peek(1) == quote && peek(2) == quote))) break;
      if (c == '\\' || c == '\r' || (converts && !is_ascii(c))) piece.verbatim = false;
      if (c == '\\') position_ += std::max<std::size_t>(newline_length(1), 1);
    }
    piece.end = position_;
    position_ += quotes;
    return piece;
  }

  void decode(const string_piece& piece, std::string& out) {
    const std::size_t behind = std::exchange(position_, piece.begin);
    while (position_ < piece.end) {
      if (peek() != '\\') {
        decode_character(out);
      } else if (piece.raw) {
        decode_character(out);
        decode_character(out);
      } else {
        decode_escape(out, piece.end);
      }
    }
    position_ = behind;
  }

  void decode_character(std::string& out) {
    if (take_newline()) {
      out += '\n';
      return;
    }
    const char c = source_[position_++];
    if (is_ascii(c) || syntax_.encoding == text_encoding::utf8) {
      out += c;
    } else {
      append_utf8(out, static_cast<unsigned char>(c));
    }
  }

  void decode_escape(std::string& out, std::size_t end) {
    constexpr std::string_view letters = R"(\'"abfnrtv)";
    constexpr std::string_view meanings = "\\'\"\a\b\f\n\r\t\v";
    const std::size_t offset = position_++;
    if (take_newline()) return;
    const char c = peek();
    if (const auto index = letters.find(c); index != std::string_view::npos) {
      ++position_;
      out += meanings[index];
    } else if (digit_value(c) < 8) {
      append_utf8(out, code_point(8, 3, end));
    } else if (c == 'x' || c == 'u' || c == 'U') {
      ++position_;
      const std::size_t digits = c == 'x' ? 2 : c == 'u' ? 4 : 8;
      const std::size_t first_digit = position_;
      const char32_t number = code_point(16, digits, end);
      if (position_ - first_digit != digits || number > max_code_point || is_surrogate(number)) {
        fail_at(offset, "a character");
      }
      append_utf8(out, number);
    } else if (c == 'N') {
      fail_at(offset, "no character by its name");
    } else {
      out += '\\';  // Python keeps the backslash of an escape that it does not know
    }
  }

  // Up to so many digits; 32 bits hold all that `\U` can say.
  char32_t code_point(char32_t base, std::size_t digits, std::size_t end) {
    const std::size_t last = std::min(end, position_ + digits);
    char32_t number = 0;
    for (; position_ < last && digit_value(peek()) < static_cast<int>(base); ++position_) {
      number = number * base + static_cast<char32_t>(digit_value(peek()));
    }
    return number;
  }

  std::vector<literal>& values_;
  std::forward_list<std::string>& strings_;
  const std::string_view source_;
  const literal_syntax syntax_;
  std::forward_list<std::string>::iterator last_string_;
  std::size_t position_ = 0;
  int nesting_ = 0;
};

literal_document::literal_document(std::string_view source, literal_syntax syntax) {
  reader(*this, source, syntax).read();
}

}  // namespace npymap::detail
