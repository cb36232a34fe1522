#include <algorithm>
#include <complex>
#include <type_traits>
#include <vector>

#include <npymap/reduce.hpp>
#include <npymap/statistics.hpp>

#include "stream/kernel/plain_number.hpp"
#include "stream/kernel/sums.hpp"
#include "stream/statistics/numbers.hpp"

namespace npymap {
namespace detail {
namespace {

/// A sum of products: in twice the precision for reals, wrapping for integers.
template <class T>
struct product_sum {
  using total = sum_t<T>;
  std::conditional_t<std::is_floating_point_v<total>, twofold<total>, total> sum{};

  void add(const total& value) {
    if constexpr (std::is_floating_point_v<total>) {
      sum.add(value);
    } else if constexpr (std::is_same_v<total, std::int64_t>) {
      sum = static_cast<total>(static_cast<std::uint64_t>(sum) + static_cast<std::uint64_t>(value));
    } else {
      sum += value;
    }
  }
  void add(const product_sum& other) {
    if constexpr (std::is_floating_point_v<total>) {
      sum.add(other.sum);
    } else {
      add(other.sum);
    }
  }
  total value() const {
    if constexpr (std::is_floating_point_v<total>) {
      return sum.value();
    } else {
      return sum;
    }
  }
};

// Of rows so short that lanes lose nothing by adding plainly.
template <class T>
NPYMAP_KERNEL sum_t<T> short_dot(const T* a, const T* b, index_t count) {
  using total = sum_t<T>;
  constexpr index_t lanes = 16;
  total partial[lanes] = {};
  const auto product = [&](index_t i) __attribute__((always_inline)) {
    const auto x = static_cast<total>(plain(a[i])), y = static_cast<total>(plain(b[i]));
    if constexpr (std::is_integral_v<total>) {
      return static_cast<total>(static_cast<std::uint64_t>(x) * static_cast<std::uint64_t>(y));
    } else {
      return total(x * y);
    }
  };
  const auto plus = [](total x, total y) __attribute__((always_inline)) {
    if constexpr (std::is_integral_v<total>) {
      return static_cast<total>(static_cast<std::uint64_t>(x) + static_cast<std::uint64_t>(y));
    } else {
      return total(x + y);
    }
  };
  index_t i = 0;
  for (; i + lanes <= count; i += lanes) {
    for (index_t lane = 0; lane < lanes; ++lane) {
      partial[lane] = plus(partial[lane], product(i + lane));
    }
  }
  for (; i < count; ++i) partial[0] = plus(partial[0], product(i));
  for (index_t half = lanes / 2; half > 0; half /= 2) {
    for (index_t lane = 0; lane < half; ++lane) {
      partial[lane] = plus(partial[lane], partial[lane + half]);
    }
  }
  return partial[0];
}

template <class T>
const T* dense_elements(const view<const T>& piece, std::vector<T>& gathered) {
  if (piece.is_c_contiguous()) return piece.data();
  gathered.resize(static_cast<std::size_t>(piece.size()));
  copy(piece, view<T>(gathered.data(), piece.shape()));
  return gathered.data();
}

}  // namespace
}  // namespace detail

template <number T>
sum_t<T> dot(const source& a, const source& b, const pass_options& options) {
  using detail::product_sum;
  if (a.shape() != b.shape()) {
    detail::require_same_shape({a.shape(), a.shape(), 1}, {b.shape(), b.shape(), 1});
  }
  const auto combine = [](product_sum<T> x, const product_sum<T>& y) {
    x.add(y);
    return x;
  };
  return reduce(
             std::make_tuple(typed_source<T>(a), typed_source<T>(b)), product_sum<T>(),
             [](const view<const T>& x, const view<const T>& y) {
               constexpr index_t short_row = 512;
               thread_local std::vector<T> gathered[2];
               const T* const first = detail::dense_elements(x, gathered[0]);
               const T* const second = detail::dense_elements(y, gathered[1]);
               product_sum<T> sum;
               for (index_t i = 0; i < x.size(); i += short_row) {
                 sum_t<T> found{};
                 const index_t now = std::min(short_row, x.size() - i);
                 detail::run_on(
                     detail::this_processor(), [&](auto) __attribute__((always_inline)) {
                       found = detail::short_dot(first + i, second + i, now);
                     });
                 sum.add(found);
               }
               return sum;
             },
             combine, options)
      .value();
}

#define NPYMAP_DOT(T) template sum_t<T> dot<T>(const source&, const source&, const pass_options&);
NPYMAP_FOR_ORDERED(NPYMAP_DOT)
NPYMAP_FOR_COMPLEX(NPYMAP_DOT)

}  // namespace npymap
