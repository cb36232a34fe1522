#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <initializer_list>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

#include <fmt/format.h>

#include <npymap/error.hpp>
#include <npymap/source.hpp>
#include <npymap/statistics.hpp>

#include "cli/commands.hpp"
#include "cli/input.hpp"
#include "cli/json.hpp"
#include "cli/number_type.hpp"
#include "cli/terminal.hpp"
#include "cli/watched_pass.hpp"
#include "io/program.hpp"

namespace npymap::cli {
namespace {

// The variables that POSIX asks in turn, without a setlocale, which is for all of the process.
bool terminal_knows_utf8() {
  for (const char* name : {"LC_ALL", "LC_CTYPE", "LANG"}) {
    const char* const value = std::getenv(name);
    if (value == nullptr || *value == '\0') continue;
    const std::string_view locale = value;
    return std::ranges::any_of(
        std::initializer_list<std::string_view>{"UTF-8", "utf-8", "UTF8", "utf8"},
        [&](auto word) { return locale.find(word) != std::string_view::npos; });
  }
  return false;
}

// As long as `part` of `columns`; whatever is not 0 can be seen.
std::string bar(double part, int columns, bool utf8) {
  constexpr int eighths = 8;
  constexpr std::string_view blocks[eighths] = {"", "▏", "▎", "▍", "▌", "▋", "▊", "▉"};
  if (part == 0) return {};
  const int steps = utf8 ? eighths : 1;
  const int length = std::max(static_cast<int>(std::lround(part * columns * steps)), 1);
  std::string text;
  for (int i = 0; i < length / steps; ++i) text += utf8 ? "█" : "#";
  if (utf8) text += blocks[length % steps];
  return text;
}

// With as many digits as tell an edge from the next one to a hundredth.
std::vector<std::string> edge_texts(const std::vector<double>& edges) {
  const double largest = std::max(std::abs(edges.front()), std::abs(edges.back()));
  const double width = (edges.back() - edges.front()) / static_cast<double>(edges.size() - 1);
  const double digits = std::ceil(std::log10(largest / width)) + 3;
  const int precision = static_cast<int>(std::clamp(digits, 3.0, 17.0));
  std::vector<std::string> texts;
  texts.reserve(edges.size());
  for (const double edge : edges) texts.push_back(fmt::format("{:.{}g}", edge, precision));
  return texts;
}

std::size_t widest(const std::vector<std::string>& texts) {
  std::size_t width = 0;
  for (const std::string& text : texts) width = std::max(width, text.size());
  return width;
}

void write_text(const histogram_counts& found) {
  constexpr int default_columns = 80;
  constexpr int least_bar = 10;
  const std::vector<std::string> edges = edge_texts(found.edges);
  std::vector<std::string> counts;
  for (const std::int64_t count : found.counts) counts.push_back(std::to_string(count));
  const std::size_t edge_width = widest(edges);
  const std::size_t count_width = widest(counts);
  const int taken = static_cast<int>(2 * edge_width + count_width) + 5;
  const int columns = std::max(io::output_columns().value_or(default_columns) - taken, least_bar);
  const bool utf8 = terminal_knows_utf8();
  const auto most = static_cast<double>(*std::ranges::max_element(found.counts));
  for (std::size_t i = 0; i < counts.size(); ++i) {
    const double part = most == 0 ? 0 : static_cast<double>(found.counts[i]) / most;
    const std::string drawn = bar(part, columns, utf8);
    write_output(fmt::format("{:>{}}  {:>{}}  {:>{}}{}{}\n", edges[i], edge_width, edges[i + 1],
                             edge_width, counts[i], count_width, drawn.empty() ? "" : " ", drawn));
  }
  if (found.nan_count > 0) write_output(fmt::format("NaN  {}\n", found.nan_count));
}

void write_json(const histogram_counts& found) {
  std::string edges;
  for (const double edge : found.edges) {
    edges += (edges.empty() ? "" : ", ") + json_number(edge);
  }
  write_output(fmt::format(R"({{"counts": {}, "edges": [{}], "nan_count": {}}})"
                           "\n",
                           json_list(found.counts), edges, found.nan_count));
}

// Numbers that have no range of their own can be given one.
template <class T>
histogram_counts counts_of(const source& x, const hist_options& options) try {
  const watched_pass pass(options.pass);
  return histogram<T>(x, {.bins = options.bins, .range = options.range}, pass.options());
} catch (const error& e) {
  if (options.range || e.subject() != "range of a histogram") throw;
  throw error(e.code(), {.path = e.path(),
                         .subject = e.subject(),
                         .expected = e.expected() + " (or --range LOW,HIGH)",
                         .found = e.found()});
}

}  // namespace

void hist(const hist_options& options) {
  const source x =
      source_of(find_input(options.source), options.source, options.pass, options.part);
  histogram_counts found;
  with_number_type(x.dtype(),
                   [&]<class T>(std::type_identity<T>) { found = counts_of<T>(x, options); });
  options.json ? write_json(found) : write_text(found);
}

}  // namespace npymap::cli
