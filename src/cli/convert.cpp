#include <npymap/any_array.hpp>
#include <npymap/copy.hpp>

#include "cli/commands.hpp"
#include "cli/terminal.hpp"
#include "cli/watched_pass.hpp"

namespace npymap::cli {

void convert(const convert_options& options) {
  const any_array elements =
      open(options.source.path, open_mode::read, {.header_limit = options.source.header_limit});
  const order present = elements.is_c_contiguous() ? order::c : order::fortran;
  const watched_pass pass(options.pass);
  save_as(options.destination, elements,
          {.order = options.order.value_or(present),
           .dtype = options.dtype,
           .casting = options.casting},
          pass.options());
}

}  // namespace npymap::cli
