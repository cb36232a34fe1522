#include "text/text_writer.hpp"

#include <algorithm>
#include <atomic>
#include <utility>

#include <npymap/blocks.hpp>
#include <npymap/guard.hpp>
#include <npymap/source.hpp>

#include "stream/piece_order.hpp"
#include "stream/threads.hpp"
#include "text/outer_slice.hpp"

namespace npymap::text {
namespace {

using detail::element_source;
using detail::shared;

// Small enough to be in the second cache when it is written, and long enough that little is lost
// where the compressor begins anew. The same for any number of threads, so that the bytes are.
constexpr std::size_t part_bytes = std::size_t{1} << 18;
// Values may be longer than they usually are. A part that comes to so many times its length ends,
// and the rest of it is left to whoever writes it.
constexpr std::size_t most_stretch = 4;

// Rows that lie one behind the other are read and decoded while others are written; more of them
// at once would only wait.
constexpr std::uint64_t most_dense_budget_bytes = std::uint64_t{64} << 20;

// What fits as one block, decoded or not: see block_stream.cpp.
bool fits_block(index_t bytes, std::uint64_t budget_bytes) {
  return static_cast<std::uint64_t>(bytes) <= budget_bytes / 8 * 3;
}

index_vector joined(const index_vector& first, const index_vector& second) {
  index_vector all = first;
  for (const index_t each : second) all.push_back(each);
  return all;
}

}  // namespace

text_writer::text_writer(const line_format& format, text_output& to, std::optional<int> level,
                         const pass_options& options, std::uint64_t total_bytes)
    : format_(format),
      to_(to),
      options_(options),
      threads_(detail::checked_threads(options.threads)),
      slots_(threads_ == 1 ? 1 : 2 * static_cast<std::size_t>(threads_)),
      meter_(options_, total_bytes) {
  for (int n = 0; n <= threads_; ++n) packers_.emplace_back(level);
}

// Blocks are cut along the first axis, and across others only where one place along that is too
// large: then, in C order, where rows are the last axis but one.
void text_writer::write(const shared<element_source>& elements, const index_vector& outer) {
  const shape& extents = elements->shape();
  if (extents.rank() <= 2) return write_rows(elements, outer);
  shape one = extents;
  one[0] = 1;
  if (extents[0] > 0 &&
      fits_block(*array_bytes(one, elements->type().itemsize()), options_.budget_bytes)) {
    return write_rows(elements, outer);
  }
  for (index_t n = 0; n < extents[0]; ++n) {
    write(outer_slice(elements, n), joined(outer, index_vector{n}));
  }
}

void text_writer::write_rows(const shared<element_source>& elements, const index_vector& outer) {
  const dtype native = elements->type().is_native()
                           ? elements->type()
                           : elements->type().with_byte_order(native_byte_order);
  const index_vector ones(outer.rank(), 1), zeros(outer.rank());
  const shape& whole = elements->shape();
  if (element_count(whole) == 0 || native.itemsize() == 0) {
    const index_vector start = joined(outer, index_vector(whole.rank()));
    const text_block empty(format_, start, joined(ones, whole),
                           joined(zeros, index_vector(whole.rank())), nullptr);
    return write_block(empty, file_map(), 0);
  }
  const bool is_dense = detail::is_c_contiguous(elements->layout());
  const std::uint64_t budget_bytes =
      is_dense ? std::min(options_.budget_bytes, most_dense_budget_bytes) : options_.budget_bytes;
  const auto stream = detail::block_stream::over(detail::source_access::over(elements), native, 1,
                                                 {.budget_bytes = budget_bytes, .axis = 0});
  for (index_t n = 0; n < stream->count(); ++n) {
    const detail::block_box& box = stream->go_to(n);
    const text_block block(format_, joined(outer, box.start), joined(ones, box.extents),
                           joined(zeros, stream->byte_strides()), stream->data());
    const index_t bytes = *array_bytes(box.extents, native.itemsize());
    write_block(block, elements->map(), bytes);
  }
  stream->finish();
}

void text_writer::write_block(const text_block& block, const file_map& map, index_t bytes) {
  const index_t steps = block.steps(), per_row = block.steps_per_row();
  const auto usual = static_cast<index_t>(std::max<std::size_t>(format_.rows.usual_length(), 1));
  index_t at_once = std::max<index_t>(static_cast<index_t>(part_bytes) / usual, 1);
  if (at_once >= per_row) {
    at_once -= at_once % per_row;
  } else {
    at_once += at_once % format_.rows.cells_per_column();
  }
  const index_t count = steps == 0 ? 0 : (steps - 1) / at_once + 1;
  const auto part_of = [&](index_t n) -> part_slot& {
    part_slot& slot = slots_[static_cast<std::size_t>(n) % slots_.size()];
    slot.next = n * at_once;
    slot.end = std::min(slot.next + at_once, steps);
    return slot;
  };
  const auto bytes_of = [&](const index_t from, const index_t end) {
    const double share = static_cast<double>(bytes) / static_cast<double>(steps);
    return static_cast<std::uint64_t>(share * static_cast<double>(end)) -
           static_cast<std::uint64_t>(share * static_cast<double>(from));
  };
  detail::piece_order order([&](index_t n) {
    part_slot& slot = slots_[static_cast<std::size_t>(n) % slots_.size()];
    write_part(block, map, slot);
    meter_.add(bytes_of(n * at_once, slot.end));
  });
  const auto make = [&](index_t n, int thread) {
    meter_.throw_if_stopped();
    make_part(block, map, part_of(n), packers_[static_cast<std::size_t>(thread)]);
    order.end_of(n);
  };
  if (count <= 1 || threads_ == 1) {
    for (index_t n = 0; n < count; ++n) make(n, 0);
    return;
  }
  std::atomic<index_t> next = 0;
  detail::in_each_thread(threads_, [&](int thread) {
    try {
      const auto most_ahead = static_cast<index_t>(slots_.size());
      for (index_t n = next++; n < count && order.wait_for_turn(n, most_ahead); n = next++) {
        make(n, thread);
      }
    } catch (...) {
      order.end_of_pass();
      throw;
    }
  });
}

void text_writer::make_part(const text_block& block, const file_map& map, part_slot& slot,
                            text_packer& packer) const {
  slot.piece.text.cut(0);
  guarded(map, [&] {
    slot.next = block.write(slot.piece.text, slot.next, slot.end, most_stretch * part_bytes);
  });
  packer.pack(slot.piece);
}

void text_writer::write_part(const text_block& block, const file_map& map, part_slot& slot) {
  to_.write(slot.piece);
  while (slot.next < slot.end) {
    meter_.throw_if_stopped();
    make_part(block, map, slot, packers_.back());
    to_.write(slot.piece);
  }
}

}  // namespace npymap::text
