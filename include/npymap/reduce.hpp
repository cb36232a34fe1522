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

/// Values that come one behind the other, combined as a tree that their number alone decides:
/// neighbours first, then neighbours of these. Few are kept: the sums of 1, 2, 4, ... of them wait
/// for their like, as the digits of a binary counter do.
template <class Value, class Combine>
class combining_tree {
 public:
  explicit combining_tree(Combine& combine) : combine_(combine) {}

  void add(Value value) {
    int level = 0;
    for (; !waiting_.empty() && waiting_.back().level == level; ++level) {
      value = combine_(std::move(waiting_.back().value), std::move(value));
      waiting_.pop_back();
    }
    waiting_.push_back({std::move(value), level});
  }
  Value result(Value identity) {
    if (waiting_.empty()) return identity;
    Value all = std::move(waiting_.back().value);
    for (waiting_.pop_back(); !waiting_.empty(); waiting_.pop_back()) {
      all = combine_(std::move(waiting_.back().value), std::move(all));
    }
    return combine_(std::move(identity), std::move(all));
  }

 private:
  struct partial {
    Value value;
    int level;
  };
  Combine& combine_;
  std::vector<partial> waiting_;
};

template <class... Ts, class Value, class Map, class Combine>
Value reduce_pieces(piece_walk& walk, Value identity, Map& map, Combine& combine) {
  struct job {
    Map& map;
    combining_tree<Value, Combine> tree;
    std::vector<std::optional<Value>> values;  // of pieces that wait for their turn: a ring
    std::optional<Value>& value(index_t n) {
      return values[static_cast<std::size_t>(n) % values.size()];
    }
  } work{map, combining_tree<Value, Combine>(combine),
         std::vector<std::optional<Value>>(static_cast<std::size_t>(walk.most_at_once()))};
  walk.run(
      [](void* context, index_t n, const index_vector& start, const piece_part* parts) {
        auto& mine = *static_cast<job*>(context);
        mine.value(n) =
            call_with_parts<Ts...>(mine.map, start, parts, std::index_sequence_for<Ts...>());
      },
      [](void* context, index_t n) {
        auto& mine = *static_cast<job*>(context);
        mine.tree.add(*std::exchange(mine.value(n), std::nullopt));
      },
      &work);
  return work.tree.result(std::move(identity));
}

}  // namespace detail

/// Map pieces of an array to values, on all cores, and combine these to one.
///
/// `map` takes a `view<const T>`, of any strides, and before it, if it likes, the `index_vector`
/// where the piece begins; its result is the type of all: a lambda that ends in an Eigen expression
/// must name the type that it returns, or the expression outlives what it refers to. It may be
/// called from several threads at once; `combine` takes two values and is called by one thread at a
/// time. The pieces, about a megabyte each, and the order in which their values meet depend on the
/// array and the budget alone: the bits of the result are the same for any number of threads.
/// Memory as for `blocks`, and some values: no more than pieces fit what is read ahead. An array
/// without elements gives `identity`. What `map` throws ends the pass and reaches the caller.
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
