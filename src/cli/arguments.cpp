#include "cli/arguments.hpp"

#include <array>
#include <cmath>
#include <cstddef>
#include <set>
#include <string_view>

#include <fmt/format.h>

#include <npymap/error.hpp>
#include <npymap/header.hpp>
#include <npymap/slice.hpp>

#include "cli/input.hpp"
#include "text/percent_format.hpp"

namespace npymap::cli {
namespace {

struct size_unit {
  std::string_view name;
  std::uint64_t bytes;
};

constexpr std::array<size_unit, 11> size_units = {{
    {"", 1},
    {"B", 1},
    {"kB", 1000},
    {"KB", 1000},
    {"MB", 1000'000},
    {"GB", 1000'000'000},
    {"TB", 1000'000'000'000},
    {"KiB", std::uint64_t{1} << 10},
    {"MiB", std::uint64_t{1} << 20},
    {"GiB", std::uint64_t{1} << 30},
    {"TiB", std::uint64_t{1} << 40},
}};

constexpr const char* what_a_range_is = "two finite numbers, the lower one first, as -1,2.5";

double finite_number(std::string_view digits, const std::string& text) {
  double number = 0;
  const char* const end = digits.data() + digits.size();
  const auto [stop, failure] = std::from_chars(digits.data(), end, number);
  if (failure != std::errc() || stop != end || !std::isfinite(number)) {
    refuse_argument(what_a_range_is, text);
  }
  return number;
}

}  // namespace

// The text is shown as it was typed; who prints the message escapes what harms a terminal.
void refuse_argument(std::string expected, const std::string& found) {
  throw error(errc::invalid_argument,
              {.expected = std::move(expected), .found = fmt::format("'{}'", found)});
}

std::uint64_t parse_size(const std::string& text) {
  std::uint64_t count = 0;
  const char* const end = text.data() + text.size();
  const auto [stop, failure] = std::from_chars(text.data(), end, count);
  const std::string_view name(stop, static_cast<std::size_t>(end - stop));
  if (failure == std::errc()) {
    for (const size_unit& unit : size_units) {
      if (unit.name != name) continue;
      if (count > std::numeric_limits<std::uint64_t>::max() / unit.bytes) break;
      return count * unit.bytes;
    }
  }
  refuse_argument("bytes, as 65536, 512MiB or 2GB", text);
}

std::pair<double, double> parse_range(const std::string& text) {
  const std::size_t comma = text.find(',');
  if (comma == std::string::npos) refuse_argument(what_a_range_is, text);
  const double low = finite_number(std::string_view(text).substr(0, comma), text);
  const double high = finite_number(std::string_view(text).substr(comma + 1), text);
  if (low > high) refuse_argument(what_a_range_is, text);
  return {low, high};
}

order parse_order(const std::string& text) {
  if (text == "C") return order::c;
  if (text == "F") return order::fortran;
  refuse_argument("C or F", text);
}

dtype parse_dtype(const std::string& text) try {
  dtype type = parse_descr(text);
  if (type.has_object()) throw error(errc::object_dtype, {});
  return type;
} catch (const error&) {
  refuse_argument("a dtype that NumPy saves without pickle, as <f4", text);
}

casting parse_casting(const std::string& text) {
  if (text == "safe") return casting::safe;
  if (text == "same_kind") return casting::same_kind;
  if (text == "unsafe") return casting::unsafe;
  refuse_argument("safe, same_kind or unsafe", text);
}

append_durability parse_append_durability(const std::string& text) {
  if (text == "none") return append_durability::none;
  if (text == "on_close") return append_durability::on_close;
  refuse_argument("none or on_close", text);
}

full_header parse_full_header(const std::string& text) {
  if (text == "rewrite") return full_header::rewrite;
  if (text == "refuse") return full_header::refuse;
  refuse_argument("rewrite or refuse", text);
}

std::string parse_path(const std::string& text) {
  if (!text.empty()) return text;
  throw error(errc::invalid_argument, {.expected = "the name of a file", .found = "nothing"});
}

std::string parse_destination(const std::string& text) {
  if (parse_path(text).ends_with(".npy") || text.ends_with(".npz")) return text;
  if (is_name_of_text(text)) return text;
  refuse_argument(
      "a name that ends in .npy, .npz, .txt, .csv or .tsv, the formats that are written", text);
}

std::vector<index_t> parse_columns(const std::string& text) {
  std::vector<index_t> columns;
  const char* const end = text.data() + text.size();
  for (const char* at = text.data();; ++at) {
    index_t column = 0;
    const auto [stop, failure] = std::from_chars(at, end, column);
    if (failure != std::errc() || (stop != end && *stop != ',')) {
      refuse_argument("columns, counted from 0 or as -1 from the end: 1,-1", text);
    }
    columns.push_back(column);
    if (stop == end) return columns;
    at = stop;
  }
}

std::string parse_delimiter(const std::string& text) { return text == "\\t" ? "\t" : text; }

std::string parse_archive(const std::string& text) {
  if (parse_path(text).ends_with(".npz")) return text;
  refuse_argument("a name that ends in .npz", text);
}

// What `unpack` would not write.
bool is_unsafe_name(std::string_view name) {
  const std::string path = fmt::format("/{}/", name);
  return name.find('\\') != std::string_view::npos || path.find("//") != std::string::npos ||
         path.find("/./") != std::string::npos || path.find("/../") != std::string::npos;
}

std::string without_npy(std::string name) {
  if (name.ends_with(".npy")) name.resize(name.size() - 4);
  return name;
}

std::string parse_new_member(const std::string& text) {
  std::string name = without_npy(text);
  if (name.empty()) refuse_argument("a name", text);
  if (is_unsafe_name(name)) refuse_argument("a name that stays below a folder", text);
  return name;
}

std::string parse_text_format(const std::string& text) {
  text::parse_percent_format(text);
  return text;
}

packed_file parse_packed_file(const std::string& text) {
  const std::size_t sign = text.find('=');
  if (sign == 0 || sign + 1 == text.size()) refuse_argument("name=IN.npy or IN.npy", text);
  if (sign != std::string::npos) {
    return {parse_new_member(text.substr(0, sign)), text.substr(sign + 1)};
  }
  // Of `results.npz:layer/weights` the member alone: its name may have slashes, too.
  const std::size_t archive_end = parse_path(text).find(".npz:");
  const bool is_member = archive_end != std::string::npos;
  const std::size_t begin = is_member ? archive_end + 5 : text.rfind('/') + 1;
  return {parse_new_member(text.substr(begin)), text};
}

void require_different_names(const std::vector<packed_file>& files) {
  std::set<std::string_view> names;
  for (const packed_file& file : files) {
    if (!names.insert(file.name).second) refuse_argument("names that differ", file.name);
  }
}

std::string parse_slice_text(const std::string& text) {
  int ellipses = 0;
  for (const slice_item& item : parse_slice(text)) {
    if (item.is_range() && item.range().step() == 0) {
      throw error(errc::invalid_argument, {.expected = "a step other than 0"});
    }
    if (item.is_ellipsis() && ++ellipses > 1) {
      throw error(errc::invalid_argument, {.expected = "one ellipsis at most"});
    }
  }
  return text;
}

}  // namespace npymap::cli
