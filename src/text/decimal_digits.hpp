/// \file
/// Doubles as decimal digits, many times as fast as what is right for any number of digits.
#pragma once

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
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

namespace digits {

inline constexpr auto powers_of_ten = [] {
  std::array<std::uint64_t, 20> all = {1};
  for (std::size_t n = 1; n < all.size(); ++n) all[n] = all[n - 1] * 10;
  return all;
}();

inline constexpr auto four_digits = [] {
  std::array<std::array<char, 4>, 10000> all = {};
  for (std::size_t n = 0; n < all.size(); ++n) {
    std::size_t rest = n;
    for (std::size_t place = 4; place-- > 0; rest /= 10) {
      all[n][place] = static_cast<char>('0' + rest % 10);
    }
  }
  return all;
}();

inline void write_eight_digits(char* to, std::uint32_t number) noexcept {
  std::memcpy(to, four_digits[number / 10000].data(), 4);
  std::memcpy(to + 4, four_digits[number % 10000].data(), 4);
}

}  // namespace digits

/// 10**n, for n up to 19.
inline std::uint64_t power_of_ten(int n) noexcept {
  return digits::powers_of_ten[static_cast<std::size_t>(n)];
}

/// Write 20 digits, zeros in front.
inline void write_twenty_digits(char* to, std::uint64_t number) noexcept {
  constexpr std::uint64_t ten_to_8 = 100'000'000, ten_to_16 = ten_to_8 * ten_to_8;
  const std::uint64_t last = number % ten_to_16;
  std::memcpy(to, digits::four_digits[number / ten_to_16].data(), 4);
  digits::write_eight_digits(to + 4, static_cast<std::uint32_t>(last / ten_to_8));
  digits::write_eight_digits(to + 12, static_cast<std::uint32_t>(last % ten_to_8));
}

/// How many digits a number above 0 has.
inline int digit_count(std::uint64_t number) noexcept {
  const int least = static_cast<int>(std::bit_width(number)) * 1233 >> 12;  // log10(2), about
  return least + (number >= power_of_ten(least) ? 1 : 0);
}

}  // namespace npymap::text
