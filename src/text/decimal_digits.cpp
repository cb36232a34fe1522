#include "text/decimal_digits.hpp"

#include <array>
#include <bit>
#include <cstddef>

namespace npymap::text {
namespace {

__extension__ using wide = unsigned __int128;

// Ten to a power, cut off behind 128 bits: `bits` times 2**exponent, with the first bit set.
struct cut_power {
  std::uint64_t high = 0, low = 0;
  int exponent = 0;
};

// 10**-324 is below the smallest double, and 10**(18 + 324) scales that to 19 digits.
constexpr int least_power = -325, most_power = 345;

// Whole numbers of 1280 bits, the first limb the lowest: enough for 10**most_power, and for 128
// bits of a power of two over 10**-least_power.
class long_number {
 public:
  static constexpr int limbs = 20;

  constexpr void set_bit(int n) {
    limbs_[static_cast<std::size_t>(n / 64)] |= std::uint64_t{1} << (n % 64);
  }
  constexpr void times_ten() {
    wide carry = 0;
    for (std::uint64_t& limb : limbs_) {
      carry += wide{limb} * 10;
      limb = static_cast<std::uint64_t>(carry);
      carry >>= 64;
    }
  }
  // Cut off: over 10 twice is over 100, cut off once.
  constexpr void over_ten() {
    wide rest = 0;
    for (int n = limbs; n-- > 0;) {
      std::uint64_t& limb = limbs_[static_cast<std::size_t>(n)];
      rest = rest << 64 | limb;
      limb = static_cast<std::uint64_t>(rest / 10);
      rest %= 10;
    }
  }
  constexpr cut_power first_bits() const {
    int top = limbs - 1;
    while (limbs_[static_cast<std::size_t>(top)] == 0) --top;
    const auto limb = [&](int n) {
      return n < 0 ? std::uint64_t{0} : limbs_[static_cast<std::size_t>(n)];
    };
    const int shift = std::countl_zero(limb(top));
    const auto shifted = [&](int n) {
      return shift == 0 ? limb(n) : limb(n) << shift | limb(n - 1) >> (64 - shift);
    };
    return {shifted(top), shifted(top - 1), 64 * (top - 1) - shift};
  }

