#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <iterator>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>

#include <fmt/format.h>

#include <npymap/float16.hpp>

#include "text/decimal_digits.hpp"
#include "text/put_value.hpp"

namespace npymap::text {
namespace {

// The digits that tell a number from all others of its type: 0.00123 has "123" and -3.
struct shortest_decimal {
  std::string_view digits;
  int exponent;
};

// Of numbers that are finite and not negative.
template <class T>
class shortest {
 public:
  explicit shortest(T value) {
    char* const end =
        std::to_chars(text_, text_ + sizeof text_, value, std::chars_format::scientific).ptr;
    char* e = end;
    while (*--e != 'e') {
    }
    std::from_chars(e[1] == '+' ? e + 2 : e + 1, end, found_.exponent);
    text_[1] = text_[0];  // where the point is, if there is one
    const bool has_point = e > text_ + 1;
    found_.digits = has_point ? std::string_view(text_ + 1, static_cast<std::size_t>(e - text_ - 1))
                              : std::string_view(text_, 1);
  }

  const shortest_decimal& decimal() const noexcept { return found_; }

 private:
  char text_[48];  // 36 digits of any long double, and its exponent
  shortest_decimal found_;
};

template <>
class shortest<double> {
 public:
  explicit shortest(double value) {
    std::memset(text_, '0', sizeof text_);
    constexpr std::size_t places = 20;
    std::size_t begin = places - 1, end = places;
    significant_digits found{0, 0};
    if (value > 0) {
      found = shortest_digits(value);
      write_twenty_digits(text_, found.digits);
      begin = places - static_cast<std::size_t>(digit_count(found.digits));
    }
    while (end > begin + 1 && text_[end - 1] == '0') --end;
    found_ = {{text_ + begin, end - begin}, found.exponent};
  }

  /// With at least 24 zeros behind the digits.
  const shortest_decimal& decimal() const noexcept { return found_; }

 private:
  char text_[48];
  shortest_decimal found_;
};

// std::to_chars has no halves. Steele and White's algorithm, as NumPy has it (dragon4.c): a digit
// at a time while what is left is farther from zero, and from the next digit, than the numbers are
// from one another.
template <>
class shortest<float16> {
 public:
  explicit shortest(float16 value) {
    const unsigned bits = value.bits() & 0x7fffu;
    unsigned exponent = bits >> 10, fraction = bits & 0x3ffu;
    const bool is_power = fraction == 0 && exponent > 1;  // the number below is nearer
    if (exponent > 0) {
      fraction |= 0x400u;
      --exponent;
    }
    // In quarters of the smallest half, 2**-26, so that margins are whole.
    left_ = std::uint64_t{fraction} << (exponent + 2);
    above_ = std::uint64_t{2} << exponent;
    below_ = is_power ? above_ / 2 : above_;
    is_even_ = fraction % 2 == 0;
    found_.exponent = 0;
    if (left_ > 0) {
      scale();
      generate();
    } else {
      digits_[count_++] = '0';
    }
    found_.digits = {digits_, count_};
  }

  const shortest_decimal& decimal() const noexcept { return found_; }

 private:
  void times_ten() noexcept {
    left_ *= 10;
    above_ *= 10;
    below_ *= 10;
  }
  void scale() noexcept {
    for (; left_ >= 10 * one_; ++found_.exponent) one_ *= 10;
    for (; left_ < one_; --found_.exponent) times_ten();
  }
  void generate() noexcept {
    for (;;) {
      const auto digit = static_cast<char>('0' + left_ / one_);
      left_ %= one_;
      const bool low = is_even_ ? left_ <= below_ : left_ < below_;
      const bool high = is_even_ ? left_ + above_ >= one_ : left_ + above_ > one_;
      digits_[count_++] = digit;
      if (low || high) {
        const bool is_tie = 2 * left_ == one_;
        const bool down = low != high ? low : is_tie ? digit % 2 == 0 : 2 * left_ < one_;
        if (!down) round_up();
        return;
      }
      times_ten();
    }
  }
  void round_up() noexcept {
    while (count_ > 0 && digits_[count_ - 1] == '9') --count_;
    if (count_ == 0) {
      digits_[count_++] = '1';
      ++found_.exponent;
    } else {
      ++digits_[count_ - 1];
    }
  }

