/// \file
/// A text in parts of whole lines.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

#include <npymap/shape.hpp>

#include "io/aligned_buffer.hpp"
#include "text/field_cursor.hpp"
#include "text/text_dialect.hpp"
#include "text/text_source.hpp"

namespace npymap::text {

/// Some lines, each with its end; none ends within quotes, unless the text does.
struct text_chunk {
  io::aligned_buffer memory;
  std::size_t size_bytes = 0;
  std::uint64_t offset_bytes = 0;  ///< from the start of the text, unpacked
  std::uint64_t file_bytes = 0;    ///< how much of the file it took

  const char* begin() const noexcept { return reinterpret_cast<const char*>(memory.data()); }
  const char* end() const noexcept { return begin() + size_bytes; }
};

/// Cuts a text. For one thread at a time.
class line_chunks {
 public:
  struct limits {
    std::size_t chunk_bytes;         ///< at most so many, but for a line that is longer
    std::size_t longest_line_bytes;  ///< with its end
    const char* name_of_longest;     ///< what makes it so
  };
  /// Call `before_long` before a chunk becomes longer than others.
  line_chunks(text_source& from, const text_dialect& dialect, const limits& most,
              std::function<void()> before_long);

  /// Pass over so many lines, if there are so many. Answers how many there were.
  index_t skip_lines(index_t n);
  /// The next lines; false at the end. \throws text_fault for a line that is too long, which is the
  /// first behind the last chunk; error as `text_source::read`
  bool next(text_chunk& chunk);

 private:
  std::size_t read(char* to, std::size_t n);
  bool fill(text_chunk& chunk);
  std::size_t find_cut(std::string_view text);
  std::size_t find_cut_outside_quotes(std::string_view text);
  std::size_t step(std::string_view text, std::size_t at);
  void take_start();

  text_source& from_;
  const text_dialect& dialect_;
  const limits most_;
  const std::function<void()> before_long_;
  std::string rest_;                // of a line that is not whole yet
  std::uint64_t offset_bytes_ = 0;  // of it
  std::uint64_t told_bytes_ = 0;    // of the file
  bool is_over_ = false;

  // Of the text that was looked at, where lines may end within quotes.
  enum class place : char { field_start, unquoted, quoted, comment };
  place place_ = place::field_start;
  std::size_t scanned_ = 0;
  std::size_t longest_mark_ = 2;  // in bytes; "\r\n" has two
};

}  // namespace npymap::text