 private:
  std::array<std::uint64_t, limbs> limbs_ = {};
};

constexpr auto powers = [] {
  std::array<cut_power, most_power - least_power + 1> all = {};
  long_number up;
  up.set_bit(0);
  for (int n = 0; n <= most_power; ++n, up.times_ten()) {
    all[static_cast<std::size_t>(n - least_power)] = up.first_bits();
  }
  constexpr int one = 64 * long_number::limbs - 1;
  long_number down;
  down.set_bit(one);
  for (int n = -1; n >= least_power; --n) {
    down.over_ten();
    cut_power found = down.first_bits();
    found.exponent -= one;
    all[static_cast<std::size_t>(n - least_power)] = found;
  }
  return all;
}();

// A double as `bits` times 2**exponent, with the first of 64 bits set.
struct scaled_bits {
  std::uint64_t bits;
  int exponent;
};

scaled_bits bits_of(double value) noexcept {
  const auto all = std::bit_cast<std::uint64_t>(value);
  const int biased = static_cast<int>(all >> 52 & 0x7ff);
  std::uint64_t fraction = all & ((std::uint64_t{1} << 52) - 1);
  int exponent = -1074;  // of the last bit of subnormal numbers
  if (biased > 0) {
    fraction |= std::uint64_t{1} << 52;
    exponent += biased - 1;
  }
  const int shift = std::countl_zero(fraction);
  return {fraction << shift, exponent - shift};
}

constexpr std::uint64_t too_large = UINT64_MAX;

std::optional<std::uint64_t> scale(scaled_bits value, int power) noexcept {
  if (power < least_power || power > most_power) return std::nullopt;
  const cut_power& ten = powers[static_cast<std::size_t>(power - least_power)];
  // The first 128 of 192 bits of the product; what is cut off here, and of the power, is worth less
  // than 2 of the last of these, and less than 4 when they are moved.
  const wide lower = wide{value.bits} * ten.low;
  wide product = wide{value.bits} * ten.high + static_cast<std::uint64_t>(lower >> 64);
  int exponent = value.exponent + ten.exponent + 64;
  if (static_cast<std::uint64_t>(product >> 127) == 0) {
    product <<= 1;
    --exponent;
  }
  const int behind = -exponent;  // how many of the 128 bits are behind the point
  if (behind < 64) return too_large;
  if (behind > 129) return 0;        // below a fourth
  if (behind == 129) product >>= 1;  // below a half, and all of it behind the point
  const int places = behind < 128 ? behind : 128;
  const wide whole = places == 128 ? 0 : product >> places;
  const wide fraction = places == 128 ? product : product - (whole << places);
  const wide half = wide{1} << (places - 1);
  constexpr unsigned doubt = 4;
  if (fraction <= half && fraction + doubt >= half) return std::nullopt;
  return static_cast<std::uint64_t>(whole) + (fraction > half ? 1 : 0);
}

}  // namespace

std::optional<std::uint64_t> scaled_by_ten(double value, int power) noexcept {
  if (value == 0) return 0;
  const auto scaled = scale(bits_of(value), power);
  return scaled == too_large ? std::nullopt : scaled;
}

std::optional<significant_digits> round_to_digits(double value, int count) noexcept {
  const scaled_bits bits = bits_of(value);
  // log10(2) times the exponent of the first bit: that of the first digit, or one less.
  int exponent = (bits.exponent + 63) * 78913 >> 18;
  const cut_power& next = powers[static_cast<std::size_t>(exponent + 1 - least_power)];
  exponent += static_cast<int>(next.exponent + 64 == bits.exponent) &
              static_cast<int>(bits.bits >= next.high);
  std::optional<std::uint64_t> digits = scale(bits, count - 1 - exponent);
  if (!digits) return std::nullopt;
  // Rounded once again from the bits, where rounding has made it ten to a power.
  if (*digits >= power_of_ten(count)) digits = scale(bits, count - 1 - ++exponent);
  if (!digits || *digits < power_of_ten(count - 1)) return std::nullopt;
  return significant_digits{*digits, exponent};
}

// Giulietti, "The Schubfach way to render doubles" (2020), figures 4 and 6: the shortest decimal
// between the middles to both neighbours, of products with a power of ten that is rounded up.
significant_digits shortest_digits(double value) noexcept {
  const auto all = std::bit_cast<std::uint64_t>(value);
  const int biased = static_cast<int>(all >> 52);
  const std::uint64_t fraction = all & ((std::uint64_t{1} << 52) - 1);
  const std::uint64_t whole = biased > 0 ? fraction | std::uint64_t{1} << 52 : fraction;
  const int exponent = (biased > 0 ? biased : 1) - 1075;
  const bool is_even = whole % 2 == 0;
  const bool is_power = fraction == 0 && biased > 1;  // the number below is nearer

  // The exponent of the last digit: log10 of the distance to the numbers beside it, cut off.
  const int last = (exponent * 1262611 - (is_power ? 524031 : 0)) >> 22;
  const int shift = exponent + (-last * 1741647 >> 19) + 1;
  const cut_power& cut = powers[static_cast<std::size_t>(-last - least_power)];
  constexpr int most_exact = 55;  // 5**55 has 128 bits
  const bool is_exact = -last >= 0 && -last <= most_exact;
  const std::uint64_t low = cut.low + (is_exact ? 0 : 1);
  const std::uint64_t high = cut.high + (!is_exact && low == 0 ? 1 : 0);
  const auto scaled = [&](std::uint64_t quarters) {  // rounded to odd
    const std::uint64_t moved = quarters << shift;
    const wide product = wide{high} * moved + static_cast<std::uint64_t>(wide{low} * moved >> 64);
    return static_cast<std::uint64_t>(product >> 64) | (static_cast<std::uint64_t>(product) > 1);
  };
  const std::uint64_t middle = scaled(4 * whole);
  const std::uint64_t lowest = scaled(4 * whole - 2 + is_power) + !is_even;
  const std::uint64_t highest = scaled(4 * whole + 2) - !is_even;

  const std::uint64_t below = middle / 4, tens = below / 10;
  const auto found = [](std::uint64_t digits, int at) {
    return significant_digits{digits, at + digit_count(digits) - 1};
  };
  if (tens > 0) {
    const bool has_tens = lowest <= 40 * tens, has_next = 40 * tens + 40 <= highest;
    if (has_tens != has_next) return found(tens + has_next, last + 1);
  }
  const bool has_below = lowest <= 4 * below, has_above = 4 * below + 4 <= highest;
  if (has_below != has_above) return found(below + has_above, last);
  const std::uint64_t half = 4 * below + 2;
  return found(below + (middle > half || (middle == half && below % 2 == 1)), last);
}

}  // namespace npymap::text
