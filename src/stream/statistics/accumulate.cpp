#include "stream/statistics/accumulate.hpp"

#include <algorithm>
#include <cerrno>
#include <cstdint>
#include <cstring>
#include <string>
#include <system_error>
#include <vector>

#include <npymap/blocks.hpp>
#include <npymap/detail/loop_nest.hpp>
#include <npymap/error.hpp>
#include <npymap/guard.hpp>
#include <npymap/reduce.hpp>
#include <npymap/view.hpp>

#include "array/array_access.hpp"
#include "stream/element_source.hpp"
#include "stream/progress_meter.hpp"
#include "stream/statistics/along_axis.hpp"
#include "stream/threads.hpp"

namespace npymap::detail {
namespace {

struct piece_state {
  alignas(std::max_align_t) std::byte bytes[most_state_bytes];
};

/// Add the rows of a part to states that lie `state_step` bytes apart.
void add_rows(const element_kind& kind, const state_kind& how, const row_part& part,
              const std::byte* block, std::byte* states, index_t state_step) {
  constexpr index_t at_once = 1024;  // times the rows of a part: what stays in a cache
  thread_local std::vector<std::byte> gathered;
  alignas(64) std::byte numbers[at_once * sizeof(float)];  // where elements are none themselves
  const index_t itemsize = kind.dtype.itemsize();
  for (index_t begin = 0; begin < part.count; begin += at_once) {
    const index_t now = std::min(at_once, part.count - begin);
    const std::byte* first = block + part.offset_bytes + begin * part.step;
    index_t row_stride = part.row_stride;
    if (part.step != itemsize) {
      const index_t matrix[] = {part.rows, now};
      const index_t lies[] = {row_stride, part.step};
      const index_t dense[] = {now * itemsize, itemsize};
      gathered.resize(static_cast<std::size_t>(part.rows * now * itemsize));
      copy_elements(first, {matrix, lies, itemsize}, gathered.data(), {matrix, dense, itemsize});
      first = gathered.data();
      row_stride = now * itemsize;
    }
    for (index_t i = 0; i < part.rows; ++i) {
      const std::byte* const row = first + i * row_stride;
      if (!kind.is_plain()) kind.make_plain(row, itemsize, numbers, now);
      how.add(states + i * state_step, kind.is_plain() ? row : numbers, now);
    }
  }
}

/// Add a block, perhaps of a map, to the states of all rows, in threads: they share the rows, or
/// where these are few, stretches of them, which are put together in their order.
void add_block(const element_kind& kind, const state_kind& how, const row_parts& parts,
               const std::byte* block, const file_map& map, row_states& all, int threads) {
  const auto state_step = static_cast<index_t>(how.size_bytes);
  const auto add_part = [&](const row_part& part, std::byte* states, index_t step) {
    guarded(map, [&] { add_rows(kind, how, part, block, states, step); });
  };
  if (parts.have_whole_rows()) {
    return in_threads(parts.count(), threads, [&](index_t n) {
      const row_part part = parts.at(n);
      add_part(part, all.at(part.first_row), part.row_step * state_step);
    });
  }
  row_states found({parts.count(), row_part::most_rows}, how);
  in_threads(parts.count(), threads, [&](index_t n) {
    add_part(parts.at(n), found.at(n * row_part::most_rows), state_step);
  });
  for (index_t n = 0; n < parts.count(); ++n) {
    const row_part part = parts.at(n);
    for (index_t i = 0; i < part.rows; ++i) {
      how.merge(all.at(part.first_row + i * part.row_step), found.at(n * row_part::most_rows + i));
    }
  }
}

index_t checked_state_bytes(const shape& extents, std::size_t state_bytes) {
  if (const auto bytes = array_bytes(extents, static_cast<index_t>(state_bytes))) return *bytes;
  throw error(std::error_code(ENOMEM, std::system_category()),
              {.subject = "results along an axis",
               .found = std::to_string(element_count(extents).value_or(0))});
}

}  // namespace

row_states::row_states(const shape& extents, const state_kind& how)
    : extents_(extents),
      count_(element_count(extents).value_or(0)),
      size_bytes_(static_cast<index_t>(how.size_bytes)),
      states_(static_cast<std::size_t>(checked_state_bytes(extents, how.size_bytes))) {
  for (index_t row = 0; row < count_; ++row) how.start(at(row));
}

void accumulate(const source& x, const element_kind& kind, const state_kind& how, void* state,
                const pass_options& options) {
  const pass_input input{x, kind.dtype, kind.alignment};
  const auto walk = piece_walk::over({&input, 1}, {}, options);
  // A piece is seen as the first bytes of its elements.
  auto state_of = [&](const index_vector& start, const view<const std::byte>& piece) {
    const layout_ref where{piece.shape(), piece.byte_strides(), kind.dtype.itemsize()};
    piece_state mine;
    how.start(&mine);
    for_each_chunk(kind, piece.data(), where,
                   [&](const void* numbers, index_t count) { how.add(&mine, numbers, count); });
    if (how.put) how.put(&mine, {kind, piece.data(), where, start, x.shape()});
    return mine;
  };
  auto merge = [&how](piece_state a, const piece_state& b) {
    how.merge(&a, &b);
    return a;
  };
  piece_state none;
  how.start(&none);
  const piece_state all = reduce_pieces<const std::byte>(*walk, none, state_of, merge);
  std::memcpy(state, &all, how.size_bytes);
}

row_states accumulate(const source& x, along given, const element_kind& kind, const state_kind& how,
                      const pass_options& options) {
  const int axis = checked_axis_of(x.shape(), given.axis);
  const int threads = checked_threads(options.threads);
  row_states all(without_axis(x.shape(), axis), how);
  progress_meter meter(options, static_cast<std::uint64_t>(x.size_bytes()));
  const auto blocks =
      block_stream::over(x, kind.dtype, kind.alignment, {.budget_bytes = options.budget_bytes});
  for (index_t n = 0; n < blocks->count(); ++n) {
    meter.throw_if_stopped();
    const block_box& box = blocks->go_to(n);
    const layout_ref where{box.extents, blocks->byte_strides(), kind.dtype.itemsize()};
    add_block(kind, how, row_parts(x.shape(), axis, box.start, where), blocks->data(),
              x.elements()->map(), all, threads);
    meter.add(static_cast<std::uint64_t>(*array_bytes(box.extents, x.dtype().itemsize())));
  }
  blocks->finish();
  meter.finish();
  return all;
}

any_array new_array(const dtype& type, const shape& extents) {
  header facts;
  facts.dtype = type;
  facts.shape = extents;
  const index_t bytes = *array_bytes(extents, type.itemsize());
  return array_access::over(io::aligned_buffer(static_cast<std::size_t>(bytes)), {}, facts);
}

}  // namespace npymap::detail
