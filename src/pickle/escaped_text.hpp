/// \file
/// Text and bytes as the protocols before 3 write them.
#pragma once

#include <string>
#include <string_view>

#include "pickle/pickle_value.hpp"

namespace npymap::pickle {

/// Decodes what is written in one of the codings, some bytes at a time: text becomes UTF-8, where
/// single surrogates are refused, and bytes become bytes.
class text_decoder {
 public:
  explicit text_decoder(coding written_as) : coding_(written_as) {}

  /// Append what becomes of `written` to `out`; what is cut waits for the rest. False where it is
  /// no text of that kind.
  bool decode(std::string_view written, std::string& out);
  /// That was all. False where something is cut.
  bool finish(std::string& out);

 private:
  bool decode_held(std::string_view& text, std::string& out, bool is_all);
  bool decode_utf8(std::string_view& text, std::string& out, bool is_all);
  bool decode_raw_escape(std::string_view& text, std::string& out, bool is_all);
  bool decode_string_escape(std::string_view& text, std::string& out, bool is_all);
  bool put(char32_t c, std::string& out) const;

  coding coding_;
  std::string held_;
};

}  // namespace npymap::pickle
