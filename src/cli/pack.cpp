#include <cstdint>
#include <string>

#include <npymap/any_array.hpp>
#include <npymap/npz.hpp>

#include "cli/archive_writing.hpp"
#include "cli/commands.hpp"
#include "cli/member_table.hpp"
#include "cli/terminal.hpp"

namespace npymap::cli {
namespace {

any_array open_to_pack(const std::string& path, std::size_t header_limit) {
  return open(path, open_mode::read, {.header_limit = header_limit});
}

}  // namespace

void pack(const pack_options& options) {
  const std::string& path = options.source.path;
  const std::size_t header_limit = options.source.header_limit;
  std::uint64_t total_bytes = 0;
  for (const packed_file& file : options.files) {
    total_bytes += static_cast<std::uint64_t>(open_to_pack(file.path, header_limit).size_bytes());
  }
  {
    // Each is opened again, not held: there may be more than a process may have open.
    archive_writing to(path, options.threads, options.progress, total_bytes);
    for (const packed_file& file : options.files) {
      to.add(file.name, open_to_pack(file.path, header_limit), options.level);
    }
    to.commit();
  }
  const npz_reader written(path, {.header_limit = header_limit});
  const auto members = facts_of(written, written.members());
  write_output(options.json ? json_of(path, members) : table_of(members));
}

}  // namespace npymap::cli
