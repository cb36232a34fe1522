/// \file
/// The engine of every pass: pieces of arrays, handed out to threads.
#pragma once

#include <cstddef>
#include <span>
#include <type_traits>
#include <utility>

#include <npymap/any_array.hpp>
#include <npymap/detail/export.hpp>
#include <npymap/detail/layout.hpp>
#include <npymap/detail/shared.hpp>
#include <npymap/dtype.hpp>
#include <npymap/pass.hpp>
#include <npymap/shape.hpp>
#include <npymap/source.hpp>
#include <npymap/view.hpp>

namespace npymap::detail {

/// What a pass writes: elements of the type that the array holds, or that become it.
struct pass_output {
  any_array elements;
  dtype given;
  std::size_t alignment;
};

/// Where the elements of one piece of an operand are: native and aligned.
struct piece_part {
  std::byte* data;
  layout_ref where;
};

/// Cuts arrays into pieces that depend on nothing but the arrays and the budget, and hands them out
/// to threads while the next ones are read.
///
/// Operands of one shape are cut alike, wherever it suits the first; others along their first axis,
/// whose extents must agree.
class NPYMAP_EXPORT piece_walk : public counted {
 public:
  /// \throws error invalid_argument, dtype_mismatch, layout_mismatch, read_only
  static shared<piece_walk> over(std::span<const pass_input> inputs,
                                 std::span<const pass_output> outputs, const pass_options& options);

  /// Called with piece `n` of `count()`, in any thread: where it begins in the first operand, and
  /// the parts of inputs, then outputs.
  using visitor = void (*)(void* context, index_t n, const index_vector& start,
                           const piece_part* parts);

  /// Called with each piece that has been visited, in their order, by one thread at a time; few
  /// pieces wait for it.
  using collector = void (*)(void* context, index_t n);

  virtual index_t count() const noexcept = 0;
  /// How many pieces, at most, have begun and are not collected: one behind the other.
  virtual index_t most_at_once() const noexcept = 0;
  /// Visit each piece once, and then collect it, if `collect` is not null. \throws error of the
  /// system, `stopped`, and what a function throws first
  virtual void run(visitor visit, collector collect, void* context) = 0;
};

/// The elements of a part, as what they are. `T` is const for inputs.
template <class T>
view<T> view_of(const piece_part& part) {
  return view<T>(reinterpret_cast<T*>(part.data), shape(part.where.shape),
                 strides(part.where.byte_strides));
}

/// Whether a function takes views of `Ts`, and perhaps the index where they begin. Views of const:
/// what a file holds may be mapped for reading alone.
template <class F, class... Ts>
concept takes_parts = std::is_invocable_v<F&, const index_vector&, view<Ts>...> ||
    std::is_invocable_v<F&, view<Ts>...>;

/// Call `f` with the parts as views of `Ts`, and before them with where the piece begins, if `f`
/// takes that.
template <class... Ts, class F, std::size_t... I>
decltype(auto) call_with_parts(F& f, const index_vector& start, const piece_part* parts,
                               std::index_sequence<I...>) {
  static_assert(
      takes_parts<F, Ts...>,
      "the function must take a view<const T> of each input and a view<T> of each output, "
      "with the T that the pass was asked for");
  if constexpr (std::is_invocable_v<F&, const index_vector&, view<Ts>...>) {
    return f(start, view_of<Ts>(parts[I])...);
  } else {
    return f(view_of<Ts>(parts[I])...);
  }
}

}  // namespace npymap::detail
