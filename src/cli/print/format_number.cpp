#include <algorithm>
#include <cstdlib>
#include <string>
#include <string_view>

#include <fmt/format.h>

#include "cli/print/decimal.hpp"
#include "cli/print/format.hpp"
#include "cli/print/stored.hpp"

namespace npymap::cli {
namespace {

using point = digit_limits::point;

constexpr int precision = 8;  // numpy.get_printoptions()['precision']

std::string without_trailing_zeros(std::string fraction) {
  fraction.erase(fraction.find_last_not_of('0') + 1);
  return fraction;
}

// A number as text, still in the pieces that are padded one by one.
struct number_text {
  std::string whole;  // with its sign
  std::string fraction;
  int exponent = 0;
};

std::string_view sign_of(const binary_number& value, bool plus) {
  return value.negative ? "-" : plus ? "+" : "";
}

number_text scientific(const binary_number& value, int most, int least, bool plus) {
  const auto decimal =
      shortest_decimal(value, {.behind = point::of_first_digit, .most = most, .least = least});
  number_text text{.whole = std::string(sign_of(value, plus)) + decimal.digits[0],
                   .fraction = without_trailing_zeros(decimal.digits.substr(1)),
                   .exponent = decimal.exponent};
  const auto wanted = static_cast<std::size_t>(std::max(least, 0));
  if (text.fraction.size() < wanted) text.fraction.resize(wanted, '0');
  return text;
}

number_text positional(const binary_number& value, int most, int least, bool plus) {
  auto [digits, exponent] =
      shortest_decimal(value, {.behind = point::of_number, .most = most, .least = least});
  if (exponent < 0) {
    digits.insert(0, static_cast<std::size_t>(-exponent), '0');
    exponent = 0;
  }
  const auto whole = static_cast<std::size_t>(exponent) + 1;
  if (digits.size() < whole) digits.resize(whole, '0');
  return {.whole = std::string(sign_of(value, plus)) + digits.substr(0, whole),
          .fraction = without_trailing_zeros(digits.substr(whole))};
}

std::string exponent_text(int exponent, int width) {
  return fmt::format("e{}{:0{}}", exponent < 0 ? '-' : '+', std::abs(exponent), width);
}

int exponent_width(int exponent) {
  return std::abs(exponent) < 100 ? 2 : std::abs(exponent) < 1000 ? 3 : 4;
}

std::string non_finite_text(const binary_number& value, bool plus) {
  if (value.is == binary_number::category::nan) return plus ? "+nan" : "nan";
  return fmt::format("{}inf", sign_of(value, plus));
}

// NumPy divides in the array's own type, and compares the rounded quotient with 1000.
bool spans_three_decades(long double largest, long double smallest, index_t itemsize) {
  switch (itemsize) {
    case 2:  // half numbers near 1000 are 0.5 apart, and a tie goes to 1000
      return largest / smallest > 1000.25L;
    case 4:
      return static_cast<float>(largest) / static_cast<float>(smallest) > 1000.F;
    case 8:
      return static_cast<double>(largest) / static_cast<double>(smallest) > 1000.;
    default:
      return largest / smallest > 1000.L;
  }
}

// numpy.core.arrayprint.FloatingFormat: one width and one notation for all elements.
class float_column {
 public:
  float_column(index_t itemsize, byte_order order, bool plus, const printed_elements& elements);

  std::string text_of(const std::byte* at) const;

 private:
  binary_number load_at(const std::byte* at) const { return load_number(at, itemsize_, order_); }
  void choose_notation(const printed_elements& elements);
  void measure_finite(const printed_elements& elements);
  void make_room_for_non_finite(const printed_elements& elements);

