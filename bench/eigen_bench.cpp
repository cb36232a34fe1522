// Sums over a cached 2 GiB file through Eigen: over the map, over memory, and NumPy's. All warm:
// the first pass of each is not timed.

#include <unistd.h>

#include <cstdlib>
#include <memory>
#include <string>

#include <benchmark/benchmark.h>
#include <npymap/eigen.hpp>
#include <npymap/npymap.hpp>

#include "numpy_peer.hpp"

namespace {

constexpr npymap::index_t rows = 1 << 22, columns = 64;  // 2 GiB of float64

const std::string& sample() {
  static const std::string path = [] {
    const char* folder = std::getenv("TMPDIR");
    const std::string name = std::string(folder ? folder : "/tmp") + "/npymap_eigen_bench.npy";
    auto x = npymap::create<double>(name, {rows, columns});
    for (npymap::index_t i = 0; i < rows; ++i)
      npymap::as_matrix(x).row(i).setConstant(1e-3 * double(i % 97));
    std::atexit([] { ::unlink(sample().c_str()); });
    return name;
  }();
  return path;
}

template <class Matrix>
void sum(benchmark::State& state, const Matrix& m) {
  benchmark::DoNotOptimize(m.sum());
  for (auto _ : state) benchmark::DoNotOptimize(m.sum());
  state.SetBytesProcessed(static_cast<std::int64_t>(state.iterations()) * rows * columns * 8);
}

void sum_memory(benchmark::State& state) {
  static const auto x = npymap::load<double>(sample());
  const Eigen::Map<const Eigen::Matrix<double, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>> m(
      x.data(), rows, columns);
  sum(state, m);
}

void sum_map(benchmark::State& state) {
  static const auto x = npymap::open<double>(sample());
  sum(state, npymap::as_matrix(x));
}

void sum_map_aligned(benchmark::State& state) {
  static const auto x = npymap::open<double>(sample());
  sum(state, npymap::as_matrix<npymap::order::c, npymap::numpy_alignment>(x));
}

void sum_pass(benchmark::State& state) {
  static const auto x = npymap::open<double>(sample());
  for (auto _ : state) benchmark::DoNotOptimize(npymap::sum(x));
  state.SetBytesProcessed(static_cast<std::int64_t>(state.iterations()) * rows * columns * 8);
}

void sum_blocks(benchmark::State& state) {
  static const auto x = npymap::open<double>(sample());
  for (auto _ : state) {
    double total = 0;
    for (const auto& block : npymap::blocks(x)) total += npymap::as_matrix(block).sum();
    benchmark::DoNotOptimize(total);
  }
  state.SetBytesProcessed(static_cast<std::int64_t>(state.iterations()) * rows * columns * 8);
}

void sum_numpy(benchmark::State& state) {
  const std::string setup = "x = np.load('" + sample() + "', mmap_mode='r'); x.sum()";
  for (auto _ : state) {
    const double seconds = npymap_bench::numpy_seconds(setup, "x.sum()", 1);
    if (seconds < 0) return state.SkipWithError("no NumPy here");
    state.SetIterationTime(seconds);
  }
  state.SetBytesProcessed(static_cast<std::int64_t>(state.iterations()) * rows * columns * 8);
}

BENCHMARK(sum_memory)->Name("eigen_sum_2GiB/memory")->Unit(benchmark::kMillisecond);
BENCHMARK(sum_map)->Name("eigen_sum_2GiB/npymap")->Unit(benchmark::kMillisecond);
BENCHMARK(sum_map_aligned)->Name("eigen_sum_2GiB/npymap_aligned")->Unit(benchmark::kMillisecond);
BENCHMARK(sum_pass)
    ->Name("eigen_sum_2GiB/npymap_sum")
    ->Unit(benchmark::kMillisecond)
    ->UseRealTime();
BENCHMARK(sum_blocks)
    ->Name("eigen_sum_2GiB/npymap_blocks")
    ->Unit(benchmark::kMillisecond)
    ->UseRealTime();
BENCHMARK(sum_numpy)->Name("eigen_sum_2GiB/numpy")->Unit(benchmark::kMillisecond)->UseManualTime();

}  // namespace
