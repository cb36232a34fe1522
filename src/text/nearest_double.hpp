/// \file
/// The double nearest to a decimal number, for numbers of common size.
#pragma once

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>

namespace npymap::text {

// The method is that of Eisel and Lemire: "Number parsing at a gigabyte per second" (2021),
// section 5.

__extension__ using wide_bits = unsigned __int128;

inline constexpr int least_power = -54;  // whose inverse fits 126 bits, so that it can be doubled
inline constexpr int most_power = 55;    // of 5 that fits 128 bits

/// The first 128 bits of 5**n: exact from 0; of an inverse rounded up to 5**-27, and down below, as
/// the proof wants it.
constexpr wide_bits five_to_the(int n) {
  wide_bits power = 1;
  for (int i = 0; i < (n < 0 ? -n : n); ++i) power *= 5;
  constexpr wide_bits top = wide_bits{1} << 127;
  if (n >= 0) {
    while ((power & top) == 0) power <<= 1;
    return power;
  }
  wide_bits rest = 1;
  while (rest < power) rest <<= 1;
  wide_bits quotient = 1;
  rest -= power;
  for (int bit = 1; bit < 128; ++bit) {
    rest <<= 1;
    quotient <<= 1;
    if (rest >= power) {
      rest -= power;
      quotient |= 1;
    }
  }
  constexpr int rounded_up_from = -27;
  return n >= rounded_up_from ? quotient + 1 : quotient;
}

inline constexpr auto powers_of_five = [] {
  std::array<std::array<std::uint64_t, 2>, most_power - least_power + 1> made{};
  for (int n = least_power; n <= most_power; ++n) {
    const wide_bits power = five_to_the(n);
    made[static_cast<std::size_t>(n - least_power)] = {static_cast<std::uint64_t>(power >> 64),
                                                       static_cast<std::uint64_t>(power)};
  }
  return made;
}();

/// The double nearest to `digits` * 10**`power`, even where two are as near; false where that takes
/// a closer look. `digits` is not 0.
inline bool nearest_double(std::uint64_t digits, int power, double& value) noexcept {
  if (power < least_power || power > most_power) return false;
  const int shift = std::countl_zero(digits);
  const std::uint64_t normal = digits << shift;
  const auto& five = powers_of_five[static_cast<std::size_t>(power - least_power)];
  const wide_bits product = static_cast<wide_bits>(normal) * five[0];
  auto high = static_cast<std::uint64_t>(product >> 64);
  auto low = static_cast<std::uint64_t>(product);
  constexpr int kept_bits = 55;  // those of a double, one to round, and one if the first is 0
  constexpr std::uint64_t behind = ~std::uint64_t{0} >> kept_bits;
  if ((high & behind) == behind) {  // what was left out may carry
    const auto carried =
        static_cast<std::uint64_t>((static_cast<wide_bits>(normal) * five[1]) >> 64);
    low += carried;
    if (carried > low) ++high;
  }
  if (low == ~std::uint64_t{0} && (power < -27 || power > 55)) return false;
  const int first_bit = static_cast<int>(high >> 63);
  const int cut = first_bit + 64 - kept_bits;
  std::uint64_t mantissa = high >> cut;
  // Just between two, which only small powers can be: to the even one.
  if (low <= 1 && power >= -4 && power <= 23 && (mantissa & 3) == 1 && mantissa << cut == high) {
    mantissa &= ~std::uint64_t{1};
  }
  mantissa = (mantissa + (mantissa & 1)) >> 1;
  // 217706 / 2**16 is the binary logarithm of 10, near enough for these powers. No number of this
  // size is subnormal, or infinite.
  std::int64_t exponent = ((std::int64_t{217706} * power) >> 16) + 63 + first_bit - shift + 1023;
  constexpr int mantissa_bits = 52;
  if (mantissa >= std::uint64_t{2} << mantissa_bits) {
    mantissa = std::uint64_t{1} << mantissa_bits;
    ++exponent;
  }
  mantissa &= (std::uint64_t{1} << mantissa_bits) - 1;
  value = std::bit_cast<double>(mantissa | static_cast<std::uint64_t>(exponent) << mantissa_bits);
  return true;
}

}  // namespace npymap::text
