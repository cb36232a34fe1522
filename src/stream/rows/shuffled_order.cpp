// A Feistel network permutes all numbers of an even number of bits, whatever its round function; of
// these, those that are too large are scrambled again until they are not ("cycle walking", Black
// and Rogaway, "Ciphers with Arbitrary Finite Domains", 2002), which takes four steps or fewer on
// average. A list of the rows would take eight bytes for each: more than memory, for long files.

#include "stream/rows/shuffled_order.hpp"

#include <algorithm>
#include <bit>

namespace npymap::detail {
namespace {

// The next number of SplitMix64 (Steele, Lea and Flood, 2014) is this of its state.
std::uint64_t mixed(std::uint64_t z) noexcept {
  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
  z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
  return z ^ (z >> 31);
}

constexpr std::uint64_t golden_ratio = 0x9e3779b97f4a7c15;

// Networks of few bits know few orders, and none that is odd; what is left out mixes them.
constexpr int least_half_bits = 5;

}  // namespace

shuffled_order::shuffled_order(index_t count, std::uint64_t seed, std::uint64_t epoch) noexcept
    : count_(static_cast<std::uint64_t>(count)) {
  const int bits = static_cast<int>(std::bit_width(count_ == 0 ? 0 : count_ - 1));
  half_bits_ = std::max((bits + 1) / 2, least_half_bits);
  std::uint64_t state = mixed(seed + golden_ratio) ^ mixed(~epoch);
  for (std::uint64_t& key : keys_) key = mixed(state += golden_ratio);
}

index_t shuffled_order::operator[](index_t place) const noexcept {
  auto value = static_cast<std::uint64_t>(place);
  do {
    value = scrambled(value);
  } while (value >= count_);
  return static_cast<index_t>(value);
}

std::uint64_t shuffled_order::scrambled(std::uint64_t value) const noexcept {
  const std::uint64_t mask = (std::uint64_t{1} << half_bits_) - 1;
  std::uint64_t left = value >> half_bits_, right = value & mask;
  for (const std::uint64_t key : keys_) {
    const std::uint64_t next = left ^ (mixed(right ^ key) & mask);
    left = right;
    right = next;
  }
  return left << half_bits_ | right;
}

}  // namespace npymap::detail
