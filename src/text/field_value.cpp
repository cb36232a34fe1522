#include "text/field_value.hpp"

#include <algorithm>
#include <bit>
#include <cstdint>
#include <cstring>
#include <limits>
#include <type_traits>

#include <npymap/error.hpp>
#include <npymap/float16.hpp>
#include <npymap/header.hpp>

#include "text/number_text.hpp"
#include "text/time_text.hpp"

namespace npymap::text {
namespace {

template <class T>
void store(const T& value, bool is_swapped, std::byte* out) noexcept {
  // An x86 long double has 10 bytes of its own, and what is behind them is anything.
  constexpr bool is_padded = std::is_same_v<T, long double> && std::numeric_limits<T>::digits == 64;
  constexpr std::size_t size = is_padded ? 10 : sizeof value;
  std::memcpy(out, &value, size);
  std::fill(out + size, out + sizeof value, std::byte{});
  if (is_swapped) std::reverse(out, out + sizeof value);
}

template <class T>
bool parse_integer(std::string_view field, const field_value& how, const text_dialect& dialect,
                   std::byte* out) noexcept {
  field = dialect.stripped(field);
  const char* const end = field.data() + field.size();
  T value{};
  if (take_integer(field.data(), end, value) != end) return false;
  store(value, how.is_swapped(), out);
  return true;
}

// As NumPy, by way of a double where that holds more.
template <class T>
using parsed = std::conditional_t<std::is_same_v<T, long double>, long double, double>;

template <class T>
bool parse_floating(std::string_view field, const field_value& how, const text_dialect& dialect,
                    std::byte* out) noexcept {
  field = dialect.stripped(field);
  parsed<T> value{};
  if (!parse_number(field.data(), field.data() + field.size(), value)) return false;
  store(static_cast<T>(value), how.is_swapped(), out);
  return true;
}

template <class T>
bool parse_pair(std::string_view field, const field_value& how, const text_dialect& dialect,
                std::byte* out) noexcept {
  field = dialect.stripped(field);
  parsed<T> real{}, imaginary{};
  if (!parse_complex(field.data(), field.data() + field.size(), real, imaginary)) return false;
  store(static_cast<T>(real), how.is_swapped(), out);
  store(static_cast<T>(imaginary), how.is_swapped(), out + sizeof(T));
  return true;
}

// NumPy takes integers; the words are what `str` and `%s` make of a bool.
bool parse_bool(std::string_view field, const field_value&, const text_dialect& dialect,
                std::byte* out) noexcept {
  field = dialect.stripped(field);
  const char* const end = field.data() + field.size();
  std::int64_t number = field == "True" ? 1 : 0;
  const bool is_word = field == "True" || field == "False";
  if (!is_word && take_integer(field.data(), end, number) != end) return false;
  *out = std::byte{number != 0};
  return true;
}

// latin1, as NumPy's; what is too long is cut.
bool parse_bytes(std::string_view field, const field_value& how, const text_dialect& dialect,
                 std::byte* out) noexcept {
  std::byte* const end = out + how.itemsize();
  if (field.find('\0') != std::string_view::npos) return false;
  while (out != end && !field.empty()) {
    char32_t c = 0;
    if (!dialect.take_character(field, c) || c > 0xff) return false;
    *out++ = static_cast<std::byte>(c);
  }
  std::fill(out, end, std::byte{});
  return true;
}

bool parse_unicode(std::string_view field, const field_value& how, const text_dialect& dialect,
                   std::byte* out) noexcept {
  std::byte* const end = out + how.itemsize();
  if (field.find('\0') != std::string_view::npos) return false;
  for (; out != end && !field.empty(); out += sizeof(char32_t)) {
    char32_t c = 0;
    if (!dialect.take_character(field, c)) return false;
    store(c, how.is_swapped(), out);
  }
  std::fill(out, end, std::byte{});
  return true;
}

bool parse_time(std::string_view field, const field_value& how, const text_dialect& dialect,
                std::byte* out) noexcept {
  const std::string_view stripped = dialect.stripped(field);
  if (!stripped.empty()) field = stripped;  // nothing is NaT, but a blank is a mistake
  const auto steps = how.type().kind() == dtype_kind::datetime
                         ? parse_datetime(field, how.type().step())
                         : parse_timedelta(field);
  if (!steps) return false;
  store(*steps, how.is_swapped(), out);
  return true;
}

bool parse_length(std::string_view field, const field_value&, const text_dialect& dialect,
                  std::byte* out) noexcept {
  std::int64_t length = 0;
  for (char32_t c = 0; !field.empty(); ++length) {
    if (!dialect.take_character(field, c)) return false;
  }
  store(length, false, out);
  return true;
}

template <class Parser>
Parser of_size(index_t itemsize, Parser one, Parser two, Parser four, Parser eight) {
  return itemsize == 1 ? one : itemsize == 2 ? two : itemsize == 4 ? four : eight;
}

std::string described(const dtype& type) {
  switch (type.kind()) {
    case dtype_kind::boolean:
      return "0, 1, True or False";
    case dtype_kind::signed_integer:
    case dtype_kind::unsigned_integer:
      return "an integer of dtype " + descr(type);
    case dtype_kind::floating:
      return "a number of dtype " + descr(type);
    case dtype_kind::complex_floating:
      return "a complex number of dtype " + descr(type);
    case dtype_kind::datetime:
      return "a date, in ISO 8601";
    case dtype_kind::timedelta:
      return "an integer, or NaT";
    default:
      return "text of dtype " + descr(type);
  }
}

}  // namespace

field_value::parser field_value::parser_of(const dtype& type) noexcept {
  const index_t size = type.itemsize();
  switch (type.kind()) {
    case dtype_kind::boolean:
      return parse_bool;
    case dtype_kind::signed_integer:
      return of_size<parser>(size, parse_integer<std::int8_t>, parse_integer<std::int16_t>,
                             parse_integer<std::int32_t>, parse_integer<std::int64_t>);
    case dtype_kind::unsigned_integer:
      return of_size<parser>(size, parse_integer<std::uint8_t>, parse_integer<std::uint16_t>,
                             parse_integer<std::uint32_t>, parse_integer<std::uint64_t>);
    case dtype_kind::floating:
      if (size == 16) return parse_floating<long double>;
      return of_size<parser>(size, nullptr, parse_floating<float16>, parse_floating<float>,
                             parse_floating<double>);
    case dtype_kind::complex_floating:
      return size == 8    ? parse_pair<float>
             : size == 16 ? parse_pair<double>
                          : parse_pair<long double>;
    case dtype_kind::bytes:
      return parse_bytes;
    case dtype_kind::unicode:
      return parse_unicode;
    case dtype_kind::datetime:
    case dtype_kind::timedelta:
      return type.step().unit == time_unit::generic ? nullptr : parse_time;
    default:
      return nullptr;
  }
}

field_value::field_value(const dtype& type) : type_(type), parse_(parser_of(type)) {
  if (type.has_object()) throw error(errc::object_dtype, {.subject = "dtype of a text"});
  if (parse_ == nullptr) {
    throw error(errc::bad_dtype, {.subject = "dtype of a text",
                                  .expected = "numbers, text, or times with a unit",
                                  .found = descr(type)});
  }
  expected_ = described(type);
}

field_value field_value::length() {
  field_value made(dtype_of<std::int64_t>());
  made.parse_ = parse_length;
  made.expected_ = "text";
  made.is_of_fields_ = false;
  return made;
}

std::optional<std::string> field_value::default_filling() const {
  switch (type_.kind()) {
    case dtype_kind::floating:
    case dtype_kind::complex_floating:
      return "nan";
    case dtype_kind::signed_integer:
      return "-1";
    case dtype_kind::unsigned_integer:
      return std::nullopt;
    case dtype_kind::boolean:
      return "False";
    case dtype_kind::datetime:
    case dtype_kind::timedelta:
      return "NaT";
    default:
      return "";
  }
}

}  // namespace npymap::text
