/// \file
/// One pass over an array of any size, on all cores, with the same result however many there are.
#pragma once

#include <cstddef>
#include <optional>
#include <tuple>
#include <type_traits>
#include <utility>
#include <vector>

#include <npymap/array.hpp>
#include <npymap/detail/export.hpp>
#include <npymap/detail/piece_walk.hpp>
#include <npymap/detail/shared.hpp>
#include <npymap/dtype.hpp>
#include <npymap/pass.hpp>
#include <npymap/shape.hpp>
#include <npymap/source.hpp>
#include <npymap/view.hpp>

namespace npymap {

namespace detail {

/// What a function of a piece returns.
template <class F, class... Ts>
using piece_result = std::remove_cvref_t<decltype(call_with_parts<Ts...>(
    std::declval<F&>(), std::declval<const index_vector&>(), nullptr,
    std::index_sequence_for<Ts...>()))>;

template <class... Ts, class Value, class Map, class Combine>
Value reduce_pieces(piece_walk& walk, Value identity, Map& map, Combine& combine) {
  struct job {
    Map& map;
    std::vector<std::optional<Value>> values;
  } work{map, std::vector<std::optional<Value>>(static_cast<std::size_t>(walk.count()))};
  walk.run(
      [](void* context, index_t n, const index_vector& start, const piece_part* parts) {
        auto& mine = *static_cast<job*>(context);
        mine.values[static_cast<std::size_t>(n)] =
            call_with_parts<Ts...>(mine.map, start, parts, std::index_sequence_for<Ts...>());
      },
      &work);
  // Neighbours first, then neighbours of these: a tree that the number of pieces alone decides.
  auto& values = work.values;
  if (values.empty()) return identity;
  for (std::size_t step = 1; step < values.size(); step *= 2) {
    for (std::size_t i = 0; i + step < values.size(); i += 2 * step) {
      values[i] = combine(*std::move(values[i]), *std::move(values[i + step]));
    }
  }
  return combine(std::move(identity), *std::move(values.front()));
}

}  // namespace detail

/// Map pieces of an array to values, on all cores, and combine these to one.
///
/// `map` takes a `view<const T>`, of any strides, and before it, if it likes, the `index_vector`
/// where the piece begins; its result is the type of all. It may be called from several threads at
/// once; `combine` takes two values and is called from one. The pieces, about a megabyte each, and
/// the order in which their values meet depend on the array and the budget alone, so that the bits
/// of the result are the same for any number of threads. Memory as for `blocks`. An array without
/// elements gives `identity`. What `map` throws ends the pass and reaches the caller.
/// \throws error invalid_argument for a budget that holds no piece, or threads below 1; stopped;
/// what the system says when the file cannot be read
template <element T, class Map, class Combine>
auto reduce(const array<T>& x, detail::piece_result<Map, const T> identity, Map map,
            Combine combine, const pass_options& options = {}) {
  return reduce(inputs(x), std::move(identity), std::move(map), std::move(combine), options);
}

/// The same over an array or unmapped files of any dtype that `convert` makes a T of by the rule
/// `same_kind`, decoded piece by piece in the threads. \throws error also dtype_mismatch
template <element T, class Map, class Combine>
auto reduce(const source& x, detail::piece_result<Map, const T> identity, Map map, Combine combine,
            const pass_options& options = {}) {
  using plain = std::remove_const_t<T>;
  return reduce(std::make_tuple(typed_source<plain>(x)), std::move(identity), std::move(map),
                std::move(combine), options);
}

/// The same over several arrays in step: `map` takes a view of each. Where the shapes are not all
/// equal, the pieces are some rows of each array along the first axis, whose extents must be.
/// \throws error also layout_mismatch
template <element... Ts, class Map, class Combine>
auto reduce(const input_list<Ts...>& xs, detail::piece_result<Map, const Ts...> identity, Map map,
            Combine combine, const pass_options& options = {}) {
  const auto walk = std::apply(
      [&](const auto&... x) {
        const detail::pass_input list[] = {detail::input_of(x)...};
        return detail::piece_walk::over(list, {}, options);
      },
      xs);
  return detail::reduce_pieces<const Ts...>(*walk, std::move(identity), map, combine);
}

}  // namespace npymap
