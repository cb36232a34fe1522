#include <algorithm>

#include <npymap/error.hpp>
#include <npymap/statistics.hpp>

#include "stream/kernel/extremes.hpp"
#include "stream/statistics/accumulate.hpp"
#include "stream/statistics/along_axis.hpp"
#include "stream/statistics/numbers.hpp"

namespace npymap {
namespace detail {
namespace {

/// The best number so far, and where it was: at the first of several places. A NaN is better than
/// all.
template <class S, class Which>
struct extreme {
  S best = Which::template worst<S>();
  index_t place = -1;
  index_t count = 0;
  bool is_nan = false;

  void add(const S* x, index_t how_many) {
    extreme_and_nan<S> found{};
    run_for<S>([&](auto wide) __attribute__((always_inline)) {
      found = extreme_of<Which>(wide, x, how_many);
    });
    if (!is_nan && (found.has_nan || place < 0 || is_better(found.value))) {
      best = found.value;
      is_nan = found.has_nan;
      const index_t at = place_among(x, how_many);
      best = x[at];
      place = count + at;
    }
    count += how_many;
  }
  void add(const extreme& other) {
    if (other.place >= 0 && yields_to(other, count + other.place)) {
      best = other.best;
      place = count + other.place;
      is_nan = other.is_nan;
    }
    count += other.count;
  }

  /// Of the first number that is as good as the best; their count where there is none.
  index_t place_among(const S* x, index_t how_many) const {
    return std::find_if(
               x, x + how_many,
               [this](S value) { return is_nan ? detail::is_nan(value) : value == best; }) -
           x;
  }

 private:
  bool is_better(S value) const {
    S kept = best;
    Which::keep(kept, value);
    return kept != best;
  }
  bool yields_to(const extreme& other, index_t place_of_other) const {
    if (place < 0) return true;
    if (is_nan != other.is_nan) return other.is_nan;
    if (is_nan || best == other.best) return place_of_other < place;
    return is_better(other.best);
  }
};

/// With its place in the whole array.
template <class S, class Which>
struct placed_extreme : extreme<S, Which> {
  /// From one in a piece, whose numbers came as they lie in memory.
  void put(const placed_piece& piece) {
    const layout_ref& where = piece.where;
    index_t in_piece = this->place, step = 1;
    if (!is_c_contiguous(where)) {
      const auto place_in_row = [this](const void* numbers, index_t how_many) {
        return this->place_among(static_cast<const S*>(numbers), how_many);
      };
      in_piece = find_in_order(piece.kind, piece.data, where, place_in_row);
    }
    this->place = 0;
    this->count = 0;
    for (int axis = where.rank() - 1; axis >= 0; --axis) {
      const index_t extent = where.shape[static_cast<std::size_t>(axis)];
      this->place += (piece.start[axis] + in_piece % extent) * step;
      in_piece /= extent;
      step *= piece.whole[axis];
    }
  }
};

template <class T, class Which>
T value_of(const extreme<plain_number<T>, Which>& found) {
  return static_cast<T>(found.best);
}

template <class S, class Which>
index_t place_of(const placed_extreme<S, Which>& found) {
  return found.place;
}

// NumPy has no answer either: a minimum has no identity.
void require_elements(index_t count) {
  if (count > 0) return;
  throw error(errc::invalid_argument, {.subject = "a least or greatest element",
                                       .expected = "at least one element",
                                       .found = "none"});
}

template <class T, class R, class State>
R extreme_in(const source& x, R (*finish)(const State&), const pass_options& options) {
  require_elements(x.size());
  return accumulate<T>(x, finish, options);
}

template <class T, class R, class State>
array<R> extreme_in(const source& x, along axis, R (*finish)(const State&),
                    const pass_options& options) {
  const shape rows = without_axis(x.shape(), axis.axis);
  if (element_count(rows).value_or(0) > 0) require_elements(x.size());
  return accumulate<T>(x, axis, finish, options);
}

}  // namespace
}  // namespace detail

template <ordered_number T>
T min(const source& x, const pass_options& options) {
  return detail::extreme_in<T>(x, detail::value_of<T, detail::lesser>, options);
}
template <ordered_number T>
array<T> min(const source& x, along axis, const pass_options& options) {
  return detail::extreme_in<T>(x, axis, detail::value_of<T, detail::lesser>, options);
}
template <ordered_number T>
T max(const source& x, const pass_options& options) {
  return detail::extreme_in<T>(x, detail::value_of<T, detail::greater>, options);
}
template <ordered_number T>
array<T> max(const source& x, along axis, const pass_options& options) {
  return detail::extreme_in<T>(x, axis, detail::value_of<T, detail::greater>, options);
}
template <ordered_number T>
index_t argmin(const source& x, const pass_options& options) {
  return detail::extreme_in<T>(x, detail::place_of<detail::plain_number<T>, detail::lesser>,
                               options);
}
template <ordered_number T>
array<index_t> argmin(const source& x, along axis, const pass_options& options) {
  return detail::extreme_in<T>(x, axis, detail::place_of<detail::plain_number<T>, detail::lesser>,
                               options);
}
template <ordered_number T>
index_t argmax(const source& x, const pass_options& options) {
  return detail::extreme_in<T>(x, detail::place_of<detail::plain_number<T>, detail::greater>,
                               options);
}
template <ordered_number T>
array<index_t> argmax(const source& x, along axis, const pass_options& options) {
  return detail::extreme_in<T>(x, axis, detail::place_of<detail::plain_number<T>, detail::greater>,
                               options);
}

#define NPYMAP_EXTREMES(T)                                                      \
  template T min<T>(const source&, const pass_options&);                        \
  template T max<T>(const source&, const pass_options&);                        \
  template array<T> min<T>(const source&, along, const pass_options&);          \
  template array<T> max<T>(const source&, along, const pass_options&);          \
  template index_t argmin<T>(const source&, const pass_options&);               \
  template index_t argmax<T>(const source&, const pass_options&);               \
  template array<index_t> argmin<T>(const source&, along, const pass_options&); \
  template array<index_t> argmax<T>(const source&, along, const pass_options&);
NPYMAP_FOR_ORDERED(NPYMAP_EXTREMES)

}  // namespace npymap
