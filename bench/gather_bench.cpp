// 20,000 random rows of 4 KiB, beside NumPy's fancy indexing and 32 threads that read the same rows
// past the page cache. Cold: out of 8 GiB ($NPYMAP_GATHER_BENCH_BYTES says otherwise); the page
// cache is emptied before each run, which takes root. Warm: out of 1 GiB in the page cache; also
// small rows, of 32 bytes.

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <cstdlib>
#include <fstream>
#include <random>
#include <string>
#include <thread>
#include <vector>

#include <benchmark/benchmark.h>
#include <npymap/npymap.hpp>

#include "numpy_peer.hpp"

namespace {

using npymap::index_t;

constexpr index_t row_bytes = 4096;
constexpr std::size_t rows_wanted = 20'000;

bool empty_page_cache() {
  ::sync();
  std::ofstream out("/proc/sys/vm/drop_caches");
  out << "1" << std::flush;
  return out.good();
}

/// A file of random rows, and the rows to take, as long as the benchmarks run.
class sample {
 public:
  static const sample& of_pages() {
    static const char* const chosen = std::getenv("NPYMAP_GATHER_BENCH_BYTES");
    static const sample large(chosen ? std::atoll(chosen) : index_t{8} << 30, row_bytes);
    return large;
  }
  // Not the same: NumPy keeps this one mapped, and pages that somebody has mapped stay in the
  // cache.
  static const sample& of_warm_pages() {
    static const sample warm(index_t{1} << 30, row_bytes);
    return warm;
  }
  static const sample& of_small_rows() {
    static const sample small(index_t{256} << 20, 32);
    return small;
  }

  sample(const sample&) = delete;
  sample& operator=(const sample&) = delete;
  ~sample() {
    ::unlink(path_.c_str());
    ::unlink(rows_path_.c_str());
  }

  const std::string& path() const { return path_; }
  const std::vector<index_t>& rows() const { return rows_; }
  std::string numpy_setup() const { return "rows = np.load('" + rows_path_ + "')"; }
  std::string numpy_open() const { return "np.load('" + path_ + "', mmap_mode='r')"; }

 private:
  sample(index_t bytes, index_t bytes_of_row) {
    const char* folder = std::getenv("TMPDIR");
    path_ = std::string(folder ? folder : "/tmp") + "/npymap_gather_bench_" +
            std::to_string(bytes) + "_" + std::to_string(bytes_of_row) + ".npy";
    rows_path_ = path_ + ".rows.npy";
    const index_t count = bytes / bytes_of_row;
    auto x = npymap::create<std::uint64_t>(path_, {count, bytes_of_row / 8});
    std::mt19937_64 random(7);
    npymap::for_each([&](std::uint64_t& element) { element = random(); }, x);
    x.flush();
    rows_.resize(rows_wanted);
    for (index_t& row : rows_) {
      row = static_cast<index_t>(random() % static_cast<std::uint64_t>(count));
    }
    npymap::save(rows_path_, npymap::view<const index_t>(rows_.data(), {rows_.size()}));
  }

