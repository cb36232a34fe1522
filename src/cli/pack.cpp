#include <cstdint>
#include <string>

#include <npymap/any_array.hpp>
#include <npymap/npz.hpp>
#include <npymap/source.hpp>

#include "cli/archive_writing.hpp"
#include "cli/commands.hpp"
#include "cli/input.hpp"
#include "cli/member_table.hpp"
#include "cli/terminal.hpp"

namespace npymap::cli {

void pack(const pack_options& options) {
  const std::string& path = options.source.path;
  const std::size_t header_limit = options.source.header_limit;
  std::uint64_t total_bytes = 0;
  for (const packed_file& file : options.files) {
    const source_options source = of_file(options.source, file.path);
    const input from = find_part(source);
    total_bytes += static_cast<std::uint64_t>(outline_of(from, source).size_bytes());
    require_sound(from, options.progress);
  }
  {
    // Each is opened again, not held: there may be more than a process may have open.
    archive_writing to(path, options.threads, options.progress, total_bytes);
    for (const packed_file& file : options.files) {
      const source_options source = of_file(options.source, file.path);
      to.add(file.name, elements_of(find_part(source), source), options.level);
    }
    to.commit();
  }
  const npz_reader written(path, {.header_limit = header_limit});
  const auto members = facts_of(written, written.members());
  write_output(options.json ? json_of(path, members) : table_of(members));
}

}  // namespace npymap::cli
