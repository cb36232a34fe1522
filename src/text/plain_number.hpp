/// \file
/// Plain numbers, as nearly all of them are: fast. What is refused here may still be one.
#pragma once

#include <charconv>
#include <concepts>
#include <system_error>

namespace npymap::text {

/// Take decimal digits, with a sign, a point and an exponent if there are any, off the front of a
/// text that ends with the end of a line. Returns where they end; null for what is no such number, or
/// one that needs a closer look.
inline const char* take_plain(const char* at, const char* end, double& value) noexcept {
  const bool is_negative = *at == '-';
  if (is_negative || *at == '+') ++at;
  if (!((*at >= '0' && *at <= '9') || *at == '.')) return nullptr;
  const auto [stop, failure] = std::from_chars(at, end, value);
  if (failure != std::errc()) return nullptr;
  if (is_negative) value = -value;
  return stop;
}

inline const char* take_plain(const char* at, const char* end, float& value) noexcept {
  double nearest;
  at = take_plain(at, end, nearest);
  if (at != nullptr) value = static_cast<float>(nearest);  // by way of a double, as NumPy
  return at;
}

template <std::integral T>
const char* take_plain(const char* at, const char* end, T& value) noexcept {
  if (*at == '+') return nullptr;
  const auto [stop, failure] = std::from_chars(at, end, value);
  return failure == std::errc() ? stop : nullptr;
}

}  // namespace npymap::text
