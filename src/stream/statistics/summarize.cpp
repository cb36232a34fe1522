#include <cmath>
#include <cstdint>
#include <limits>
#include <type_traits>

#include <npymap/statistics.hpp>

#include "stream/kernel/moments.hpp"
#include "stream/statistics/accumulate.hpp"
#include "stream/statistics/numbers.hpp"

namespace npymap {
namespace detail {
namespace {

template <class S>
struct summarized {
  moments<S> found;
  std::uint64_t sum = 0;  // of integers, which wrap

  void add(const S* x, index_t count) {
    moments<S> row;
    std::uint64_t row_sum = 0;
    run_for<S>([&](auto wide) __attribute__((always_inline)) {
      row = moments_of(wide, x, count);
      if constexpr (std::is_integral_v<S>) {
        for (index_t i = 0; i < count; ++i) row_sum += static_cast<std::uint64_t>(x[i]);
      }
    });
    found.add(row);
    sum += row_sum;
  }
  void add(const summarized& other) {
    found.add(other.found);
    sum += other.sum;
  }

  /// NaN where there is no number.
  wide_real<S> variance_of_numbers() const {
    if (found.count == 0) return std::numeric_limits<wide_real<S>>::quiet_NaN();
    return found.squares / static_cast<wide_real<S>>(found.count);
  }
  /// NaN where there is one.
  wide_real<S> variance() const {
    if (found.nan_count > 0) return std::numeric_limits<wide_real<S>>::quiet_NaN();
    return variance_of_numbers();
  }
};

/// A complex number varies as its parts do together.
template <dtype_complex C>
struct summarized<C> {
  using part = typename C::value_type;

  summarized<part> real;
  summarized<part> imaginary;

  void add(const C* x, index_t count) {
    part parts[2][chunk_count];
    for (index_t i = 0; i < count; ++i) {
      parts[0][i] = x[i].real();
      parts[1][i] = x[i].imag();
    }
    real.add(parts[0], count);
    imaginary.add(parts[1], count);
  }
  void add(const summarized& other) {
    real.add(other.real);
    imaginary.add(other.imaginary);
  }
  wide_real<part> variance() const { return real.variance() + imaginary.variance(); }
};

template <class T>
summary<T> summary_of(const summarized<plain_number<T>>& all) {
  const moments<plain_number<T>>& m = all.found;
  summary<T> found{.count = m.count + m.nan_count, .nan_count = m.nan_count};
  if constexpr (std::is_integral_v<sum_t<T>>) {
    found.sum = static_cast<sum_t<T>>(all.sum);
  } else {
    found.sum = m.sum.value();
  }
  found.variance = all.variance_of_numbers();
  found.mean = std::numeric_limits<real_of<T>>::quiet_NaN();
  if (m.count == 0) return found;
  found.min = static_cast<T>(m.min);
  found.max = static_cast<T>(m.max);
  found.mean = m.mean().high;
  return found;
}

template <class T>
real_of<T> variance_of(const summarized<plain_number<T>>& all) {
  return all.variance();
}

template <class T>
real_of<T> deviation_of(const summarized<plain_number<T>>& all) {
  return std::sqrt(all.variance());
}

}  // namespace
}  // namespace detail

template <ordered_number T>
summary<T> summarize(const source& x, const pass_options& options) {
  return detail::accumulate<T>(x, detail::summary_of<T>, options);
}
template <ordered_number T>
summary_list<T> summarize(const source& x, along axis, const pass_options& options) {
  using state = detail::summarized<detail::plain_number<T>>;
  const detail::row_states rows = detail::accumulate_rows<T, state>(x, axis, options);
  summary_list<T> found{rows.extents(), {}};
  found.values.reserve(static_cast<std::size_t>(rows.count()));
  for (index_t row = 0; row < rows.count(); ++row) {
    found.values.push_back(detail::summary_of<T>(rows.get<state>(row)));
  }
  return found;
}

template <number T>
real_of<T> variance(const source& x, const pass_options& options) {
  return detail::accumulate<T>(x, detail::variance_of<T>, options);
}
template <number T>
array<real_of<T>> variance(const source& x, along axis, const pass_options& options) {
  return detail::accumulate<T>(x, axis, detail::variance_of<T>, options);
}

template <number T>
real_of<T> standard_deviation(const source& x, const pass_options& options) {
  return detail::accumulate<T>(x, detail::deviation_of<T>, options);
}
template <number T>
array<real_of<T>> standard_deviation(const source& x, along axis, const pass_options& options) {
  return detail::accumulate<T>(x, axis, detail::deviation_of<T>, options);
}

// A type cannot stand in parentheses.
// NOLINTBEGIN(bugprone-macro-parentheses)
#define NPYMAP_SPREAD(T)                                                             \
  template real_of<T> variance<T>(const source&, const pass_options&);               \
  template array<real_of<T>> variance<T>(const source&, along, const pass_options&); \
  template real_of<T> standard_deviation<T>(const source&, const pass_options&);     \
  template array<real_of<T>> standard_deviation<T>(const source&, along, const pass_options&);
#define NPYMAP_SUMMARY(T)                                               \
  template summary<T> summarize<T>(const source&, const pass_options&); \
  template summary_list<T> summarize<T>(const source&, along, const pass_options&);
// NOLINTEND(bugprone-macro-parentheses)
NPYMAP_FOR_ORDERED(NPYMAP_SUMMARY)
NPYMAP_FOR_ORDERED(NPYMAP_SPREAD)
NPYMAP_FOR_COMPLEX(NPYMAP_SPREAD)

}  // namespace npymap
