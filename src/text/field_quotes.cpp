#include "text/field_quotes.hpp"

#include <algorithm>
#include <string>
#include <string_view>

#include <npymap/load_text.hpp>

namespace npymap::text {
namespace {

constexpr std::string_view spaces = " \t\v\f\r\n";

std::string_view without_spaces(std::string_view text) {
  text.remove_prefix(std::min(text.find_first_not_of(spaces), text.size()));
  return text.substr(0, text.find_last_not_of(spaces) + 1);
}

// Columns that spaces part are read by splitting at any white space; a comment begins with its
// mark, and the space behind that belongs to what it says.
load_text_options options_of_reading(const save_text_options& written) {
  load_text_options read{.delimiter = written.delimiter,
                         .comments = {},
                         .quote = written.quote,
                         .encoding = written.encoding};
  if (read.delimiter.find_first_not_of(' ') == std::string::npos) read.delimiter.clear();
  const std::string_view mark = without_spaces(written.comments);
  if (!mark.empty()) read.comments.emplace_back(mark);
  return read;
}

}  // namespace

field_quotes::field_quotes(const save_text_options& options)
    : dialect_(options_of_reading(options)) {}

bool field_quotes::stands_alone(std::string_view field) const {
  const char* const end = field.data() + field.size();
  if (field.empty() || dialect_.find_stop(field.data(), end) != end) return false;
  if (field.find(dialect_.quote()) != std::string_view::npos) return false;
  if (dialect_.encoding() == text_encoding::utf8 && field.starts_with(byte_order_mark)) {
    return false;
  }
  if (dialect_.delimiter().size() < 2) return true;
  // What begins as the delimiter does may make another one of it: "a:" in front of "::".
  const std::string whole = std::string(field) + dialect_.delimiter();
  const char* const stop = dialect_.find_stop(whole.data(), whole.data() + whole.size());
  return stop == whole.data() + field.size();
}

void field_quotes::put_around(text_buffer& out, std::size_t begin) const {
  const std::string_view field(out.data() + begin, out.size() - begin);
  const std::string& quote = dialect_.quote();
  if (stands_alone(field)) return;
  std::string quoted = quote;
  for (std::size_t at = 0; at < field.size();) {
    const std::size_t next = std::min(field.find(quote, at), field.size());
    quoted.append(field, at, next - at);
    if (next < field.size()) quoted.append(quote).append(quote);
    at = next + (next < field.size() ? quote.size() : 0);
  }
  quoted += quote;
  out.cut(begin);
  out.append(quoted);
}

}  // namespace npymap::text
