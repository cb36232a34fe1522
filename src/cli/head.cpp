#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <iterator>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <npymap/any_array.hpp>
#include <npymap/guard.hpp>
#include <npymap/pickle.hpp>

#include "cli/commands.hpp"
#include "cli/input.hpp"
#include "cli/npy_file.hpp"
#include "cli/print/print_array.hpp"
#include "cli/terminal.hpp"

namespace npymap::cli {
namespace {

// Rows that are one piece of the file are mapped alone: the rest may be larger than the address
// space that a limit leaves.
any_array first_rows(const std::string& path, std::size_t header_limit, index_t count) {
  const npy_file file = read_npy(io::file::open(path, open_mode::read), header_limit);
  const shape& extents = file.facts.shape;
  open_options how{.header_limit = header_limit};
  if (extents.rank() > 0 && file.facts.order == order::c) {
    how.rows = row_range{.first = 0, .count = std::min(count, extents[0])};
  }
  return open(path, open_mode::read, how);
}

// Of a compressed member, as many rows are unpacked as are shown, where they come first and are no
// more than what may be in memory.
any_array first_rows(const input& from, const source_options& options, index_t count) {
  if (from.format == file_format::text) return first_rows_of_text(from, options, count);
  if (from.format == file_format::pickle) return elements_of(from, options);
  if (!from.archive) return first_rows(from.path, options.header_limit, count);
  const npz_member& member = meant_member(from);
  if (member.method == npz_method::stored) return from.archive->open(member);
  const header facts = from.archive->info(member);
  const shape& extents = facts.shape;
  if (!facts.dtype.has_object() && extents.rank() > 0 && facts.order == order::c) {
    shape shown = extents;
    shown[0] = std::min(count, extents[0]);
    const auto bytes = array_bytes(shown, facts.dtype.itemsize());
    if (bytes && static_cast<std::uint64_t>(*bytes) <= most_in_memory) {
      return from.archive->load(member, {.first = 0, .count = shown[0]});
    }
  }
  return elements_of(from, options);
}

/// An array of Python objects: of the file itself, or in a pickle.
struct objects {
  std::string name;
  shape extents;
};

std::optional<objects> find_objects(const input& from, const source_options& options) {
  if (from.format == file_format::npy) {
    const npy_file file =
        read_npy(io::file::open(from.path, open_mode::read), options.header_limit);
    if (file.facts.dtype.kind() != dtype_kind::object) return std::nullopt;
    return objects{"", file.facts.shape};
  }
  if (from.format != file_format::pickle) return std::nullopt;
  const std::vector<pickled_array> all = pickled_arrays(from.path);
  for (const pickled_array& each : all) {
    const bool is_meant = from.member ? each.name == *from.member : all.size() == 1;
    if (is_meant && each.dtype.kind() == dtype_kind::object) return objects{each.name, each.shape};
  }
  return std::nullopt;
}

void print_first_rows(const input& from, objects x, index_t count) {
  const auto values = read_pickled_objects(from.path, x.name);
  index_t shown = std::ssize(values);
  if (x.extents.rank() > 0 && x.extents[0] > count) {
    shown = shown / x.extents[0] * count;
    x.extents[0] = count;
  }
  print_objects([](std::string_view text) { write_output(text); },
                std::span(values).first(static_cast<std::size_t>(shown)), x.extents);
}

}  // namespace

void head(const head_options& options) {
  const auto& [source, part, count] = options;
  const input from = find_input(source);
  if (!is_part(part)) {
    if (const auto found = find_objects(from, source)) {
      print_first_rows(from, *found, count);
      return write_output("\n");
    }
  }
  any_array rows =
      is_part(part) ? part_of(elements_of(from, source), part) : first_rows(from, source, count);
  if (rows.rank() > 0) rows = rows(range(count));
  rows.advise(advice::random);  // NumPy shows but the corners: nothing to read ahead
  guarded(rows, [&] {
    print_array([](std::string_view text) { write_output(text); }, rows.dtype(), rows.data(),
                rows.shape(), rows.byte_strides());
  });
  write_output("\n");
}

}  // namespace npymap::cli
