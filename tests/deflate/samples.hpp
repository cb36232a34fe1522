/// \file
/// Bytes to pack: of every kind that arrays have.
#pragma once

#include <bit>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <random>
#include <span>
#include <string>
#include <vector>

namespace npymap_test {

using byte_vector = std::vector<std::byte>;

enum class sample_kind : char { zeros, small_integers, noise, steps, text };
inline constexpr sample_kind sample_kinds[] = {sample_kind::zeros, sample_kind::small_integers,
                                               sample_kind::noise, sample_kind::steps,
                                               sample_kind::text};

inline byte_vector sample_bytes(sample_kind kind, std::size_t n, std::uint64_t seed) {
  std::mt19937_64 random(seed);
  byte_vector bytes(n);
  for (std::size_t i = 0; i < n; i += 8) {
    std::uint64_t word = 0;
    if (kind == sample_kind::small_integers) word = 1 + random() % 99;
    if (kind == sample_kind::noise) word = random();
    if (kind == sample_kind::steps)
      word = std::bit_cast<std::uint64_t>(std::floor(double(i) / 999));
    if (kind == sample_kind::text) word = 0x2020202020202020 + (random() & 0x0f000f0000000f00);
    std::memcpy(bytes.data() + i, &word, std::min<std::size_t>(8, n - i));
  }
  return bytes;
}

inline std::string text_of(std::span<const std::byte> bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}
inline byte_vector bytes_of(const std::string& text) {
  byte_vector bytes(text.size());
  std::memcpy(bytes.data(), text.data(), text.size());
  return bytes;
}

}  // namespace npymap_test
