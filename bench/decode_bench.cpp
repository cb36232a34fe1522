// Elements that C++ cannot touch in place, decoded block by block into one native, aligned scratch,
// beside memcpy of as many bytes, and NumPy's astype, of all of it and block by block.
// All warm: 64 MiB in the page cache, blocks of 1 MiB that stay in the second cache.

#include <unistd.h>

#include <cstdlib>
#include <cstring>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

#include <benchmark/benchmark.h>
#include <npymap/npymap.hpp>

#include "numpy_peer.hpp"

namespace {

using npymap::any_array;
using npymap::dtype;
using npymap::index_t;
using npymap::range;

constexpr index_t blocks = 64;

/// A file of `blocks` blocks that decode to 1 MiB each.
struct sample {
  std::string path;
  any_array elements;  // from the file, a field of it where there is one
  any_array scratch;   // one block, native
  std::string numpy;   // the elements as a NumPy expression

  index_t block_length() const { return scratch.extent(0); }
  void decode(index_t block) const {
    const index_t first = block * block_length();
    npymap::copy(elements(range(first, first + block_length())), scratch);
  }
};

std::string folder() {
  const char* given = std::getenv("TMPDIR");
  return given ? given : "/tmp";
}

/// `shift_bytes` before the file's own first byte, as before a member of an archive.
sample make_sample(const std::string& name, const std::string& descr, const std::string& field,
                   const dtype& native, int shift_bytes) {
  const std::string path = folder() + "/npymap_decode_" + name + ".npy";
  const std::string block_path = path + ".block";
  const index_t length = (index_t{1} << 20) / native.itemsize();
  std::vector<double> values(static_cast<std::size_t>(length));
  for (std::size_t i = 0; i < values.size(); ++i) values[i] = 0.25 * static_cast<double>(i % 4001);
  npymap::save(block_path, npymap::view<const double, 1>(values.data(), {length}));
  const any_array one = npymap::open(block_path);
  ::unlink(block_path.c_str());
  {
    const any_array file = npymap::create(path, npymap::parse_descr(descr), {blocks * length});
    const any_array elements = field.empty() ? file : file.field(field);
    for (index_t i = 0; i < blocks; ++i) {
      npymap::copy(one, elements(range(i * length, (i + 1) * length)));
    }
  }
  if (shift_bytes > 0) {
    std::ifstream in(path, std::ios::binary);
    std::string bytes(static_cast<std::size_t>(shift_bytes), 'x');
    bytes.append(std::istreambuf_iterator<char>(in), {});
    std::ofstream(path, std::ios::binary) << bytes;
  }
  const auto at = static_cast<std::uint64_t>(shift_bytes);
  const any_array file = npymap::open(path, npymap::open_mode::read, {.offset_bytes = at});
  const any_array elements = field.empty() ? file : file.field(field);
  const std::string numpy = "np.ndarray((" + std::to_string(blocks * length) + ",), " + descr +
                            ", np.memmap('" + path + "', 'u1', 'r'), " + std::to_string(at + 128) +
                            ")";
  return {path, elements, npymap::convert(elements(range(0, length)), native),
          field.empty() ? numpy : numpy + "['" + field + "']"};
}

void set_bytes(benchmark::State& state, const sample& s) {
  state.SetBytesProcessed(static_cast<std::int64_t>(state.iterations()) * blocks *
                          s.scratch.size_bytes());
}

void decode(benchmark::State& state, const sample& s) {
  for (auto _ : state) {
    for (index_t i = 0; i < blocks; ++i) s.decode(i);
    benchmark::ClobberMemory();
  }
  set_bytes(state, s);
}

// As many bytes as the blocks decode to, from as many of the file.
void copy_bytes(benchmark::State& state, const sample& s) {
  static const std::vector<std::byte> source(std::size_t{blocks} << 20, std::byte{1});
  const auto size = static_cast<std::size_t>(s.scratch.size_bytes());
  for (auto _ : state) {
    for (std::size_t i = 0; i < blocks; ++i) {
      std::memcpy(s.scratch.data(), source.data() + i * size, size);
      benchmark::ClobberMemory();
    }
  }
  set_bytes(state, s);
}

void decode_numpy(benchmark::State& state, const sample& s, const std::string& statement) {
  const std::string setup = "x = " + s.numpy + "; t = " + npymap::descr(s.scratch.dtype()) +
                            "; n = " + std::to_string(s.block_length()) + "; x.astype(t)";
  for (auto _ : state) {
    const double seconds = npymap_bench::numpy_seconds(setup, statement, 1);
    if (seconds < 0) return state.SkipWithError("no NumPy here");
    state.SetIterationTime(seconds);
  }
  set_bytes(state, s);
}

void enlist(const std::string& name, const std::string& descr, const std::string& field,
            const dtype& native, int shift_bytes = 0) {
  static std::vector<sample*> samples;  // as long as the benchmarks run
  static const auto made = [](const std::string& n, const auto&... rest) {
    samples.push_back(new sample(make_sample(n, rest...)));
    if (samples.size() == 1) {
      std::atexit([] {
        for (const sample* s : samples) ::unlink(s->path.c_str());
      });
    }
    return samples.back();
  };
  const sample* s = made(name, descr, field, native, shift_bytes);
  benchmark::RegisterBenchmark((name + "/npymap").c_str(),
                               [s](benchmark::State& state) { decode(state, *s); });
  benchmark::RegisterBenchmark((name + "/memcpy").c_str(),
                               [s](benchmark::State& state) { copy_bytes(state, *s); });
  const auto numpy = [&](const std::string& variant, const std::string& statement) {
    benchmark::RegisterBenchmark(
        (name + "/" + variant).c_str(),
        [s, statement](benchmark::State& state) { decode_numpy(state, *s, statement); })
        ->UseManualTime()
        ->Iterations(5);
  };
  numpy("numpy_astype", "x.astype(t)");
  numpy("numpy_astype_blocks", "for i in range(0, x.size, n): x[i:i+n].astype(t)");
  if (descr == "'>f8'") numpy("numpy_byteswap", "x.byteswap()");
}

// Before main, which Google Benchmark brings.
[[maybe_unused]] const bool enlisted = [] {
  const dtype f8 = npymap::dtype_of<double>();
  enlist("decode_big_endian_float64", "'>f8'", "", f8);
  enlist("decode_unaligned_float64", "'<f8'", "", f8, 1);
  enlist("decode_packed_field_float64", "[('c', 'i1'), ('x', '<f8')]", "x", f8);
  enlist("decode_float16_to_float32", "'<f2'", "", npymap::dtype_of<float>());
  return true;
}();

}  // namespace