  index_t itemsize_;
  byte_order order_;
  bool plus_;
  bool scientific_ = false;
  // In characters, left and right of the point; signs and exponents count.
  std::size_t left_ = 0;
  std::size_t right_ = 0;
  int fraction_digits_ = 0;  // of the scientific notation
  int exponent_digits_ = 0;
};

float_column::float_column(index_t itemsize, byte_order order, bool plus,
                           const printed_elements& elements)
    : itemsize_(itemsize), order_(order), plus_(plus) {
  choose_notation(elements);
  measure_finite(elements);
  make_room_for_non_finite(elements);
}

void float_column::choose_notation(const printed_elements& elements) {
  long double largest = 0;
  long double smallest = 0;
  elements.for_each([&](const std::byte* at) {
    const binary_number value = load_at(at);
    if (!value.is_finite() || value.is_zero()) return;
    const long double magnitude = value.magnitude();
    smallest = largest == 0 ? magnitude : std::min(smallest, magnitude);
    largest = std::max(largest, magnitude);
  });
  scientific_ = largest != 0 && (largest >= 1e8L || smallest < 0.0001 ||
                                 spans_three_decades(largest, smallest, itemsize_));
}

void float_column::measure_finite(const printed_elements& elements) {
  elements.for_each([&](const std::byte* at) {
    const binary_number value = load_at(at);
    if (!value.is_finite()) return;
    const number_text text = scientific_ ? scientific(value, precision, digit_limits::none, plus_)
                                         : positional(value, precision, 0, plus_);
    left_ = std::max(left_, text.whole.size());
    right_ = std::max(right_, text.fraction.size());
    exponent_digits_ = std::max(exponent_digits_, exponent_width(text.exponent));
  });
  if (scientific_) {
    fraction_digits_ = static_cast<int>(right_);
    right_ += static_cast<std::size_t>(exponent_digits_) + 2;  // and "e+"
  }
}

void float_column::make_room_for_non_finite(const printed_elements& elements) {
  bool some = false;
  bool negative_infinity = false;
  elements.for_each([&](const std::byte* at) {
    const binary_number value = load_at(at);
    some |= !value.is_finite();
    negative_infinity |= value.is == binary_number::category::infinite && value.negative;
  });
  if (!some) return;
  // NumPy makes room for an infinity even when there is only a NaN.
  const std::size_t width = plus_ || negative_infinity ? 4 : 3;
  const std::size_t beyond_left = right_ + 1;  // and the point
  left_ = std::max(left_, width - std::min(width, beyond_left));
}

std::string float_column::text_of(const std::byte* at) const {
  const binary_number value = load_at(at);
  if (!value.is_finite()) {
    return fmt::format("{:>{}}", non_finite_text(value, plus_), left_ + 1 + right_);
  }
  if (scientific_) {
    const number_text text = scientific(value, fraction_digits_, fraction_digits_, plus_);
    return fmt::format("{:>{}}.{}{}", text.whole, left_, text.fraction,
                       exponent_text(text.exponent, exponent_digits_));
  }
  const number_text text = positional(value, precision, 0, plus_);
  return fmt::format("{:>{}}.{:<{}}", text.whole, left_, text.fraction, right_);
}

// What stands for the point and the digits behind it when there are none of these.
enum class empty_fraction : bool { point_zero, nothing };

// str() of a NumPy scalar: every digit, and scientific notation from 1e16 on and below 1e-4.
std::string shortest_text(const binary_number& value, empty_fraction empty, bool plus) {
  if (!value.is_finite()) return non_finite_text(value, plus);
  const long double magnitude = value.magnitude();
  const bool in_positions = value.is_zero() || (magnitude < 1e16L && magnitude >= 1e-4L);
  const number_text text = in_positions
                               ? positional(value, digit_limits::none, digit_limits::none, plus)
                               : scientific(value, digit_limits::none, digit_limits::none, plus);
  std::string out = text.whole;
  if (!text.fraction.empty()) out += "." + text.fraction;
  if (!in_positions) return out + exponent_text(text.exponent, 2);
  if (text.fraction.empty() && empty == empty_fraction::point_zero) out += ".0";
  return out;
}

}  // namespace

element_format bool_format(const printed_elements& elements) {
  // Aligned with "False", but for a number of its own.
  const std::string_view yes = elements.is_scalar() ? "True" : " True";
  return
      [yes](std::string& out, const std::byte* at) { out += *at != std::byte{} ? yes : "False"; };
}

std::string integer_text(const dtype& type, const std::byte* at) {
  return type.kind() == dtype_kind::signed_integer
             ? fmt::format("{}", load_signed(at, type.itemsize(), type.byte_order()))
             : fmt::format("{}", load_unsigned(at, type.itemsize(), type.byte_order()));
}

element_format integer_format(const dtype& type, const printed_elements& elements) {
  std::size_t width = 0;
  elements.for_each(
      [&](const std::byte* at) { width = std::max(width, integer_text(type, at).size()); });
  return [type, width](std::string& out, const std::byte* at) {
    out += fmt::format("{:>{}}", integer_text(type, at), width);
  };
}

std::string float_text(const dtype& type, const std::byte* at) {
  const binary_number value = load_number(at, type.itemsize(), type.byte_order());
  return shortest_text(value, empty_fraction::point_zero, false);
}

element_format float_format(const dtype& type, const printed_elements& elements) {
  const float_column column(type.itemsize(), type.byte_order(), false, elements);
  return [column](std::string& out, const std::byte* at) { out += column.text_of(at); };
}

std::string complex_text(const dtype& type, const std::byte* at) {
  const index_t half = type.itemsize() / 2;
  const binary_number real = load_number(at, half, type.byte_order());
  const binary_number imaginary = load_number(at + half, half, type.byte_order());
  if (real.is_zero() && !real.negative) {
    return shortest_text(imaginary, empty_fraction::nothing, false) + "j";
  }
  return "(" + shortest_text(real, empty_fraction::nothing, false) +
         shortest_text(imaginary, empty_fraction::nothing, true) + "j)";
}

element_format complex_format(const dtype& type, const printed_elements& elements) {
  const index_t half = type.itemsize() / 2;
  const float_column real(half, type.byte_order(), false, elements);
  const float_column imaginary(half, type.byte_order(), true, elements.part(half));
  return [real, imaginary, half](std::string& out, const std::byte* at) {
    out += real.text_of(at);
    std::string text = imaginary.text_of(at + half);
    text.insert(text.find_last_not_of(' ') + 1, 1, 'j');  // padding stays at the end
    out += text;
  };
}

}  // namespace npymap::cli
