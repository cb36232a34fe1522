// The sum over one field of records of 32 bytes, beside the loops that one would write by hand,
// over the field with a stride known at run time and over the structs, and NumPy. The file is
// mapped and cached (warm).

#include <unistd.h>

#include <cstdint>
#include <cstdlib>
#include <string>

#include <benchmark/benchmark.h>
#include <npymap/npymap.hpp>

#include "numpy_peer.hpp"

namespace {

struct particle {
  double mass;
  double position[3];
};
NPYMAP_RECORD(particle, mass, position);

using npymap::index_t;

constexpr index_t count_in_cache = 1 << 15;  // a megabyte, where the cost of the loop itself shows
constexpr index_t count_in_memory = 1 << 22;

/// A file of records, as long as the benchmarks run.
class sample {
 public:
  explicit sample(index_t count) {
    const char* folder = std::getenv("TMPDIR");
    path_ = std::string(folder ? folder : "/tmp") + "/npymap_record_bench_" +
            std::to_string(count) + ".npy";
    records_ = npymap::create<particle>(path_, {count});
    npymap::fill(records_, {1, {2, 3, 4}});
  }
  sample(const sample&) = delete;
  sample& operator=(const sample&) = delete;
  ~sample() { ::unlink(path_.c_str()); }

  static const sample& of(benchmark::State& state) {
    static const sample in_cache(count_in_cache);
    static const sample in_memory(count_in_memory);
    return state.range(0) == count_in_cache ? in_cache : in_memory;
  }

  const std::string& path() const { return path_; }
  const npymap::array<particle>& records() const { return records_; }

 private:
  std::string path_;
  npymap::array<particle> records_;
};

[[gnu::noinline]] double sum_strided(const double* first, index_t stride, index_t count) {
  double total = 0;
  for (index_t i = 0; i < count; ++i, first += stride) total += *first;
  return total;
}

[[gnu::noinline]] double sum_structs(const particle* first, index_t count) {
  double total = 0;
  for (index_t i = 0; i < count; ++i) total += first[i].mass;
  return total;
}

[[gnu::noinline]] double sum_field(const npymap::view<const double>& field) {
  double total = 0;
  npymap::for_each([&total](double mass) { total += mass; }, field);
  return total;
}

void measure(benchmark::State& state, auto sum) {
  for (auto _ : state) benchmark::DoNotOptimize(sum());
  state.SetBytesProcessed(static_cast<std::int64_t>(state.iterations()) * state.range(0) *
                          static_cast<std::int64_t>(sizeof(particle)));
}

void raw(benchmark::State& state) {
  const auto x = sample::of(state).records().field(&particle::mass);
  measure(state, [&] { return sum_strided(x.data(), x.strides()[0], x.size()); });
}

void structs(benchmark::State& state) {
  const auto& x = sample::of(state).records();
  measure(state, [&] { return sum_structs(x.data(), x.size()); });
}

void typed_field(benchmark::State& state) {
  const auto& x = sample::of(state).records();
  measure(state, [&] { return sum_field(x.field(&particle::mass)); });
}

void named_field(benchmark::State& state) {
  const auto x = npymap::open(sample::of(state).path());
  measure(state, [&] { return sum_field(x.field("mass").as<const double>()); });
}

void pass(benchmark::State& state) {
  const auto x = sample::of(state).records().field(&particle::mass);
  measure(state, [&] { return npymap::sum(x); });
}

void numpy(benchmark::State& state) {
  const std::string setup = "x = np.load('" + sample::of(state).path() + "', mmap_mode='r')";
  for (auto _ : state) {
    const double seconds = npymap_bench::numpy_seconds(setup, "x['mass'].sum()", 20) / 20;
    if (seconds < 0) return state.SkipWithError("no NumPy here");
    state.SetIterationTime(seconds);
  }
}

void enlist(const std::string& subject, index_t count) {
  const auto add = [&](const char* variant, void (*run)(benchmark::State&)) {
    return benchmark::RegisterBenchmark((subject + variant).c_str(), run)->Arg(count);
  };
  add("/raw", raw);
  add("/structs", structs);
  add("/npymap", typed_field);
  add("/by_name", named_field);
  add("/sum", pass)->UseRealTime();
  add("/numpy", numpy)->UseManualTime()->Iterations(2);
}

// Before main, which Google Benchmark brings.
[[maybe_unused]] const bool enlisted = [] {
  enlist("field_sum_in_cache", count_in_cache);
  enlist("field_sum_in_memory", count_in_memory);
  return true;
}();

}  // namespace