  std::string path_;
  std::string rows_path_;
  std::vector<index_t> rows_;
};

enum class cache : char { cold, warm };

void measure(benchmark::State& state, cache when, auto seconds) {
  if (when == cache::warm) seconds();
  for (auto _ : state) {
    if (when == cache::cold && !empty_page_cache()) {
      return state.SkipWithError("emptying the page cache takes root");
    }
    const double taken = seconds();
    if (taken < 0) return state.SkipWithError("no NumPy, or no direct reads");
    state.SetIterationTime(taken);
  }
  state.SetItemsProcessed(state.iterations() * static_cast<std::int64_t>(rows_wanted));
}

double seconds_of(auto work) {
  const auto begin = std::chrono::steady_clock::now();
  work();
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
}

void npymap_rows(benchmark::State& state, cache when, const sample& from) {
  const auto x = npymap::open<std::uint64_t>(from.path());
  measure(state, when, [&] {
    return seconds_of([&] { benchmark::DoNotOptimize(npymap::gather(x, from.rows()).data()); });
  });
}

// Opened anew for cold runs, and closed with them.
void numpy_rows(benchmark::State& state, cache when, const sample& from) {
  const std::string setup = from.numpy_setup();
  const std::string opened = "; x = " + from.numpy_open();
  measure(state, when, [&] {
    return when == cache::cold ? npymap_bench::numpy_seconds(setup, from.numpy_open() + "[rows]", 1)
                               : npymap_bench::numpy_seconds(setup + opened, "x[rows]", 1);
  });
}

void direct_rows(benchmark::State& state, cache when, const sample& from) {
  const int fd = ::open(from.path().c_str(), O_RDONLY | O_DIRECT | O_CLOEXEC);
  auto* const out = static_cast<std::byte*>(std::aligned_alloc(row_bytes, rows_wanted * row_bytes));
  const auto read_all = [&] {
    std::atomic<std::size_t> next = 0;
    std::atomic<bool> failed = fd == -1;
    {
      std::vector<std::jthread> readers;
      for (int i = 0; i < 32; ++i) {
        readers.emplace_back([&] {
          for (std::size_t n = next++; n < rows_wanted; n = next++) {
            const auto place = static_cast<index_t>(n) * row_bytes;
            if (::pread(fd, out + place, row_bytes, from.rows()[n] * row_bytes) != row_bytes) {
              failed = true;
            }
          }
        });
      }
    }
    return !failed.load();
  };
  measure(state, when, [&] {
    bool done = false;
    const double taken = seconds_of([&] { done = read_all(); });
    return done ? taken : -1;
  });
  std::free(out);
  if (fd != -1) ::close(fd);
}

// Rows by the way of batches of 256, which are read while the batch before is summed.
void npymap_batches(benchmark::State& state, cache when, const sample& from) {
  const auto x = npymap::open<std::uint64_t>(from.path());
  measure(state, when, [&] {
    return seconds_of([&] {
      std::size_t seen = 0;
      std::uint64_t sum = 0;
      for (const auto& batch : npymap::batches(x, {.batch_size = 256})) {
        for (const std::uint64_t element : batch.span()) sum += element;
        seen += batch.rows().size();
        if (seen >= rows_wanted) break;
      }
      benchmark::DoNotOptimize(sum);
    });
  });
}

void cold_npymap(benchmark::State& state) { npymap_rows(state, cache::cold, sample::of_pages()); }
void cold_batches(benchmark::State& state) {
  npymap_batches(state, cache::cold, sample::of_pages());
}
void cold_numpy(benchmark::State& state) { numpy_rows(state, cache::cold, sample::of_pages()); }
void cold_direct(benchmark::State& state) { direct_rows(state, cache::cold, sample::of_pages()); }
void warm_npymap(benchmark::State& state) {
  npymap_rows(state, cache::warm, sample::of_warm_pages());
}
void warm_numpy(benchmark::State& state) {
  numpy_rows(state, cache::warm, sample::of_warm_pages());
}
void small_npymap(benchmark::State& state) {
  npymap_rows(state, cache::warm, sample::of_small_rows());
}
void small_numpy(benchmark::State& state) {
  numpy_rows(state, cache::warm, sample::of_small_rows());
}

// One run each: more would find in the disk's own cache what the first has read.
BENCHMARK(cold_npymap)->Name("random_rows_cold/npymap")->UseManualTime()->Iterations(1);
BENCHMARK(cold_batches)->Name("random_rows_cold/npymap_batches")->UseManualTime()->Iterations(1);
BENCHMARK(cold_numpy)->Name("random_rows_cold/numpy")->UseManualTime()->Iterations(1);
BENCHMARK(cold_direct)->Name("random_rows_cold/direct_32_deep")->UseManualTime()->Iterations(1);
BENCHMARK(warm_npymap)->Name("random_rows_warm/npymap")->UseManualTime();
BENCHMARK(warm_numpy)->Name("random_rows_warm/numpy")->UseManualTime();
BENCHMARK(small_npymap)->Name("random_small_rows_warm/npymap")->UseManualTime();
BENCHMARK(small_numpy)->Name("random_small_rows_warm/numpy")->UseManualTime();

}  // namespace
