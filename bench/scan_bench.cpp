// One pass over a file that no cache holds: by map, buffered and direct, beside the fastest ways to
// read its bytes and drop them; and again in a memory cgroup of a sixteenth of the file, where the
// budget is 32 MiB less. All cold: what is cached of files is dropped before each run.
//
// NPYMAP_SCAN_MIB says how large: 8192 when unset. Needs root, and for the second a memory cgroup.

#include <fcntl.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <cstdint>
#include <cstdlib>
#include <fstream>
#include <functional>
#include <string>
#include <thread>
#include <vector>

#include <benchmark/benchmark.h>
#include <npymap/npymap.hpp>

#include "support/memory_cgroup.hpp"

namespace {

using npymap::index_t;

constexpr std::uint64_t mib = std::uint64_t{1} << 20;

std::uint64_t file_mib() {
  const char* given = std::getenv("NPYMAP_SCAN_MIB");
  return given ? std::stoull(given) : 8192;
}

/// Written once for all runs.
const std::string& sample() {
  static const std::string path = [] {
    const char* folder = std::getenv("TMPDIR");
    const std::string name = std::string(folder ? folder : "/tmp") + "/npymap_scan_bench.npy";
    const auto x = npymap::create<double>(name, {static_cast<index_t>(file_mib() * mib / 8)});
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

void drop_caches() {
  ::sync();
  std::ofstream("/proc/sys/vm/drop_caches") << 3;
}

int summarize(npymap::reading how, const npymap::pass_options& options) {
  const npymap::source x(sample(), {.reading = how});
  return npymap::summarize<double>(x, options).max == 9.972 ? 0 : 1;
}

int shell(const std::string& command) { return std::system(command.c_str()) == 0 ? 0 : 1; }

/// The whole file by reads of a mebibyte past the cache, so many at once.
int read_deep(int depth) {
  const int file = ::open(sample().c_str(), O_RDONLY | O_DIRECT);
  if (file < 0) return 1;
  std::atomic<std::uint64_t> next = 0;
  {
    std::vector<std::jthread> readers;
    for (int n = 0; n < depth; ++n) {
      readers.emplace_back([&] {
        void* const buffer = std::aligned_alloc(4096, mib);
        while (::pread(file, buffer, mib, static_cast<off_t>(next++ * mib)) > 0) {
        }
        std::free(buffer);
      });
    }
  }
  return ::close(file);
}

void enlist(const std::string& name, const std::function<int(benchmark::State&)>& run) {
  benchmark::RegisterBenchmark(
      name.c_str(),
      [=](benchmark::State& state) {
        sample();
        for (auto _ : state) {
          drop_caches();
          const auto begin = std::chrono::steady_clock::now();
          const int status = run(state);
          const std::chrono::duration<double> seconds = std::chrono::steady_clock::now() - begin;
          if (status != 0) state.SkipWithError("failed");
          state.SetIterationTime(seconds.count());
        }
        state.SetBytesProcessed(static_cast<std::int64_t>(state.iterations()) *
                                static_cast<std::int64_t>(file_mib() * mib));
      })
      ->UseManualTime()
      ->Iterations(1)
      ->Unit(benchmark::kSecond);
}

void enlist_pass(const std::string& variant, npymap::reading how) {
  enlist("scan_cold/" + variant, [=](benchmark::State&) { return summarize(how, {}); });
  enlist("scan_in_a_sixteenth/" + variant, [=](benchmark::State& state) {
    if (!npymap_test::have_memory_cgroups()) return 1;
    const std::uint64_t room = file_mib() * mib / 16;
    const auto ended = npymap_test::within_memory(
        room, [&] { return summarize(how, {.budget_bytes = room - 32 * mib}); });
    state.counters["peak_MiB"] = static_cast<double>(ended.peak_bytes / mib);
    return ended.status;
  });
}

// Before main, which Google Benchmark brings.
[[maybe_unused]] const bool enlisted = [] {
  enlist_pass("npymap", npymap::reading::by_file_system);
  enlist_pass("npymap_once", npymap::reading::once);
  enlist_pass("npymap_buffered", npymap::reading::buffered);
  enlist_pass("npymap_direct", npymap::reading::direct);
  const auto add_command = [](const std::string& variant, const std::string& command) {
    enlist("scan_cold/" + variant, [=](benchmark::State&) {
      return shell("exec " + command + sample() + " > /dev/null 2>&1");
    });
  };
  add_command("dd_direct", "dd bs=1M iflag=direct if=");
  add_command("cat", "cat ");
  enlist("scan_cold/direct_32_deep", [](benchmark::State&) { return read_deep(32); });
  return true;
}();

}  // namespace
