#include <npymap/append.hpp>

#include <algorithm>
#include <cstdint>
#include <string>
#include <vector>

#include <fmt/format.h>

#include <npymap/any_array.hpp>
#include <npymap/error.hpp>
#include <npymap/slice.hpp>
#include <npymap/source.hpp>

#include "cli/commands.hpp"
#include "cli/input.hpp"
#include "cli/json.hpp"
#include "cli/progress.hpp"
#include "cli/terminal.hpp"
#include "io/program.hpp"

namespace npymap::cli {
namespace {

// As `dump`: each page of a Fortran-ordered array of a thousand columns is touched once.
constexpr index_t piece_bytes = index_t{4} << 20;

any_array along(const any_array& elements, int axis, const slice_item& item) {
  std::vector<slice_item> items(static_cast<std::size_t>(axis), all);
  items.push_back(item);
  items.emplace_back(ellipsis);
  return elements.slice(items);
}

// What is one row has no axis along which there could be more.
bool is_row(int rank, const appender& to) { return rank + 1 == to.shape().rank(); }

shape none_of(const shape& rows, const appender& to) {
  if (!is_row(rows.rank(), to)) {
    shape none = rows;
    if (rows.rank() == to.shape().rank()) none[to.axis()] = 0;
    return none;
  }
  shape none;
  for (int axis = 0; axis <= rows.rank(); ++axis) {
    none.push_back(axis == to.axis() ? 0 : rows[axis < to.axis() ? axis : axis - 1]);
  }
  return none;
}

// Before anything is written: none of the rows are refused for what all of them would be.
void require_fitting(appender& to, const std::string& path, const source& rows) try {
  to.append(zeros(rows.dtype(), none_of(rows.shape(), to)));
} catch (const error& e) {
  const bool tells_of_none = e.code() == errc::layout_mismatch;
  throw error(e.code(), {.path = path,
                         .subject = e.subject(),
                         .expected = e.expected(),
                         .found = tells_of_none ? to_string(rows.shape()) : e.found()});
}

class interruptible {
 public:
  interruptible(progress_display display, std::uint64_t total_bytes) : bar_(display, total_bytes) {}

  void append(appender& to, const any_array& rows) {
    const index_t count = rows.extent(to.axis()), bytes = rows.size_bytes();
    const index_t at_once =
        bytes == 0 ? count : std::max<index_t>(piece_bytes / (bytes / count), 1);
    for (index_t first = 0; first < count; first += at_once) {
      const any_array piece =
          along(rows, to.axis(), range(first, first + std::min(at_once, count - first)));
      to.append(piece);
      piece.advise(advice::dont_need);  // what has been read, to keep the process small
      if (interrupt_.came()) throw error(errc::stopped, {.subject = "append"});
      bar_.advance(static_cast<std::uint64_t>(piece.size_bytes()));
    }
  }

 private:
  io::delayed_interrupt interrupt_;  // ends the process when the bar has ended its line
  progress bar_;
};

void append_all(appender& to, const append_options& options) {
  std::uint64_t total_bytes = 0;
  for (const std::string& path : options.more) {
    const source_options part = of_file(options.source, path);
    const input from = find_part(part);
    const source rows = outline_of(from, part);
    require_fitting(to, path, rows);
    require_sound(from, options.progress);
    total_bytes += static_cast<std::uint64_t>(rows.size_bytes());
  }
  // Opened again, not held: there may be more files than a process may have open.
  interruptible work(options.progress, total_bytes);
  try {
    for (const std::string& path : options.more) {
      const source_options part = of_file(options.source, path);
      const any_array rows = elements_of(find_part(part), part);
      require_fitting(to, path, rows);
      work.append(to, is_row(rows.rank(), to) ? along(rows, to.axis(), newaxis) : rows);
    }
    to.close();
  } catch (...) {
    to.discard();
    throw;
  }
}

}  // namespace

void append(const append_options& options) {
  appender to(options.source.path, {.durability = options.durability,
                                    .full_header = options.full_header,
                                    .order = options.order,
                                    .header_limit = options.source.header_limit,
                                    .locking = locking::advisory});
  const index_t rows_before = to.rows();
  append_all(to, options);
  write_output(options.json
                   ? fmt::format(R"({{"path": {}, "rows_before": {}, "rows": {}, "shape": {}}})"
                                 "\n",
                                 json_string(options.source.path), rows_before, to.rows(),
                                 json_list(to.shape()))
                   : fmt::format("{:<16}{}\n{:<16}{}\n{:<16}{}\n", "rows before", rows_before,
                                 "rows", to.rows(), "shape", to_string(to.shape())));
}

}  // namespace npymap::cli
