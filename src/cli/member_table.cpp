#include "cli/member_table.hpp"

#include <algorithm>
#include <array>
#include <cstddef>
#include <string_view>

#include <fmt/format.h>

#include "cli/json.hpp"
#include "cli/terminal.hpp"

namespace npymap::cli {
namespace {

member_facts facts_of(const npz_reader& archive, const npz_member& member) {
  member_facts found{.member = member, .facts = {}, .data_offset_bytes = {}, .refusal = {}};
  try {
    found.facts = archive.info(member);
  } catch (const error& e) {
    if (e.code() != errc::not_npy) found.refusal = e;
    return found;
  }
  if (member.method == npz_method::stored) {
    found.data_offset_bytes = archive.data_offset_bytes(member) + found.facts->data_offset_bytes;
  }
  return found;
}

using table_row = std::array<std::string, 7>;

table_row row_of(const member_facts& of) {
  const npz_member& member = of.member;
  table_row row{printable(member.name),
                of.facts     ? descr(of.facts->dtype)
                : of.refusal ? "unreadable"
                             : "no array",
                of.facts ? to_string(of.facts->shape) : "",
                !of.facts                           ? ""
                : of.facts->order == order::fortran ? "Fortran"
                                                    : "C",
                name_of(member.method),
                fmt::format("{}", member.uncompressed_bytes),
                fmt::format("{}", member.compressed_bytes)};
  return row;
}

}  // namespace

std::string name_of(npz_method method) {
  if (method == npz_method::stored) return "stored";
  if (method == npz_method::deflated) return "deflated";
  return fmt::format("method {}", static_cast<std::uint16_t>(method));
}

std::vector<member_facts> facts_of(const npz_reader& archive, std::span<const npz_member> members) {
  std::vector<member_facts> found;
  found.reserve(members.size());
  for (const npz_member& member : members) found.push_back(facts_of(archive, member));
  return found;
}

std::string json_of(const std::string& path, std::span<const member_facts> members) {
  std::string list;
  for (const auto& [member, facts, data_offset, refusal] : members) {
    list += fmt::format(
        R"({}{{"name": {}, "file": {}, "method": "{}", "compressed_bytes": {}, )"
        R"("uncompressed_bytes": {}, "dtype": {}, "shape": {}, "fortran_order": {}, )"
        R"("data_offset": {}}})",
        list.empty() ? "" : ", ", json_string(member.name), json_string(member.file_name),
        name_of(member.method), member.compressed_bytes, member.uncompressed_bytes,
        facts ? json_descr(facts->dtype) : "null", facts ? json_list(facts->shape) : "null",
        !facts                           ? "null"
        : facts->order == order::fortran ? "true"
                                         : "false",
        data_offset ? fmt::format("{}", *data_offset) : "null");
  }
  return fmt::format(R"({{"path": {}, "format": "npz", "members": [{}]}})"
                     "\n",
                     json_string(path), list);
}

std::string table_of(std::span<const member_facts> members) {
  constexpr std::size_t numbers_from = 5;
  std::vector<table_row> rows{{"name", "dtype", "shape", "order", "method", "bytes", "packed"}};
  for (const member_facts& each : members) rows.push_back(row_of(each));
  std::array<std::size_t, std::tuple_size_v<table_row>> widths{};
  for (const table_row& row : rows) {
    for (std::size_t i = 0; i < row.size(); ++i) widths[i] = std::max(widths[i], row[i].size());
  }
  std::string text;
  for (const table_row& row : rows) {
    for (std::size_t i = 0; i < row.size(); ++i) {
      text += i < numbers_from
                  ? fmt::format("{:<{}}  ", row[i], widths[i])
                  : fmt::format("{:>{}}{}", row[i], widths[i], i + 1 < row.size() ? "  " : "\n");
    }
  }
  return text;
}

}  // namespace npymap::cli
