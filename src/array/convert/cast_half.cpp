// Half precision with the instructions of F16C, which every machine with AVX2 has.

#include "array/convert/cast_loop.hpp"

#if defined(__x86_64__)

#include <immintrin.h>

#include <npymap/float16.hpp>

namespace npymap::detail {
namespace {

constexpr std::size_t lanes = 8;

__attribute__((target("avx,f16c"))) void halves_to_floats(const void* from, void* to,
                                                          std::size_t count) {
  const auto* in = static_cast<const float16*>(from);
  auto* out = static_cast<float*>(to);
  for (; count >= lanes; count -= lanes, in += lanes, out += lanes) {
    const __m128i halves = _mm_loadu_si128(reinterpret_cast<const __m128i*>(in));
    _mm256_storeu_ps(out, _mm256_cvtph_ps(halves));
  }
  for (std::size_t i = 0; i < count; ++i) out[i] = in[i];
}

__attribute__((target("avx,f16c"))) void floats_to_halves(const void* from, void* to,
                                                          std::size_t count) {
  const auto* in = static_cast<const float*>(from);
  auto* out = static_cast<float16*>(to);
  for (; count >= lanes; count -= lanes, in += lanes, out += lanes) {
    const __m128i halves =
        _mm256_cvtps_ph(_mm256_loadu_ps(in), _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC);
    _mm_storeu_si128(reinterpret_cast<__m128i*>(out), halves);
  }
  for (std::size_t i = 0; i < count; ++i) out[i] = in[i];
}

bool has_instructions() noexcept { return __builtin_cpu_supports("avx2") != 0; }

}  // namespace

cast_loop half_to_float_instructions() noexcept {
  return has_instructions() ? halves_to_floats : nullptr;
}
cast_loop float_to_half_instructions() noexcept {
  return has_instructions() ? floats_to_halves : nullptr;
}

}  // namespace npymap::detail

#else

namespace npymap::detail {

cast_loop half_to_float_instructions() noexcept { return nullptr; }
cast_loop float_to_half_instructions() noexcept { return nullptr; }

}  // namespace npymap::detail

#endif
