#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <fmt/format.h>

#include <npymap/error.hpp>

#include "cli/archive_commands.hpp"
#include "cli/json.hpp"
#include "cli/member_table.hpp"
#include "cli/terminal.hpp"
#include "cli/watched_pass.hpp"

namespace npymap::cli {
namespace {

struct finding {
  std::optional<std::string> file_name;  // of a member; else it is about the directory
  std::string_view verdict;
  std::string detail;
};

finding finding_of(const npz_reader& archive, const npz_member& member,
                   const pass_options& watched) {
  archive.verify(member, watched);
  const bool is_last = archive.member(member.file_name).place == member.place;
  if (!is_last) {
    return {member.file_name, "warning", "a later member of the same name hides it"};
  }
  std::string what = "no array";
  if (is_array(archive, member)) {
    if (archive.info(member).dtype.has_object()) {
      return {member.file_name, "warning", "Python objects, a pickle: CRC and sizes alone checked"};
    }
    what = "an array";
  }
  return {member.file_name, "ok",
          fmt::format("{}, {} bytes, {}", what, member.uncompressed_bytes, name_of(member.method))};
}

std::string json_of(const std::string& path, const std::vector<finding>& findings, bool good) {
  std::string list;
  for (const auto& [file_name, verdict, detail] : findings) {
    list +=
        fmt::format(R"({}{{"check": {}, "verdict": "{}", "detail": {}}})", list.empty() ? "" : ", ",
                    file_name ? fmt::format(R"("member", "file": {})", json_string(*file_name))
                              : R"("directory")",
                    verdict, json_string(detail));
  }
  return fmt::format(R"({{"path": {}, "format": "npz", "ok": {}, "checks": [{}]}})"
                     "\n",
                     json_string(path), good, list);
}

std::string name_of(const finding& each) {
  return each.file_name ? printable(*each.file_name) : "directory";
}

std::string text_of(const std::vector<finding>& findings) {
  std::size_t width = 0;
  for (const finding& each : findings) width = std::max(width, name_of(each).size());
  std::string text;
  for (const finding& each : findings) {
    text += fmt::format("{:<{}}  {:<7}  {}\n", name_of(each), width, each.verdict,
                        printable(each.detail));
  }
  return text;
}

}  // namespace

void refuse_archive(const error& defect, const verify_options& options) {
  const std::vector<finding> findings = {{{}, "defect", defect.what()}};
  write_output(options.json ? json_of(defect.path(), findings, false) : text_of(findings));
  throw defect;
}

void verify_archive(const input& from, const verify_options& options) {
  const npz_reader& archive = *from.archive;
  const auto members =
      from.member ? std::span(&archive.member(*from.member), 1) : archive.members();
  std::uint64_t total_bytes = 0;
  for (const npz_member& member : members) total_bytes += member.uncompressed_bytes;
  std::vector<finding> findings = {{{}, "ok", fmt::format("{} members", archive.members().size())}};
  std::optional<error> first_defect;
  {
    watched_pass work({.progress = options.progress}, total_bytes);
    for (const npz_member& member : members) {
      try {
        findings.push_back(finding_of(archive, member, work.options()));
      } catch (const error& e) {
        if (e.code() == errc::stopped) throw;
        findings.push_back({member.file_name, "defect", e.what()});
        if (!first_defect) first_defect = e;
      }
      work.end_part(member.uncompressed_bytes);
    }
  }
  write_output(options.json ? json_of(from.path, findings, !first_defect) : text_of(findings));
  if (first_defect) throw *first_defect;
}

}  // namespace npymap::cli
