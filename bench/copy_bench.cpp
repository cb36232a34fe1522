// Files converted to another order or dtype in a memory cgroup of an eighth of their size, beside
// `cp` of the same file in the same cgroup. All cold: what is cached of files is dropped before
// each run, and all is written before the next.
//
// NPYMAP_COPY_MIB says how large: 2048 when unset. Needs root and a memory cgroup.

#include <unistd.h>

#include <chrono>
#include <cstdlib>
#include <fstream>
#include <functional>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include <benchmark/benchmark.h>
#include <npymap/npymap.hpp>

#include "support/memory_cgroup.hpp"

namespace {

using npymap::index_t;
using npymap::order;

constexpr std::uint64_t mib = std::uint64_t{1} << 20;

std::uint64_t file_mib() {
  const char* given = std::getenv("NPYMAP_COPY_MIB");
  return given ? std::stoull(given) : 2048;
}

std::string in_folder(const std::string& name) {
  const char* given = std::getenv("TMPDIR");
  return std::string(given ? given : "/tmp") + "/npymap_copy_" + name;
}

/// As many float64 as were asked for, in a shape of these proportions.
npymap::shape scaled(npymap::shape extents, std::uint64_t bytes) {
  const auto wanted = static_cast<index_t>(bytes / 8);
  for (int axis = 0; *npymap::element_count(extents) > wanted; axis = (axis + 1) % extents.rank()) {
    extents[axis] /= 2;
  }
  return extents;
}

/// A file of numbers, not of holes. Whatever the shape, its bytes are the same but for the header.
const std::string& sample(const npymap::shape& extents) {
  static const std::string path = in_folder("in.npy");
  static bool is_new = true;
  std::fstream file(path, std::ios::in | std::ios::out | std::ios::binary |
                              (is_new ? std::ios::trunc : std::ios::in));
  file << npymap::header_bytes(npymap::dtype_of<double>(), extents, order::c);
  if (!std::exchange(is_new, false)) return path;
  std::atexit([] { ::unlink(path.c_str()); });
  std::vector<double> block(mib / sizeof(double));
  for (index_t n = 0; n < *npymap::element_count(extents);) {
    for (double& value : block) value = static_cast<double>(n++);
    file.write(reinterpret_cast<const char*>(block.data()), mib);
  }
  return path;
}

void drop_caches() {
  ::sync();
  std::ofstream("/proc/sys/vm/drop_caches") << 3;
}

void measure(benchmark::State& state, std::uint64_t bytes, const std::function<int()>& run) {
  const std::string out = in_folder("out.npy");
  if (!npymap_test::have_memory_cgroups()) return state.SkipWithError("no memory cgroup");
  for (auto _ : state) {
    ::unlink(out.c_str());
    drop_caches();
    const auto begin = std::chrono::steady_clock::now();
    const auto ended = npymap_test::within_memory(bytes / 8, run);
    const std::chrono::duration<double> seconds = std::chrono::steady_clock::now() - begin;
    if (ended.status != 0) state.SkipWithError(("status " + std::to_string(ended.status)).c_str());
    state.SetIterationTime(seconds.count());
    state.counters["peak_MiB"] = static_cast<double>(ended.peak_bytes / mib);
  }
  ::unlink(out.c_str());
  state.SetBytesProcessed(static_cast<std::int64_t>(state.iterations()) *
                          static_cast<std::int64_t>(bytes));
}

int shell(const std::string& command) { return std::system(command.c_str()) == 0 ? 0 : 1; }

void enlist(const std::string& name, const npymap::shape& proportions,
            const npymap::save_as_options& how) {
  const std::uint64_t bytes = file_mib() * mib;
  const npymap::shape extents = scaled(proportions, bytes);
  const auto add = [&](const std::string& variant, std::uint64_t size, const npymap::shape& shape,
                       const std::function<int(const std::string&, const std::string&)>& run) {
    benchmark::RegisterBenchmark((name + "/" + variant).c_str(),
                                 [=](benchmark::State& state) {
                                   const std::string& in = sample(shape);
                                   measure(state, size,
                                           [&] { return run(in, in_folder("out.npy")); });
                                 })
        ->UseManualTime()
        ->Iterations(1)
        ->Unit(benchmark::kSecond);
  };
  const auto convert = [how, bytes](const std::string& in, const std::string& out) {
    const std::uint64_t room = 32 * mib < bytes / 32 ? 32 * mib : bytes / 32;
    npymap::save_as(out, npymap::open(in), how, {.budget_bytes = bytes / 8 - room});
    return 0;
  };
  add("npymap", bytes, extents, convert);
  add("cp", bytes, extents, [](const std::string& in, const std::string& out) {
    return shell("exec cp " + in + " " + out);
  });
}

// Before main, which Google Benchmark brings.
[[maybe_unused]] const bool enlisted = [] {
  const npymap::save_as_options fortran{.order = order::fortran};
  const npymap::shape tall{1 << 18, 1 << 10};
  enlist("copy_tall_to_fortran", tall, fortran);
  enlist("copy_tall_to_float32", tall, {.dtype = npymap::dtype_of<float>()});
  enlist("copy_tall_to_big_endian", tall, {.dtype = npymap::parse_descr("'>f8'")});
  enlist("copy_tall_to_big_endian_float32_fortran", tall,
         {.order = order::fortran, .dtype = npymap::parse_descr("'>f4'")});
  enlist("copy_wide_to_fortran", {1 << 10, 1 << 18}, fortran);
  enlist("copy_square_to_fortran", {1 << 14, 1 << 14}, fortran);
  enlist("copy_cube_to_fortran", {1 << 9, 1 << 9, 1 << 10}, fortran);
  return true;
}();

}  // namespace
