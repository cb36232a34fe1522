/// \file
/// Kernels compiled for more than one processor: packages are built for the least of x86-64, and
/// the best there is is chosen when they run.
#pragma once

namespace npymap::detail {

/// What a function that is compiled anew for each processor is declared as.
#define NPYMAP_KERNEL [[gnu::always_inline]] inline

/// The registers of a processor, of a size that is known when a kernel is compiled.
template <int Bytes>
struct registers {
  static constexpr int bytes = Bytes;
};

enum class vector_unit : char { baseline, avx2, avx512 };

#if defined(__x86_64__)

inline vector_unit this_processor() noexcept {
  static const vector_unit best = [] {
    __builtin_cpu_init();
    if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512dq") &&
        __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512vl")) {
      return vector_unit::avx512;
    }
    return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") ? vector_unit::avx2
                                                                           : vector_unit::baseline;
  }();
  return best;
}

template <class Kernel>
[[gnu::target("avx512f,avx512dq,avx512bw,avx512vl,avx2,fma")]] void run_with_avx512(
    const Kernel& kernel) {
  kernel(registers<64>());
}

template <class Kernel>
[[gnu::target("avx2,fma")]] void run_with_avx2(const Kernel& kernel) {
  kernel(registers<32>());
}

/// Call `kernel(registers<Bytes>())`: a lambda that is `always_inline` and calls what is
/// `NPYMAP_KERNEL`.
template <class Kernel>
void run_on(vector_unit unit, const Kernel& kernel) {
  if (unit == vector_unit::avx512) return run_with_avx512(kernel);
  if (unit == vector_unit::avx2) return run_with_avx2(kernel);
  kernel(registers<16>());
}

#else

inline vector_unit this_processor() noexcept { return vector_unit::baseline; }

template <class Kernel>
void run_on(vector_unit, const Kernel& kernel) {
  kernel(registers<16>());
}

#endif

}  // namespace npymap::detail
