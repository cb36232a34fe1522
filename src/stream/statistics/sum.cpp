#include <cmath>
#include <complex>
#include <cstdint>
#include <type_traits>

#include <npymap/statistics.hpp>

#include "stream/kernel/sums.hpp"
#include "stream/statistics/accumulate.hpp"
#include "stream/statistics/numbers.hpp"

namespace npymap {
namespace detail {
namespace {

template <class N>
struct parts_of {
  using type = N;
};
template <class S>
struct parts_of<std::complex<S>> {
  using type = S;
};

template <term Term, class S>
two_sums<wide_real<S>> sums_in_row(const S* x, index_t count) {
  two_sums<wide_real<S>> found;
  run_for<S>([&](auto wide)
                 __attribute__((always_inline)) { found = sums_of<Term>(wide, x, count); });
  return found;
}

/// Of numbers as reals, and of the parts of complex ones apart.
template <class N, term Term>
struct real_sum {
  using part = typename parts_of<N>::type;
  using real = wide_real<part>;

  twofold<real> even;
  twofold<real> odd;  // none of reals
  index_t count = 0;

  void add(const N* x, index_t how_many) {
    if constexpr (dtype_complex<N>) {
      const auto* const parts = reinterpret_cast<const part*>(x);  // as [complex.numbers] has it
      const two_sums<real> found = sums_in_row<Term>(parts, 2 * how_many);
      even.add(found.even);
      odd.add(found.odd);
    } else {
      const two_sums<real> found = sums_in_row<Term>(x, how_many);
      even.add(found.even);
      even.add(found.odd);
    }
    count += how_many;
  }
  void add(const real_sum& other) {
    even.add(other.even);
    odd.add(other.odd);
    count += other.count;
  }

  mean_t<N> value() const {
    if constexpr (dtype_complex<N>) {
      return {even.value(), odd.value()};
    } else {
      return even.value();
    }
  }
};

/// Wraps, as NumPy's.
template <class N>
struct integer_sum {
  std::uint64_t sum = 0;

  void add(const N* x, index_t count) {
    run_for<N>([&](auto) __attribute__((always_inline)) {
      std::uint64_t found = 0;
      for (index_t i = 0; i < count; ++i) found += static_cast<std::uint64_t>(x[i]);
      sum += found;
    });
  }
  void add(const integer_sum& other) { sum += other.sum; }
  std::uint64_t value() const { return sum; }
};

template <class T>
using exact_sum = std::conditional_t<std::is_integral_v<sum_t<T>>, integer_sum<plain_number<T>>,
                                     real_sum<plain_number<T>, term::itself>>;

template <class T>
sum_t<T> sum_of(const exact_sum<T>& all) {
  return static_cast<sum_t<T>>(all.value());
}

template <class T>
mean_t<T> mean_of(const real_sum<plain_number<T>, term::itself>& all) {
  return all.value() / static_cast<real_of<T>>(all.count);
}

template <class T>
real_of<T> norm_of(const real_sum<plain_number<T>, term::squared>& all) {
  return std::sqrt(all.even.value() + all.odd.value());
}

}  // namespace
}  // namespace detail

template <number T>
sum_t<T> sum(const source& x, const pass_options& options) {
  return detail::accumulate<T>(x, detail::sum_of<T>, options);
}
template <number T>
array<sum_t<T>> sum(const source& x, along axis, const pass_options& options) {
  return detail::accumulate<T>(x, axis, detail::sum_of<T>, options);
}

template <number T>
mean_t<T> mean(const source& x, const pass_options& options) {
  return detail::accumulate<T>(x, detail::mean_of<T>, options);
}
template <number T>
array<mean_t<T>> mean(const source& x, along axis, const pass_options& options) {
  return detail::accumulate<T>(x, axis, detail::mean_of<T>, options);
}

template <number T>
real_of<T> norm(const source& x, const pass_options& options) {
  return detail::accumulate<T>(x, detail::norm_of<T>, options);
}
template <number T>
array<real_of<T>> norm(const source& x, along axis, const pass_options& options) {
  return detail::accumulate<T>(x, axis, detail::norm_of<T>, options);
}

// A type cannot stand in parentheses.
// NOLINTBEGIN(bugprone-macro-parentheses)
#define NPYMAP_SUMS(T)                                                          \
  template sum_t<T> sum<T>(const source&, const pass_options&);                 \
  template array<sum_t<T>> sum<T>(const source&, along, const pass_options&);   \
  template mean_t<T> mean<T>(const source&, const pass_options&);               \
  template array<mean_t<T>> mean<T>(const source&, along, const pass_options&); \
  template real_of<T> norm<T>(const source&, const pass_options&);              \
  template array<real_of<T>> norm<T>(const source&, along, const pass_options&);
// NOLINTEND(bugprone-macro-parentheses)
NPYMAP_FOR_ORDERED(NPYMAP_SUMS)
NPYMAP_FOR_COMPLEX(NPYMAP_SUMS)

}  // namespace npymap
