#include <string_view>

#include <npymap/any_array.hpp>

#include "cli/commands.hpp"
#include "cli/print/print_array.hpp"
#include "cli/terminal.hpp"

namespace npymap::cli {

void head(const head_options& options) {
  report_lost_pages(options.source.path);
  any_array rows =
      open(options.source.path, open_mode::read, {.header_limit = options.source.header_limit});
  rows.advise(advice::random);  // NumPy shows but the corners: nothing to read ahead
  if (rows.rank() > 0) rows = rows(range(options.rows));
  print_array([](std::string_view text) { write_output(text); }, rows.dtype(), rows.data(),
              rows.shape(), rows.byte_strides());
  write_output("\n");
}

}  // namespace npymap::cli
