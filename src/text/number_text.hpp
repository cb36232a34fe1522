/// \file
/// Numbers as text has them, whatever the locale: as NumPy reads them, and hex floats.
#pragma once

#include <charconv>
#include <concepts>
#include <system_error>

namespace npymap::text {

/// Take a number off the front: its sign, and decimal digits, hex digits behind `0x`, `inf`,
/// `infinity` or `nan`. The nearest T there is: too large ones are infinite, too small ones 0.
/// Returns where it ends; null, and `value` as it was, if there is none.
const char* take_number(const char* begin, const char* end, double& value) noexcept;
const char* take_number(const char* begin, const char* end, long double& value) noexcept;

/// The same of all of a text without white space around it. `(1+2j)`, with or without parentheses.
bool parse_number(const char* begin, const char* end, double& value) noexcept;
bool parse_number(const char* begin, const char* end, long double& value) noexcept;
bool parse_complex(const char* begin, const char* end, double& real, double& imaginary) noexcept;
bool parse_complex(const char* begin, const char* end, long double& real,
                   long double& imaginary) noexcept;

/// Digits with one sign, if any. Returns where they end; null if there are none, or the number does
/// not fit.
template <std::integral Int>
const char* take_integer(const char* begin, const char* end, Int& value) noexcept {
  const char* at = begin;
  if (at != end && *at == '+') {
    ++at;
    if (at != end && *at == '-') return nullptr;
  }
  const auto [stop, failure] = std::from_chars(at, end, value);
  return failure == std::errc() ? stop : nullptr;
}

}  // namespace npymap::text
