/// \file
/// Doubles as decimal digits, many times as fast as what is right for any number of digits.
#pragma once

#include <cstdint>
#include <optional>

namespace npymap::text {

/// What a 64-bit integer holds of any digits.
inline constexpr int most_quick_digits = 19;

/// `value` times ten to the power, to the nearest whole number; nothing where that does not fit 64
/// bits, or where 128 bits of the power do not tell, as for ties. `value` is finite and not
/// negative.
std::optional<std::uint64_t> scaled_by_ten(double value, int power) noexcept;

/// A number of so many significant digits: `digits` times 10**(exponent - count + 1).
struct significant_digits {
  std::uint64_t digits;
  int exponent;
};

/// The nearest one to `value`, which is finite and above 0; `count` is 1 to 19. Nothing as above.
std::optional<significant_digits> round_to_digits(double value, int count) noexcept;

/// The fewest digits that read back as `value`, which is finite and above 0, and of these the
/// nearest to it; zeros may follow the last.
significant_digits shortest_digits(double value) noexcept;

/// Write 20 digits, zeros in front.
void write_twenty_digits(char* to, std::uint64_t number) noexcept;

/// 10**n, for n up to 19.
std::uint64_t power_of_ten(int n) noexcept;

}  // namespace npymap::text