  std::uint64_t left_, above_, below_;
  std::uint64_t one_ = std::uint64_t{1} << 26;
  bool is_even_;
  char digits_[8];
  std::size_t count_ = 0;
  shortest_decimal found_;
};

// Whether a number that is all there is to see gets ".0" where it is whole.
enum class whole : char { with_point, bare };

void append_positional(text_buffer& out, const shortest_decimal& number, whole style) {
  const std::string_view digits = number.digits;
  if (number.exponent < 0) {
    out.append("0.");
    out.append(static_cast<std::size_t>(-number.exponent - 1), '0');
    return out.append(digits);
  }
  const auto in_front = static_cast<std::size_t>(number.exponent) + 1;
  if (digits.size() > in_front) {
    out.append(digits.substr(0, in_front));
    out.append('.');
    return out.append(digits.substr(in_front));
  }
  out.append(digits);
  out.append(in_front - digits.size(), '0');
  if (style == whole::with_point) out.append(".0");
}

// The same of up to 17 digits with zeros behind them, and exponents from -4 to 15: copies of a
// fixed length take no time.
void append_quickly(text_buffer& out, const shortest_decimal& number) {
  const char* const digits = number.digits.data();
  const auto count = static_cast<std::ptrdiff_t>(number.digits.size());
  char* const to = out.room(64);
  if (number.exponent < 0) {
    std::memset(to, '0', 5);
    to[1] = '.';
    char* const first = to + 1 - number.exponent;
    std::memcpy(first, digits, 20);
    return out.end_at(first + count);
  }
  const std::ptrdiff_t in_front = number.exponent + 1;
  std::memcpy(to, digits, 16);
  to[in_front] = '.';
  std::memcpy(to + in_front + 1, digits + in_front, 20);
  out.end_at(to + in_front + 1 + std::max<std::ptrdiff_t>(count - in_front, 1));
}

void append_scientific(text_buffer& out, const shortest_decimal& number) {
  out.append(number.digits[0]);
  if (number.digits.size() > 1) {
    out.append('.');
    out.append(number.digits.substr(1));
  }
  out.append(number.exponent < 0 ? "e-" : "e+");
  const int exponent = std::abs(number.exponent);
  if (exponent < 10) out.append('0');
  char text[8];
  const char* const end = std::to_chars(text, text + sizeof text, exponent).ptr;
  out.append(std::string_view(text, static_cast<std::size_t>(end - text)));
}

// As numpy.str_ of it; numpy/core/src/multiarray/scalartypes.c.src has the two bounds.
template <class T>
void append_shortest(text_buffer& out, T value, whole style) {
  using real = std::conditional_t<std::is_same_v<T, float16>, float, T>;
  const auto number = static_cast<real>(value);
  if (std::isnan(number)) return out.append("nan");
  if (std::signbit(number)) out.append('-');
  const real magnitude = std::fabs(number);
  if (std::isinf(magnitude)) return out.append("inf");
  using bound = std::conditional_t<std::is_same_v<T, long double>, long double, double>;
  const bool is_positional = magnitude == 0 || (magnitude >= static_cast<bound>(1e-4L) &&
                                                magnitude < static_cast<bound>(1e16L));
  const shortest<T> found([&] {
    if constexpr (std::is_same_v<T, float16>) {
      return value;
    } else {
      return magnitude;
    }
  }());
  if constexpr (std::is_same_v<T, double>) {
    if (is_positional && style == whole::with_point) return append_quickly(out, found.decimal());
  }
  if (is_positional) return append_positional(out, found.decimal(), style);
  append_scientific(out, found.decimal());
}

// Behind the last digit of what `to_chars` made of a whole number.
void insert_point(text_buffer& out, std::size_t begin) {
  const std::string_view text(out.data() + begin, out.size() - begin);
  if (text.find('.') != std::string_view::npos) return;
  const std::size_t e = text.find('e');
  *out.insert(begin + (e == std::string_view::npos ? text.size() : e), 1) = '.';
}

void append_chars(text_buffer& out, double value, std::chars_format format, int precision) {
  constexpr std::size_t most_in_front = 330;  // 309 digits and a sign, or an exponent
  const std::size_t most = static_cast<std::size_t>(precision) + most_in_front;
  char* const room = out.room(most);
  out.end_at(std::to_chars(room, room + most, value, format, precision).ptr);
}

// The quick ways cover what nearly every format asks for; false where they do not.
bool append_scientific(text_buffer& out, double value, int precision) {
  if (precision >= most_quick_digits) return false;
  const double magnitude = std::fabs(value);
  significant_digits found{0, 0};
  if (magnitude > 0) {
    const auto rounded = round_to_digits(magnitude, precision + 1);
    if (!rounded) return false;
    found = *rounded;
  }
  char digits[20];
  write_twenty_digits(digits, found.digits);
  const char* const first = digits + sizeof digits - 1 - precision;
  constexpr std::size_t most = 32;  // -1.234567890123456789e-308
  char* to = out.room(most);
  if (std::signbit(value)) *to++ = '-';
  *to++ = *first;
  if (precision > 0) {
    *to++ = '.';
    to = std::copy_n(first + 1, precision, to);
  }
  *to++ = 'e';
  *to++ = found.exponent < 0 ? '-' : '+';
  const auto exponent = static_cast<unsigned>(std::abs(found.exponent));
  if (exponent >= 100) *to++ = static_cast<char>('0' + exponent / 100);
  *to++ = static_cast<char>('0' + exponent / 10 % 10);
  *to++ = static_cast<char>('0' + exponent % 10);
  out.end_at(to);
  return true;
}

bool append_fixed(text_buffer& out, double value, int precision) {
  if (precision >= most_quick_digits) return false;
  const auto scaled = scaled_by_ten(std::fabs(value), precision);
  if (!scaled) return false;
  constexpr std::size_t most = 24;
  char* to = out.room(most);
  if (std::signbit(value)) *to++ = '-';
  const std::uint64_t unit = power_of_ten(precision);
  to = std::to_chars(to, to + most, *scaled / unit).ptr;
  if (precision > 0) {
    *to++ = '.';
    char digits[20];
    write_twenty_digits(digits, *scaled % unit);
    to = std::copy_n(digits + sizeof digits - precision, precision, to);
  }
  out.end_at(to);
  return true;
}

// `%#g`: as many digits as were asked for, zeros included.
void append_general(text_buffer& out, double value, int precision) {
  const std::size_t begin = out.size();
  const int digits = precision == 0 ? 1 : precision;
  append_chars(out, value, std::chars_format::scientific, digits - 1);
  const char* const end = out.data() + out.size();
  const char* e = end;
  while (*--e != 'e') {
  }
  int exponent = 0;
  std::from_chars(e[1] == '+' ? e + 2 : e + 1, end, exponent);
  if (exponent < -4 || exponent >= digits) return;
  out.cut(begin);
  append_chars(out, value, std::chars_format::fixed, digits - 1 - exponent);
}

[[noreturn]] void refuse_integer(std::string_view found) {
  throw unfit_value{.expected = "a finite number for %d", .found = std::string(found)};
}

template <class T>
void put_as_double(text_target& to, const conversion& how, const dtype&, const std::byte* at) {
  put_double(to.text, how, static_cast<double>(load_item<T>(at)));
}

// Python's int(): towards zero, whatever its size.
template <class T>
void put_as_integer(text_target& to, const conversion& how, const dtype&, const std::byte* at) {
  using real = std::conditional_t<std::is_same_v<T, float16>, float, T>;
  const real value = std::trunc(static_cast<real>(load_item<T>(at)));
  if (std::isnan(value)) refuse_integer("nan");
  if (std::isinf(value)) refuse_integer(value > 0 ? "inf" : "-inf");
  const real magnitude = std::fabs(value);
  constexpr real two_to_64 = 18446744073709551616.0L;
  if (magnitude < two_to_64) {
    return put_whole(to.text, how, value < 0, static_cast<std::uint64_t>(magnitude));
  }
  constexpr std::size_t most_digits = 4940;  // of a long double
  const std::size_t begin = to.text.size();
  if (value < 0) to.text.append('-');
  char* const room = to.text.room(most_digits);
  char* const end =
      std::to_chars(room, room + most_digits, magnitude, std::chars_format::fixed, 0).ptr;
  to.text.end_at(end);
  const auto digits = static_cast<std::size_t>(end - room);
  if (how.precision > 0 && digits < static_cast<std::size_t>(how.precision)) {
    const std::size_t missing = static_cast<std::size_t>(how.precision) - digits;
    std::fill_n(to.text.insert(to.text.size() - digits, missing), missing, '0');
  }
  finish_number(to.text, begin, how, 0);
}

template <class T>
void put_as_text(text_target& to, const conversion& how, const dtype&, const std::byte* at) {
  const std::size_t begin = to.text.size();
  append_shortest(to.text, load_item<T>(at), whole::with_point);
  if (how.width > 0 || how.precision >= 0) finish_text(to.text, begin, how);
}

// As numpy.str_ of it: the real part is left out where it is 0, though not -0.
template <class T>
void put_complex(text_target& to, const conversion& how, const dtype&, const std::byte* at) {
  text_buffer& out = to.text;
  const T real = load_item<T>(at), imaginary = load_item<T>(at + sizeof(T));
  const std::size_t begin = out.size();
  const bool has_real = real != 0 || std::signbit(real);
  if (has_real) {
    out.append('(');
    append_shortest(out, real, whole::bare);
    if (!std::signbit(imaginary) || std::isnan(imaginary)) out.append('+');
  }
  append_shortest(out, imaginary, whole::bare);
  out.append(has_real ? "j)" : "j");
  finish_text(out, begin, how);
}

template <class T>
put_function find_for(char letter) {
  switch (letter) {
    case 'x':
    case 'X':
    case 'o':
    case 'c':
      return nullptr;
    case 'd':
      return put_as_integer<T>;
    case 's':
    case 'r':
    case 'a':
      return put_as_text<T>;
    default:
      return put_as_double<T>;
  }
}

}  // namespace

void put_double(text_buffer& out, const conversion& how, double value) {
  const std::size_t begin = out.size();
  if (!std::isfinite(value)) {
    out.append(std::isnan(value) ? "nan" : value > 0 ? "inf" : "-inf");
  } else {
    const int precision = how.precision < 0 ? 6 : how.precision;
    const char style = static_cast<char>(how.letter | 0x20);  // the small letter
    if (style == 'e') {
      if (!append_scientific(out, value, precision)) {
        append_chars(out, value, std::chars_format::scientific, precision);
      }
    } else if (style == 'f') {
      if (!append_fixed(out, value, precision)) {
        append_chars(out, value, std::chars_format::fixed, precision);
      }
    } else if (!how.alternate) {
      append_chars(out, value, std::chars_format::general, precision);
    } else {
      append_general(out, value, precision);
    }
    if (how.alternate) insert_point(out, begin);
  }
  if (how.letter < 'a') {
    char* const end = out.data() + out.size();
    for (char* c = out.data() + begin; c != end; ++c) {
      if (*c >= 'a') *c = static_cast<char>(*c - 32);
    }
  }
  if (how.width > 0 || how.plus || how.blank) finish_number(out, begin, how, 0);
}

put_function find_put_float(const dtype& type, char letter) {
  switch (type.itemsize()) {
    case 2:
      return find_for<float16>(letter);
    case 4:
      return find_for<float>(letter);
    case 8:
      return find_for<double>(letter);
    default:
      return find_for<long double>(letter);
  }
}

put_function find_put_complex(const dtype& type) {
  switch (type.itemsize()) {
    case 8:
      return put_complex<float>;
    case 16:
      return put_complex<double>;
    default:
      return put_complex<long double>;
  }
}

}  // namespace npymap::text
