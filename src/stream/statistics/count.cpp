#include <npymap/statistics.hpp>

#include "stream/kernel/lanes.hpp"
#include "stream/statistics/accumulate.hpp"
#include "stream/statistics/numbers.hpp"

namespace npymap {
namespace detail {
namespace {

struct not_zero {
  template <class S>
  NPYMAP_KERNEL bool operator()(const S& value) const {
    return value != S{};
  }
};
struct not_a_number {
  template <class S>
  NPYMAP_KERNEL bool operator()(const S& value) const {
    return value != value;
  }
};

/// How many numbers there are, and how many of these are such.
template <class N, class Such>
struct such_count {
  index_t such = 0;
  index_t count = 0;

  void add(const N* x, index_t how_many) {
    index_t found = 0;
    run_for<N>([&](auto) __attribute__((always_inline)) {
      for (index_t i = 0; i < how_many; ++i) found += Such()(x[i]) ? 1 : 0;
    });
    such += found;
    count += how_many;
  }
  void add(const such_count& other) {
    such += other.such;
    count += other.count;
  }
};

template <class T>
using nonzero = such_count<plain_number<T>, not_zero>;
template <class T>
using nans = such_count<plain_number<T>, not_a_number>;

template <class T>
bool8 any_of(const nonzero<T>& found) {
  return bool8(found.such > 0);
}
template <class T>
bool8 all_of(const nonzero<T>& found) {
  return bool8(found.such == found.count);
}
template <class T>
index_t nans_of(const nans<T>& found) {
  return found.such;
}

}  // namespace
}  // namespace detail

template <number T>
bool any_nonzero(const source& x, const pass_options& options) {
  return static_cast<bool>(detail::accumulate<T>(x, detail::any_of<T>, options));
}
template <number T>
array<bool8> any_nonzero(const source& x, along axis, const pass_options& options) {
  return detail::accumulate<T>(x, axis, detail::any_of<T>, options);
}

template <number T>
bool all_nonzero(const source& x, const pass_options& options) {
  return static_cast<bool>(detail::accumulate<T>(x, detail::all_of<T>, options));
}
template <number T>
array<bool8> all_nonzero(const source& x, along axis, const pass_options& options) {
  return detail::accumulate<T>(x, axis, detail::all_of<T>, options);
}

template <number T>
index_t count_nan(const source& x, const pass_options& options) {
  return detail::accumulate<T>(x, detail::nans_of<T>, options);
}
template <number T>
array<index_t> count_nan(const source& x, along axis, const pass_options& options) {
  return detail::accumulate<T>(x, axis, detail::nans_of<T>, options);
}

#define NPYMAP_COUNTS(T)                                                           \
  template bool any_nonzero<T>(const source&, const pass_options&);                \
  template bool all_nonzero<T>(const source&, const pass_options&);                \
  template index_t count_nan<T>(const source&, const pass_options&);               \
  template array<bool8> any_nonzero<T>(const source&, along, const pass_options&); \
  template array<bool8> all_nonzero<T>(const source&, along, const pass_options&); \
  template array<index_t> count_nan<T>(const source&, along, const pass_options&);
NPYMAP_FOR_ORDERED(NPYMAP_COUNTS)
NPYMAP_FOR_COMPLEX(NPYMAP_COUNTS)

}  // namespace npymap
