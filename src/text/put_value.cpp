#include "text/put_value.hpp"

#include <algorithm>

#include <fmt/format.h>

#include <npymap/error.hpp>

#include "format/unicode.hpp"

namespace npymap::text {

put_function find_put(const dtype& type, const conversion& how) {
  switch (type.kind()) {
    case dtype_kind::boolean:
    case dtype_kind::signed_integer:
    case dtype_kind::unsigned_integer:
      return find_put_integer(type, how.letter);
    case dtype_kind::floating:
      return find_put_float(type, how.letter);
    case dtype_kind::complex_floating: {
      const bool is_text = how.letter == 's' || how.letter == 'r' || how.letter == 'a';
      return is_text ? find_put_complex(type) : nullptr;
    }
    case dtype_kind::record:
    case dtype_kind::object:
      return nullptr;
    default:
      return find_put_text(type, how.letter);
  }
}

std::size_t usual_length(const dtype& type, const conversion& how) {
  const auto digits = static_cast<std::size_t>(how.precision < 0 ? 6 : how.precision);
  const auto itemsize = static_cast<std::size_t>(type.itemsize());
  std::size_t length = 0;
  switch (how.letter) {
    case 'e':
    case 'E':
      length = digits + 7;
      break;
    case 'f':
    case 'F':
    case 'g':
    case 'G':
      length = digits + 5;
      break;
    case 's':
    case 'r':
    case 'a':
      length = type.kind() == dtype_kind::bytes     ? itemsize + 3
               : type.kind() == dtype_kind::unicode ? itemsize / 4 + 2
                                                    : 2 * itemsize + 4;
      break;
    default:
      length = std::max<std::size_t>(itemsize, how.precision < 0 ? 0 : digits);
  }
  return std::max(length, static_cast<std::size_t>(how.width));
}

void put_character(text_target& to, char32_t c) {
  if (c < 0x80) return to.text.append(static_cast<char>(c));
  const bool is_character = c <= detail::max_code_point && !detail::is_surrogate(c);
  const bool is_latin1 = to.encoding == text_encoding::latin1;
  if (!is_character || (is_latin1 && c > 0xff)) {
    throw unfit_value{.expected = is_latin1 ? "a character of latin1" : "a character of Unicode",
                      .found = fmt::format("U+{:04X}", static_cast<std::uint32_t>(c))};
  }
  if (is_latin1) return to.text.append(static_cast<char>(c));
  std::string utf8;
  detail::append_utf8(utf8, c);
  to.text.append(utf8);
}

std::string encoded(std::string_view utf8, text_encoding encoding) {
  text_buffer buffer;
  text_target to{buffer, encoding};
  for (std::string_view rest = utf8; !rest.empty();) {
    const auto c = detail::take_utf8(rest);
    if (!c) throw unfit_value{.expected = "UTF-8", .found = quoted(utf8)};
    put_character(to, *c);
  }
  return {buffer.data(), buffer.size()};
}

void finish_number(text_buffer& out, std::size_t begin, const conversion& how, std::size_t prefix) {
  bool has_sign = out.data()[begin] == '-';
  if (!has_sign && (how.plus || how.blank)) {
    *out.insert(begin, 1) = how.plus ? '+' : ' ';
    has_sign = true;
  }
  const std::size_t length = out.size() - begin, width = static_cast<std::size_t>(how.width);
  if (length >= width) return;
  const std::size_t missing = width - length;
  if (how.left) {
    out.append(missing, ' ');
  } else if (how.zeros) {
    std::fill_n(out.insert(begin + (has_sign ? 1 : 0) + prefix, missing), missing, '0');
  } else {
    std::fill_n(out.insert(begin, missing), missing, ' ');
  }
}

void finish_text(text_buffer& out, std::size_t begin, const conversion& how) {
  std::size_t length = out.size() - begin;
  if (how.precision >= 0 && length > static_cast<std::size_t>(how.precision)) {
    length = static_cast<std::size_t>(how.precision);
    out.cut(begin + length);
  }
  const auto width = static_cast<std::size_t>(how.width);
  if (length >= width) return;
  const std::size_t missing = width - length;
  if (how.left) {
    out.append(missing, ' ');
  } else {
    std::fill_n(out.insert(begin, missing), missing, ' ');
  }
}

}  // namespace npymap::text
