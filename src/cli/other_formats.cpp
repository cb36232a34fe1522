#include "cli/other_formats.hpp"

#include <algorithm>
#include <array>
#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <fmt/format.h>

#include <npymap/error.hpp>
#include <npymap/guard.hpp>
#include <npymap/header.hpp>
#include <npymap/load_text.hpp>
#include <npymap/pickle.hpp>

#include "cli/json.hpp"
#include "cli/terminal.hpp"
#include "io/file.hpp"

namespace npymap::cli {
namespace {

std::vector<pickled_array> arrays_of(const input& from) {
  std::vector<pickled_array> found = pickled_arrays(from.path);
  if (!from.member) return found;
  const auto wanted = std::ranges::find(found, *from.member, &pickled_array::name);
  if (wanted != found.end()) return {*wanted};
  throw error(errc::out_of_range, {.path = from.path,
                                   .subject = "pickled array",
                                   .expected = "one that info lists",
                                   .found = quoted(*from.member)});
}

std::string json_of(const std::string& path, const std::vector<pickled_array>& arrays) {
  std::string list;
  for (const pickled_array& each : arrays) {
    list += fmt::format(
        R"({}{{"name": {}, "dtype": {}, "shape": {}, "fortran_order": {}, "data_offset": {}}})",
        list.empty() ? "" : ", ", json_string(each.name), json_descr(each.dtype),
        json_list(each.shape), each.order == order::fortran,
        each.data_offset_bytes ? fmt::format("{}", *each.data_offset_bytes) : "null");
  }
  return fmt::format(R"({{"path": {}, "format": "pickle", "arrays": [{}]}})"
                     "\n",
                     json_string(path), list);
}

using table_row = std::array<std::string, 5>;

std::string table_of(const std::vector<pickled_array>& arrays) {
  std::vector<table_row> rows{{"name", "dtype", "shape", "order", "data offset"}};
  for (const pickled_array& each : arrays) {
    rows.push_back({printable(each.name), descr(each.dtype), to_string(each.shape),
                    each.order == order::fortran ? "Fortran" : "C",
                    each.data_offset_bytes ? fmt::format("{}", *each.data_offset_bytes)
                                           : std::string("not in one piece")});
  }
  std::array<std::size_t, std::tuple_size_v<table_row>> widths{};
  for (const table_row& row : rows) {
    for (std::size_t i = 0; i < row.size(); ++i) widths[i] = std::max(widths[i], row[i].size());
  }
  std::string text;
  for (const table_row& row : rows) {
    for (std::size_t i = 0; i + 1 < row.size(); ++i) {
      text += fmt::format("{:<{}}  ", row[i], widths[i]);
    }
    text += row.back() + "\n";
  }
  return text;
}

std::string checks_json(const input& from, std::string_view format,
                        const std::optional<error>& defect, const std::string& detail) {
  return fmt::format(R"({{"path": {}, "format": "{}", "ok": {}, "checks": [{{"check": "elements", )"
                     R"("verdict": "{}", "detail": {}}}]}})"
                     "\n",
                     json_string(from.path), format, !defect, defect ? "defect" : "ok",
                     json_string(detail));
}

// False if its objects are more than plain values, which is no fault of the file.
bool is_read_whole(const std::string& path, const pickled_array& array) try {
  if (array.dtype.kind() == dtype_kind::object) {
    read_pickled_objects(path, array.name);
  } else {
    read_pickled_array(path, array.name);
  }
  return true;
} catch (const error& e) {
  if (e.code() != errc::refused_object && e.code() != errc::object_dtype) throw;
  return false;
}

std::string detail_of_pickle(const input& from) {
  const std::vector<pickled_array> arrays = arrays_of(from);
  std::string unread;
  for (const pickled_array& each : arrays) {
    if (!is_read_whole(from.path, each)) unread += (unread.empty() ? "" : ", ") + each.name;
  }
  if (!unread.empty()) unread = "; objects of these are not read: " + unread;
  return fmt::format("{} arrays, and nothing that would be run{}", arrays.size(), unread);
}

}  // namespace

void info_of_pickle(const input& from, const info_options& options) {
  const std::vector<pickled_array> arrays = arrays_of(from);
  write_output(options.json ? json_of(from.path, arrays) : table_of(arrays));
}

void info_of_text(const input& from, const info_options& options) {
  source_options words = options.source;
  words.text.dtype = dtype::text(dtype_kind::bytes, 1);
  const any_array first = first_rows_of_text(from, words, 1);
  const index_t columns = first.rank() == 0 ? 1 : first.extent(first.rank() - 1);
  const std::uint64_t file_bytes = io::file::open(from.path, open_mode::read).size_bytes();
  const std::string delimiter = words.text.delimiter.value_or(delimiter_of(from.path));
  if (options.json) {
    return write_output(fmt::format(
        R"({{"path": {}, "format": "text", "delimiter": {}, "columns": {}, "file_bytes": {}}})"
        "\n",
        json_string(from.path), delimiter.empty() ? "null" : json_string(delimiter), columns,
        file_bytes));
  }
  write_output(fmt::format("{:<16}{}\n{:<16}{}\n{:<16}{}\n{:<16}{}\n{:<16}{}\n", "path",
                           printable(from.path), "format", "text", "delimiter",
                           delimiter.empty() ? "white space" : quoted(delimiter), "columns",
                           columns, "file bytes", file_bytes));
}

void verify_other(const input& from, const verify_options& options) {
  const bool is_pickle = from.format == file_format::pickle;
  std::optional<error> defect;
  std::string detail;
  try {
    if (is_pickle) {
      detail = detail_of_pickle(from);
    } else {
      const any_array x = elements_of(from, options.source, {.progress = options.progress});
      detail = fmt::format("{} of dtype {}", to_string(x.shape()), descr(x.dtype()));
    }
  } catch (const error& e) {
    if (e.code() == errc::stopped) throw;
    defect = e.in_file(from.path);
    detail = defect->what();
  }
  write_output(options.json ? checks_json(from, is_pickle ? "pickle" : "text", defect, detail)
                            : fmt::format("elements  {:<6}  {}\n", defect ? "defect" : "ok",
                                          printable(detail)));
  if (defect) throw *defect;
}

}  // namespace npymap::cli
