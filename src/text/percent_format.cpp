#include "text/percent_format.hpp"

#include <cstdint>
#include <utility>

#include <fmt/format.h>

#include <npymap/error.hpp>

namespace npymap::text {
namespace {

constexpr std::string_view letters = "diouxXeEfFgGcrsa";  // Python 3, "String and Bytes Formatting"

class format_parser {
 public:
  explicit format_parser(std::string_view format) : format_(format) {}

  percent_format parse() {
    percent_format parsed;
    std::string literal;
    while (at_ < format_.size()) {
      const char c = format_[at_++];
      if (c != '%') {
        literal += c;
      } else if (peek() == '%') {
        literal += format_[at_++];
      } else {
        parsed.cells.push_back({std::exchange(literal, {}), take_conversion()});
      }
    }
    parsed.after = std::move(literal);
    return parsed;
  }

 private:
  // NUL at the end, which is no part of a conversion either.
  char peek() const { return at_ < format_.size() ? format_[at_] : '\0'; }

  [[noreturn]] void refuse(const std::string& expected) const {
    throw error(errc::invalid_argument, {.subject = "format",
                                         .expected = expected,
                                         .found = quoted(format_),
                                         .byte_offset = static_cast<std::uint64_t>(at_)});
  }

  bool take_flag(conversion& how) {
    switch (peek()) {
      case '-':
        how.left = true;
        break;
      case '+':
        how.plus = true;
        break;
      case ' ':
        how.blank = true;
        break;
      case '#':
        how.alternate = true;
        break;
      case '0':
        how.zeros = true;
        break;
      default:
        return false;
    }
    ++at_;
    return true;
  }

  int take_number(const char* what) {
    int number = 0;
    for (; peek() >= '0' && peek() <= '9'; ++at_) {
      number = number * 10 + (peek() - '0');
      if (number > most_width) refuse(fmt::format("a {} of at most {}", what, most_width));
    }
    return number;
  }

  conversion take_conversion() {
    conversion how;
    while (take_flag(how)) {
    }
    how.width = take_number("width");
    if (peek() == '.') {
      ++at_;
      how.precision = take_number("precision");
    }
    if (peek() == 'h' || peek() == 'l' || peek() == 'L') ++at_;
    if (at_ == format_.size() || letters.find(peek()) == std::string_view::npos) {
      refuse(fmt::format("%[flags][width][.precision] and one of {}", letters));
    }
    how.letter = format_[at_++];
    if (how.letter == 'i' || how.letter == 'u') how.letter = 'd';
    return how;
  }

  std::string_view format_;
  std::size_t at_ = 0;
};

}  // namespace

percent_format parse_percent_format(std::string_view format) {
  return format_parser(format).parse();
}

}  // namespace npymap::text
