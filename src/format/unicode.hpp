/// \file
/// Code points, and the two encodings that NPY headers have: latin-1 and UTF-8.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

namespace npymap::detail {

inline constexpr char32_t max_code_point = 0x10ffff;

/// Surrogates have numbers, but are no characters: UTF-8 cannot hold them.
constexpr bool is_surrogate(char32_t c) noexcept { return c >= 0xd800 && c <= 0xdfff; }

/// Append a code point that is no surrogate.
void append_utf8(std::string& out, char32_t c);

/// Take the first code point off `text`, which must not be empty; nothing, and `text` as it was,
/// where it is not strict UTF-8 (overlong forms and surrogates are not).
std::optional<char32_t> take_utf8(std::string_view& text) noexcept;

/// The number of characters; nothing if `text` is not strict UTF-8.
std::optional<std::size_t> utf8_length(std::string_view text) noexcept;

/// Python's `str.isprintable()`: what `repr` does not escape.
bool is_printable(char32_t c) noexcept;

}  // namespace npymap::detail
