#include <algorithm>
#include <limits>
#include <string_view>
#include <vector>

#include <npymap/error.hpp>
#include <npymap/slice.hpp>

namespace npymap {
namespace {

class slice_parser {
 public:
  explicit slice_parser(std::string_view text) : text_(text) {}

  std::vector<slice_item> items() {
    std::vector<slice_item> items;
    do {
      items.push_back(item());
    } while (take(',') && !at_end());
    if (!at_end()) refuse("a comma or the end");
    return items;
  }

 private:
  slice_item item() {
    const std::size_t begin = at_;
    const std::string_view name = word();
    if (name == "..." || name == "Ellipsis") return ellipsis;
    if (name == "newaxis" || name == "np.newaxis" || name == "numpy.newaxis") return newaxis;
    at_ = begin;

    const range::bound start = bound();
    if (!take(':')) {
      if (start.given()) return start.value_or(0);
      if (name == "None") return newaxis;
      refuse("an integer, a range, ... or newaxis");
    }
    const range::bound stop = bound();
    const range::bound step = take(':') ? bound() : _;
    return range(start, stop, step);
  }

  // Python writes a bound that is missing as nothing, or as None.
  range::bound bound() {
    const std::size_t begin = at_;
    if (word() == "None") return _;
    at_ = begin;
    const bool negative = take('-');
    const bool has_sign = negative || take('+');
    skip_space();
    if (is_digit(next())) return integer(negative);
    if (has_sign) refuse("digits");
    return _;
  }

  index_t integer(bool negative) {
    constexpr index_t most = std::numeric_limits<index_t>::max();
    const std::size_t begin = at_;
    index_t value = 0;
    for (; is_digit(next()); ++at_) {
      const index_t digit = next() - '0';
      value = value > (most - digit) / 10 ? most : value * 10 + digit;
    }
    if (text_[begin] == '0' && value != 0) {  // octal in Python 2, a syntax error in Python 3
      at_ = begin;
      refuse("a number without leading zeros");
    }
    return negative ? -value : value;
  }

  // A name, or the dots of an ellipsis; empty if there is none.
  std::string_view word() {
    skip_space();
    const std::size_t begin = at_;
    while (is_letter(next()) || next() == '.') ++at_;
    return text_.substr(begin, at_ - begin);
  }

  bool take(char c) {
    skip_space();
    if (next() != c) return false;
    ++at_;
    return true;
  }

  bool at_end() {
    skip_space();
    return at_ == text_.size();
  }

  void skip_space() { at_ = std::min(text_.find_first_not_of(" \t\n\r\f", at_), text_.size()); }

  // NUL at the end; one inside the text is no part of any item either.
  char next() const { return at_ < text_.size() ? text_[at_] : '\0'; }

  static bool is_digit(char c) { return c >= '0' && c <= '9'; }
  static bool is_letter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }

  [[noreturn]] void refuse(const char* expected) {
    throw error(errc::invalid_argument,
                {.subject = "slice",
                 .expected = expected,
                 .found = at_end() ? "nothing more" : quoted(text_.substr(at_)),
                 .byte_offset = at_});
  }

  std::string_view text_;
  std::size_t at_ = 0;
};

}  // namespace

std::vector<slice_item> parse_slice(std::string_view text) { return slice_parser(text).items(); }

}  // namespace npymap
