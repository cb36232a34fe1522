/// \file
/// The types that the ready-made passes are compiled for.
#pragma once

#include <complex>
#include <cstdint>

#include <npymap/dtype.hpp>
#include <npymap/float16.hpp>

/// `M(T)` for each ordered number, and for each complex one. `long long` is a type of its own where
/// std::int64_t is long.
// Its formatting of these is never final.
// clang-format off
#define NPYMAP_FOR_ORDERED(M)                                                              \
  M(npymap::bool8)                                                                         \
  M(std::int8_t) M(std::int16_t) M(std::int32_t) M(std::int64_t) M(long long)              \
  M(std::uint8_t) M(std::uint16_t) M(std::uint32_t) M(std::uint64_t) M(unsigned long long) \
  M(npymap::float16) M(float) M(double) M(long double)
#define NPYMAP_FOR_COMPLEX(M) \
  M(std::complex<float>) M(std::complex<double>) M(std::complex<long double>)
// clang-format on
