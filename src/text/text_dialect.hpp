/// \file
/// What separates fields and lines of a text, in the bytes of its file.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>
#include <vector>

#include <npymap/load_text.hpp>

namespace npymap::text {

/// What a text in UTF-8 may begin with: no part of its first field.
inline constexpr std::string_view byte_order_mark = "\xef\xbb\xbf";

/// How a byte may matter to those who look for the end of a field.
enum byte_class : std::uint8_t {
  plain = 0,
  line_end = 1,
  begins_delimiter = 2,
  begins_comment = 4,
  begins_space = 8,  ///< where fields are separated by white space
};

/// The options of a call, checked once.
class text_dialect {
 public:
  /// \throws error invalid_argument for characters that mean two things, or are no such
  explicit text_dialect(const load_text_options& options);

  const std::string& delimiter() const noexcept { return delimiter_; }
  bool splits_at_space() const noexcept { return delimiter_.empty(); }
  const std::string& quote() const noexcept { return quote_; }
  const std::vector<std::string>& comments() const noexcept { return comments_; }
  text_encoding encoding() const noexcept { return encoding_; }

  std::uint8_t class_of(char c) const noexcept { return classes_[static_cast<unsigned char>(c)]; }
  /// The length of what a comment begins with at `at`, of the longest; 0 if none does.
  std::size_t comment_at(const char* at, const char* end) const noexcept;
  /// The bytes of a character of white space at `at`, ends of lines included; 0 if it is another.
  std::size_t space_at(const char* at, const char* end) const noexcept {
    const auto c = static_cast<unsigned char>(*at);
    if (c < 0x80) return c == ' ' || (c >= '\t' && c <= '\r') || (c >= 0x1c && c <= 0x1f) ? 1 : 0;
    return wide_space_at(at, end);
  }
  /// What ends a field without quotes: the end of the line, a delimiter or a comment; else `end`.
  const char* find_stop(const char* at, const char* end) const noexcept;
  /// Without the white space around it.
  std::string_view stripped(std::string_view text) const noexcept;
  /// Take the first character off `text`, which must not be empty; false where it is no UTF-8.
  bool take_character(std::string_view& text, char32_t& c) const noexcept;
  /// UTF-8 as the file would have it. \throws error invalid_argument for what latin1 lacks
  std::string encoded(std::string_view utf8) const;

 private:
  void require_distinct() const;
  void classify();
  std::size_t wide_space_at(const char* at, const char* end) const noexcept;

  text_encoding encoding_;
  std::string delimiter_;
  std::string quote_;
  std::vector<std::string> comments_;
  std::array<std::uint8_t, 256> classes_ = {};
};

/// True if `text` stands at `at`; an empty one does not.
inline bool stands_at(const std::string& text, const char* at, const char* end) noexcept {
  return !text.empty() && static_cast<std::size_t>(end - at) >= text.size() &&
         std::memcmp(at, text.data(), text.size()) == 0;
}

inline const char* text_dialect::find_stop(const char* at, const char* end) const noexcept {
  for (; at != end; ++at) {
    const std::uint8_t kind = class_of(*at);
    if (kind == plain) continue;
    if ((kind & line_end) != 0) return at;
    if ((kind & begins_comment) != 0 && comment_at(at, end) != 0) return at;
    if ((kind & begins_space) != 0 && space_at(at, end) != 0) return at;
    if ((kind & begins_delimiter) != 0 && stands_at(delimiter_, at, end)) return at;
  }
  return at;
}

}  // namespace npymap::text
