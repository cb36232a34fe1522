#include "text/text_pass.hpp"

#include <algorithm>
#include <charconv>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>

#include <fmt/format.h>

#include <npymap/dtype.hpp>

#include "stream/threads.hpp"

namespace npymap::text {
namespace {

constexpr std::uint64_t mebibyte = std::uint64_t{1} << 20;

// Small enough for a cache, and large enough for threads to be of use.
std::size_t chunk_bytes(const load_text_options& options, int threads) {
  const std::uint64_t share = options.pass.budget_bytes / 8 / static_cast<std::uint64_t>(threads);
  constexpr std::uint64_t least = 64;
  return static_cast<std::size_t>(std::clamp(share, least, mebibyte / 2));
}

std::uint64_t half_of_budget(const load_text_options& options) {
  return std::max(options.pass.budget_bytes / 2, mebibyte);
}

line_chunks::limits limits_of(const load_text_options& options, int threads) {
  const std::uint64_t longest = std::max<std::uint64_t>(options.longest_line_bytes, 2);
  const bool is_budget = half_of_budget(options) < longest;
  const auto most = static_cast<std::size_t>(is_budget ? half_of_budget(options) : longest);
  return {.chunk_bytes = std::min(chunk_bytes(options, threads), most),
          .longest_line_bytes = most,
          .name_of_longest = is_budget ? "half of the budget" : "as longest_line_bytes says"};
}

int threads_for(const text_source& from, const load_text_options& options) {
  constexpr std::uint64_t worth_a_thread_bytes = 64 << 10;
  const int threads = detail::checked_threads(options.pass.threads);
  const bool is_small =
      from.file_bytes() < worth_a_thread_bytes && from.file_bytes() < options.pass.budget_bytes / 8;
  return is_small ? 1 : threads;
}

// `shape: (2, 3, 4)`, and nothing else.
std::optional<shape> parse_shape_line(std::string_view line) {
  const auto skip_space = [&] {
    while (!line.empty() && (line[0] == ' ' || line[0] == '\t')) line.remove_prefix(1);
  };
  const auto take = [&](std::string_view word) {
    skip_space();
    if (!line.starts_with(word)) return false;
    line.remove_prefix(word.size());
    return true;
  };
  if (!take("shape:") || !take("(")) return {};
  shape found;
  while (!take(")")) {
    skip_space();
    index_t extent = 0;
    const auto [stop, failure] = std::from_chars(line.data(), line.data() + line.size(), extent);
    if (failure != std::errc() || extent < 0 || found.rank() == max_rank) return {};
    line.remove_prefix(static_cast<std::size_t>(stop - line.data()));
    found.push_back(extent);
    if (!take(",") && !line.starts_with(')')) return {};
  }
  skip_space();
  return line.empty() && found.rank() > 2 ? std::optional(found) : std::nullopt;
}

}  // namespace

struct text_pass::worker {
  worker(const column_plan& plan, const text_dialect& dialect, std::size_t buffer_bytes)
      : parser(plan, dialect), rows(buffer_bytes) {
    // Gaps between the fields of records are nobody's to fill, and reach files.
    if (plan.is_record()) std::ranges::fill(rows.bytes(), std::byte{});
  }

