// 64 MiB in rows of 4 KiB, one by one, behind the header of a new file: beside a program that
// gathers them in a buffer and writes that with pwrite, and NumPy, which makes the file longer, its
// header tell so, and maps it anew for each row, or for each 1 MiB; or loads, concatenates and
// saves all for each 1 MiB. Durable: 64 rows, each of which is on the disk before the next, beside
// the same calls of pwrite and fsync. All warm: what is not synced stays in the page cache.

#include <fcntl.h>
#include <unistd.h>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <numeric>
#include <string>
#include <utility>
#include <vector>

#include <benchmark/benchmark.h>
#include <npymap/npymap.hpp>

#include "numpy_peer.hpp"

namespace {

using npymap::append_durability;
using npymap::index_t;

constexpr index_t columns = 512;
constexpr std::size_t row_bytes = columns * sizeof(double);
constexpr index_t rows = 16'384;
constexpr index_t rows_of_block = 256;
constexpr index_t durable_rows = 64;
constexpr std::size_t buffer_bytes = std::size_t{1} << 20;
constexpr std::size_t header_bytes = 128;

const std::string& path() {
  static const char* const folder = std::getenv("TMPDIR");
  static const std::string name =
      std::string(folder ? folder : "/tmp") + "/npymap_append_bench.npy";
  return name;
}

const std::vector<double>& row() {
  static const std::vector<double> numbers = [] {
    std::vector<double> list(columns);
    std::iota(list.begin(), list.end(), 0);
    return list;
  }();
  return numbers;
}

double seconds_of(auto work) {
  const auto begin = std::chrono::steady_clock::now();
  work();
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
}

// Each on a file without rows, whose making and removal are not measured.
void measure(benchmark::State& state, index_t count, auto seconds) {
  for (auto _ : state) {
    npymap::create<double>(path(), {0, columns}).close();
    const double taken = seconds();
    ::unlink(path().c_str());
    if (taken < 0) return state.SkipWithError("no NumPy, or no room");
    state.SetIterationTime(taken);
  }
  state.SetBytesProcessed(state.iterations() * count * static_cast<index_t>(row_bytes));
}

void npymap_rows(benchmark::State& state, index_t count, append_durability how_safe) {
  const npymap::view<const double, 1> added(row().data(), {columns});
  measure(state, count, [&] {
    return seconds_of([&] {
      npymap::appender to(path(), {.durability = how_safe, .buffer_bytes = buffer_bytes});
      for (index_t i = 0; i < count; ++i) to.append(added);
      to.close();
    });
  });
}

bool write_all(int fd, const std::byte* bytes, std::size_t n, std::size_t& at) {
  if (::pwrite(fd, bytes, n, static_cast<off_t>(at)) != static_cast<ssize_t>(n)) return false;
  at += n;
  return true;
}

bool pwrite_rows(int fd, index_t count) {
  static std::vector<std::byte> buffer(buffer_bytes);
  std::size_t used = 0, at = header_bytes;
  for (index_t i = 0; i < count; ++i) {
    if (used == buffer.size()) {
      if (!write_all(fd, buffer.data(), std::exchange(used, 0), at)) return false;
    }
    std::memcpy(buffer.data() + used, row().data(), row_bytes);
    used += row_bytes;
  }
  return write_all(fd, buffer.data(), used, at);
}

// As is promised: the row, and then what tells of it.
bool pwrite_and_sync_rows(int fd, index_t count) {
  const std::vector<std::byte> header(header_bytes);
  std::size_t at = header_bytes;
  for (index_t i = 0; i < count; ++i) {
    std::size_t start = 0;
    if (!write_all(fd, reinterpret_cast<const std::byte*>(row().data()), row_bytes, at) ||
        ::fsync(fd) != 0 || !write_all(fd, header.data(), header.size(), start) ||
        ::fsync(fd) != 0) {
      return false;
    }
  }
  return true;
}

void raw_rows(benchmark::State& state, index_t count, bool (*write_rows)(int, index_t)) {
  measure(state, count, [&] {
    bool done = false;
    const double taken = seconds_of([&] {
      const int fd = ::open(path().c_str(), O_RDWR | O_CLOEXEC);
      done = fd != -1 && write_rows(fd, count);
      if (fd != -1) ::close(fd);
    });
    return done ? taken : -1;
  });
}

// One line each: the peer reads statements line by line.
void numpy_rows(benchmark::State& state, index_t at_once, const std::string& body) {
  const std::string setup = "p = '" + path() + "'; block = np.zeros((" + std::to_string(at_once) +
                            ", " + std::to_string(columns) + ")); exec(\"def add():\\n " + body +
                            "\")";
  const auto times = static_cast<int>(rows / at_once);
  measure(state, rows, [&] { return npymap_bench::numpy_seconds(setup, "add()", times); });
}

constexpr const char* numpy_longer_file =
    "n = len(np.load(p, mmap_mode='r')) + len(block)\\n"
    " with open(p, 'r+b') as f:\\n"
    "  f.truncate(128 + n * block[0].nbytes)\\n"
    "  np.lib.format.write_array_header_1_0(f, {'descr': '<f8', 'fortran_order': False, "
    "'shape': (n, block.shape[1])})\\n"
    " np.load(p, mmap_mode='r+')[-len(block):] = block\\n";
constexpr const char* numpy_whole_file = "np.save(p, np.concatenate([np.load(p), block]))\\n";

void one_by_one_npymap(benchmark::State& state) {
  npymap_rows(state, rows, append_durability::none);
}
void one_by_one_pwrite(benchmark::State& state) { raw_rows(state, rows, pwrite_rows); }
void one_by_one_numpy_longer(benchmark::State& state) { numpy_rows(state, 1, numpy_longer_file); }
void blocks_numpy_longer(benchmark::State& state) {
  numpy_rows(state, rows_of_block, numpy_longer_file);
}
void blocks_numpy_whole(benchmark::State& state) {
  numpy_rows(state, rows_of_block, numpy_whole_file);
}
void durable_npymap(benchmark::State& state) {
  npymap_rows(state, durable_rows, append_durability::each_block);
}
void durable_pwrite(benchmark::State& state) {
  raw_rows(state, durable_rows, pwrite_and_sync_rows);
}

BENCHMARK(one_by_one_npymap)->Name("append_rows/npymap")->UseManualTime();
BENCHMARK(one_by_one_pwrite)->Name("append_rows/pwrite")->UseManualTime();
BENCHMARK(one_by_one_numpy_longer)->Name("append_rows/numpy_extend")->UseManualTime();
BENCHMARK(blocks_numpy_longer)->Name("append_rows/numpy_extend_1MiB")->UseManualTime();
BENCHMARK(blocks_numpy_whole)->Name("append_rows/numpy_save_1MiB")->UseManualTime()->Iterations(1);
BENCHMARK(durable_npymap)->Name("append_durable_rows/npymap")->UseManualTime();
BENCHMARK(durable_pwrite)->Name("append_durable_rows/pwrite_and_sync")->UseManualTime();

}  // namespace
