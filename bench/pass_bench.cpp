// One pass over a cached file of 4 GiB (NPYMAP_PASS_BENCH_BYTES): all moments at once, beside what
// both cores can read at all, and beside NumPy; and a pass with a kernel of the caller's, beside
// the same kernel over the bare map, mapped before and just now. All warm. Prime memory first where
// it was never touched.

#include <unistd.h>

#include <cmath>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <thread>
#include <vector>

#include <benchmark/benchmark.h>
#include <npymap/npymap.hpp>

#include "numpy_peer.hpp"

namespace {

using npymap::index_t;

index_t count() {
  static const index_t bytes = [] {
    const char* given = std::getenv("NPYMAP_PASS_BENCH_BYTES");
    return given ? static_cast<index_t>(std::strtoll(given, nullptr, 10)) : index_t{4} << 30;
  }();
  return bytes / 8;
}

const std::string& sample() {
  static const std::string path = [] {
    const char* folder = std::getenv("TMPDIR");
    const std::string name = std::string(folder ? folder : "/tmp") + "/npymap_pass_bench.npy";
    const auto x = npymap::create<double>(name, {count()});
    npymap::transform(npymap::inputs(), npymap::outputs(x),
                      [](const npymap::index_vector& start, const npymap::view<double>& piece) {
                        index_t i = start[0];
                        for (double& value : piece) value = 1e-3 * static_cast<double>(++i % 9973);
                      });
    std::atexit([] { ::unlink(sample().c_str()); });
    return name;
  }();
  return path;
}

void set_bytes(benchmark::State& state) {
  state.SetBytesProcessed(static_cast<std::int64_t>(state.iterations()) * count() * 8);
}

// What both cores can read: the least that can be done with each number.
[[gnu::noinline]] double read_all(const double* first, index_t n) {
  constexpr index_t lanes = 32;
  double sum[lanes] = {};
  for (index_t i = 0; i + lanes <= n; i += lanes) {
    for (index_t lane = 0; lane < lanes; ++lane) sum[lane] += first[i + lane];
  }
  double all = 0;
  for (const double lane : sum) all += lane;
  return all;
}

double in_halves(const double* first, index_t n) {
  const index_t threads = static_cast<index_t>(std::thread::hardware_concurrency());
  std::vector<double> found(static_cast<std::size_t>(threads));
  {
    std::vector<std::jthread> workers;
    for (index_t t = 0; t < threads; ++t) {
      workers.emplace_back([&, t] {
        const index_t begin = n * t / threads, end = n * (t + 1) / threads;
        found[static_cast<std::size_t>(t)] = read_all(first + begin, end - begin);
      });
    }
  }
  double all = 0;
  for (const double part : found) all += part;
  return all;
}

void bandwidth(benchmark::State& state) {
  static const auto x = npymap::load<double>(sample());
  for (auto _ : state) benchmark::DoNotOptimize(in_halves(x.data(), x.size()));
  set_bytes(state);
}

// How much of it one core draws: what two threads can win at most, where nothing is computed.
void bandwidth_of_one_core(benchmark::State& state) {
  static const auto x = npymap::load<double>(sample());
  for (auto _ : state) benchmark::DoNotOptimize(read_all(x.data(), x.size()));
  set_bytes(state);
}

void summarize(benchmark::State& state, npymap::pass_options options) {
  static const auto x = npymap::open<double>(sample());
  for (auto _ : state) benchmark::DoNotOptimize(npymap::summarize(x, options));
  set_bytes(state);
}

void summarize_read(benchmark::State& state, npymap::reading how) {
  const npymap::source x(sample(), {.reading = how});
  for (auto _ : state) benchmark::DoNotOptimize(npymap::summarize<double>(x));
  set_bytes(state);
}

void over_map(benchmark::State& state) {
  static const auto x = npymap::open<double>(sample());
  for (auto _ : state) benchmark::DoNotOptimize(in_halves(x.data(), x.size()));
  set_bytes(state);
}

// The same, a megabyte at a time, in a guard alone or in one within another, as in a pass.
void over_guarded_map(benchmark::State& state, bool is_nested) {
  static const auto x = npymap::open<double>(sample());
  constexpr index_t at_once = (1 << 20) / 8;
  for (auto _ : state) {
    const npymap::guard around(is_nested ? x.map() : npymap::file_map());
    double all = 0;
    for (index_t i = 0; i + at_once <= x.size(); i += at_once) {
      all += npymap::guarded(x, [&] { return read_all(x.data() + i, at_once); });
    }
    benchmark::DoNotOptimize(all);
  }
  set_bytes(state);
}
void over_pieces(benchmark::State& state) {
  static const auto x = npymap::open<double>(sample());
  constexpr index_t at_once = (1 << 20) / 8;
  for (auto _ : state) {
    double all = 0;
    for (index_t i = 0; i + at_once <= x.size(); i += at_once) {
      all += read_all(x.data() + i, at_once);
    }
    benchmark::DoNotOptimize(all);
  }
  set_bytes(state);
}

// What a loop by hand costs that has not gone over the file before.
void over_fresh_map(benchmark::State& state) {
  for (auto _ : state) {
    const auto x = npymap::open<double>(sample());
    benchmark::DoNotOptimize(in_halves(x.data(), x.size()));
  }
  set_bytes(state);
}

void reduce(benchmark::State& state, std::uint64_t budget_bytes) {
  static const auto x = npymap::open<double>(sample());
  for (auto _ : state) {
    benchmark::DoNotOptimize(npymap::reduce(
        x, 0.0,
        [](const npymap::view<const double>& piece) {
          return read_all(piece.data(), piece.size());
        },
        [](double a, double b) { return a + b; }, {.budget_bytes = budget_bytes}));
  }
  set_bytes(state);
}

// One that computes longer than it reads.
void reduce_busy(benchmark::State& state, int threads) {
  static const auto x = npymap::open<double>(sample());
  for (auto _ : state) {
    benchmark::DoNotOptimize(npymap::reduce(
        x, 0.0,
        [](const npymap::view<const double>& piece) {
          double sum = 0;
          for (const double value : piece) sum += std::log1p(value);
          return sum;
        },
        [](double a, double b) { return a + b; }, {.threads = threads}));
  }
  set_bytes(state);
}

void numpy(benchmark::State& state, const std::string& statement) {
  const std::string setup = "x = np.load('" + sample() + "', mmap_mode='r')";
  for (auto _ : state) {
    const double seconds = npymap_bench::numpy_seconds(setup, statement, 1);
    if (seconds < 0) return state.SkipWithError("no NumPy here");
    state.SetIterationTime(seconds);
  }
  set_bytes(state);
}

[[maybe_unused]] const bool enlisted = [] {
  const auto add = [](const char* name, auto... run) {
    return benchmark::RegisterBenchmark(name, run...)->Unit(benchmark::kMillisecond);
  };
  constexpr std::uint64_t whole = std::uint64_t{1} << 40;
  add("summary/npymap", summarize, npymap::pass_options())->UseRealTime();
  add("summary/one_thread", summarize, npymap::pass_options{.threads = 1})->UseRealTime();
  add("summary/budget_of_all", summarize, npymap::pass_options{.budget_bytes = whole})
      ->UseRealTime();
  add("summary/buffered", summarize_read, npymap::reading::buffered)->UseRealTime();
  add("summary/bandwidth", bandwidth)->UseRealTime();
  add("summary/bandwidth_of_one_core", bandwidth_of_one_core)->UseRealTime();
  add("summary/numpy", numpy, "x.min(); x.max(); x.mean(); x.std()")
      ->UseManualTime()
      ->Iterations(1);
  add("summary/numpy_nan", numpy,
      "np.nanmin(x); np.nanmax(x); np.nanmean(x); np.nanstd(x); np.isnan(x).sum()")
      ->UseManualTime()
      ->Iterations(1);
  add("callers_kernel/npymap", reduce, whole)->UseRealTime();
  add("callers_kernel/in_budget", reduce, std::uint64_t{256} << 20)->UseRealTime();
  add("callers_kernel/bare_map", over_map)->UseRealTime();
  add("busy_kernel/npymap", reduce_busy, static_cast<int>(std::thread::hardware_concurrency()))
      ->UseRealTime();
  add("busy_kernel/one_thread", reduce_busy, 1)->UseRealTime();
  add("guard/none", over_pieces)->UseRealTime();
  add("guard/each_piece", over_guarded_map, false)->UseRealTime();
  add("guard/nested", over_guarded_map, true)->UseRealTime();
  add("callers_kernel/fresh_map", over_fresh_map)->UseRealTime();
  return true;
}();

}  // namespace
