#include "cli/json.hpp"

#include <cmath>
#include <cstdint>

#include <fmt/format.h>

#include <npymap/header.hpp>

#include "format/unicode.hpp"

namespace npymap::cli {
namespace {

void append_escape(std::string& out, std::uint32_t unit) { out += fmt::format("\\u{:04x}", unit); }

void append_character(std::string& out, std::uint32_t c) {
  if (c == '"' || c == '\\') {
    out += '\\';
    out += static_cast<char>(c);
  } else if (c >= 0x20 && c < 0x7f) {
    out += static_cast<char>(c);
  } else if (c < 0x10000) {
    append_escape(out, c);
  } else {  // UTF-16, as RFC 8259 section 7 wants it
    append_escape(out, 0xd800 + ((c - 0x10000) >> 10));
    append_escape(out, 0xdc00 + ((c - 0x10000) & 0x3ff));
  }
}

std::string json_field(const field& f) {
  const std::string name = json_string(f.name);
  std::string text = f.title ? fmt::format("[[{}, {}]", json_string(*f.title), name) : "[" + name;
  text += ", " + json_descr(f.type);
  if (!f.subshape.empty()) text += ", " + json_list(f.subshape);
  return text + "]";
}

template <class Float>
std::string json_float(Float value) {
  if (std::isnan(value)) return "NaN";
  if (std::isinf(value)) return value < 0 ? "-Infinity" : "Infinity";
  std::string text = fmt::format("{}", value);
  if (text.find_first_of(".e") == std::string::npos) text += ".0";
  return text;
}

}  // namespace

std::string json_number(bool value) { return value ? "true" : "false"; }
std::string json_number(std::int64_t value) { return fmt::format("{}", value); }
std::string json_number(std::uint64_t value) { return fmt::format("{}", value); }
std::string json_number(double value) { return json_float(value); }
std::string json_number(long double value) { return json_float(value); }

std::string json_string(std::string_view text) {
  std::string out = "\"";
  while (!text.empty()) {
    if (const auto c = detail::take_utf8(text)) {
      append_character(out, *c);
    } else {
      append_escape(out, 0xdc00u + static_cast<unsigned char>(text.front()));
      text.remove_prefix(1);
    }
  }
  return out + "\"";
}

std::string json_list(std::span<const index_t> values) {
  return fmt::format("[{}]", fmt::join(values, ", "));
}

std::string json_descr(const dtype& type) {
  if (!type.is_record()) {
    const std::string literal = descr(type);
    return json_string(std::string_view(literal).substr(1, literal.size() - 2));  // no quotes
  }
  std::string fields;
  index_t end_bytes = 0;
  // Padding has a field of its own, without a name (NumPy's format.descr_to_dtype).
  const auto pad_to = [&](index_t offset_bytes) {
    if (offset_bytes == end_bytes) return;
    fields += fmt::format(R"(["", "|V{}"], )", offset_bytes - end_bytes);
  };
  for (const field& f : type.fields()) {
    pad_to(f.offset_bytes);
    fields += json_field(f) + ", ";
    end_bytes = f.offset_bytes + f.size_bytes();
  }
  pad_to(type.itemsize());
  if (!fields.empty()) fields.resize(fields.size() - 2);  // the last separator
  return "[" + fields + "]";
}

}  // namespace npymap::cli
