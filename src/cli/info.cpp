#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include <fmt/format.h>

#include "cli/archive_commands.hpp"
#include "cli/commands.hpp"
#include "cli/input.hpp"
#include "cli/json.hpp"
#include "cli/npy_file.hpp"
#include "cli/other_formats.hpp"
#include "cli/terminal.hpp"

namespace npymap::cli {
namespace {

std::string number_or(std::optional<std::uint64_t> number, std::string_view otherwise) {
  return number ? fmt::format("{}", *number) : std::string(otherwise);
}

std::string json_of(const npy_file& file) {
  const header& facts = file.facts;
  return fmt::format(
      R"({{"path": {}, "format": "npy", "version": [{}, {}], "dtype": {}, "shape": {}, )"
      R"("fortran_order": {}, "data_offset": {}, "data_bytes": {}, "file_bytes": {}, )"
      R"("trailing_bytes": {}}})"
      "\n",
      json_string(file.opened.path()), facts.version.major, facts.version.minor,
      json_descr(facts.dtype), json_list(facts.shape), facts.order == order::fortran,
      facts.data_offset_bytes, number_or(file.data_bytes(), "null"), file.file_bytes,
      number_or(file.trailing_bytes(), "null"));
}

std::string text_of(const npy_file& file) {
  const header& facts = file.facts;
  constexpr std::string_view pickled = "unknown: Python objects, pickled";
  std::string text;
  const auto line = [&text](std::string_view name, std::string_view value) {
    text += fmt::format("{:<16}{}\n", name, value);
  };
  line("path", printable(file.opened.path()));
  line("format", fmt::format("npy {}.{}", facts.version.major, facts.version.minor));
  line("dtype", descr(facts.dtype));
  line("shape", to_string(facts.shape));
  line("order", facts.order == order::fortran ? "Fortran" : "C");
  line("data offset", fmt::format("{}", facts.data_offset_bytes));
  line("data bytes", number_or(file.data_bytes(), pickled));
  line("file bytes", fmt::format("{}", file.file_bytes));
  line("trailing bytes", number_or(file.trailing_bytes(), pickled));
  return text;
}

}  // namespace

void info(const info_options& options) {
  const input from = find_input(options.source);
  if (from.archive) return info_of_archive(from, options);
  if (from.format == file_format::pickle) return info_of_pickle(from, options);
  if (from.format == file_format::text) return info_of_text(from, options);
  const npy_file file =
      read_npy(io::file::open(from.path, open_mode::read), options.source.header_limit);
  write_output(options.json ? json_of(file) : text_of(file));
  if (const auto cut_short = file.truncation()) throw *cut_short;
}

}  // namespace npymap::cli
