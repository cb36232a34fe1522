/// \file
/// Plain numbers, as nearly all of them are: fast. What is refused here may still be one.
#pragma once

#include <bit>
#include <charconv>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <limits>
#include <system_error>

#include "text/nearest_double.hpp"

namespace npymap::text {

/// Whether 8 characters are digits, and then their number: all at once, as eight bytes of a word.
inline bool take_eight_digits(const char* at, std::uint64_t& number) noexcept {
  if constexpr (std::endian::native != std::endian::little) return false;
  std::uint64_t word;
  std::memcpy(&word, at, sizeof word);
  const std::uint64_t values = word ^ 0x3030303030303030;
  // What was no digit is above 9 now, or has a bit that 6 more brings about.
  if (((values | (values + 0x0606060606060606)) & 0xf0f0f0f0f0f0f0f0) != 0) return false;
  const std::uint64_t pairs = (values * 10 + (values >> 8)) & 0x00ff00ff00ff00ff;
  const std::uint64_t fours = (pairs * 100 + (pairs >> 16)) & 0x0000ffff0000ffff;
  number = (fours * 10000 + (fours >> 32)) & 0xffffffff;
  return true;
}

inline constexpr bool is_decimal_digit(char c) noexcept { return c >= '0' && c <= '9'; }

/// Take decimal digits, with a sign, a point and an exponent if there are any, off the front of a
/// text that ends with the end of a line. Returns where they end; null for what is no such number,
/// or one that needs a closer look.
inline const char* take_plain(const char* at, const char* end, double& value) noexcept {
  const bool is_negative = *at == '-';
  if (is_negative || *at == '+') ++at;
  const char* const begin = at;
  std::uint64_t digits = 0;  // wraps where they are too many, which is seen below
  std::ptrdiff_t count = 0;
  for (; is_decimal_digit(*at); ++at) digits = digits * 10 + static_cast<unsigned>(*at - '0');
  count = at - begin;
  int exponent = 0;
  if (*at == '.') {
    const char* const point = at++;
    std::uint64_t eight;
    while (end - at >= 8 && take_eight_digits(at, eight)) {
      digits = digits * 100'000'000 + eight;
      at += 8;
    }
    for (; is_decimal_digit(*at); ++at) digits = digits * 10 + static_cast<unsigned>(*at - '0');
    exponent = static_cast<int>(point + 1 - at);
    count -= exponent;
  }
  if (count == 0) return nullptr;
  constexpr int most_digits = 19;  // of any 64 bits
  if (count <= most_digits && (*at | 32) == 'e') {
    const char* digit = at + 1;
    const bool is_small = *digit == '-';
    if (is_small || *digit == '+') ++digit;
    if (!is_decimal_digit(*digit)) return nullptr;
    int told = 0;
    for (; is_decimal_digit(*digit) && told < 10000; ++digit) told = told * 10 + (*digit - '0');
    if (is_decimal_digit(*digit)) return nullptr;
    exponent += is_small ? -told : told;
    at = digit;
  }
  // Both are doubles to the last bit, so that one rounding gives the nearest: Clinger, "How to read
  // floating point numbers accurately" (1990).
  constexpr double powers[] = {1e0,  1e1,  1e2,  1e3,  1e4,  1e5,  1e6,  1e7,
                               1e8,  1e9,  1e10, 1e11, 1e12, 1e13, 1e14, 1e15,
                               1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22};
  constexpr std::uint64_t most_exact = std::uint64_t{1} << std::numeric_limits<double>::digits;
  if (count <= most_digits && digits <= most_exact && exponent >= -22 && exponent <= 22) {
    const auto exact = static_cast<double>(digits);
    value = exponent < 0 ? exact / powers[-exponent] : exact * powers[exponent];
  } else if (count > most_digits || digits == 0 || !nearest_double(digits, exponent, value)) {
    const auto [stop, failure] = std::from_chars(begin, end, value);
    if (failure != std::errc()) return nullptr;
    at = stop;
  }
  if (is_negative) value = -value;
  return at;
}

inline const char* take_plain(const char* at, const char* end, float& value) noexcept {
  double nearest;
  at = take_plain(at, end, nearest);
  if (at != nullptr) value = static_cast<float>(nearest);  // by way of a double, as NumPy
  return at;
}

template <std::integral T>
const char* take_plain(const char* at, const char* end, T& value) noexcept {
  constexpr std::ptrdiff_t most_digits = 18;  // of those that always fit 63 bits
  const bool is_negative = *at == '-';
  const char* const begin = is_negative ? at + 1 : at;
  const char* stop = begin;
  std::int64_t number = 0;
  for (; is_decimal_digit(*stop) && stop - begin < most_digits; ++stop) {
    number = number * 10 + (*stop - '0');
  }
  if (stop == begin || (is_negative && !std::signed_integral<T>)) return nullptr;
  if (is_decimal_digit(*stop)) {
    const auto [far_stop, failure] = std::from_chars(at, end, value);
    return failure == std::errc() ? far_stop : nullptr;
  }
  if (is_negative) number = -number;
  value = static_cast<T>(number);
  return static_cast<std::int64_t>(value) == number && (number < 0) == (value < 0) ? stop : nullptr;
}

}  // namespace npymap::text
