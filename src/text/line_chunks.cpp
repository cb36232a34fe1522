#include "text/line_chunks.hpp"

#include <algorithm>
#include <array>
#include <cstring>
#include <utility>

#include <fmt/format.h>

namespace npymap::text {

line_chunks::line_chunks(text_source& from, const text_dialect& dialect, const limits& most,
                         std::function<void()> before_long)
    : from_(from), dialect_(dialect), most_(most), before_long_(std::move(before_long)) {
  longest_mark_ = std::max({longest_mark_, dialect.delimiter().size(), 2 * dialect.quote().size()});
  for (const std::string& comment : dialect.comments()) {
    longest_mark_ = std::max(longest_mark_, comment.size());
  }
  take_start();
}

std::size_t line_chunks::read(char* to, std::size_t n) {
  const std::size_t got = from_.read({to, n});
  is_over_ = got < n;
  return got;
}

void line_chunks::take_start() {
  rest_.resize(byte_order_mark.size());
  rest_.resize(read(rest_.data(), rest_.size()));
  if (dialect_.encoding() == text_encoding::utf8 && rest_ == byte_order_mark) {
    offset_bytes_ = rest_.size();
    rest_.clear();
  }
}

index_t line_chunks::skip_lines(index_t n) {
  index_t skipped = 0;
  bool was_return = false;  // whose "\n" may follow
  std::array<char, 16384> piece{};
  while (skipped < n || was_return) {
    if (rest_.empty()) {
      if (is_over_) break;
      rest_.assign(piece.data(), read(piece.data(), piece.size()));
      continue;
    }
    std::size_t at = 0;
    if (was_return && rest_[0] == '\n') at = 1;
    was_return = false;
    if (skipped < n) {
      const std::size_t stop = rest_.find_first_of("\r\n", at);
      at = stop == std::string_view::npos ? rest_.size() : stop + 1;
      if (stop != std::string_view::npos) {
        ++skipped;
        was_return = rest_[stop] == '\r';
      }
    }
    offset_bytes_ += at;
    rest_.erase(0, at);
  }
  return skipped;
}

// One step over what may be quoted. Answers where the next one begins, and whether a line has ended
// by what `place_` is: `field_start` behind an end of a line.
std::size_t line_chunks::step(std::string_view text, std::size_t at) {
  const char* const here = text.data() + at;
  const char* const end = text.data() + text.size();
  const std::uint8_t kind = dialect_.class_of(*here);
  const bool is_comment = (kind & begins_comment) != 0 && dialect_.comment_at(here, end) != 0;
  const std::size_t space = (kind & begins_space) != 0 ? dialect_.space_at(here, end) : 0;
  if (place_ == place::field_start) {
    if (space != 0 && !is_comment) return at + space;
    place_ = place::unquoted;
    if (stands_at(dialect_.quote(), here, end)) {
      place_ = place::quoted;
      return at + dialect_.quote().size();
    }
  }
  if (is_comment) {
    place_ = place::comment;
  } else if (space != 0) {
    place_ = place::field_start;
    return at + space;
  } else if ((kind & begins_delimiter) != 0 && stands_at(dialect_.delimiter(), here, end)) {
    place_ = place::field_start;
    return at + dialect_.delimiter().size();
  }
  return at + 1;
}

std::size_t line_chunks::find_cut_outside_quotes(std::string_view text) {
  std::size_t cut = 0;
  std::size_t at = scanned_;
  const std::string& quote = dialect_.quote();
  while (at + longest_mark_ <= text.size()) {
    if (place_ == place::quoted) {
      if (text.compare(at, quote.size(), quote) != 0) {
        ++at;
      } else if (text.compare(at + quote.size(), quote.size(), quote) == 0) {
        at += 2 * quote.size();
      } else {
        place_ = place::unquoted;
        at += quote.size();
      }
    } else if (text[at] == '\n' || text[at] == '\r') {
      at += text[at] == '\r' && text[at + 1] == '\n' ? std::size_t{2} : std::size_t{1};
      cut = at;
      place_ = place::field_start;
    } else if (place_ == place::comment) {
      ++at;
    } else {
      at = step(text, at);
    }
  }
  scanned_ = at;
  return cut;
}

// Behind the last line end; 0 if there is none yet.
std::size_t line_chunks::find_cut(std::string_view text) {
  if (!dialect_.quote().empty()) return find_cut_outside_quotes(text);
  const std::string_view fresh = text.substr(scanned_);
  std::size_t last = fresh.rfind('\n');
  // A "\r" that comes last may have its "\n" behind it.
  if (last == std::string_view::npos && fresh.size() > 1)
    last = fresh.rfind('\r', fresh.size() - 2);
  const std::size_t cut = last == std::string_view::npos ? 0 : scanned_ + last + 1;
  scanned_ = text.size() - (text.ends_with('\r') ? 1 : 0);
  return cut;
}

// Until a line has ended, or the text: false if there is nothing more.
bool line_chunks::fill(text_chunk& chunk) {
  std::size_t room = chunk.memory.size_bytes() - 1;
  scanned_ = 0;
  place_ = place::field_start;
  while (true) {
    char* const text = reinterpret_cast<char*>(chunk.memory.data());
    if (!is_over_) chunk.size_bytes += read(text + chunk.size_bytes, room - chunk.size_bytes);
    if (is_over_) {
      if (chunk.size_bytes == 0) return false;
      const char last = text[chunk.size_bytes - 1];
      if (last != '\n' && last != '\r') text[chunk.size_bytes++] = '\n';
      return true;
    }
    const std::size_t cut = find_cut({text, chunk.size_bytes});
    if (cut != 0) {
      rest_.assign(text + cut, chunk.size_bytes - cut);
      chunk.size_bytes = cut;
      return true;
    }
    if (room >= most_.longest_line_bytes) {
      throw text_fault{0, 0, 0,
                       fmt::format("a line of at most {} bytes, {}", most_.longest_line_bytes,
                                   most_.name_of_longest),
                       "a longer one"};
    }
    before_long_();
    room = std::min(2 * room, most_.longest_line_bytes);
    io::aligned_buffer larger(room + 1);
    std::memcpy(larger.data(), text, chunk.size_bytes);
    chunk.memory = std::move(larger);
  }
}

bool line_chunks::next(text_chunk& chunk) {
  const std::size_t room = std::max(most_.chunk_bytes, rest_.size()) + 1;
  if (chunk.memory.size_bytes() < room || chunk.memory.size_bytes() > 2 * room) {
    chunk.memory = {};
    chunk.memory = io::aligned_buffer(room);
  }
  if (!rest_.empty()) std::memcpy(chunk.memory.data(), rest_.data(), rest_.size());
  chunk.size_bytes = rest_.size();
  chunk.offset_bytes = offset_bytes_;
  if (rest_.capacity() > 2 * room) rest_ = {};
  rest_.clear();
  if (!fill(chunk)) return false;
  offset_bytes_ += chunk.size_bytes;
  const std::uint64_t read_bytes = from_.read_bytes();
  chunk.file_bytes = read_bytes - std::exchange(told_bytes_, read_bytes);
  return true;
}

}  // namespace npymap::text
