#include <npymap/save_text.hpp>

#include <cstdint>
#include <optional>
#include <string>
#include <utility>

#include <fmt/format.h>

#include <npymap/error.hpp>

#include "deflate/deflate.hpp"
#include "io/new_file.hpp"
#include "stream/element_source.hpp"
#include "text/text_output.hpp"
#include "text/text_writer.hpp"

namespace npymap {
namespace {

using text::line_format;
using text::text_output;

// The name decides, as for NumPy.
std::optional<int> level_for(const std::string& path, const save_text_options& options) {
  for (const char* other : {".bz2", ".xz", ".lzma"}) {
    if (!path.ends_with(other)) continue;
    throw error(errc::invalid_argument, {.subject = "compression of text",
                                         .expected = "none, or gzip by a name in .gz",
                                         .found = quoted(other)});
  }
  if (options.level < deflate::fastest_level || options.level > deflate::best_level) {
    throw error(errc::invalid_argument,
                {.subject = "level of compression",
                 .expected = fmt::format("{} to {}", deflate::fastest_level, deflate::best_level),
                 .found = std::to_string(options.level)});
  }
  return path.ends_with(".gz") ? std::optional(options.level) : std::nullopt;
}

void require_axes(const shape& extents, more_axes more) {
  const int rank = extents.rank();
  if (rank == 1 || rank == 2 || (rank > 2 && more == more_axes::slices)) return;
  throw error(
      errc::layout_mismatch,
      {.subject = "text of an array",
       .expected = more == more_axes::slices ? "1 axis or more"
                                             : "1 or 2 axes, or more with more_axes::slices",
       .found = fmt::format("rank {}, shape {}", rank, to_string(extents))});
}

// A header or a footer, with the prefix in front of each of its lines.
std::string commented(const std::string& text, const save_text_options& options) {
  if (text.empty()) return {};
  std::string lines = options.comments;
  for (const char c : text) {
    lines += c;
    if (c == '\n') lines += options.comments;
  }
  return lines + options.newline;
}

line_format format_of(const source& x, const save_text_options& options) {
  line_format format{text::row_format(options, x.dtype(), x.shape()), options.encoding, {}, {}};
  if (x.rank() <= 2) return format;
  if (options.comments.empty()) {
    throw error(
        errc::invalid_argument,
        {.subject = "comments", .expected = "what tells slices from rows", .found = "nothing"});
  }
  format.slice_note =
      text::encoded_option("comments", options.comments + "slice: ", options.encoding);
  format.note_end = text::encoded_option("newline", options.newline, options.encoding);
  return format;
}

void write_all(text_output& to, const source& x, const line_format& format,
               std::optional<int> level, const save_text_options& options) {
  std::string head = commented(options.header, options);
  if (x.rank() > 2) {
    head = options.comments + "shape: " + to_string(x.shape()) + options.newline + head;
  }
  to.write(text::encoded_option("header", head, options.encoding));
  text::text_writer writer(format, to, level, options.pass,
                           static_cast<std::uint64_t>(x.size_bytes()));
  writer.write(x.elements(), {});
  to.write(text::encoded_option("footer", commented(options.footer, options), options.encoding));
  to.finish();
  writer.finish();
}

}  // namespace

void save_text(const std::string& path, const source& x, const save_text_options& options) try {
  const std::optional<int> level = level_for(path, options);
  require_axes(x.shape(), options.more_axes);
  const line_format format = format_of(x, options);
  io::new_file fresh(path, io::existing::replace);
  // What does not fit memory as an array does not as text.
  constexpr std::uint64_t most_unwritten_bytes = std::uint64_t{16} << 20;
  const bool is_large = x.elements()->spanned_bytes() > options.pass.budget_bytes;
  text_output to(fresh.contents(), level,
                 is_large ? std::optional(most_unwritten_bytes) : std::nullopt);
  write_all(to, x, format, level, options);
  std::move(fresh).commit(options.durability).close();
} catch (const error& e) {
  throw e.in_file(path);
}

void detail::save_text(const std::string& path, const dtype& type, const void* data,
                       const layout_ref& where, const save_text_options& options) {
  npymap::save_text(path,
                    source_access::over(array_elements(any_array(), type,
                                                       static_cast<const std::byte*>(data), where)),
                    options);
}

}  // namespace npymap