  row_parser parser;
  io::aligned_buffer rows;
  text_chunk chunk;
  index_t number = 0;
};

text_pass::text_pass(text_source& from, const text_dialect& dialect, column_plan& plan,
                     const load_text_options& options)
    : from_(from),
      dialect_(dialect),
      plan_(plan),
      options_(options),
      threads_(threads_for(from, options)),
      buffer_bytes_(2 * chunk_bytes(options, threads_)),
      turns_([](index_t) {}),
      meter_(options.pass, from.file_bytes()),
      chunks_(from, dialect, limits_of(options, threads_), [this] {
        // A long line has what all parts have else, and so is alone.
        if (next_chunk_ > 0) turns_.wait_for_turn(next_chunk_ - 1, 1);
      }) {}

void text_pass::refuse(const text_fault& fault, std::uint64_t offset_bytes) const {
  std::string subject = fmt::format("line {}", lines_ + fault.line + 1);
  if (fault.column > 0) subject += fmt::format(", column {}", fault.column);
  error_facts facts{.path = from_.path(),
                    .subject = std::move(subject),
                    .expected = fault.expected,
                    .found = fault.found};
  if (!from_.is_packed()) facts.byte_offset = offset_bytes + fault.offset_bytes;
  throw error(errc::bad_text, std::move(facts));
}

void text_pass::find_first_row() {
  lines_ = chunks_.skip_lines(options_.skip_rows);
  text_chunk chunk;
  bool is_start = true;
  while (!has_all_rows()) {
    meter_.throw_if_stopped();
    try {
      if (!chunks_.next(chunk)) break;
    } catch (const text_fault& fault) {
      refuse(fault, chunk.offset_bytes);
    }
    if (std::exchange(is_start, false)) read_told_shape(chunk);
    if (is_first_row_in(chunk)) {
      first_ = std::move(chunk);
      return require_room_for_rows();
    }
    meter_.add(chunk.file_bytes);
  }
  is_over_ = true;
  if (!plan_.columns()) plan_.set_columns(1);  // as NumPy
}

bool text_pass::is_first_row_in(const text_chunk& chunk) {
  field_cursor cursor(dialect_);
  cursor.begin(chunk.begin(), chunk.end());
  const char* at = chunk.begin();
  text_field field;
  try {
    while (at != chunk.end()) {
      cursor.begin_row(at, cursor.line());
      index_t fields = 0;
      while (cursor.next(field)) ++fields;
      if (fields > 0) {
        if (!plan_.columns()) plan_.set_columns(fields);
        return true;
      }
      at = cursor.position();
    }
  } catch (const text_fault& fault) {
    refuse(fault, chunk.offset_bytes);
  }
  lines_ += cursor.line();
  return false;
}

void text_pass::read_told_shape(const text_chunk& chunk) {
  const bool reads_all = !options_.use_columns && !options_.max_rows && !plan_.is_record();
  if (!reads_all || options_.shape_line == told_shape::ignore) return;
  std::string_view line(chunk.begin(), chunk.size_bytes);
  const std::size_t mark = dialect_.comment_at(chunk.begin(), chunk.end());
  if (mark == 0) return;
  line.remove_prefix(mark);
  told_shape_ = parse_shape_line(line.substr(0, line.find_first_of("\r\n")));
  if (told_shape_ && !array_bytes(*told_shape_, plan_.dtype().itemsize())) told_shape_.reset();
}

void text_pass::require_room_for_rows() {
  const auto row_bytes = static_cast<std::uint64_t>(plan_.row_bytes());
  if (row_bytes > half_of_budget(options_)) {
    throw error(
        errc::invalid_argument,
        {.path = from_.path(),
         .subject = "a row",
         .expected = fmt::format("at most {} bytes, half of the budget", half_of_budget(options_)),
         .found = fmt::format("{}", row_bytes)});
  }
  if (row_bytes <= buffer_bytes_) return;
  buffer_bytes_ = static_cast<std::size_t>(row_bytes);
  const std::uint64_t most = options_.pass.budget_bytes / 4 / row_bytes;
  threads_ = static_cast<int>(std::clamp<std::uint64_t>(most, 1, static_cast<unsigned>(threads_)));
}

// The text goes on as it begins: a guess, and some more.
std::optional<std::uint64_t> text_pass::expected_rows() {
  if (!first_ || first_->file_bytes == 0) return {};
  if (first_->file_bytes >= from_.file_bytes()) return {};
  const std::string_view text(first_->begin(), first_->size_bytes);
  const auto lines = static_cast<double>(std::count(text.begin(), text.end(), '\n'));
  const double share =
      static_cast<double>(from_.file_bytes()) / static_cast<double>(first_->file_bytes);
  const double rows = (lines + 1) * share * 1.03 + 1000;
  const auto expected = static_cast<std::uint64_t>(rows);
  if (!options_.max_rows) return expected;
  return std::min(expected, static_cast<std::uint64_t>(*options_.max_rows));
}

void text_pass::run(row_sink& to) {
  to_ = &to;
  to.begin(plan_.row_bytes(), expected_rows());
  const auto work = [this](int) {
    try {
      worker w(plan_, dialect_, buffer_bytes_);
      while (take_chunk(w) && parse_chunk(w)) {
      }
    } catch (...) {
      turns_.end_of_pass();
      throw;
    }
  };
  const int threads = is_over_ ? 1 : threads_;
  if (threads == 1) {
    work(0);
  } else {
    detail::in_each_thread(threads, work);
  }
  meter_.finish();
}

// False when there are no more, or somebody else has failed.
bool text_pass::take_chunk(worker& w) {
  const std::lock_guard lock(reading_);
  if (is_over_) return false;
  w.number = next_chunk_++;
  if (first_) {
    w.chunk = *std::exchange(first_, std::nullopt);
    return true;
  }
  try {
    meter_.throw_if_stopped();
    is_over_ = !chunks_.next(w.chunk);
    return !is_over_;
  } catch (const text_fault& fault) {
    is_over_ = true;
    if (!turns_.wait_for_turn(w.number, 1)) return false;
    refuse(fault, w.chunk.offset_bytes);
  } catch (...) {
    is_over_ = true;
    // What is wrong with the text before that is told first.
    if (!turns_.wait_for_turn(w.number, 1)) return false;
    throw;
  }
}

bool text_pass::parse_chunk(worker& w) {
  w.parser.begin(w.chunk.begin(), w.chunk.end());
  const auto row_bytes = static_cast<std::size_t>(plan_.row_bytes());
  bool is_done = false;
  while (!is_done) {
    const index_t count = w.parser.parse(w.rows.bytes());
    if (!turns_.wait_for_turn(w.number, 1)) return false;
    const index_t first = rows_;
    rows_ += count;
    if (has_all_rows()) rows_ = *options_.max_rows;
    const bool is_last = has_all_rows();
    is_done = is_last || w.parser.is_over();
    if (!is_last && w.parser.fault()) refuse(*w.parser.fault(), w.chunk.offset_bytes);
    const auto kept = static_cast<std::size_t>(rows_ - first);
    if (is_done && !is_last) {
      lines_ += w.parser.lines();
      turns_.end_of(w.number);
    }
    to_->put(first, std::span<const std::byte>(w.rows.bytes()).first(kept * row_bytes));
    if (is_last) {
      turns_.end_of_pass();
      return false;
    }
  }
  meter_.add(w.chunk.file_bytes);
  return true;
}

}  // namespace npymap::text
