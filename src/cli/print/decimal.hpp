/// \file
/// Floating-point numbers, from their stored bytes to the decimal digits that NumPy shows.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

#include <npymap/dtype.hpp>

namespace npymap::cli {

/// A floating-point number taken apart: ±significand × 2^exponent, when it is finite.
struct binary_number {
  enum class category : char { finite, infinite, nan };

  category is = category::finite;
  bool negative = false;
  /// The number is a power of two, so that its neighbour towards zero is half as far away.
  bool closer_below = false;
  std::uint64_t significand = 0;
  int exponent = 0;

  bool is_finite() const noexcept { return is == category::finite; }
  bool is_zero() const noexcept { return is_finite() && significand == 0; }
  /// The magnitude; exact, for all formats are narrower than the widest.
  long double magnitude() const noexcept;
};

/// Read a float16, float32, float64 or x86 long double (itemsize 2, 4, 8, 16) from unaligned bytes.
binary_number load_number(const std::byte* at, index_t itemsize, byte_order order);

/// Decimal digits d.ddd… × 10^exponent, without trailing zeros but for those asked for.
struct decimal_number {
  std::string digits;
  int exponent = 0;
};

/// How many digits may and must be printed behind the point of 123.45, or of 1.2345e2.
struct digit_limits {
  enum class point : char { of_number, of_first_digit };
  static constexpr int none = -1;

  point behind = point::of_number;
  int most = none;
  int least = none;  ///< 0 asks for all digits in front of the point
};

/// The fewest digits that tell a finite number from its neighbours, as NumPy's `unique=True`.
///
/// Where `limits.most` cuts these short, the exact value is rounded half to even; where
/// `limits.least` wants more, they are those of the exact value. One digit at least is given.
decimal_number shortest_decimal(const binary_number& value, const digit_limits& limits);

}  // namespace npymap::cli
