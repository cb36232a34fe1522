#include "text/number_text.hpp"

#include <cmath>
#include <cstdint>
#include <cstdlib>
#include <limits>
#include <string_view>

namespace npymap::text {
namespace {

constexpr bool is_digit(char c) { return c >= '0' && c <= '9'; }
constexpr char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; }
constexpr bool is_hex_digit(char c) { return is_digit(c) || (lower(c) >= 'a' && lower(c) <= 'f'); }
constexpr bool is_space(char c) {
  return c == ' ' || (c >= '\t' && c <= '\r') || (c >= '\x1c' && c <= '\x1f');
}

bool begins_with(const char* begin, const char* end, std::string_view word) {
  if (static_cast<std::size_t>(end - begin) < word.size()) return false;
  for (const char c : word) {
    if (lower(*begin++) != c) return false;
  }
  return true;
}

// Of a number that is beyond what T holds, without its sign: whether it is large rather than small.
bool is_large(const char* at, const char* end, bool is_hex) {
  std::int64_t places = 0;  // of the first digit that is not 0, in front of the point
  bool has_begun = false, is_behind_point = false;
  const char exponent_mark = is_hex ? 'p' : 'e';
  for (; at != end && lower(*at) != exponent_mark; ++at) {
    if (*at == '.') {
      is_behind_point = true;
    } else {
      has_begun = has_begun || *at != '0';
      if (has_begun && !is_behind_point) ++places;
      if (!has_begun && is_behind_point) --places;
    }
  }
  if (is_hex) places *= 4;
  if (at == end) return places > 0;
  ++at;
  const bool is_negative = at != end && *at == '-';
  if (at != end && (*at == '-' || *at == '+')) ++at;
  std::int64_t exponent = 0;
  constexpr std::int64_t most = std::numeric_limits<std::int64_t>::max() / 4;
  for (; at != end; ++at) {
    exponent = exponent > most / 10 - 9 ? most : exponent * 10 + (*at - '0');
    if (exponent == most) break;
  }
  return places + (is_negative ? -exponent : exponent) > 0;
}

template <class T>
const char* take_digits(const char* at, const char* end, bool is_hex, T& value) {
  const auto how = is_hex ? std::chars_format::hex : std::chars_format::general;
  const auto [stop, failure] = std::from_chars(at, end, value, how);
  if (failure == std::errc::result_out_of_range) {
    value = is_large(at, stop, is_hex) ? std::numeric_limits<T>::infinity() : T{0};
  } else if (failure != std::errc()) {
    return nullptr;
  }
  return stop;
}

template <class T>
const char* take(const char* at, const char* end, T& value) {
  const bool is_negative = at != end && *at == '-';
  if (at != end && (*at == '-' || *at == '+')) ++at;
  if (at == end) return nullptr;
  T found{};
  const char* stop = nullptr;
  if (*at == '0' && end - at > 2 && lower(at[1]) == 'x' &&
      (is_hex_digit(at[2]) || (at[2] == '.' && end - at > 3 && is_hex_digit(at[3])))) {
    stop = take_digits(at + 2, end, true, found);
  } else if (is_digit(*at) || *at == '.') {
    stop = take_digits(at, end, false, found);
  } else if (begins_with(at, end, "infinity")) {
    found = std::numeric_limits<T>::infinity();
    stop = at + 8;
  } else if (begins_with(at, end, "inf")) {
    found = std::numeric_limits<T>::infinity();
    stop = at + 3;
  } else if (begins_with(at, end, "nan")) {
    found = std::numeric_limits<T>::quiet_NaN();
    stop = at + 3;
  }
  if (stop != nullptr) value = is_negative ? -found : found;
  return stop;
}

const char* skip_space(const char* at, const char* end) {
  while (at != end && is_space(*at)) ++at;
  return at;
}

template <class T>
bool parse_pair(const char* at, const char* end, T& real, T& imaginary) {
  const bool has_parenthesis = at != end && *at == '(';
  if (has_parenthesis) at = skip_space(at + 1, end);
  at = take(at, end, real);
  if (at == nullptr) return false;
  imaginary = 0;
  if (at != end && *at == 'j') {
    imaginary = real;
    real = 0;
    ++at;
  } else if (at != end && (*at == '+' || *at == '-')) {
    // NumPy writes (1+-2j) where the imaginary part is negative.
    at = take(*at == '+' ? at + 1 : at, end, imaginary);
    if (at == nullptr || at == end || *at != 'j') return false;
    ++at;
  }
  if (!has_parenthesis) return at == end;
  at = skip_space(at, end);
  return at != end && *at == ')' && at + 1 == end;
}

}  // namespace

const char* take_number(const char* begin, const char* end, double& value) noexcept {
  return take(begin, end, value);
}
const char* take_number(const char* begin, const char* end, long double& value) noexcept {
  return take(begin, end, value);
}
bool parse_number(const char* begin, const char* end, double& value) noexcept {
  return take(begin, end, value) == end;
}
bool parse_number(const char* begin, const char* end, long double& value) noexcept {
  return take(begin, end, value) == end;
}
bool parse_complex(const char* begin, const char* end, double& real, double& imaginary) noexcept {
  return parse_pair(begin, end, real, imaginary);
}
bool parse_complex(const char* begin, const char* end, long double& real,
                   long double& imaginary) noexcept {
  return parse_pair(begin, end, real, imaginary);
}

}  // namespace npymap::text
