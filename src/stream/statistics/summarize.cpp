#include <cmath>
#include <limits>

#include <npymap/statistics.hpp>

#include "stream/kernel/moments.hpp"
#include "stream/statistics/accumulate.hpp"
#include "stream/statistics/numbers.hpp"

namespace npymap {
namespace detail {
namespace {

template <class T>
class summarized {
 public:
  using number_type = plain_number<T>;

  void add(const number_type* x, index_t count) {
    moments<number_type> found;
    std::uint64_t sum = 0;
    run_on(
        this_processor(), [&](auto wide) __attribute__((always_inline)) {
          found = moments_of(wide, x, count);
          if constexpr (std::is_integral_v<number_type>) {
            for (index_t i = 0; i < count; ++i) sum += static_cast<std::uint64_t>(x[i]);
          }
        });
    moments_.add(found);
    sum_ += sum;
  }
  void add(const summarized& other) {
    moments_.add(other.moments_);
    sum_ += other.sum_;
  }

  summary<T> finish() const {
    const moments<number_type>& m = moments_;
    summary<T> found{.count = m.count + m.nan_count, .nan_count = m.nan_count};
    if constexpr (std::is_integral_v<number_type>) {
      found.sum = static_cast<sum_t<T>>(sum_);
    } else {
      found.sum = static_cast<sum_t<T>>(m.sum.value());
    }
    found.mean = found.variance = std::numeric_limits<real_of<T>>::quiet_NaN();
    if (m.count == 0) return found;
    found.min = static_cast<T>(m.min);
    found.max = static_cast<T>(m.max);
    found.mean = m.mean();
    found.variance = m.squares / static_cast<real_of<T>>(m.count);
    return found;
  }

 private:
  moments<number_type> moments_;
  std::uint64_t sum_ = 0;  // of integers, which wrap
};

/// A complex number varies as its parts do together.
template <class T>
class spread {
 public:
  using real = typename T::value_type;

  void add(const T* x, index_t count) {
    real parts[2][chunk_count];
    for (index_t i = 0; i < count; ++i) {
      parts[0][i] = x[i].real();
      parts[1][i] = x[i].imag();
    }
    real_.add(parts[0], count);
    imaginary_.add(parts[1], count);
  }
  void add(const spread& other) {
    real_.add(other.real_);
    imaginary_.add(other.imaginary_);
  }
  real_of<T> variance() const {
    return variance_of(real_.finish()) + variance_of(imaginary_.finish());
  }
  template <class U>
  static real_of<U> variance_of(const summary<U>& found) {
    return found.nan_count > 0 ? std::numeric_limits<real_of<U>>::quiet_NaN() : found.variance;
  }

 private:
  summarized<real> real_;
  summarized<real> imaginary_;
};

template <class T>
struct varying {
  using type = summarized<T>;
  static real_of<T> variance(const type& all) {
    const summary<T> found = all.finish();
    return found.nan_count > 0 ? std::numeric_limits<real_of<T>>::quiet_NaN() : found.variance;
  }
};
template <dtype_complex T>
struct varying<T> {
  using type = spread<T>;
  static real_of<T> variance(const type& all) { return all.variance(); }
};

}  // namespace
}  // namespace detail

template <ordered_number T>
summary<T> summarize(const source& x, const pass_options& options) {
  return detail::accumulate<detail::summarized<T>, T>(x, options).finish();
}

template <ordered_number T>
summary_list<T> summarize(const source& x, along axis, const pass_options& options) {
  summary_list<T> found{detail::without_axis(x.shape(), axis.axis), {}};
  for (const auto& row : detail::accumulate<detail::summarized<T>, T>(x, axis, options)) {
    found.values.push_back(row.finish());
  }
  return found;
}

template <number T>
real_of<T> variance(const source& x, const pass_options& options) {
  using varying = detail::varying<T>;
  return varying::variance(detail::accumulate<typename varying::type, T>(x, options));
}

template <number T>
array<real_of<T>> variance(const source& x, along axis, const pass_options& options) {
  using varying = detail::varying<T>;
  const auto rows = detail::accumulate<typename varying::type, T>(x, axis, options);
  return detail::array_of<real_of<T>>(x, axis, rows, varying::variance);
}

template <number T>
real_of<T> standard_deviation(const source& x, const pass_options& options) {
  return std::sqrt(variance<T>(x, options));
}

template <number T>
array<real_of<T>> standard_deviation(const source& x, along axis, const pass_options& options) {
  const array<real_of<T>> found = variance<T>(x, axis, options);
  for_each([](real_of<T>& value) { value = std::sqrt(value); }, found);
  return found;
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
