#include "cli/archive_writing.hpp"

#include <algorithm>
#include <cstddef>
#include <vector>

#include <npymap/error.hpp>
#include <npymap/slice.hpp>

#include "cli/input.hpp"

namespace npymap::cli {
namespace {

// Little enough that Ctrl-C is heard soon, enough for all cores to compress.
constexpr index_t piece_bytes = index_t{32} << 20;

}  // namespace

archive_writing::archive_writing(const std::string& path, std::optional<int> threads,
                                 progress_display display, std::uint64_t total_bytes)
    : bar_(display, total_bytes), to_(path, {.threads = threads}) {}

void archive_writing::add(const std::string& name, const any_array& elements,
                          std::optional<int> level) {
  if (elements.size_bytes() <= piece_bytes) {
    to_.add(name, elements, {.level = level});
    return count(elements);
  }
  const order saved = order_of(elements);
  const int axis = saved == order::c ? 0 : elements.rank() - 1;
  shape row;
  for (int i = 0; i < elements.rank(); ++i) {
    if (i != axis) row.push_back(elements.extent(i));
  }
  to_.begin(name, elements.dtype(), row, {.level = level, .order = saved});
  const index_t rows = elements.extent(axis);
  const index_t at_once = std::max<index_t>(piece_bytes / (elements.size_bytes() / rows), 1);
  for (index_t first = 0; first < rows; first += at_once) {
    std::vector<slice_item> items(static_cast<std::size_t>(axis), all);
    items.emplace_back(range(first, first + std::min(at_once, rows - first)));
    items.emplace_back(ellipsis);
    const any_array piece = elements.slice(items);
    to_.append(piece);
    piece.advise(advice::dont_need);  // what has been read, to keep the process small
    count(piece);
  }
}

void archive_writing::count(const any_array& written) {
  bar_.advance(static_cast<std::uint64_t>(written.size_bytes()));
  if (interrupt_.came()) throw error(errc::stopped, {.subject = "writing an archive"});
}

}  // namespace npymap::cli
