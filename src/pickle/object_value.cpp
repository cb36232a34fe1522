#include "pickle/object_value.hpp"

#include <charconv>
#include <complex>
#include <cstring>
#include <span>
#include <string>

#include <npymap/convert.hpp>
#include <npymap/detail/layout.hpp>

#include "format/unicode.hpp"
#include "pickle/pickle_array.hpp"

namespace npymap::pickle {
namespace {

constexpr std::uint64_t most_escaped = 10;  // \UXXXXXXXX

[[noreturn]] void refuse_object(const char* what, std::uint64_t at) {
  throw error(errc::refused_object,
              {.subject = "Python object",
               .expected = "None, a bool, a number of 64 bits, a str or bytes",
               .found = what,
               .byte_offset = told_offset(at)});
}

double real_of(const value_pool& pool, value_ref at) {
  const value& part = pool[at];
  if (part.kind == value_kind::floating) return part.floating;
  if (part.kind == value_kind::integer) return static_cast<double>(part.integer);
  refuse_object(name_of(part.kind), part.range.offset);
}

// Python writes those from 2**63 to 2**64 with a ninth byte, for the sign.
pickled_value large_integer(const pickle_bytes& from, const value& of) {
  if (of.coding == coding::decimal) {
    const std::string text = from.text(of.range);
    std::uint64_t n = 0;
    const auto [stop, failure] = std::from_chars(text.data(), text.data() + text.size(), n);
    if (failure != std::errc()) refuse_object("an int of more bits", of.range.offset);
    return n;
  }
  const std::string bytes = of.range.size == 9 ? from.text(of.range) : std::string();
  if (bytes.empty() || bytes[8] != 0) refuse_object("an int of more bits", of.range.offset);
  std::uint64_t n = 0;
  for (std::size_t i = 8; i-- > 0;) n = n << 8 | static_cast<unsigned char>(bytes[i]);
  return n;
}

template <class T>
T number_of(const dtype& type, std::span<const std::byte> bytes) {
  T number{};
  detail::convert_elements(type, bytes.data(), {{}, {}, type.itemsize()}, npymap::dtype_of<T>(),
                           reinterpret_cast<std::byte*>(&number), {{}, {}, sizeof(T)});
  return number;
}

// NumPy's text without the NULs that fill it up.
std::string utf8_of(const dtype& type, std::span<const std::byte> bytes, std::uint64_t at) {
  std::string text;
  std::size_t end = bytes.size() / 4;
  const auto character = [&](std::size_t i) {
    std::uint32_t c = 0;
    for (std::size_t k = 0; k < 4; ++k) {
      const std::size_t place = type.byte_order() == byte_order::big ? k : 3 - k;
      c = c << 8 | std::to_integer<std::uint32_t>(bytes[4 * i + place]);
    }
    return c;
  };
  while (end > 0 && character(end - 1) == 0) --end;
  for (std::size_t i = 0; i < end; ++i) {
    const std::uint32_t c = character(i);
    if (c > detail::max_code_point || detail::is_surrogate(c)) refuse_object("a bad str", at);
    detail::append_utf8(text, c);
  }
  return text;
}

pickled_value scalar_value(dtype_store& dtypes, const value& scalar) {
  const value_pool& pool = dtypes.pool();
  const dtype& type = dtypes.of(scalar.parts[0]).dtype;
  if (scalar.parts.size() < 2) refuse_object("a scalar without a value", 0);
  const value& data = pool[scalar.parts[1]];
  // With escapes, bytes may be as much longer.
  const auto itemsize = static_cast<std::uint64_t>(type.itemsize());
  const std::string text = text_of(dtypes.from(), data, most_escaped * itemsize);
  const auto bytes = std::as_bytes(std::span(text));
  if (data.kind != value_kind::bytes || bytes.size() != itemsize) {
    refuse_object("a scalar of other bytes", data.range.offset);
  }
  switch (type.kind()) {
    case dtype_kind::boolean:
      return bytes[0] != std::byte{0};
    case dtype_kind::signed_integer:
      return number_of<std::int64_t>(type, bytes);
    case dtype_kind::unsigned_integer: {
      const auto n = number_of<std::uint64_t>(type, bytes);
      if (n > INT64_MAX) return n;
      return static_cast<std::int64_t>(n);
    }
    case dtype_kind::floating:
      return number_of<double>(type, bytes);
    case dtype_kind::complex_floating: {
      const auto z = number_of<std::complex<double>>(type, bytes);
      return pickled_complex{z.real(), z.imag()};
    }
    case dtype_kind::bytes:
      return pickled_bytes{text.substr(0, text.find_last_not_of('\0') + 1)};
    case dtype_kind::unicode:
      return utf8_of(type, bytes, data.range.offset);
    default:
      refuse_object("a scalar of another kind", data.range.offset);
  }
}

}  // namespace

pickled_value object_value(dtype_store& dtypes, value_ref at) {
  const pickle_bytes& from = dtypes.from();
  const value_pool& pool = dtypes.pool();
  const value& of = pool[at];
  switch (of.kind) {
    case value_kind::none:
      return std::monostate();
    case value_kind::boolean:
      return of.integer != 0;
    case value_kind::integer:
      return of.integer;
    case value_kind::large_integer:
      return large_integer(from, of);
    case value_kind::floating:
      return of.floating;
    case value_kind::complex:
      return pickled_complex{real_of(pool, of.parts[0]), real_of(pool, of.parts[1])};
    case value_kind::text: {
      std::string text = text_of(from, of, of.range.size);
      if (!detail::utf8_length(text)) refuse_object("a str of no characters", of.range.offset);
      return text;
    }
    case value_kind::bytes:
      return pickled_bytes{text_of(from, of, of.range.size)};
    case value_kind::scalar:
      return scalar_value(dtypes, of);
    default:
      refuse_object(name_of(of.kind), of.range.offset);
  }
}

}  // namespace npymap::pickle
