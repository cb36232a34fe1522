#include <algorithm>
#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <span>
#include <vector>

#include <npymap/any_array.hpp>
#include <npymap/blocks.hpp>
#include <npymap/error.hpp>
#include <npymap/guard.hpp>
#include <npymap/header.hpp>
#include <npymap/npz.hpp>
#include <npymap/source.hpp>
#include <npymap/view.hpp>

#include "cli/commands.hpp"
#include "cli/input.hpp"
#include "cli/progress.hpp"
#include "cli/terminal.hpp"

namespace npymap::cli {
namespace {

// Enough rows at once that each page of a Fortran-ordered array of a thousand columns is touched
// once, little enough to stay in the cache of a core.
constexpr index_t block_bytes = index_t{4} << 20;

class element_writer {
 public:
  explicit element_writer(progress& bar) : bar_(bar) {}

  void write(const any_array& part);

 private:
  void write_dense(const any_array& part);
  void write_block(const any_array& part);

  progress& bar_;
  std::vector<std::byte> block_;
};

void element_writer::write(const any_array& part) {
  const index_t bytes = part.size_bytes();
  if (bytes == 0) return;
  if (part.is_c_contiguous()) return write_dense(part);
  if (bytes <= block_bytes) return write_block(part);
  const index_t rows = part.extent(0);
  const index_t row_bytes = bytes / rows;
  const index_t rows_at_once = block_bytes / row_bytes;
  for (index_t first = 0; first < rows; first += std::max<index_t>(rows_at_once, 1)) {
    write(rows_at_once == 0 ? part(first) : part(range(first, first + rows_at_once)));
  }
}

// Straight from the map, if there is one. Pages that are written out are let go, to keep the
// process small.
void element_writer::write_dense(const any_array& part) {
  if (!part.map().is_open()) return write_block(part);
  const std::span bytes(part.data(), static_cast<std::size_t>(part.size_bytes()));
  for (std::size_t begin = 0; begin < bytes.size(); begin += block_bytes) {
    const std::size_t count = std::min<std::size_t>(block_bytes, bytes.size() - begin);
    const auto block = bytes.subspan(begin, count);
    const auto place = static_cast<std::size_t>(block.data() - part.map().data());
    try {
      write_output(block);
    } catch (const error& e) {
      // The system could not read the map for it: to populate it says why.
      if (e.code().value() == EFAULT) part.map().advise(advice::populate, place, count);
      throw;
    }
    part.map().advise(advice::dont_need, place, count);
    bar_.advance(count);
  }
}

void element_writer::write_block(const any_array& part) {
  block_.resize(static_cast<std::size_t>(part.size_bytes()));
  const strides packed = dense_byte_strides(part.shape(), part.itemsize(), order::c);
  detail::copy_elements(part.data(), part.layout(), block_.data(),
                        {part.shape(), packed, part.itemsize()});
  write_output(block_);
  part.advise(advice::dont_need);
  bar_.advance(block_.size());
}

// True if each element is so far from the others that reading ahead fetches none of them, as in a
// row of a large array in Fortran order.
bool are_far_apart(const any_array& elements) {
  constexpr index_t far_bytes = index_t{1} << 20;  // more than Linux reads ahead
  for (int axis = 0; axis < elements.rank(); ++axis) {
    if (elements.extent(axis) <= 1) continue;
    if (std::abs(elements.byte_strides()[axis]) < far_bytes) return false;
  }
  return true;
}

// All of a compressed member that has the elements in C order comes as it is inflated.
bool can_stream(const input& from, const dump_options& options) {
  if (!from.archive || is_part(options.part)) return false;
  const npz_member& member = meant_member(from);
  if (member.method == npz_method::stored) return false;
  const header facts = from.archive->info(member);
  return facts.order == order::c && !facts.dtype.has_object() &&
         array_bytes(facts.shape, facts.dtype.itemsize()).value_or(0) > 0;
}

void dump_stream(const npymap::source& x, progress_display display) {
  const index_t itemsize = x.dtype().itemsize();
  const auto budget_bytes = static_cast<std::uint64_t>(std::max(4 * block_bytes, 8 * itemsize));
  progress bar(display, static_cast<std::uint64_t>(x.size_bytes()));
  const auto stream = detail::block_stream::over(x, x.dtype(), 1, {.budget_bytes = budget_bytes});
  std::vector<std::byte> packed;
  for (index_t i = 0; i < stream->count(); ++i) {
    const shape& extents = stream->go_to(i).extents;
    const strides dense = dense_byte_strides(extents, itemsize, order::c);
    packed.resize(static_cast<std::size_t>(array_bytes(extents, itemsize).value()));
    detail::copy_elements(stream->data(), {extents, stream->byte_strides(), itemsize},
                          packed.data(), {extents, dense, itemsize});
    write_output(packed);
    bar.advance(packed.size());
  }
  stream->finish();
}

}  // namespace

void dump(const dump_options& options) {
  const input from = find_input(options.source);
  if (can_stream(from, options)) {
    dump_stream(source_of(from, options.source), options.progress);
    return flush_output();
  }
  const any_array elements =
      part_of(elements_of(from, options.source, {.progress = options.progress}), options.part);
  if (are_far_apart(elements)) elements.advise(advice::random);
  progress bar(options.progress, static_cast<std::uint64_t>(elements.size_bytes()));
  guarded(elements, [&] { element_writer(bar).write(elements); });
  flush_output();
}

}  // namespace npymap::cli
