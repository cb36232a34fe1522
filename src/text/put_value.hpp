/// \file
/// Values as Python's `%` writes them.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>

#include <npymap/dtype.hpp>
#include <npymap/text_encoding.hpp>

#include "text/percent_format.hpp"
#include "text/text_buffer.hpp"

namespace npymap::text {

/// Where values go, and how characters are kept there.
struct text_target {
  text_buffer& text;
  text_encoding encoding;
};

/// What a value has to be said against a format; whoever knows where it stands makes an error of
/// it.
struct unfit_value {
  std::string expected;
  std::string found;
};

/// Append a value of a dtype, native but not necessarily aligned. \throws unfit_value
using put_function = void (*)(text_target& to, const conversion& how, const dtype& type,
                              const std::byte* at);

/// How to write items of a dtype, which is neither record nor object; null where Python cannot, as
/// `%x` of a float, or where it loses something without need, as `%f` of a complex.
put_function find_put(const dtype& type, const conversion& how);

/// About how many characters a value takes.
std::size_t usual_length(const dtype& type, const conversion& how);

// By kind.
put_function find_put_integer(const dtype& type, char letter);
put_function find_put_float(const dtype& type, char letter);
put_function find_put_complex(const dtype& type);
put_function find_put_text(const dtype& type, char letter);

/// One item from bytes of any alignment.
template <class T>
T load_item(const std::byte* at) noexcept {
  T value;
  std::memcpy(&value, at, sizeof value);
  return value;
}

/// Append a character. \throws unfit_value for what the encoding has not
void put_character(text_target& to, char32_t c);
/// Text in UTF-8 in another encoding. \throws unfit_value
std::string encoded(std::string_view utf8, text_encoding encoding);

// What stands behind `begin` is all of a value. It gets its sign and is padded to its width; a
// prefix such as 0x stays in front of zeros.
void finish_number(text_buffer& out, std::size_t begin, const conversion& how, std::size_t prefix);
/// The same of ASCII that is no number for Python: cut at the precision, padded with spaces.
void finish_text(text_buffer& out, std::size_t begin, const conversion& how);

/// `%d`, `%x`, `%X`, `%o` of an integer.
void put_whole(text_buffer& out, const conversion& how, bool is_negative, std::uint64_t magnitude);
/// `%e`, `%f`, `%g` and their capitals.
void put_double(text_buffer& out, const conversion& how, double value);

}  // namespace npymap::text
