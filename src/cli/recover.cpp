#include <fmt/format.h>

#include <npymap/append.hpp>

#include "cli/commands.hpp"
#include "cli/json.hpp"
#include "cli/terminal.hpp"

namespace npymap::cli {

void recover(const recover_options& options) {
  const recovery done =
      npymap::recover(options.source.path, {.order = options.order,
                                            .header_limit = options.source.header_limit,
                                            .locking = locking::advisory});
  if (options.json) {
    return write_output(fmt::format(
        R"({{"path": {}, "rows_before": {}, "rows": {}, "removed_bytes": {}}})"
        "\n",
        json_string(options.source.path), done.rows_before, done.rows, done.removed_bytes));
  }
  write_output(fmt::format("{:<16}{}\n{:<16}{}\n{:<16}{}\n", "rows before", done.rows_before,
                           "rows", done.rows, "removed bytes", done.removed_bytes));
}

}  // namespace npymap::cli
