#include "text/field_cursor.hpp"

#include <algorithm>
#include <cstring>

#include <npymap/error.hpp>

namespace npymap::text {

// Behind the end of the line at `at`. As in Python's universal newlines, "\r\n" is one.
const char* field_cursor::end_line(const char* at) noexcept {
  ++line_end_;
  return at + (*at == '\r' && at + 1 != end_ && at[1] == '\n' ? 2 : 1);
}

void field_cursor::end_field(const char* stop) noexcept {
  const std::uint8_t kind = stop == end_ ? std::uint8_t{line_end} : dialect_.class_of(*stop);
  if ((kind & begins_comment) != 0 && dialect_.comment_at(stop, end_) != 0) {
    while (stop != end_ && *stop != '\n' && *stop != '\r') ++stop;
  } else if ((kind & line_end) == 0) {
    at_ = stop + (dialect_.splits_at_space() ? dialect_.space_at(stop, end_)
                                             : dialect_.delimiter().size());
    return;
  }
  goes_on_ = false;
  at_ = stop == end_ ? end_ : end_line(stop);
}

void field_cursor::take_quoted(text_field& field) {
  const std::string& quote = dialect_.quote();
  const char* at = at_ + quote.size();
  const char* run = at;
  bool is_joined = false;
  joined_.clear();
  const auto join = [&](const char* to) {
    joined_.append(run, static_cast<std::size_t>(to - run));
    is_joined = true;
  };
  for (;; ++at) {
    if (at == end_) {
      throw fault_at(field.begin, column_, "a closing quote", "the end of the text");
    }
    if (*at == '\r' || *at == '\n') {
      // NumPy sees "\n" for each of them.
      const char* const next = end_line(at);
      if (*at == '\r') {
        join(at);
        joined_ += '\n';
        run = next;
      }
      at = next - 1;
    } else if (*at == quote[0] && stands_at(quote, at, end_)) {
      const char* const behind = at + quote.size();
      if (!stands_at(quote, behind, end_)) break;
      join(behind);
      run = behind + quote.size();
      at = run - 1;
    }
  }
  // What stands behind the closing quote belongs to the field.
  const char* const rest = at + quote.size();
  const char* const stop = dialect_.find_stop(rest, end_);
  if (stop != rest || is_joined) {
    join(at);
    joined_.append(rest, static_cast<std::size_t>(stop - rest));
    field.text = joined_;
  } else {
    field.text = {run, static_cast<std::size_t>(at - run)};
  }
  field.is_quoted = true;
  end_field(stop);
}

bool field_cursor::next(text_field& field) {
  if (!goes_on_) return false;
  if (dialect_.splits_at_space()) {
    while (at_ != end_ && (dialect_.class_of(*at_) & begins_space) != 0 &&
           dialect_.comment_at(at_, end_) == 0) {
      const std::size_t n = dialect_.space_at(at_, end_);
      if (n == 0) break;
      at_ += n;
    }
  }
  ++column_;
  field.begin = at_;
  field.is_quoted = false;
  if (stands_at(dialect_.quote(), at_, end_)) {
    take_quoted(field);
    return true;
  }
  const char* const stop = dialect_.find_stop(at_, end_);
  field.text = {at_, static_cast<std::size_t>(stop - at_)};
  end_field(stop);
  // An empty line holds no row, and white space behind the last field begins no other.
  return goes_on_ || !field.text.empty() || (column_ > 1 && !dialect_.splits_at_space());
}

}  // namespace npymap::text
