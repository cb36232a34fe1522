/// \file
/// Passes that are made for what they do: to each piece of an array, or from arrays to arrays.
#pragma once

#include <array>
#include <cstddef>
#include <tuple>
#include <type_traits>
#include <utility>

#include <npymap/array.hpp>
#include <npymap/detail/piece_walk.hpp>
#include <npymap/dtype.hpp>
#include <npymap/pass.hpp>
#include <npymap/reduce.hpp>
#include <npymap/source.hpp>
#include <npymap/view.hpp>

namespace npymap {

/// What a pass writes, handed out as views of T: an array of T, or with `typed_target<T>(y)` one of
/// any dtype that `convert` makes of T by the rule `same_kind`.
template <element T>
class typed_target {
 public:
  static_assert(
      !std::is_const_v<T>,
      "what is written is const: open it by open<T, open_mode::read_write>, or create it");

  explicit typed_target(any_array elements) : elements_(std::move(elements)) {}
  typed_target(const array<T>& y) : elements_(y) {}

  const any_array& elements() const noexcept { return elements_; }

 private:
  any_array elements_;
};

/// What passes write in step, `outputs(c, d)`: arrays, or `typed_target`s.
template <element... Ts>
using output_list = std::tuple<typed_target<Ts>...>;

template <class... Arrays>
auto outputs(const Arrays&... ys) {
  return std::make_tuple(typed_target(ys)...);
}

namespace detail {

/// Whether a function would take a copy of an output, and set that. Of generic ones nobody knows:
/// `auto&&` takes copies, too.
template <class F, class... Ts, std::size_t... I>
constexpr bool may_set_copy(std::index_sequence<I...>) {
  constexpr auto takes_copy = []<std::size_t N>(std::integral_constant<std::size_t, N>) {
    return std::is_invocable_v<F&, std::conditional_t<I == N, Ts, Ts&>...>;
  };
  if constexpr (std::is_pointer_v<F> || requires { &F::operator(); }) {
    return ((!std::is_const_v<Ts> && takes_copy(std::integral_constant<std::size_t, I>())) || ...);
  } else {
    return false;
  }
}

/// Whether a function takes the elements at one index rather than views of pieces.
template <class F, class... Ts>
concept takes_elements = !takes_parts<F, Ts...> && std::is_invocable_v<F&, Ts&...> &&
                         !may_set_copy<F, Ts...>(std::index_sequence_for<Ts...>());

template <class... Ts, class F, std::size_t... I>
void call_with_elements(F& f, const piece_part* parts, std::index_sequence<I...>) {
  for_each(f, view_of<Ts>(parts[I])...);
}

template <class... Ts, class F>
void visit_pieces(piece_walk& walk, F& f) {
  static_assert(
      takes_parts<F, Ts...> || takes_elements<F, Ts...>,
      "the function must take a view<const T> of each input and a view<T> of each output, or an "
      "element of each input and a T& of each output, with the T that the pass was asked for");
  walk.run(
      [](void* context, index_t, const index_vector& start, const piece_part* parts) {
        auto& given = *static_cast<F*>(context);
        constexpr auto each = std::index_sequence_for<Ts...>();
        if constexpr (takes_elements<F, Ts...>) {
          call_with_elements<Ts...>(given, parts, each);
        } else {
          call_with_parts<Ts...>(given, start, parts, each);
        }
      },
      nullptr, &f);
}

}  // namespace detail

/// Call `f` for the pieces of an array, about a megabyte each, on all cores and in no order.
///
/// `f` takes a `view<const T>` of any strides, and before it, if it likes, the `index_vector` where
/// the piece begins in the array; or it takes a T, and is called for each element: `auto` is a
/// view. It may be called from several threads at once. Memory as for `blocks`; what `f` throws
/// ends the pass and reaches the caller. For a value see `reduce`; to write an array, `transform`.
/// \throws error as `reduce`
template <element T, class F>
void for_each_piece(const array<T>& x, F f, const pass_options& options = {}) {
  for_each_piece(inputs(x), std::move(f), options);
}

/// The same over elements of any dtype, as T. \throws error also dtype_mismatch
template <element T, class F>
void for_each_piece(const source& x, F f, const pass_options& options = {}) {
  for_each_piece(std::make_tuple(typed_source<std::remove_const_t<T>>(x)), std::move(f), options);
}

/// The same over several arrays in step, as `reduce` goes over them.
template <element... Ts, class F>
void for_each_piece(const input_list<Ts...>& xs, F f, const pass_options& options = {}) {
  transform(xs, std::tuple<>(), std::move(f), options);
}

/// Write arrays from arrays, on all cores: `transform(inputs(a, b), outputs(c), f)`.
///
/// `f` takes an element of each input and a reference to the one of each output at the same index,
/// as `[](double a, float b, double& c) { c = a * b; }`; or a `view<const T>` of a piece of each
/// input, then a `view<T>` of the same piece of each output, every element of which it sets, and
/// before them, if it likes, the `index_vector` where the piece begins. It may be called from
/// several threads at once. Where shapes are not all equal, pieces are some rows of each, as in
/// `reduce`, and `f` takes pieces. An output that is dense in its file is written dense, not
/// through the map. An output may be one of the inputs, of the same layout, where `f` looks at each
/// element before it sets it; one that lies across an input, or another output, is refused. After a
/// failure, outputs are partly written. Arrays of another order than the largest one (the first of
/// these) are read and written in short runs, slow. \throws error as `reduce`; read_only,
/// layout_mismatch, invalid_argument; the system's when the disk is full
template <element... Ts, element... Us, class F>
void transform(const input_list<Ts...>& xs, const output_list<Us...>& ys, F f,
               const pass_options& options = {}) {
  const auto walk = std::apply(
      [&](const auto&... x) {
        return std::apply(
            [&](const auto&... y) {
              const std::array<detail::pass_input, sizeof...(Ts)> in = {detail::input_of(x)...};
              const std::array<detail::pass_output, sizeof...(Us)> out = {
                  detail::pass_output{y.elements(), dtype_of<Us>(), alignof(Us)}...};
              return detail::piece_walk::over(in, out, options);
            },
            ys);
      },
      xs);
  detail::visit_pieces<const Ts..., Us...>(*walk, f);
}

/// The same, from one array or `typed_source` to one array or `typed_target`. NumPy: `y[...] =
/// ufunc(x)`.
template <class X, class Y, class F>
requires requires(const X& x, const Y& y) {
  typed_source(x);
  typed_target(y);
}
void transform(const X& x, const Y& y, F f, const pass_options& options = {}) {
  transform(inputs(x), outputs(y), std::move(f), options);
}

}  // namespace npymap
