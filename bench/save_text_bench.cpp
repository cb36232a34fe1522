// Arrays as text: normal numbers in 64 bits, ten columns, NPYMAP_TEXT_BENCH_BYTES (64 MiB) of them.
// Beside np.savetxt of an eighth of the rows, and beside a bare loop of std::to_chars on one core
// that keeps nothing. Bytes are those of the array. All in one run; warm.

#include <unistd.h>

#include <charconv>
#include <chrono>
#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <functional>
#include <random>
#include <string>

#include <benchmark/benchmark.h>
#include <npymap/npymap.hpp>

#include "numpy_peer.hpp"

namespace {

using npymap::index_t;

constexpr index_t columns = 10;
constexpr index_t numpy_share = 8;

index_t rows() {
  static const index_t bytes = [] {
    const char* given = std::getenv("NPYMAP_TEXT_BENCH_BYTES");
    return given ? static_cast<index_t>(std::strtoll(given, nullptr, 10)) : index_t{64} << 20;
  }();
  return bytes / (8 * columns) / numpy_share * numpy_share;
}

std::string path(const std::string& name) {
  const char* folder = std::getenv("TMPDIR");
  return std::string(folder ? folder : "/tmp") + "/npymap_text_bench_" + name;
}

const npymap::array<double>& sample() {
  static const auto x = [] {
    const auto made = npymap::create<double>(path("x.npy"), {rows(), columns});
    std::mt19937_64 random(1);
    std::normal_distribution<double> normal;
    for (double& each : made) each = normal(random);
    std::atexit([] {
      for (const char* name : {"x.npy", "big.npy", "x.txt", "x.txt.gz"})
        ::unlink(path(name).c_str());
    });
    npymap::save_as(path("big.npy"), made,
                    {.dtype = npymap::dtype_of<double>().with_byte_order(npymap::byte_order::big)});
    return made;
  }();
  return x;
}

double seconds_of(const std::function<void()>& work) {
  const auto begin = std::chrono::steady_clock::now();
  work();
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
}

double numpy_seconds(const std::string& format, const std::string& name) {
  sample();
  const std::string part = std::to_string(rows() / numpy_share);
  return numpy_share *
         npymap_bench::numpy_seconds("a = np.load('" + path("x.npy") + "')[:" + part + "]",
                                     "np.savetxt('" + path(name) + "', a, " + format + ")", 1);
}

void add(const std::string& name, std::function<double()> seconds) {
  benchmark::RegisterBenchmark(
      name.c_str(),
      [=](benchmark::State& state) {
        for (auto _ : state) {
          ::unlink(path("x.txt").c_str());
          ::unlink(path("x.txt.gz").c_str());
          const double taken = seconds();
          if (taken < 0) return state.SkipWithError("no NumPy");
          state.SetIterationTime(taken);
        }
        const index_t bytes = 8 * rows() * columns;
        state.SetBytesProcessed(static_cast<std::int64_t>(state.iterations()) * bytes);
      })
      ->UseManualTime()
      ->Iterations(1);
}

void add_npymap(const std::string& name, const npymap::save_text_options& options,
                const std::string& from = "x.npy", const std::string& to = "x.txt") {
  add(name, [=] {
    sample();
    return seconds_of([&] { npymap::save_text(path(to), npymap::open(path(from)), options); });
  });
}

template <class Write>
void add_raw(const std::string& name, const Write& write) {
  add(name, [=] {
    const npymap::array<double>& x = sample();
    return seconds_of([&] {
      char text[64];
      for (const double each : x) benchmark::DoNotOptimize(write(text, each));
    });
  });
}

const int registered = [] {
  add_npymap("default/npymap", {});
  add_npymap("default/npymap_one_thread", {.pass = {.threads = 1}});
  add_raw("default/to_chars", [](char* to, double x) {
    return std::to_chars(to, to + 64, x, std::chars_format::scientific, 18).ptr;
  });
  add("default/numpy", [] { return numpy_seconds("'%.18e'", "x.txt"); });
  add_npymap("shortest/npymap", {.format = "%r"});
  add_npymap("shortest/npymap_one_thread", {.format = "%r", .pass = {.threads = 1}});
  add_raw("shortest/to_chars",
          [](char* to, double x) { return std::to_chars(to, to + 64, x).ptr; });
  add("shortest/numpy", [] { return numpy_seconds("'%r'", "x.txt"); });
  add_npymap("six_digits/npymap", {.format = "%.6f"});
  add("six_digits/numpy", [] { return numpy_seconds("'%.6f'", "x.txt"); });
  add_npymap("big_endian/npymap", {}, "big.npy");
  add_npymap("gzip/npymap", {}, "x.npy", "x.txt.gz");
  add_npymap("gzip/npymap_fast", {.level = 1}, "x.npy", "x.txt.gz");
  add("gzip/numpy", [] { return numpy_seconds("'%.18e'", "x.txt.gz"); });
  return 0;
}();

}  // namespace
