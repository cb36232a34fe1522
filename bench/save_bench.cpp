// A dense array of 2 GiB (NPYMAP_SAVE_BENCH_BYTES) in memory, saved over an older file, beside
// NumPy, `cp` of the same file from cache, and one pwrite after another of a megabyte. All warm:
// nobody waits for the disk. Prime memory first where it was never touched.

#include <fcntl.h>
#include <unistd.h>

#include <chrono>
#include <cstdint>
#include <cstdlib>
#include <string>

#include <benchmark/benchmark.h>
#include <npymap/npymap.hpp>

#include "numpy_peer.hpp"

namespace {

using npymap::index_t;

index_t count() {
  static const index_t bytes = [] {
    const char* given = std::getenv("NPYMAP_SAVE_BENCH_BYTES");
    return given ? static_cast<index_t>(std::strtoll(given, nullptr, 10)) : index_t{2} << 30;
  }();
  return bytes / 8;
}

std::string path(const char* name) {
  const char* folder = std::getenv("TMPDIR");
  return std::string(folder ? folder : "/tmp") + "/npymap_save_bench_" + name + ".npy";
}

const npymap::array<double>& sample() {
  static const auto x = [] {
    const auto made = npymap::create<double>(path("source"), {count()});
    npymap::fill(made, 1.5);
    std::atexit([] {
      for (const char* name : {"source", "target"}) ::unlink(path(name).c_str());
    });
    return npymap::load<double>(path("source"));
  }();
  return x;
}

double seconds_of(auto work) {
  const auto begin = std::chrono::steady_clock::now();
  work();
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
}

// The older file is removed before: its pages are given back outside of what is measured.
void measure(benchmark::State& state, auto seconds) {
  sample();
  for (auto _ : state) {
    ::unlink(path("target").c_str());
    ::sync();
    const double taken = seconds();
    if (taken < 0) return state.SkipWithError("no NumPy, or no room");
    state.SetIterationTime(taken);
  }
  state.SetBytesProcessed(static_cast<std::int64_t>(state.iterations()) * count() * 8);
}

void by_npymap(benchmark::State& state) {
  measure(state, [] { return seconds_of([] { npymap::save(path("target"), sample()); }); });
}

void by_blocks(benchmark::State& state) {
  measure(state, [] {
    return seconds_of(
        [] { npymap::save(path("target"), npymap::blocks(sample(), {.budget_bytes = 32 << 20})); });
  });
}

void by_numpy(benchmark::State& state) {
  measure(state, [] {
    return npymap_bench::numpy_seconds("a = np.load('" + path("source") + "')",
                                       "np.save('" + path("target") + "', a)", 1);
  });
}

void by_cp(benchmark::State& state) {
  const std::string command = "cp --reflink=never " + path("source") + " " + path("target");
  measure(state, [&] {
    bool done = false;
    const double taken = seconds_of([&] { done = std::system(command.c_str()) == 0; });
    return done ? taken : -1;
  });
}

void by_pwrite(benchmark::State& state) {
  measure(state, [] {
    bool done = true;
    const double taken = seconds_of([&] {
      const int fd = ::open(path("target").c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0644);
      const auto* const first = reinterpret_cast<const char*>(sample().data());
      constexpr index_t at_once = 1 << 20;
      for (index_t at = 0; at < count() * 8 && done; at += at_once) {
        done = ::pwrite(fd, first + at, at_once, at + 128) == at_once;
      }
      ::close(fd);
    });
    return done ? taken : -1;
  });
}

BENCHMARK(by_npymap)->Name("save/npymap")->UseManualTime()->Iterations(1);
BENCHMARK(by_blocks)->Name("save/npymap_blocks")->UseManualTime()->Iterations(1);
BENCHMARK(by_numpy)->Name("save/numpy")->UseManualTime()->Iterations(1);
BENCHMARK(by_cp)->Name("save/cp")->UseManualTime()->Iterations(1);
BENCHMARK(by_pwrite)->Name("save/pwrite")->UseManualTime()->Iterations(1);

}  // namespace
