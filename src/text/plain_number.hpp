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

#include <boost/endian/conversion.hpp>

#include "text/nearest_double.hpp"

namespace npymap::text {

/// Decimal digits off the front of a text, 8 at most, and their number.
struct digit_run {
  std::uint64_t number = 0;
  int count = 0;
};

/// All at once, as eight bytes of a word: how many there are costs no branch that would be guessed
/// wrong.
inline digit_run take_digits_at_once(const char* at, const char* end) noexcept {
  std::uint64_t word = 0;
  std::memcpy(&word, at, end - at >= 8 ? 8 : static_cast<std::size_t>(end - at));
  boost::endian::little_to_native_inplace(word);
  std::uint64_t values = word ^ 0x3030303030303030;
  // What was no digit is above 9 now, or has a bit that 6 more brings about. A carry comes from
  // what is no digit alone, and so is behind the first one.
  const std::uint64_t others = (values | (values + 0x0606060606060606)) & 0xf0f0f0f0f0f0f0f0;
  const int count = std::countr_zero(others) / 8;
  if (count == 0) return {};
  values <<= 64 - 8 * count;  // zeros in front
  const std::uint64_t pairs = (values * 10 + (values >> 8)) & 0x00ff00ff00ff00ff;
  const std::uint64_t fours = (pairs * 100 + (pairs >> 16)) & 0x0000ffff0000ffff;
  return {(fours * 10000 + (fours >> 32)) & 0xffffffff, count};
}

// In memory once, rather than made on the stack wherever they are used.
inline constexpr std::uint64_t powers_of_ten[] = {1,      10,      100,      1000,     10000,
                                                  100000, 1000000, 10000000, 100000000};
/// Those that are doubles to the last bit.
inline constexpr double exact_powers_of_ten[] = {1e0,  1e1,  1e2,  1e3,  1e4,  1e5,  1e6,  1e7,
                                                 1e8,  1e9,  1e10, 1e11, 1e12, 1e13, 1e14, 1e15,
                                                 1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22};

/// All digits off the front: behind them. `number` goes on with them, and wraps where they are too
/// many.
inline const char* take_run_of_digits(const char* at, const char* end,
                                      std::uint64_t& number) noexcept {
  for (;;) {
    const digit_run some = take_digits_at_once(at, end);
    number = number * powers_of_ten[some.count] + some.number;
    at += some.count;
    if (some.count < 8) return at;
  }
}

inline constexpr bool is_decimal_digit(char c) noexcept { return c >= '0' && c <= '9'; }

/// Take decimal digits, with a sign, a point and an exponent if there are any, off the front of a
/// text that ends with the end of a line. Returns where they end; null for what is no such number,
/// or one that needs a closer look.
inline const char* take_plain(const char* at, const char* end, double& value) noexcept {
  const bool is_negative = *at == '-';
  at += is_negative || *at == '+' ? 1 : 0;
  const char* const begin = at;
  std::uint64_t digits = 0;  // wraps where they are too many, which is seen below
  if (is_decimal_digit(*at) && at[1] == '.') {  // as most that are written have it
    digits = static_cast<unsigned>(*at++ - '0');
  } else {
    at = take_run_of_digits(at, end, digits);
  }
  std::ptrdiff_t count = at - begin;
  std::ptrdiff_t exponent = 0;
  if (*at == '.') {
    const char* const fraction = at + 1;
    at = take_run_of_digits(fraction, end, digits);
    exponent = fraction - at;
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
  constexpr std::uint64_t most_exact = std::uint64_t{1} << std::numeric_limits<double>::digits;
  if (count <= most_digits && digits <= most_exact && exponent >= -22 && exponent <= 22) {
    const auto exact = static_cast<double>(digits);
    value = exponent < 0 ? exact / exact_powers_of_ten[-exponent]
                         : exact * exact_powers_of_ten[exponent];
  } else if (count > most_digits || digits == 0 ||
             !nearest_double(digits, static_cast<int>(exponent), value)) {
    const auto [stop, failure] = std::from_chars(begin, end, value);
    if (failure != std::errc()) return nullptr;
    at = stop;
  }
  const auto sign = std::uint64_t{is_negative} << 63;
  value = std::bit_cast<double>(std::bit_cast<std::uint64_t>(value) ^ sign);
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
  const char* const begin = at + (is_negative ? 1 : 0);
  std::uint64_t digits = 0;
  const char* const stop = take_run_of_digits(begin, end, digits);
  if (stop == begin || (is_negative && !std::signed_integral<T>)) return nullptr;
  if (stop - begin > most_digits) {
    const auto [far_stop, failure] = std::from_chars(at, end, value);
    return failure == std::errc() ? far_stop : nullptr;
  }
  const auto magnitude = static_cast<std::int64_t>(digits);
  const std::int64_t number = is_negative ? -magnitude : magnitude;
  value = static_cast<T>(number);
  return static_cast<std::int64_t>(value) == number && (number < 0) == (value < 0) ? stop : nullptr;
}

}  // namespace npymap::text
