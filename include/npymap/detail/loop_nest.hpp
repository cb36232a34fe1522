/// \file
/// How to walk several arrays of one shape at the speed of a hand-written loop.
#pragma once

#include <cstddef>
#include <span>
#include <type_traits>
#include <utility>

#include <npymap/detail/axis_values.hpp>
#include <npymap/detail/export.hpp>
#include <npymap/detail/layout.hpp>
#include <npymap/shape.hpp>

namespace npymap::detail {

/// Three nested loops over a part of the elements: axis 0 is the innermost.
struct loop_block {
  static constexpr int rank = 3;
  static constexpr int max_operands = 8;

  struct operand {
    index_t offset_bytes = 0;  ///< from its element (0, ..., 0) to the first one of the block
    index_t byte_strides[rank] = {};
  };

  index_t extents[rank] = {1, 1, 1};
  operand operands[max_operands];
};

/// The elements of up to `loop_block::max_operands` arrays of one shape, cut into blocks.
///
/// Short strides go inside, falling addresses are turned round, and axes that run on without a gap
/// are joined, so that dense arrays are one loop. Where the arrays disagree about the fastest axis,
/// the blocks are small tiles, ordered so that memory of any size is used well: each tile's
/// neighbours come close after it. Nothing is allocated for three axes or fewer without tiles.
class NPYMAP_EXPORT loop_nest {
 public:
  /// \throws error layout_mismatch when the shapes differ
  explicit loop_nest(std::span<const layout_ref> operands);
  loop_nest(const loop_nest&) = delete;
  loop_nest& operator=(const loop_nest&) = delete;
  ~loop_nest();

  const loop_block& block() const noexcept { return block_; }
  /// Go on to the next block; false behind the last.
  bool next() noexcept { return rest_ != nullptr && next_of_rest(); }

 private:
  struct rest;  // the axes beyond three, and the tiles to come
  bool next_of_rest() noexcept;

  loop_block block_;
  rest* rest_ = nullptr;  // owned
};

/// Evenly spaced elements, the innermost loop.
template <class T>
struct element_run {
  T* first;
  index_t step_bytes;

  bool is_dense() const noexcept { return step_bytes == sizeof(T); }
  void advance() noexcept { first = displaced(first, step_bytes); }
  T& operator[](index_t i) const noexcept { return *displaced(first, i * step_bytes); }
};

/// Call `visit(count, element_run<T>...)` for each innermost loop, until it says false.
///
/// Inlined by force: only then can a sum that `visit` refers to live in a register.
template <class Visit, class... Ts, std::size_t... I>
[[gnu::always_inline]] inline bool visit_block(const loop_block& shared, std::index_sequence<I...>,
                                               Visit& visit, Ts*... data) {
  const loop_block block = shared;  // a copy, that no store through `data` can change
  for (index_t k = 0; k < block.extents[2]; ++k) {
    for (index_t j = 0; j < block.extents[1]; ++j) {
      const auto run = [&](auto* first, const loop_block::operand& at) {
        const index_t offset_bytes =
            at.offset_bytes + k * at.byte_strides[2] + j * at.byte_strides[1];
        return element_run<std::remove_pointer_t<decltype(first)>>{displaced(first, offset_bytes),
                                                                   at.byte_strides[0]};
      };
      if (!visit(block.extents[0], run(data, block.operands[I])...)) return false;
    }
  }
  return true;
}

template <class Visit, class... Ts>
[[gnu::always_inline]] inline bool visit_runs(loop_nest& nest, Visit&& visit, Ts*... data) {
  do {
    if (!visit_block(nest.block(), std::index_sequence_for<Ts...>(), visit, data...)) return false;
  } while (nest.next());
  return true;
}

/// Copy elements of one itemsize between arrays of one shape that share no bytes; of any alignment.
/// \throws error layout_mismatch when the shapes or itemsizes differ
NPYMAP_EXPORT void copy_elements(const void* from, const layout_ref& from_layout, void* to,
                                 const layout_ref& to_layout);

}  // namespace npymap::detail
