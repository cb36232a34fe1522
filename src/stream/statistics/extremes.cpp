#include <limits>
#include <optional>

#include <npymap/error.hpp>
#include <npymap/statistics.hpp>

#include "stream/kernel/extremes.hpp"
#include "stream/statistics/accumulate.hpp"
#include "stream/statistics/numbers.hpp"

namespace npymap {
namespace detail {
namespace {

// NumPy has no answer either: a minimum has no identity.
void require_elements(index_t count) {
  if (count > 0) return;
  throw error(errc::invalid_argument, {.subject = "a least or greatest element",
                                       .expected = "at least one element",
                                       .found = "none"});
}

void require_rows_of_some(const source& x, along axis) {
  const int at = checked_axis_of(x.shape(), axis.axis);
  if (element_count(without_axis(x.shape(), at)).value_or(0) > 0) require_elements(x.extent(at));
}

/// The best number so far, and where it was; a NaN is better than all.
template <class T, class Which>
class extreme {
 public:
  using number_type = plain_number<T>;

  void add(const number_type* x, index_t count) {
    extreme_and_nan<number_type> found{};
    run_on(
        this_processor(), [&](auto wide) __attribute__((always_inline)) {
          found = extreme_of<Which>(wide, x, count);
        });
    if (!is_nan_ && (found.has_nan || place_ < 0 || is_better(found.value))) {
      const number_type* const at = std::find_if(x, x + count, [&](const number_type& value) {
        return found.has_nan ? is_nan(value) : value == found.value;
      });
      best_ = *at;
      place_ = count_ + (at - x);
      is_nan_ = found.has_nan;
    }
    count_ += count;
  }
  void add(const extreme& other) {
    if (!is_nan_ && other.place_ >= 0 && (other.is_nan_ || place_ < 0 || is_better(other.best_))) {
      best_ = other.best_;
      place_ = count_ + other.place_;
      is_nan_ = other.is_nan_;
    }
    count_ += other.count_;
  }

  T value() const { return static_cast<T>(best_); }
  index_t place() const noexcept { return place_; }
  bool is_nan_found() const noexcept { return is_nan_; }
  bool is_better(const number_type& value) const {
    number_type best = best_;
    Which::keep(best, value);
    return best != best_;
  }
  const number_type& best() const noexcept { return best_; }

 private:
  number_type best_ = Which::template worst<number_type>();
  index_t place_ = -1;
  index_t count_ = 0;
  bool is_nan_ = false;
};

/// One of a piece, with its place in the whole array.
template <class T, class Which>
struct placed {
  extreme<T, Which> found;
  index_t place = -1;
};

// The first in C order of those elements that are as good as the best.
template <class T, class Which>
index_t first_place(const view<const T>& piece, const extreme<T, Which>& found) {
  if (piece.is_c_contiguous()) return found.place();
  index_t place = 0;
  for (const T& element : piece) {
    const plain_number<T> value = plain(element);
    if (found.is_nan_found() ? is_nan(value) : value == found.best()) return place;
    ++place;
  }
  return found.place();
}

index_t place_in_whole(const shape& whole, const index_vector& start, const shape& extents,
                       index_t place) {
  index_t in_whole = 0, step = 1;
  for (int axis = whole.rank() - 1; axis >= 0; --axis) {
    in_whole += (start[axis] + place % extents[axis]) * step;
    place /= extents[axis];
    step *= whole[axis];
  }
  return in_whole;
}

template <class T, class Which>
T extreme_value(const source& x, const pass_options& options) {
  require_elements(x.size());
  return accumulate<extreme<T, Which>, T>(x, options).value();
}

template <class T, class Which>
array<T> extreme_values(const source& x, along axis, const pass_options& options) {
  require_rows_of_some(x, axis);
  const auto rows = accumulate<extreme<T, Which>, T>(x, axis, options);
  return array_of<T>(x, axis, rows, [](const auto& row) { return row.value(); });
}

template <class T, class Which>
index_t extreme_place(const source& x, const pass_options& options) {
  require_elements(x.size());
  using value = placed<T, Which>;
  const value best = reduce<T>(
      x, value{},
      [&x](const index_vector& start, const view<const T>& piece) {
        value mine;
        for_each_chunk(piece, [&](const plain_number<T>* first, index_t count) {
          mine.found.add(first, count);
        });
        mine.place =
            place_in_whole(x.shape(), start, piece.shape(), first_place(piece, mine.found));
        return mine;
      },
      [](const value& a, const value& b) {
        if (a.place < 0 || b.place < 0) return a.place < 0 ? b : a;
        if (a.found.is_nan_found() != b.found.is_nan_found()) {
          return a.found.is_nan_found() ? a : b;
        }
        const bool is_equal = a.found.is_nan_found() || a.found.best() == b.found.best();
        if (is_equal) return a.place < b.place ? a : b;
        return a.found.is_better(b.found.best()) ? b : a;
      },
      options);
  return best.place;
}

template <class T, class Which>
array<index_t> extreme_places(const source& x, along axis, const pass_options& options) {
  require_rows_of_some(x, axis);
  const auto rows = accumulate<extreme<T, Which>, T>(x, axis, options);
  return array_of<index_t>(x, axis, rows, [](const auto& row) { return row.place(); });
}

}  // namespace
}  // namespace detail

template <ordered_number T>
T min(const source& x, const pass_options& options) {
  return detail::extreme_value<T, detail::lesser>(x, options);
}
template <ordered_number T>
T max(const source& x, const pass_options& options) {
  return detail::extreme_value<T, detail::greater>(x, options);
}
template <ordered_number T>
array<T> min(const source& x, along axis, const pass_options& options) {
  return detail::extreme_values<T, detail::lesser>(x, axis, options);
}
template <ordered_number T>
array<T> max(const source& x, along axis, const pass_options& options) {
  return detail::extreme_values<T, detail::greater>(x, axis, options);
}
template <ordered_number T>
index_t argmin(const source& x, const pass_options& options) {
  return detail::extreme_place<T, detail::lesser>(x, options);
}
template <ordered_number T>
index_t argmax(const source& x, const pass_options& options) {
  return detail::extreme_place<T, detail::greater>(x, options);
}
template <ordered_number T>
array<index_t> argmin(const source& x, along axis, const pass_options& options) {
  return detail::extreme_places<T, detail::lesser>(x, axis, options);
}
template <ordered_number T>
array<index_t> argmax(const source& x, along axis, const pass_options& options) {
  return detail::extreme_places<T, detail::greater>(x, axis, options);
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
