// Loops over views beside the pointer loops that one would write by hand, which know their strides
// at run time as the views do, except for a last axis that is dense. All is in memory (warm): the
// walks over a megabyte, where the cost of the loop itself shows, the copies over more.

#include <cstdint>
#include <cstring>
#include <string>
#include <vector>

#include <benchmark/benchmark.h>
#include <npymap/view.hpp>

namespace {

using npymap::_;
using npymap::all;
using npymap::index_t;
using npymap::range;
using npymap::view;

/// Strides in elements, as in a program without npymap. A `Dense` one has no gaps in its last axis.
template <int Rank, bool Dense = false>
struct raw_view {
  double* data;
  index_t extents[Rank];
  index_t strides[Rank];

  explicit raw_view(const view<double, Rank>& v) : data(v.data()) {
    const npymap::strides steps = v.strides();
    for (int axis = 0; axis < Rank; ++axis) {
      extents[axis] = v.extent(axis);
      strides[axis] = steps[axis];
    }
  }
};

template <bool Dense>
void raw_loop(const raw_view<1, Dense>& v, auto&& f) {
  double* p = v.data;
  if constexpr (Dense) {
    for (index_t i = 0; i < v.extents[0]; ++i) f(p[i]);
  } else {
    for (index_t i = 0; i < v.extents[0]; ++i, p += v.strides[0]) f(*p);
  }
}

template <int Rank, bool Dense>
void raw_loop(const raw_view<Rank, Dense>& v, auto&& f) {
  for (index_t i = 0; i < v.extents[0]; ++i) {
    double* p = v.data + i * v.strides[0];
    if constexpr (Rank == 2 && Dense) {
      for (index_t j = 0; j < v.extents[1]; ++j) f(p[j]);
    } else if constexpr (Rank == 2) {
      for (index_t j = 0; j < v.extents[1]; ++j, p += v.strides[1]) f(*p);
    } else {
      static_assert(Rank == 3 && !Dense);
      for (index_t j = 0; j < v.extents[1]; ++j) {
        double* q = p + j * v.strides[1];
        for (index_t k = 0; k < v.extents[2]; ++k, q += v.strides[2]) f(*q);
      }
    }
  }
}

// The work of each loop, apart from the loop: compiled once for each kind of walk, never inlined
// into the benchmark, where a compiler would see the strides.

template <int Rank, bool Dense>
[[gnu::noinline]] double sum(const raw_view<Rank, Dense>& v) {
  double total = 0;
  raw_loop(v, [&total](double x) { total += x; });
  return total;
}

template <int Rank, bool Dense>
[[gnu::noinline]] void scale(const raw_view<Rank, Dense>& v, double factor) {
  raw_loop(v, [factor](double& x) { x *= factor; });
}

template <int Rank>
[[gnu::noinline]] double sum(const view<double, Rank>& v) {
  double total = 0;
  npymap::for_each([&total](double x) { total += x; }, v);
  return total;
}

template <int Rank>
[[gnu::noinline]] void scale(const view<double, Rank>& v, double factor) {
  npymap::for_each([factor](double& x) { x *= factor; }, v);
}

template <int Rank>
[[gnu::noinline]] double sum_iterated(const view<double, Rank>& v) {
  double total = 0;
  for (const double x : v) total += x;
  return total;
}

template <int Rank>
void index_loop(const view<double, Rank>& v, auto&& f) {
  for (index_t i = 0; i < v.extent(0); ++i) {
    if constexpr (Rank == 1) {
      f(v(i));
    } else {
      for (index_t j = 0; j < v.extent(1); ++j) {
        if constexpr (Rank == 2) {
          f(v(i, j));
        } else {
          for (index_t k = 0; k < v.extent(2); ++k) f(v(i, j, k));
        }
      }
    }
  }
}

template <int Rank>
[[gnu::noinline]] double sum_indexed(const view<double, Rank>& v) {
  double total = 0;
  index_loop(v, [&total](double x) { total += x; });
  return total;
}

template <int Rank>
[[gnu::noinline]] void scale_indexed(const view<double, Rank>& v, double factor) {
  index_loop(v, [factor](double& x) { x *= factor; });
}

[[gnu::noinline]] void add_raw(const double* a, const double* b, double* to, index_t count) {
  for (index_t i = 0; i < count; ++i) to[i] = a[i] + b[i];
}

[[gnu::noinline]] void add_raw_transposed(const double* a, const double* b, double* to,
                                          index_t side) {
  for (index_t i = 0; i < side; ++i) {
    for (index_t j = 0; j < side; ++j) to[i * side + j] = a[i * side + j] + b[j * side + i];
  }
}

[[gnu::noinline]] void add(const view<double, 2>& a, const view<double, 2>& b,
                           const view<double, 2>& to) {
  npymap::for_each([](double x, double y, double& z) { z = x + y; }, a, b, to);
}

[[gnu::noinline]] void transpose_raw(const double* from, double* to, index_t side) {
  for (index_t i = 0; i < side; ++i) {
    for (index_t j = 0; j < side; ++j) to[i * side + j] = from[j * side + i];
  }
}

// What one writes after having seen how slow the loop above is.
[[gnu::noinline]] void transpose_raw_tiled(const double* from, double* to, index_t side) {
  constexpr index_t tile = 16;
  for (index_t i0 = 0; i0 < side; i0 += tile) {
    for (index_t j0 = 0; j0 < side; j0 += tile) {
      for (index_t i = i0; i < i0 + tile; ++i) {
        for (index_t j = j0; j < j0 + tile; ++j) to[i * side + j] = from[j * side + i];
      }
    }
  }
}

void enlist(const std::string& name, index_t bytes, auto work) {
  benchmark::RegisterBenchmark(name.c_str(), [bytes, work](benchmark::State& state) {
    for ([[maybe_unused]] auto turn : state) {
      work();
      benchmark::ClobberMemory();
    }
    state.SetBytesProcessed(static_cast<std::int64_t>(state.iterations()) * bytes);
  });
}

volatile double factor = 1;  // nothing changes, and no compiler knows

void keep(double value) { benchmark::DoNotOptimize(value); }

/// `v` is walked in memory order by hand, as a view of it in any order is by for_each; `turned` is
/// the same elements as their user sees them.
template <bool Dense, int Rank>
void enlist_walks(const std::string& subject, const view<double, Rank>& v,
                  const view<double, Rank>& turned) {
  const raw_view<Rank, Dense> raw(v);
  const index_t bytes = v.size_bytes();
  enlist(subject + "_sum/npymap", bytes, [turned] { keep(sum(turned)); });
  enlist(subject + "_sum/raw", bytes, [raw] { keep(sum(raw)); });
  enlist(subject + "_sum/indexed", bytes, [v] { keep(sum_indexed(v)); });
  enlist(subject + "_sum/iterated", bytes, [v] { keep(sum_iterated(v)); });
  enlist(subject + "_scale/npymap", bytes, [turned] { scale(turned, factor); });
  enlist(subject + "_scale/raw", bytes, [raw] { scale(raw, factor); });
  enlist(subject + "_scale/indexed", bytes, [v] { scale_indexed(v, factor); });
}

double* memory(index_t count) {
  static std::vector<std::vector<double>> kept;  // as long as the benchmarks run
  return kept.emplace_back(static_cast<std::size_t>(count), 1.0).data();
}

void enlist_all_walks() {
  constexpr index_t rows = 256;
  constexpr index_t columns = 512;
  const view<double, 2> x(memory(rows * columns), {rows, columns});
  enlist_walks<true>("contiguous", x.ravel(), x.ravel());
  enlist_walks<true>("contiguous_transposed", x, x.transpose());
  const view<double, 2> box = x(range(3, -3), range(5, -5));
  enlist_walks<true>("sliced", box, box);
  enlist_walks<true>("sliced_transposed", box, box.transpose());
  enlist_walks<false>("strided", x(all, range(_, _, 3)), x(all, range(_, _, 3)));
  enlist_walks<false>("strided_1d", x.ravel()(range(1, _, 5)), x.ravel()(range(1, _, 5)));
  enlist_walks<false>("strided_transposed", x(range(_, _, 2), range(_, _, 3)),
                      x(range(_, _, 2), range(_, _, 3)).transpose());
  enlist_walks<false>("reversed", x.flip(), x.flip());
  enlist_walks<false>("column", x(all, 7), x(all, 7));

  const view<double, 3> bricks(memory(8192 * 16), {8192, 4, 4});
  const view<double, 3> small = bricks(all, range(_, 3), range(_, 3));
  enlist_walks<false>("small_matrices", small, small);
  enlist_walks<false>("small_matrices_transposed", small, small.permute({0, 2, 1}));
}

void enlist_copies() {
  constexpr index_t side = 2048;
  constexpr index_t bytes = 2 * side * side * 8;
  double* from = memory(side * side);
  double* other = memory(side * side);
  double* to = memory(side * side);
  const view<double, 2> a(from, {side, side});
  const view<double, 2> b(other, {side, side});
  const view<double, 2> c(to, {side, side});
  enlist("copy_contiguous/npymap", bytes, [=] { npymap::copy(a, c); });
  enlist("copy_contiguous/raw", bytes, [=] { std::memcpy(to, from, bytes / 2); });
  enlist("copy_transposed/npymap", bytes, [=] { npymap::copy(a.transpose(), c); });
  enlist("copy_transposed/raw", bytes, [=] { transpose_raw(from, to, side); });
  enlist("copy_transposed/raw_tiled", bytes, [=] { transpose_raw_tiled(from, to, side); });
  enlist("add_contiguous/npymap", bytes / 2 * 3, [=] { add(a, b, c); });
  enlist("add_contiguous/raw", bytes / 2 * 3, [=] { add_raw(from, other, to, side * side); });
  enlist("add_transposed/npymap", bytes / 2 * 3, [=] { add(a, b.transpose(), c); });
  enlist("add_transposed/raw", bytes / 2 * 3, [=] { add_raw_transposed(from, other, to, side); });
}

// Before main, which Google Benchmark brings.
[[maybe_unused]] const bool enlisted = [] {
  enlist_all_walks();
  enlist_copies();
  return true;
}();

}  // namespace
