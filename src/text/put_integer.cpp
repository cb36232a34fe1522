#include <algorithm>
#include <charconv>
#include <cstdint>
#include <type_traits>

#include <fmt/format.h>

#include "text/put_value.hpp"

namespace npymap::text {
namespace {

constexpr std::size_t most_digits = 24;  // of 64 bits, in octal

template <class T>
bool is_below_zero(T value) noexcept {
  if constexpr (std::is_signed_v<T>) return value < 0;
  return false;
}

template <class T>
std::uint64_t magnitude_of(T value) noexcept {
  if constexpr (std::is_signed_v<T>) {
    const auto bits = static_cast<std::uint64_t>(std::int64_t{value});
    return value < 0 ? 0 - bits : bits;
  } else {
    return value;
  }
}

template <class T>
T load_number(const std::byte* at) noexcept {
  if constexpr (std::is_same_v<T, bool>) {
    return *at != std::byte{0};  // any bits but none
  } else {
    return load_item<T>(at);
  }
}

template <class T>
void put_as_integer(text_target& to, const conversion& how, const dtype&, const std::byte* at) {
  const T value = load_number<T>(at);
  put_whole(to.text, how, is_below_zero(value), magnitude_of(value));
}

template <class T>
void put_as_double(text_target& to, const conversion& how, const dtype&, const std::byte* at) {
  put_double(to.text, how, static_cast<double>(load_number<T>(at)));
}

template <class T>
void put_as_text(text_target& to, const conversion& how, const dtype&, const std::byte* at) {
  const T value = load_number<T>(at);
  const std::size_t begin = to.text.size();
  if constexpr (std::is_same_v<T, bool>) {
    to.text.append(value ? "True" : "False");
  } else {
    char* const room = to.text.room(most_digits);
    to.text.end_at(std::to_chars(room, room + most_digits, value).ptr);
  }
  finish_text(to.text, begin, how);
}

template <class T>
void put_as_character(text_target& to, const conversion& how, const dtype&, const std::byte* at) {
  const T value = load_number<T>(at);
  constexpr std::uint64_t end = 0x110000;
  if (is_below_zero(value) || magnitude_of(value) >= end) {
    throw unfit_value{.expected = "a character's number, 0 to 0x10ffff, for %c",
                      .found = fmt::format("{}", value)};
  }
  const auto width = static_cast<std::size_t>(how.width);
  if (width > 1 && !how.left) to.text.append(width - 1, ' ');
  put_character(to, static_cast<char32_t>(magnitude_of(value)));
  if (width > 1 && how.left) to.text.append(width - 1, ' ');
}

template <class T>
put_function find_for(char letter) {
  switch (letter) {
    case 'd':
    case 'x':
    case 'X':
    case 'o':
      return put_as_integer<T>;
    case 's':
    case 'r':
    case 'a':
      return put_as_text<T>;
    case 'c':
      return put_as_character<T>;
    default:
      return put_as_double<T>;
  }
}

}  // namespace

void put_whole(text_buffer& out, const conversion& how, bool is_negative, std::uint64_t magnitude) {
  const std::size_t begin = out.size();
  const bool is_hex = how.letter == 'x' || how.letter == 'X';
  const int base = is_hex ? 16 : how.letter == 'o' ? 8 : 10;
  const std::size_t prefix = how.alternate && base != 10 ? 2 : 0;
  char* at = out.room(most_digits + 3);
  if (is_negative) *at++ = '-';
  if (prefix > 0) {
    *at++ = '0';
    *at++ = how.letter;
  }
  char* const end = std::to_chars(at, at + most_digits, magnitude, base).ptr;
  if (how.letter == 'X') {
    std::transform(at, end, at, [](char c) { return c >= 'a' ? static_cast<char>(c - 32) : c; });
  }
  out.end_at(end);
  const auto digits = static_cast<std::size_t>(end - at);
  if (how.precision > 0 && digits < static_cast<std::size_t>(how.precision)) {
    const std::size_t missing = static_cast<std::size_t>(how.precision) - digits;
    std::fill_n(out.insert(out.size() - digits, missing), missing, '0');
  }
  finish_number(out, begin, how, prefix);
}

put_function find_put_integer(const dtype& type, char letter) {
  if (type.kind() == dtype_kind::boolean) return find_for<bool>(letter);
  const bool is_signed = type.kind() == dtype_kind::signed_integer;
  switch (type.itemsize()) {
    case 1:
      return is_signed ? find_for<std::int8_t>(letter) : find_for<std::uint8_t>(letter);
    case 2:
      return is_signed ? find_for<std::int16_t>(letter) : find_for<std::uint16_t>(letter);
    case 4:
      return is_signed ? find_for<std::int32_t>(letter) : find_for<std::uint32_t>(letter);
    default:
      return is_signed ? find_for<std::int64_t>(letter) : find_for<std::uint64_t>(letter);
  }
}

}  // namespace npymap::text
