/// \file
/// NumPy's float16: half precision, which C++ has no type for before C++23.
#pragma once

#include <bit>
#include <concepts>
#include <cstdint>
#include <limits>

#include <npymap/detail/export.hpp>
#include <npymap/dtype.hpp>

namespace npymap {
namespace detail {

/// The value of a half, in float, which holds all of them. A NaN keeps its payload and is quiet, as
/// from the instructions that do this.
constexpr float half_to_float(std::uint16_t half) noexcept {
  constexpr std::uint32_t infinite = 0x7c00u << 13;
  std::uint32_t bits = (half & 0x7fffu) << 13;
  const std::uint32_t exponent = bits & infinite;
  bits += (127u - 15u) << 23;  // the biases of the two exponents
  if (exponent == infinite) {
    bits += (128u - 16u) << 23;
    if ((half & 0x3ffu) != 0) bits |= 1u << 22;
  } else if (exponent == 0) {  // zero, or subnormal: let the subtraction normalise it
    bits += 1u << 23;
    bits = std::bit_cast<std::uint32_t>(std::bit_cast<float>(bits) -
                                        std::bit_cast<float>((127u - 14u) << 23));
  }
  return std::bit_cast<float>(bits | std::uint32_t{half & 0x8000u} << 16);
}

/// The nearest half, ties to even, rounded once; beyond the largest one an infinity. `Bits` holds a
/// Float, whose significand has `Digits` bits behind the point and whose exponent has this `Bias`.
template <class Float, class Bits, int Digits, int Bias>
constexpr std::uint16_t to_half(Float value) noexcept {
  constexpr int dropped = Digits - 10;
  const auto all = std::bit_cast<Bits>(value);
  const Bits sign_bit = Bits{1} << (8 * sizeof(Bits) - 1);
  const auto sign = static_cast<std::uint16_t>(all >> (8 * sizeof(Bits) - 16) & 0x8000u);
  Bits bits = all & ~sign_bit;
  std::uint16_t half = 0;
  if (bits >= Bits{Bias + 16} << Digits) {  // from 2**16 on
    constexpr Bits infinite = Bits{2 * Bias + 1} << Digits;
    const bool is_nan = bits > infinite;
    half = is_nan ? static_cast<std::uint16_t>(0x7e00u | (bits >> dropped & 0x3ffu)) : 0x7c00u;
  } else if (bits < Bits{Bias - 14} << Digits) {  // below the smallest normal half
    // Adding a number whose last bit is worth as much as a half's makes the adder round.
    constexpr Bits magic = Bits{Bias - 15 + dropped + 1} << Digits;
    const auto sum = std::bit_cast<Bits>(std::bit_cast<Float>(bits) + std::bit_cast<Float>(magic));
    half = static_cast<std::uint16_t>(sum - magic);
  } else {
    const Bits odd = bits >> dropped & 1u;
    bits -= Bits{Bias - 15} << Digits;
    bits += (Bits{1} << (dropped - 1)) - 1 + odd;
    half = static_cast<std::uint16_t>(bits >> dropped);
  }
  return static_cast<std::uint16_t>(half | sign);
}

constexpr std::uint16_t float_to_half(float value) noexcept {
  return to_half<float, std::uint32_t, 23, 127>(value);
}
constexpr std::uint16_t double_to_half(double value) noexcept {
  return to_half<double, std::uint64_t, 52, 1023>(value);
}

/// The double next to a long double that still rounds as it does: of what is cut off, the last bit
/// keeps a trace ("rounding to odd").
constexpr double rounded_to_odd(long double value) noexcept {
  constexpr double largest = std::numeric_limits<double>::max();
  const auto near = static_cast<double>(value);
  if (!(near >= -largest && near <= largest) || static_cast<long double>(near) == value)
    return near;
  const bool is_farther = value < 0 ? near < value : near > value;
  return std::bit_cast<double>((std::bit_cast<std::uint64_t>(near) - (is_farther ? 1u : 0u)) | 1u);
}

template <class T>
concept half_operand = std::integral<T> || std::floating_point<T>;

/// A number as C++ makes it when the other one is a float.
template <half_operand T>
constexpr auto beside_float(T value) noexcept {
  if constexpr (std::floating_point<T>) {
    return value;
  } else {
    return static_cast<float>(value);
  }
}

}  // namespace detail

/// IEEE 754 half precision: two bytes, 11 bits of significand, from 6e-8 to 65504.
///
/// For storage: arithmetic happens in float, which every half converts to without loss; converting
/// back rounds to nearest, ties to even, once. `convert` does whole arrays with the machine's
/// instructions. `Eigen::half` has the same bytes: see <npymap/eigen.hpp>. NumPy: numpy.float16.
class NPYMAP_EXPORT float16 {
 public:
  float16() noexcept = default;
  constexpr float16(float value) noexcept : bits_(detail::float_to_half(value)) {}
  constexpr float16(double value) noexcept : bits_(detail::double_to_half(value)) {}
  constexpr float16(long double value) noexcept : float16(detail::rounded_to_odd(value)) {}
  constexpr float16(std::integral auto value) noexcept : float16(static_cast<double>(value)) {}
  constexpr operator float() const noexcept { return detail::half_to_float(bits_); }

  // As of a float: with a double, in double; rounded once, to be stored.
  constexpr float16& operator+=(float16 other) noexcept { return *this += float{other}; }
  template <detail::half_operand T>
  constexpr float16& operator+=(T other) noexcept {
    return *this = float16(float{*this} + detail::beside_float(other));
  }
  constexpr float16& operator-=(float16 other) noexcept { return *this -= float{other}; }
  template <detail::half_operand T>
  constexpr float16& operator-=(T other) noexcept {
    return *this = float16(float{*this} - detail::beside_float(other));
  }
  constexpr float16& operator*=(float16 other) noexcept { return *this *= float{other}; }
  template <detail::half_operand T>
  constexpr float16& operator*=(T other) noexcept {
    return *this = float16(float{*this} * detail::beside_float(other));
  }
  constexpr float16& operator/=(float16 other) noexcept { return *this /= float{other}; }
  template <detail::half_operand T>
  constexpr float16& operator/=(T other) noexcept {
    return *this = float16(float{*this} / detail::beside_float(other));
  }

  static constexpr float16 from_bits(std::uint16_t bits) noexcept {
    float16 half;
    half.bits_ = bits;
    return half;
  }
  constexpr std::uint16_t bits() const noexcept { return bits_; }

 private:
  std::uint16_t bits_;
};

template <>
struct dtype_traits<float16> {
  static dtype value() { return dtype::scalar(dtype_kind::floating, 2); }
};

}  // namespace npymap
