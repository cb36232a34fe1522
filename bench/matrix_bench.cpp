// Passes of linear algebra over cached files, against Eigen in memory in one thread, and NumPy. All
// warm: the first pass of each is not timed.

#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <string>
#include <vector>

#include <benchmark/benchmark.h>
#include <npymap/eigen_passes.hpp>
#include <npymap/npymap.hpp>

#include "numpy_peer.hpp"

namespace {

using npymap::index_t;
using matrix = Eigen::Matrix<double, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;

const std::string& folder() {
  static const std::string path = [] {
    const char* base = std::getenv("TMPDIR");
    return std::string(base ? base : "/tmp") + "/npymap_matrix_bench_";
  }();
  return path;
}

std::string sample(const std::string& name, index_t rows, index_t columns) {
  static std::vector<std::string> made;
  const std::string path = folder() + name + ".npy";
  if (std::find(made.begin(), made.end(), path) != made.end()) return path;
  if (made.empty()) {
    std::atexit([] {
      for (const std::string& each : made) ::unlink(each.c_str());
    });
  }
  const auto x = npymap::create<double>(path, {rows, columns});
  npymap::as_matrix(x).setRandom();
  made.push_back(path);
  return path;
}

std::string tall(const benchmark::State& state) {
  const index_t columns = state.range(0);
  return sample("x" + std::to_string(columns), (index_t{1} << 24) / columns, columns);  // 128 MiB
}

void gram_npymap(benchmark::State& state) {
  const auto x = npymap::open<double>(tall(state));
  benchmark::DoNotOptimize(npymap::gram(x));
  for (auto _ : state) benchmark::DoNotOptimize(npymap::gram(x));
}

void covariance_npymap(benchmark::State& state) {
  const auto x = npymap::open<double>(tall(state));
  benchmark::DoNotOptimize(npymap::covariance(x));
  for (auto _ : state) benchmark::DoNotOptimize(npymap::covariance(x));
}

void gram_memory(benchmark::State& state) {
  const auto x = npymap::load<double>(tall(state));
  for (auto _ : state) {
    Eigen::MatrixXd g = Eigen::MatrixXd::Zero(state.range(0), state.range(0));
    g.selfadjointView<Eigen::Lower>().rankUpdate(npymap::as_matrix(x).transpose());
    benchmark::DoNotOptimize(g);
  }
}

void numpy(benchmark::State& state, const std::string& setup, const std::string& statement) {
  for (auto _ : state) {
    const double seconds = npymap_bench::numpy_seconds(setup, statement, 1);
    if (seconds < 0) return state.SkipWithError("no NumPy here");
    state.SetIterationTime(seconds);
  }
}

void gram_numpy(benchmark::State& state) {
  numpy(state, "x = np.load('" + tall(state) + "', mmap_mode='r'); x.T @ x", "x.T @ x");
}

void covariance_numpy(benchmark::State& state) {
  numpy(state, "x = np.load('" + tall(state) + "', mmap_mode='r'); x.sum()",
        "np.cov(x, rowvar=False)");
}

constexpr index_t side = 1500;

void multiply_npymap(benchmark::State& state) {
  const auto a = npymap::open<double>(sample("a", side, side));
  const auto b = npymap::open<double>(sample("b", side, side));
  const auto c = npymap::create<double>(sample("c", side, side), {side, side});
  const npymap::pass_options options{.budget_bytes = std::uint64_t(state.range(0)) << 20};
  npymap::multiply(a, b, c, options);
  for (auto _ : state) npymap::multiply(a, b, c, options);
}

void multiply_memory(benchmark::State& state) {
  const matrix a = npymap::as_matrix(npymap::open<double>(sample("a", side, side)));
  const matrix b = npymap::as_matrix(npymap::open<double>(sample("b", side, side)));
  matrix c(side, side);
  for (auto _ : state) {
    c.noalias() = a * b;
    benchmark::DoNotOptimize(c);
  }
}

void multiply_numpy(benchmark::State& state) {
  numpy(state,
        "a = np.load('" + sample("a", side, side) + "'); b = np.load('" + sample("b", side, side) +
            "'); c = a @ b",
        "np.matmul(a, b, out=c)");
}

#define NPYMAP_BENCH_COLUMNS(subject, columns)                            \
  BENCHMARK(subject##_npymap)                                             \
      ->Name("matrix_" #subject "_" #columns "/npymap")                   \
      ->Arg(columns)                                                      \
      ->Unit(benchmark::kMillisecond)                                     \
      ->UseRealTime();                                                    \
  BENCHMARK(subject##_numpy)                                              \
      ->Name("matrix_" #subject "_" #columns "/numpy")                    \
      ->Arg(columns)                                                      \
      ->Unit(benchmark::kMillisecond)                                     \
      ->UseManualTime();                                                  \
  BENCHMARK(gram_memory)                                                  \
      ->Name("matrix_" #subject "_" #columns "/eigen_gram_in_one_thread") \
      ->Arg(columns)                                                      \
      ->Unit(benchmark::kMillisecond)                                     \
      ->UseRealTime()

NPYMAP_BENCH_COLUMNS(gram, 16);
NPYMAP_BENCH_COLUMNS(gram, 64);
NPYMAP_BENCH_COLUMNS(gram, 512);
NPYMAP_BENCH_COLUMNS(covariance, 16);
NPYMAP_BENCH_COLUMNS(covariance, 64);
NPYMAP_BENCH_COLUMNS(covariance, 512);

BENCHMARK(multiply_npymap)
    ->Name("matrix_multiply/npymap")
    ->Arg(256)
    ->Unit(benchmark::kMillisecond)
    ->UseRealTime();
BENCHMARK(multiply_npymap)
    ->Name("matrix_multiply/npymap_in_8_MiB")
    ->Arg(8)
    ->Unit(benchmark::kMillisecond)
    ->UseRealTime();
BENCHMARK(multiply_memory)
    ->Name("matrix_multiply/eigen_in_one_thread")
    ->Unit(benchmark::kMillisecond)
    ->UseRealTime();
BENCHMARK(multiply_numpy)
    ->Name("matrix_multiply/numpy")
    ->Unit(benchmark::kMillisecond)
    ->UseManualTime();

}  // namespace
