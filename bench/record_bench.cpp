// The sum over one field of records of 32 bytes, beside the loop over structs that one would write
// by hand, and NumPy. The file is mapped and cached (warm).

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

std::string path_of(index_t count) {
  const char* folder = std::getenv("TMPDIR");
  return std::string(folder ? folder : "/tmp") + "/npymap_record_bench_" + std::to_string(count) +
         ".npy";
}

npymap::array<const particle> sample(index_t count) {
  const auto x = npymap::create<particle>(path_of(count), {count});
  npymap::fill(x, {1, {2, 3, 4}});
  return x;
}

[[gnu::noinline]] double sum_raw(const particle* first, index_t count) {
  double total = 0;
  for (index_t i = 0; i < count; ++i) total += first[i].mass;
  return total;
}

[[gnu::noinline]] double sum_field(const npymap::view<const double>& field) {
  double total = 0;
  npymap::for_each([&total](double mass) { total += mass; }, field);
  return total;
}

void set_bytes(benchmark::State& state) {
  state.SetBytesProcessed(static_cast<std::int64_t>(state.iterations()) * state.range(0) *
                          static_cast<std::int64_t>(sizeof(particle)));
}

void raw(benchmark::State& state) {
  const auto x = sample(state.range(0));
  for (auto _ : state) benchmark::DoNotOptimize(sum_raw(x.data(), x.size()));
  set_bytes(state);
  ::unlink(path_of(state.range(0)).c_str());
}

void typed_field(benchmark::State& state) {
  const auto x = sample(state.range(0));
  for (auto _ : state) benchmark::DoNotOptimize(sum_field(x.field(&particle::mass)));
  set_bytes(state);
  ::unlink(path_of(state.range(0)).c_str());
}

void named_field(benchmark::State& state) {
  sample(state.range(0));
  const auto x = npymap::open(path_of(state.range(0)));
  for (auto _ : state) {
    benchmark::DoNotOptimize(sum_field(x.field("mass").as<const double>()));
  }
  set_bytes(state);
  ::unlink(path_of(state.range(0)).c_str());
}

void numpy(benchmark::State& state) {
  sample(state.range(0));
  const std::string setup = "x = np.load('" + path_of(state.range(0)) + "', mmap_mode='r')";
  for (auto _ : state) {
    const double seconds = npymap_bench::numpy_seconds(setup, "x['mass'].sum()", 20) / 20;
    if (seconds < 0) return state.SkipWithError("no NumPy here");
    state.SetIterationTime(seconds);
  }
  set_bytes(state);
  ::unlink(path_of(state.range(0)).c_str());
}

void enlist(const std::string& subject, index_t count) {
  const auto add = [&](const char* variant, void (*run)(benchmark::State&)) {
    return benchmark::RegisterBenchmark((subject + variant).c_str(), run)->Arg(count);
  };
  add("/raw", raw);
  add("/npymap", typed_field);
  add("/by_name", named_field);
  add("/numpy", numpy)->UseManualTime()->Iterations(2);
}

// Before main, which Google Benchmark brings.
[[maybe_unused]] const bool enlisted = [] {
  enlist("field_sum_in_cache", count_in_cache);
  enlist("field_sum_in_memory", count_in_memory);
  return true;
}();

}  // namespace
