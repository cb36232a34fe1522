#include <span>
#include <vector>

#include <fmt/format.h>

#include "cli/archive_commands.hpp"
#include "cli/member_table.hpp"
#include "cli/terminal.hpp"

namespace npymap::cli {

void info_of_archive(const input& from, const info_options& options) {
  const npz_reader& archive = *from.archive;
  const std::vector<member_facts> found = facts_of(
      archive, from.member ? std::span(&archive.member(*from.member), 1) : archive.members());
  write_output(options.json ? json_of(from.path, found) : table_of(found));
  for (const member_facts& each : found) {
    if (each.refusal) throw *each.refusal;
  }
}

}  // namespace npymap::cli
