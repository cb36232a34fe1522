/// \file
/// Passes that everybody needs: sums, moments, extremes, histograms; of all elements, or along an
/// axis.
///
/// Each goes over the file once, on all cores, in the memory that `pass_options` names, and gives
/// the same bits for any number of threads. Each takes an array, or as `mean<double>(x)` an
/// `any_array` or unmapped files, decoded as elements of T. Errors are those of `reduce`.
#pragma once

#include <concepts>
#include <cstdint>
#include <optional>
#include <type_traits>
#include <utility>
#include <vector>

#include <npymap/array.hpp>
#include <npymap/detail/export.hpp>
#include <npymap/dtype.hpp>
#include <npymap/float16.hpp>
#include <npymap/pass.hpp>
#include <npymap/shape.hpp>
#include <npymap/source.hpp>
#include <npymap/stored.hpp>

namespace npymap {

/// Numbers of which one is the smallest: integers, truth values and real floats.
template <class T>
concept ordered_number = detail::dtype_integer<T> || detail::dtype_float<T> ||
    std::is_same_v<T, bool8> || std::is_same_v<T, float16>;

/// These and complex ones.
template <class T>
concept number = ordered_number<T> || detail::dtype_complex<T>;

/// Go along one axis, counted from the end when negative: the result has the other axes. NumPy's
/// `axis`. \throws error out_of_range, from the pass
struct along {
  int axis;
};

namespace detail {

/// What sums and spreads of T come in. Complex numbers are told by their shape, as in dtype.hpp.
template <class T>
struct wide_types {
  using real = std::conditional_t<std::is_same_v<T, long double>, long double, double>;
  using mean = real;
  using sum = std::conditional_t<
      std::is_unsigned_v<T>, std::uint64_t,
      std::conditional_t<std::is_integral_v<T> || std::is_same_v<T, bool8>, std::int64_t, real>>;
};
template <template <class> class Complex, class Part>
requires dtype_complex<Complex<Part>>
struct wide_types<Complex<Part>> {
  using real = typename wide_types<Part>::real;
  using mean = Complex<real>;
  using sum = Complex<real>;
};

}  // namespace detail

/// double, or long double for its own.
template <class T>
using real_of = typename detail::wide_types<T>::real;
/// What sums of T come in: double for floats, int64 or uint64 for integers, which wrap; complex for
/// complex.
template <class T>
using sum_t = typename detail::wide_types<T>::sum;
/// What means of T come in: `real_of<T>`, or a complex of it.
template <class T>
using mean_t = typename detail::wide_types<T>::mean;

/// What one pass finds out about numbers. NaNs are left out, and counted.
template <ordered_number T>
struct summary {
  index_t count = 0;          ///< of all elements
  index_t nan_count = 0;      ///< of NaNs among them
  std::optional<T> min = {};  ///< none where there is no number
  std::optional<T> max = {};
  sum_t<T> sum = {};
  real_of<T> mean = {};      ///< NaN where there is no number
  real_of<T> variance = {};  ///< the mean squared distance from the mean; NaN likewise
};

/// Summaries along an axis, in the C order of `extents`.
template <ordered_number T>
struct summary_list {
  shape extents;
  std::vector<summary<T>> values;
};

/// Find count, extremes, sum, mean and variance in one pass, stable whatever the numbers.
///
/// NumPy: `numpy.nanmin`, `nanmax`, `nansum`, `nanmean` and `nanvar` with `ddof=0`.
template <ordered_number T>
NPYMAP_EXPORT summary<T> summarize(const source& x, const pass_options& options = {});
/// The same along an axis. Memory: some 80 bytes for each summary, beside the budget.
template <ordered_number T>
NPYMAP_EXPORT summary_list<T> summarize(const source& x, along axis,
                                        const pass_options& options = {});

/// Add all elements, in twice the precision of the sum, so that it is rounded about once: an error
/// no larger than NumPy's. NumPy: `x.sum()`, but for its float32, which it adds in float32.
template <number T>
NPYMAP_EXPORT sum_t<T> sum(const source& x, const pass_options& options = {});
template <number T>
NPYMAP_EXPORT array<sum_t<T>> sum(const source& x, along axis, const pass_options& options = {});

/// NaN of no elements. NumPy: `x.mean()`.
template <number T>
NPYMAP_EXPORT mean_t<T> mean(const source& x, const pass_options& options = {});
template <number T>
NPYMAP_EXPORT array<mean_t<T>> mean(const source& x, along axis, const pass_options& options = {});

/// The mean squared distance from the mean, merged as Chan, Golub and LeVeque do. NumPy: `x.var()`;
/// for `ddof=1` multiply by n / (n - 1).
template <number T>
NPYMAP_EXPORT real_of<T> variance(const source& x, const pass_options& options = {});
template <number T>
NPYMAP_EXPORT array<real_of<T>> variance(const source& x, along axis,
                                         const pass_options& options = {});
/// Its root. NumPy: `x.std()`.
template <number T>
NPYMAP_EXPORT real_of<T> standard_deviation(const source& x, const pass_options& options = {});
template <number T>
NPYMAP_EXPORT array<real_of<T>> standard_deviation(const source& x, along axis,
                                                   const pass_options& options = {});

/// The least element, NaN if there is one. NumPy: `x.min()`. \throws error invalid_argument for no
/// elements
template <ordered_number T>
NPYMAP_EXPORT T min(const source& x, const pass_options& options = {});
template <ordered_number T>
NPYMAP_EXPORT array<T> min(const source& x, along axis, const pass_options& options = {});
/// The greatest.
template <ordered_number T>
NPYMAP_EXPORT T max(const source& x, const pass_options& options = {});
template <ordered_number T>
NPYMAP_EXPORT array<T> max(const source& x, along axis, const pass_options& options = {});

/// Where the least element is, counted in C order, or along the axis; the first of several, and the
/// first NaN if there is one. NumPy: `x.argmin()`. \throws error invalid_argument for no elements
template <ordered_number T>
NPYMAP_EXPORT index_t argmin(const source& x, const pass_options& options = {});
template <ordered_number T>
NPYMAP_EXPORT array<index_t> argmin(const source& x, along axis, const pass_options& options = {});
/// Where the greatest is.
template <ordered_number T>
NPYMAP_EXPORT index_t argmax(const source& x, const pass_options& options = {});
template <ordered_number T>
NPYMAP_EXPORT array<index_t> argmax(const source& x, along axis, const pass_options& options = {});

/// The root of the sum of squared magnitudes. NumPy: `numpy.linalg.norm(x.ravel())`.
template <number T>
NPYMAP_EXPORT real_of<T> norm(const source& x, const pass_options& options = {});
template <number T>
NPYMAP_EXPORT array<real_of<T>> norm(const source& x, along axis, const pass_options& options = {});

/// The sum of products of elements at the same place; nothing is conjugated. NumPy:
/// `numpy.dot(a.ravel(), b.ravel())`. \throws error layout_mismatch when the shapes differ
template <number T>
NPYMAP_EXPORT sum_t<T> dot(const source& a, const source& b, const pass_options& options = {});

/// True if any element is not 0; a NaN is none. NumPy: `x.any()`.
template <number T>
NPYMAP_EXPORT bool any_nonzero(const source& x, const pass_options& options = {});
template <number T>
NPYMAP_EXPORT array<bool8> any_nonzero(const source& x, along axis,
                                       const pass_options& options = {});
/// True if no element is 0. NumPy: `x.all()`.
template <number T>
NPYMAP_EXPORT bool all_nonzero(const source& x, const pass_options& options = {});
template <number T>
NPYMAP_EXPORT array<bool8> all_nonzero(const source& x, along axis,
                                       const pass_options& options = {});

/// How many elements are NaN. NumPy: `numpy.isnan(x).sum()`.
template <number T>
NPYMAP_EXPORT index_t count_nan(const source& x, const pass_options& options = {});
template <number T>
NPYMAP_EXPORT array<index_t> count_nan(const source& x, along axis,
                                       const pass_options& options = {});

/// How to count numbers in bins of equal width.
struct histogram_options {
  index_t bins = 10;
  /// From the lower end of the first bin to the upper end of the last, which belongs to it; when
  /// left out, from the least to the greatest number, which takes a pass of its own.
  std::optional<std::pair<double, double>> range = {};
};

struct histogram_counts {
  std::vector<std::int64_t> counts;  ///< of each bin
  std::vector<double> edges;         ///< one more; from 0 to 1 where there are no numbers
  std::int64_t nan_count = 0;        ///< which are in no bin
};

/// NumPy: `numpy.histogram(x, bins, range)`, which refuses NaNs. \throws error invalid_argument for
/// no bins, or a range that is none
template <ordered_number T>
NPYMAP_EXPORT histogram_counts histogram(const source& x, const histogram_options& bins = {},
                                         const pass_options& options = {});

// The same over arrays whose type is known; a `stored<T>` is a T.

template <element T>
auto summarize(const array<T>& x, const pass_options& options = {}) {
  return summarize<detail::value_read<T>>(source(x), options);
}
template <element T>
auto summarize(const array<T>& x, along axis, const pass_options& options = {}) {
  return summarize<detail::value_read<T>>(source(x), axis, options);
}

template <element T>
auto sum(const array<T>& x, const pass_options& options = {}) {
  return sum<detail::value_read<T>>(source(x), options);
}
template <element T>
auto sum(const array<T>& x, along axis, const pass_options& options = {}) {
  return sum<detail::value_read<T>>(source(x), axis, options);
}

template <element T>
auto mean(const array<T>& x, const pass_options& options = {}) {
  return mean<detail::value_read<T>>(source(x), options);
}
template <element T>
auto mean(const array<T>& x, along axis, const pass_options& options = {}) {
  return mean<detail::value_read<T>>(source(x), axis, options);
}

template <element T>
auto variance(const array<T>& x, const pass_options& options = {}) {
  return variance<detail::value_read<T>>(source(x), options);
}
template <element T>
auto variance(const array<T>& x, along axis, const pass_options& options = {}) {
  return variance<detail::value_read<T>>(source(x), axis, options);
}

template <element T>
auto standard_deviation(const array<T>& x, const pass_options& options = {}) {
  return standard_deviation<detail::value_read<T>>(source(x), options);
}
template <element T>
auto standard_deviation(const array<T>& x, along axis, const pass_options& options = {}) {
  return standard_deviation<detail::value_read<T>>(source(x), axis, options);
}

template <element T>
auto min(const array<T>& x, const pass_options& options = {}) {
  return min<detail::value_read<T>>(source(x), options);
}
template <element T>
auto min(const array<T>& x, along axis, const pass_options& options = {}) {
  return min<detail::value_read<T>>(source(x), axis, options);
}

template <element T>
auto max(const array<T>& x, const pass_options& options = {}) {
  return max<detail::value_read<T>>(source(x), options);
}
template <element T>
auto max(const array<T>& x, along axis, const pass_options& options = {}) {
  return max<detail::value_read<T>>(source(x), axis, options);
}

template <element T>
auto argmin(const array<T>& x, const pass_options& options = {}) {
  return argmin<detail::value_read<T>>(source(x), options);
}
template <element T>
auto argmin(const array<T>& x, along axis, const pass_options& options = {}) {
  return argmin<detail::value_read<T>>(source(x), axis, options);
}

template <element T>
auto argmax(const array<T>& x, const pass_options& options = {}) {
  return argmax<detail::value_read<T>>(source(x), options);
}
template <element T>
auto argmax(const array<T>& x, along axis, const pass_options& options = {}) {
  return argmax<detail::value_read<T>>(source(x), axis, options);
}

template <element T>
auto norm(const array<T>& x, const pass_options& options = {}) {
  return norm<detail::value_read<T>>(source(x), options);
}
template <element T>
auto norm(const array<T>& x, along axis, const pass_options& options = {}) {
  return norm<detail::value_read<T>>(source(x), axis, options);
}

template <element T>
auto any_nonzero(const array<T>& x, const pass_options& options = {}) {
  return any_nonzero<detail::value_read<T>>(source(x), options);
}
template <element T>
auto any_nonzero(const array<T>& x, along axis, const pass_options& options = {}) {
  return any_nonzero<detail::value_read<T>>(source(x), axis, options);
}

template <element T>
auto all_nonzero(const array<T>& x, const pass_options& options = {}) {
  return all_nonzero<detail::value_read<T>>(source(x), options);
}
template <element T>
auto all_nonzero(const array<T>& x, along axis, const pass_options& options = {}) {
  return all_nonzero<detail::value_read<T>>(source(x), axis, options);
}

template <element T>
auto count_nan(const array<T>& x, const pass_options& options = {}) {
  return count_nan<detail::value_read<T>>(source(x), options);
}
template <element T>
auto count_nan(const array<T>& x, along axis, const pass_options& options = {}) {
  return count_nan<detail::value_read<T>>(source(x), axis, options);
}

template <element T, element U>
requires std::same_as<detail::value_read<T>, detail::value_read<U>>
auto dot(const array<T>& a, const array<U>& b, const pass_options& options = {}) {
  return dot<detail::value_read<T>>(source(a), source(b), options);
}

template <element T>
auto histogram(const array<T>& x, const histogram_options& bins = {},
               const pass_options& options = {}) {
  return histogram<detail::value_read<T>>(source(x), bins, options);
}

}  // namespace npymap
