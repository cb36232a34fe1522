// Text of NPYMAP_TEXT_BENCH_BYTES (about; 128 MiB), eight columns: as numpy.savetxt writes it by
// default (%.18e), short (%.6g), and whole numbers. Beside a bare loop of std::from_chars over the
// text in memory, on one core, and NumPy, in one run; all warm.

#include <unistd.h>

#include <charconv>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <functional>
#include <iterator>
#include <string>

#include <benchmark/benchmark.h>
#include <npymap/npymap.hpp>

#include "numpy_peer.hpp"

namespace {

std::string path(const std::string& name) {
  const char* folder = std::getenv("TMPDIR");
  return std::string(folder ? folder : "/tmp") + "/npymap_text_bench_" + name;
}

std::int64_t wanted_bytes() {
  const char* given = std::getenv("NPYMAP_TEXT_BENCH_BYTES");
  return given ? std::strtoll(given, nullptr, 10) : std::int64_t{128} << 20;
}

/// A text whose fields NumPy has formatted, repeated to the size that is wanted.
const std::string& sample(const std::string& format) {
  struct text {
    text(const std::string& how, const std::string& name) : file(path(name)) {
      const std::string array =
          how == "%d" ? "r.integers(-10**6, 10**6, (5000, 8))" : "r.standard_normal((5000, 8))";
      npymap_bench::numpy_seconds(
          "r = np.random.default_rng(1)",
          "np.savetxt('" + file + ".part', " + array + ", fmt='" + how + "')", 1);
      std::ifstream in(file + ".part", std::ios::binary);
      const std::string part{std::istreambuf_iterator<char>(in), {}};
      std::ofstream out(file, std::ios::binary);
      for (std::int64_t n = 0; n < wanted_bytes() && !part.empty();
           n += std::int64_t(part.size())) {
        out << part;
      }
      ::unlink((file + ".part").c_str());
    }
    ~text() { ::unlink(file.c_str()); }
    std::string file;
  };
  static const text full("%.18e", "full.txt"), brief("%.6g", "brief.txt"), whole("%d", "whole.txt");
  return format == "full" ? full.file : format == "brief" ? brief.file : whole.file;
}

double seconds_of(const std::function<void()>& work) {
  const auto begin = std::chrono::steady_clock::now();
  work();
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
}

template <class T>
double bare_seconds(const std::string& file) {
  std::ifstream in(file, std::ios::binary);
  const std::string text{std::istreambuf_iterator<char>(in), {}};
  return seconds_of([&] {
    T sum = 0;
    const char* const end = text.data() + text.size();
    for (const char* at = text.data(); at != end; ++at) {
      T value = 0;
      at = std::from_chars(at, end, value).ptr;
      sum = sum + value;
    }
    benchmark::DoNotOptimize(sum);
  });
}

void add(const std::string& name, const std::string& format,
         const std::function<double()>& seconds) {
  const auto measure = [=](benchmark::State& state) {
    for (auto _ : state) {
      const double taken = seconds();
      if (taken < 0) return state.SkipWithError("no NumPy");
      state.SetIterationTime(taken);
    }
    const auto bytes = static_cast<std::int64_t>(std::filesystem::file_size(sample(format)));
    state.SetBytesProcessed(static_cast<std::int64_t>(state.iterations()) * bytes);
  };
  benchmark::RegisterBenchmark((format + "/" + name).c_str(), measure)
      ->UseManualTime()
      ->Iterations(1);
}

const int registered = [] {
  for (const std::string format : {"full", "brief", "whole"}) {
    const npymap::dtype type =
        format == "whole" ? npymap::dtype_of<std::int64_t>() : npymap::dtype_of<double>();
    add("npymap", format, [=] {
      const std::string& from = sample(format);
      return seconds_of(
          [&] { benchmark::DoNotOptimize(npymap::load_text(from, {.dtype = type}).data()); });
    });
    add("npymap_one_thread", format, [=] {
      const std::string& from = sample(format);
      return seconds_of([&] {
        benchmark::DoNotOptimize(
            npymap::load_text(from, {.dtype = type, .pass = {.threads = 1}}).data());
      });
    });
    add("npymap_to_npy", format, [=] {
      const std::string& from = sample(format);
      const double taken =
          seconds_of([&] { npymap::text_to_npy(from, path("out.npy"), {.dtype = type}); });
      ::unlink(path("out.npy").c_str());
      return taken;
    });
    add("bare_from_chars", format, [=] {
      return format == "whole" ? bare_seconds<std::int64_t>(sample(format))
                               : bare_seconds<double>(sample(format));
    });
    add("numpy", format, [=] {
      const std::string dtype = format == "whole" ? "'i8'" : "'f8'";
      return npymap_bench::numpy_seconds(
          "", "np.loadtxt('" + sample(format) + "', dtype=" + dtype + ")", 1);
    });
  }
  return 0;
}();

}  // namespace
