// What opening a file costs: the bare system calls, npymap, and NumPy. The file is cached (warm).

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>
#include <string>

#include <benchmark/benchmark.h>
#include <npymap/npymap.hpp>

#include "numpy_peer.hpp"

namespace {

const std::string& sample() {
  static const std::string path = [] {
    const char* folder = std::getenv("TMPDIR");
    const std::string name = std::string(folder ? folder : "/tmp") + "/npymap_open_bench.npy";
    npymap::create<double>(name, {1 << 16, 64}).close();
    std::atexit([] { ::unlink(sample().c_str()); });
    return name;
  }();
  return path;
}

void open_raw(benchmark::State& state) {
  const char* path = sample().c_str();
  for (auto _ : state) {
    const int fd = ::open(path, O_RDONLY | O_CLOEXEC);
    struct stat facts {};
    fstat(fd, &facts);
    char header[128];
    const ssize_t got = pread(fd, header, sizeof header, 0);
    void* map =
        mmap(nullptr, static_cast<std::size_t>(facts.st_size), PROT_READ, MAP_SHARED, fd, 0);
    benchmark::DoNotOptimize(got);
    benchmark::DoNotOptimize(map);
    munmap(map, static_cast<std::size_t>(facts.st_size));
    ::close(fd);
  }
}

void open_npymap(benchmark::State& state) {
  const std::string path = sample();
  for (auto _ : state) {
    auto x = npymap::open<double>(path);
    benchmark::DoNotOptimize(x.data());
  }
}

void open_numpy(benchmark::State& state) {
  const std::string statement = "np.load('" + sample() + "', mmap_mode='r')";
  for (auto _ : state) {
    const double seconds = npymap_bench::numpy_seconds("pass", statement, 1000) / 1000;
    if (seconds < 0) return state.SkipWithError("no NumPy here");
    state.SetIterationTime(seconds);
  }
}

void open_long_header(benchmark::State& state) {
  const std::string path = sample() + ".fields.npy";
  std::vector<npymap::field> fields;
  for (int i = 0; i < 100; ++i) {
    fields.push_back(
        {.name = "field_" + std::to_string(i), .type = npymap::dtype(), .offset_bytes = 8 * i});
  }
  npymap::create(path, npymap::dtype::record(fields, 800), {10}).close();
  for (auto _ : state) benchmark::DoNotOptimize(npymap::open(path).data());
  ::unlink(path.c_str());
}

BENCHMARK(open_raw)->Name("open/raw");
BENCHMARK(open_npymap)->Name("open/npymap");
BENCHMARK(open_numpy)->Name("open/numpy")->UseManualTime()->Iterations(2);
BENCHMARK(open_long_header)->Name("open_record_of_100_fields/npymap");

}  // namespace
