#include <cmath>
#include <complex>
#include <cstdint>
#include <utility>

#include <npymap/statistics.hpp>

#include "stream/kernel/sums.hpp"
#include "stream/statistics/accumulate.hpp"
#include "stream/statistics/numbers.hpp"

namespace npymap {
namespace detail {
namespace {

template <class S>
struct parts_of {
  using type = S;
};
template <class S>
struct parts_of<std::complex<S>> {
  using type = S;
};

/// Of numbers as reals, and of the parts of complex ones apart.
template <class T, term Term>
class real_sum {
 public:
  using part = typename parts_of<plain_number<T>>::type;
  using real = wide_real<part>;

  void add(const plain_number<T>* x, index_t count) {
    constexpr index_t parts = dtype_complex<T> ? 2 : 1;
    const auto* const first = reinterpret_cast<const part*>(x);  // as [complex.numbers] has it
    two_sums<real> found;
    run_on(
        this_processor(), [&](auto wide) __attribute__((always_inline)) {
          found = sums_of<Term>(wide, first, parts * count);
        });
    if constexpr (dtype_complex<T>) {
      even_.add(found.even);
      odd_.add(found.odd);
    } else {
      even_.add(found.even);
      even_.add(found.odd);
    }
    count_ += count;
  }
  void add(const real_sum& other) {
    even_.add(other.even_);
    odd_.add(other.odd_);
    count_ += other.count_;
  }

  mean_t<T> value() const {
    if constexpr (dtype_complex<T>) {
      return {even_.value(), odd_.value()};
    } else {
      return even_.value();
    }
  }
  mean_t<T> mean() const { return value() / static_cast<real>(count_); }
  real of_both_parts() const { return even_.value() + odd_.value(); }

 private:
  twofold<real> even_;
  twofold<real> odd_;
  index_t count_ = 0;
};

/// Wraps, as NumPy's.
template <class T>
class integer_sum {
 public:
  void add(const plain_number<T>* x, index_t count) {
    std::uint64_t found = 0;
    run_on(
        this_processor(), [&](auto) __attribute__((always_inline)) {
          for (index_t i = 0; i < count; ++i) found += static_cast<std::uint64_t>(x[i]);
        });
    sum_ += found;
  }
  void add(const integer_sum& other) { sum_ += other.sum_; }
  sum_t<T> value() const { return static_cast<sum_t<T>>(sum_); }

 private:
  std::uint64_t sum_ = 0;
};

template <class T>
using exact_sum =
    std::conditional_t<std::is_integral_v<sum_t<T>>, integer_sum<T>, real_sum<T, term::itself>>;

}  // namespace
}  // namespace detail

template <number T>
sum_t<T> sum(const source& x, const pass_options& options) {
  return detail::accumulate<detail::exact_sum<T>, T>(x, options).value();
}

template <number T>
array<sum_t<T>> sum(const source& x, along axis, const pass_options& options) {
  const auto rows = detail::accumulate<detail::exact_sum<T>, T>(x, axis, options);
  return detail::array_of<sum_t<T>>(x, axis, rows, [](const auto& row) { return row.value(); });
}

template <number T>
mean_t<T> mean(const source& x, const pass_options& options) {
  return detail::accumulate<detail::real_sum<T, detail::term::itself>, T>(x, options).mean();
}

template <number T>
array<mean_t<T>> mean(const source& x, along axis, const pass_options& options) {
  const auto rows =
      detail::accumulate<detail::real_sum<T, detail::term::itself>, T>(x, axis, options);
  return detail::array_of<mean_t<T>>(x, axis, rows, [](const auto& row) { return row.mean(); });
}

template <number T>
real_of<T> norm(const source& x, const pass_options& options) {
  using squares = detail::real_sum<T, detail::term::squared>;
  return std::sqrt(detail::accumulate<squares, T>(x, options).of_both_parts());
}

template <number T>
array<real_of<T>> norm(const source& x, along axis, const pass_options& options) {
  using squares = detail::real_sum<T, detail::term::squared>;
  const auto rows = detail::accumulate<squares, T>(x, axis, options);
  return detail::array_of<real_of<T>>(
      x, axis, rows, [](const squares& row) { return std::sqrt(row.of_both_parts()); });
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
