#include <algorithm>
#include <string_view>

#include <npymap/any_array.hpp>
#include <npymap/guard.hpp>

#include "cli/commands.hpp"
#include "cli/npy_file.hpp"
#include "cli/print/print_array.hpp"
#include "cli/terminal.hpp"

namespace npymap::cli {
namespace {

// Rows that are one piece of the file are mapped alone: the rest may be larger than the address
// space that a limit leaves.
any_array first_rows(const source_options& source, index_t count) {
  const npy_file file = read_npy(io::file::open(source.path, open_mode::read), source.header_limit);
  const shape& extents = file.facts.shape;
  open_options how{.header_limit = source.header_limit};
  if (extents.rank() > 0 && file.facts.order == order::c) {
    how.rows = row_range{.first = 0, .count = std::min(count, extents[0])};
  }
  const any_array rows = open(source.path, open_mode::read, how);
  return rows.rank() > 0 ? rows(range(count)) : rows;
}

}  // namespace

void head(const head_options& options) {
  const any_array rows = first_rows(options.source, options.rows);
  rows.advise(advice::random);  // NumPy shows but the corners: nothing to read ahead
  guarded(rows, [&] {
    print_array([](std::string_view text) { write_output(text); }, rows.dtype(), rows.data(),
                rows.shape(), rows.byte_strides());
  });
  write_output("\n");
}

}  // namespace npymap::cli
