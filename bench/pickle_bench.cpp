// What it costs to open an array that Python has pickled: float64 of NPYMAP_PICKLE_BENCH_BYTES
// (1 GiB), protocol 4, alone and in a dict of a thousand others. Beside the bare system calls and
// pickle.load, in one run; all warm.

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdint>
#include <cstdlib>
#include <string>

#include <benchmark/benchmark.h>
#include <npymap/npymap.hpp>

#include "numpy_peer.hpp"

namespace {

using npymap_bench::numpy_seconds;

std::int64_t wanted_bytes() {
  const char* given = std::getenv("NPYMAP_PICKLE_BENCH_BYTES");
  return given != nullptr ? std::strtoll(given, nullptr, 10) : std::int64_t{1} << 30;
}

/// A file that Python pickles, and removes no earlier than at the end. Empty without NumPy.
class pickled {
 public:
  pickled(const char* name, const std::string& value) {
    const char* folder = std::getenv("TMPDIR");
    path_ =
        std::string(folder != nullptr ? folder : "/tmp") + "/npymap_pickle_bench_" + name + ".pkl";
    const double taken = numpy_seconds(
        "import pickle; value = " + value,
        "to = open('" + path_ + "', 'wb'); pickle.dump(value, to, protocol=4); to.close()", 1);
    if (taken < 0) path_.clear();
  }
  ~pickled() { ::unlink(path_.c_str()); }
  pickled(const pickled&) = delete;
  pickled& operator=(const pickled&) = delete;

  const std::string& path() const noexcept { return path_; }

 private:
  std::string path_;
};

const std::string& large() {
  static const pickled file("large", "np.arange(" + std::to_string(wanted_bytes() / 8) + ".)");
  return file.path();
}

const std::string& many() {
  static const pickled file("many", "{'w%d' % n: np.full(4096, n, 'f8') for n in range(1000)}");
  return file.path();
}

void open_raw(benchmark::State& state) {
  const char* path = large().c_str();
  for (auto _ : state) {
    const int fd = ::open(path, O_RDONLY | O_CLOEXEC);
    struct stat facts {};
    fstat(fd, &facts);
    const auto size = static_cast<std::size_t>(facts.st_size);
    void* map = mmap(nullptr, size, PROT_READ, MAP_SHARED, fd, 0);
    benchmark::DoNotOptimize(map);
    munmap(map, size);
    ::close(fd);
  }
}

void open_npymap(benchmark::State& state) {
  for (auto _ : state) benchmark::DoNotOptimize(npymap::read_pickled_array(large()).data());
}

void list_npymap(benchmark::State& state) {
  for (auto _ : state) benchmark::DoNotOptimize(npymap::pickled_arrays(many()).size());
}

void one_of_many_npymap(benchmark::State& state) {
  for (auto _ : state) {
    benchmark::DoNotOptimize(npymap::read_pickled_array(many(), "$['w999']").data());
  }
}

void by_python(benchmark::State& state, const std::string& path, const char* then) {
  if (path.empty()) return state.SkipWithError("no NumPy");
  for (auto _ : state) {
    const double seconds =
        numpy_seconds("import pickle", "x = pickle.load(open('" + path + "', 'rb'))" + then, 1);
    if (seconds < 0) return state.SkipWithError("no NumPy");
    state.SetIterationTime(seconds);
  }
}

void open_python(benchmark::State& state) { by_python(state, large(), ""); }
void one_of_many_python(benchmark::State& state) { by_python(state, many(), "['w999']"); }
void sum_python(benchmark::State& state) { by_python(state, large(), ".sum()"); }

void sum_npymap(benchmark::State& state) {
  for (auto _ : state) {
    benchmark::DoNotOptimize(npymap::sum<double>(npymap::read_pickled_array(large())));
  }
}

BENCHMARK(open_raw)->Name("open/raw");
BENCHMARK(open_npymap)->Name("open/npymap");
BENCHMARK(open_python)->Name("open/python")->UseManualTime()->Iterations(1);
BENCHMARK(one_of_many_npymap)->Name("one_of_1000/npymap");
BENCHMARK(one_of_many_python)->Name("one_of_1000/python")->UseManualTime()->Iterations(1);
BENCHMARK(list_npymap)->Name("list_1000/npymap");
BENCHMARK(sum_npymap)->Name("open_and_sum/npymap")->UseRealTime()->Iterations(1);
BENCHMARK(sum_python)->Name("open_and_sum/python")->UseManualTime()->Iterations(1);

}  // namespace
