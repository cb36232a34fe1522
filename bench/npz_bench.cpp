// Archives of one array of NPYMAP_NPZ_BENCH_BYTES (256 MiB): whole numbers below 100 in 64 bits, of
// which zlib makes a sixth. Beside NumPy in one run; all warm. Writing stands beside `cp` of the
// same file from cache, too, reading beside a sum over a .npy.

#include <unistd.h>

#include <chrono>
#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <functional>
#include <optional>
#include <random>
#include <string>

#include <benchmark/benchmark.h>
#include <npymap/npymap.hpp>

#include "numpy_peer.hpp"

namespace {

using npymap::index_t;

index_t count() {
  static const index_t bytes = [] {
    const char* given = std::getenv("NPYMAP_NPZ_BENCH_BYTES");
    return given ? static_cast<index_t>(std::strtoll(given, nullptr, 10)) : index_t{256} << 20;
  }();
  return bytes / 8;
}

std::string path(const std::string& name) {
  const char* folder = std::getenv("TMPDIR");
  return std::string(folder ? folder : "/tmp") + "/npymap_npz_bench_" + name;
}

const npymap::array<std::int64_t>& sample() {
  static const auto x = [] {
    const auto made = npymap::create<std::int64_t>(path("source.npy"), {count()});
    std::mt19937_64 random(1);
    for (std::int64_t& each : made) each = 1 + static_cast<std::int64_t>(random() % 99);
    std::atexit([] {
      for (const char* name : {"source.npy", "target.npz", "stored.npz", "ours.npz", "numpy.npz"}) {
        ::unlink(path(name).c_str());
      }
    });
    return npymap::load<std::int64_t>(path("source.npy"));
  }();
  return x;
}

void write_archive(const std::string& name, std::optional<int> level) {
  npymap::npz_writer to(path(name));
  to.add("x", sample(), {.level = level});
  to.commit();
}

/// Archives to read, each made when it is first asked for.
const std::string& archive(const std::string& name) {
  static const std::string stored = [] {
    write_archive("stored.npz", {});
    return path("stored.npz");
  }();
  static const std::string ours = [] {
    write_archive("ours.npz", 6);
    return path("ours.npz");
  }();
  if (name == "stored.npz") return stored;
  if (name == "ours.npz") return ours;
  static const std::string numpy = [] {
    npymap_bench::numpy_seconds("a = np.load('" + path("source.npy") + "')",
                                "np.savez_compressed('" + path("numpy.npz") + "', x=a)", 1);
    return path("numpy.npz");
  }();
  return numpy;
}

double seconds_of(const std::function<void()>& work) {
  const auto begin = std::chrono::steady_clock::now();
  work();
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
}

void measure(benchmark::State& state, const std::function<double()>& seconds, bool writes) {
  sample();
  for (auto _ : state) {
    if (writes) {
      ::unlink(path("target.npz").c_str());
      ::sync();
    }
    const double taken = seconds();
    if (taken < 0) return state.SkipWithError("no NumPy, or no room");
    state.SetIterationTime(taken);
  }
  state.SetBytesProcessed(static_cast<std::int64_t>(state.iterations()) * count() * 8);
  if (writes) {
    state.counters["size"] =
        static_cast<double>(std::filesystem::file_size(path("target.npz"))) / double(count() * 8);
  }
}

void add(const char* name, std::function<double()> seconds, bool writes = false) {
  benchmark::RegisterBenchmark(name,
                               [=](benchmark::State& state) { measure(state, seconds, writes); })
      ->UseManualTime()
      ->Iterations(1);
}

const int registered = [] {
  const auto write = [](std::optional<int> level) {
    return [level] { return seconds_of([level] { write_archive("target.npz", level); }); };
  };
  const auto numpy_write = [](const std::string& how) {
    return [how] {
      return npymap_bench::numpy_seconds("a = np.load('" + path("source.npy") + "')",
                                         "np." + how + "('" + path("target.npz") + "', x=a)", 1);
    };
  };
  add("savez/npymap", write({}), true);
  add("savez/numpy", numpy_write("savez"), true);
  add(
      "savez/cp",
      [] {
        const std::string command =
            "cp --reflink=never " + path("source.npy") + " " + path("target.npz");
        bool done = false;
        const double taken = seconds_of([&] { done = std::system(command.c_str()) == 0; });
        return done ? taken : -1;
      },
      true);
  add("savez_compressed/npymap", write(6), true);
  add("savez_compressed/npymap_fast", write(1), true);
  add("savez_compressed/numpy", numpy_write("savez_compressed"), true);

  add("open_stored/npymap", [] {
    const std::string& from = archive("stored.npz");
    return seconds_of(
        [&] { benchmark::DoNotOptimize(npymap::npz_reader(from).open<std::int64_t>("x").data()); });
  });
  add("open_stored/numpy_load", [] {
    return npymap_bench::numpy_seconds("", "np.load('" + archive("stored.npz") + "')['x']", 1);
  });
  add("sum_stored/npymap", [] {
    const auto x = npymap::npz_reader(archive("stored.npz")).open<std::int64_t>("x");
    return seconds_of([&] { benchmark::DoNotOptimize(npymap::sum(x)); });
  });
  add("sum_stored/npy", [] {
    const auto x = npymap::open<std::int64_t>(path("source.npy"));
    return seconds_of([&] { benchmark::DoNotOptimize(npymap::sum(x)); });
  });

  const auto read = [](const char* name) {
    return [name] {
      const std::string& from = archive(name);
      return seconds_of(
          [&] { benchmark::DoNotOptimize(npymap::npz_reader(from).load("x").data()); });
    };
  };
  const auto numpy_read = [](const char* name) {
    return [name] {
      return npymap_bench::numpy_seconds("", "np.load('" + archive(name) + "')['x']", 1);
    };
  };
  add("load_foreign/npymap", read("numpy.npz"));
  add("load_foreign/numpy", numpy_read("numpy.npz"));
  add("load_ours/npymap", read("ours.npz"));
  add("load_ours/numpy", numpy_read("ours.npz"));
  add("sum_deflated/npymap", [] {
    const auto x = npymap::npz_reader(archive("ours.npz")).source_of("x");
    return seconds_of([&] { benchmark::DoNotOptimize(npymap::sum<std::int64_t>(x)); });
  });
  add("sum_deflated/foreign", [] {
    const auto x = npymap::npz_reader(archive("numpy.npz")).source_of("x");
    return seconds_of([&] { benchmark::DoNotOptimize(npymap::sum<std::int64_t>(x)); });
  });
  add("sum_deflated/numpy", [] {
    return npymap_bench::numpy_seconds("", "np.load('" + archive("numpy.npz") + "')['x'].sum()", 1);
  });

  const npymap::row_range last{count() - (1 << 17), 1 << 17};  // a megabyte
  add("last_megabyte/npymap", [last] {
    const std::string& from = archive("ours.npz");
    return seconds_of(
        [&] { benchmark::DoNotOptimize(npymap::npz_reader(from).load("x", last).data()); });
  });
  add("last_megabyte/all", read("ours.npz"));
  add("last_megabyte/foreign", [last] {
    const std::string& from = archive("numpy.npz");
    return seconds_of(
        [&] { benchmark::DoNotOptimize(npymap::npz_reader(from).load("x", last).data()); });
  });
  return 0;
}();

}  // namespace
