/// \file
/// How a ready-made pass goes over an array, whole or along an axis.
///
/// A state starts empty, takes short dense rows of plain numbers by `add(first, count)`, and
/// another of its kind, whose elements come behind its own, by `add(other)`. It is trivially
/// copyable, so that the walks are compiled once, for all.
#pragma once

#include <cstddef>
#include <new>
#include <type_traits>

#include <npymap/any_array.hpp>
#include <npymap/array.hpp>
#include <npymap/detail/piece_walk.hpp>
#include <npymap/source.hpp>
#include <npymap/statistics.hpp>

#include "io/aligned_buffer.hpp"
#include "stream/kernel/plain_number.hpp"
#include "stream/statistics/element_kind.hpp"

namespace npymap::detail {

/// A piece, and where it lies in the array.
struct placed_piece {
  const element_kind& kind;
  const std::byte* data;
  const layout_ref& where;
  const index_vector& start;
  const shape& whole;
};

/// What the walks know of a state.
struct state_kind {
  std::size_t size_bytes;
  void (*start)(void* state);
  void (*add)(void* state, const void* numbers, index_t count);
  void (*merge)(void* state, const void* later);
  /// Learn where the piece lies whose elements were added; null if that is all the same.
  void (*put)(void* state, const placed_piece& piece) = nullptr;
};

inline constexpr std::size_t most_state_bytes = 256;

template <class State, class Number>
constexpr state_kind state_kind_of() {
  static_assert(std::is_trivially_copyable_v<State> && sizeof(State) <= most_state_bytes);
  state_kind kind{sizeof(State), [](void* state) { new (state) State(); },
                  [](void* state, const void* numbers, index_t count) {
                    static_cast<State*>(state)->add(static_cast<const Number*>(numbers), count);
                  },
                  [](void* state, const void* later) {
                    static_cast<State*>(state)->add(*static_cast<const State*>(later));
                  }};
  if constexpr (requires(State & state, const placed_piece& piece) { state.put(piece); }) {
    kind.put = [](void* state, const placed_piece& piece) {
      static_cast<State*>(state)->put(piece);
    };
  }
  return kind;
}

/// A state for each row along an axis, in the C order of the other axes, which are `extents`.
class row_states {
 public:
  /// \throws error ENOMEM, which an axis without elements beside long ones asks for
  row_states(const shape& extents, const state_kind& how);

  const shape& extents() const noexcept { return extents_; }
  index_t count() const noexcept { return count_; }
  std::byte* at(index_t row) noexcept { return states_.data() + row * size_bytes_; }
  template <class State>
  const State& get(index_t row) const noexcept {
    return *reinterpret_cast<const State*>(states_.data() + row * size_bytes_);
  }

 private:
  shape extents_;
  index_t count_;
  index_t size_bytes_;
  io::aligned_buffer states_;
};

/// Bring all elements to `state`, which is empty.
void accumulate(const source& x, const element_kind& kind, const state_kind& how, void* state,
                const pass_options& options);
row_states accumulate(const source& x, along given, const element_kind& kind, const state_kind& how,
                      const pass_options& options);

/// An array in memory.
any_array new_array(const dtype& type, const shape& extents);

/// What `finish` makes of all elements, read as T.
template <class T, class R, class State>
R accumulate(const source& x, R (*finish)(const State&), const pass_options& options) {
  State all;
  accumulate(x, kind_of<T>(), state_kind_of<State, plain_number<T>>(), &all, options);
  return finish(all);
}

/// The states of rows along an axis, their elements read as T.
template <class T, class State>
row_states accumulate_rows(const source& x, along axis, const pass_options& options) {
  return accumulate(x, axis, kind_of<T>(), state_kind_of<State, plain_number<T>>(), options);
}

/// What `finish` makes of each.
template <class T, class R, class State>
array<R> accumulate(const source& x, along axis, R (*finish)(const State&),
                    const pass_options& options) {
  const row_states rows = accumulate_rows<T, State>(x, axis, options);
  const any_array values = new_array(dtype_of<R>(), rows.extents());
  auto* const to = reinterpret_cast<R*>(values.data());
  for (index_t row = 0; row < rows.count(); ++row) to[row] = finish(rows.get<State>(row));
  return values.as<R>();
}

}  // namespace npymap::detail
