#include "cli/print/decimal.hpp"

#include <algorithm>
#include <bit>
#include <boost/multiprecision/cpp_int.hpp>
#include <cassert>
#include <cmath>
#include <limits>

#include "cli/print/stored.hpp"

namespace npymap::cli {
namespace {

using boost::multiprecision::cpp_int;

// IEEE 754 binary16, 32 and 64, and the x87 extended format, which alone stores its leading 1.
struct float_format {
  int fraction_bits;
  int exponent_bits;
  bool stores_leading_bit;
};

float_format format_of(index_t itemsize) {
  switch (itemsize) {
    case 2:
      return {10, 5, false};
    case 4:
      return {23, 8, false};
    case 8:
      return {52, 11, false};
    default:
      assert(itemsize == 16);
      return {63, 15, true};
  }
}

// The lowest 80 bits of a stored number: the x87 format keeps sign and exponent above 64 bits.
struct stored_bits {
  std::uint64_t low;
  std::uint32_t sign_and_exponent;
};

stored_bits load_bits(const std::byte* at, index_t itemsize, byte_order order,
                      const float_format& format) {
  if (itemsize == 16) {
    const bool little = order == byte_order::little;
    return {load<std::uint64_t>(little ? at : at + 8, order),
            load<std::uint16_t>(little ? at + 8 : at + 6, order)};
  }
  const std::uint64_t bits = load_unsigned(at, itemsize, order);
  return {bits, static_cast<std::uint32_t>(bits >> format.fraction_bits)};
}

cpp_int power_of_ten(unsigned exponent) {
  cpp_int power = 1;
  for (cpp_int square = 10; exponent != 0; square *= square, exponent >>= 1) {
    if (exponent % 2 == 1) power *= square;
  }
  return power;
}

// value = scaled / scale, and half the way to its neighbours is margin / scale.
struct scaled_number {
  cpp_int scaled;
  cpp_int scale = 1;
  cpp_int margin_below = 1;
  cpp_int margin_above = 1;
  int exponent = 0;  // of the first digit
};

scaled_number scale_to_first_digit(const binary_number& value) {
  scaled_number n;
  n.scaled = value.significand;
  if (value.closer_below) n.margin_above = 2;
  const unsigned halves = value.closer_below ? 2 : 1;
  n.scaled <<= halves;
  n.scale <<= halves;
  if (value.exponent > 0) {
    const auto up = static_cast<unsigned>(value.exponent);
    n.scaled <<= up;
    n.margin_below <<= up;
    n.margin_above <<= up;
  } else {
    n.scale <<= static_cast<unsigned>(-value.exponent);
  }

  // log10 of 2^leading_bit, which is at most the value: right, or too low by one.
  const int leading_bit = static_cast<int>(std::bit_width(value.significand)) - 1 + value.exponent;
  n.exponent = static_cast<int>(std::floor(leading_bit * 0.30102999566398119521));
  const cpp_int power = power_of_ten(static_cast<unsigned>(std::abs(n.exponent)));
  if (n.exponent > 0) {
    n.scale *= power;
  } else {
    n.scaled *= power;
    n.margin_below *= power;
    n.margin_above *= power;
  }
  if (n.scaled >= n.scale * 10) {
    n.scale *= 10;
    ++n.exponent;
  }
  return n;
}

// Add one unit in the last place. A 9.99 becomes 1 at the next higher exponent.
void round_up(decimal_number& number) {
  while (!number.digits.empty() && number.digits.back() == '9') number.digits.pop_back();
  if (number.digits.empty()) {
    number.digits = "1";
    ++number.exponent;
  } else {
    ++number.digits.back();
  }
}

}  // namespace

long double binary_number::magnitude() const noexcept {
  return std::ldexp(static_cast<long double>(significand), exponent);
}

binary_number load_number(const std::byte* at, index_t itemsize, byte_order order) {
  const float_format format = format_of(itemsize);
  const stored_bits bits = load_bits(at, itemsize, order, format);
  const std::uint32_t exponent_mask = (std::uint32_t{1} << format.exponent_bits) - 1;
  const std::uint32_t exponent = bits.sign_and_exponent & exponent_mask;
  const std::uint64_t leading_bit = std::uint64_t{1} << format.fraction_bits;
  const std::uint64_t fraction = bits.low & (leading_bit - 1);
  const bool leads = format.stores_leading_bit ? (bits.low & leading_bit) != 0 : exponent != 0;

  binary_number number;
  number.negative = (bits.sign_and_exponent >> format.exponent_bits & 1) != 0;
  number.significand = leads ? fraction | leading_bit : fraction;
  const int bias = static_cast<int>(exponent_mask >> 1) + format.fraction_bits;
  number.exponent = static_cast<int>(std::max<std::uint32_t>(exponent, 1)) - bias;
  number.closer_below = fraction == 0 && exponent > 1;
  // An x87 number without its leading 1 is no number to the processor since the 80387.
  if (exponent != 0 && !leads) {
    number.is = binary_number::category::nan;
  } else if (exponent == exponent_mask) {
    number.is = fraction == 0 ? binary_number::category::infinite : binary_number::category::nan;
  }
  return number;
}

// Burger and Dybvig, "Printing Floating-Point Numbers Quickly and Accurately" (1996), figure 3,
// with NumPy's rules for stopping later or earlier than the shortest digits do.
decimal_number shortest_decimal(const binary_number& value, const digit_limits& limits) {
  assert(value.is_finite());
  if (value.is_zero()) return {.digits = "0", .exponent = 0};

  scaled_number n = scale_to_first_digit(value);
  decimal_number result{.digits = {}, .exponent = n.exponent};
  const bool of_number = limits.behind == digit_limits::point::of_number;
  const int point = of_number ? 0 : n.exponent;
  const int last_exponent = limits.most == digit_limits::none
                                ? std::numeric_limits<int>::min()
                                : std::min(point - limits.most, n.exponent);
  const bool even = value.significand % 2 == 0;  // then a tie reads back as this number
  cpp_int digit, rest;
  for (int exponent = n.exponent;; --exponent) {
    boost::multiprecision::divide_qr(n.scaled, n.scale, digit, rest);
    const cpp_int above = rest + n.margin_above;
    const bool low = even ? rest <= n.margin_below : rest < n.margin_below;
    const bool high = even ? above >= n.scale : above > n.scale;
    result.digits.push_back(static_cast<char>('0' + static_cast<int>(digit)));
    const bool enough = limits.least == digit_limits::none || exponent <= point - limits.least;
    if ((enough && (low || high)) || exponent == last_exponent) {
      const cpp_int twice = rest * 2;
      const bool nearer_up = twice > n.scale || (twice == n.scale && digit % 2 == 1);
      if (low == high ? nearer_up : high) round_up(result);
      return result;
    }
    n.scaled = rest * 10;
    n.margin_below *= 10;
    n.margin_above *= 10;
  }
}

}  // namespace npymap::cli
