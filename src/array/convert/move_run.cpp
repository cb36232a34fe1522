#include "array/convert/move_run.hpp"

#include <cstdint>
#include <cstring>

#include <npymap/stored.hpp>

namespace npymap::detail {
namespace {

template <std::size_t Size>
void copy_sized(byte_run<const std::byte> from, byte_run<std::byte> to, std::size_t count) {
  // The processor guesses where short steps go, but asks for it too late.
  constexpr index_t ahead_bytes = 4096;
  for (std::size_t fours = count / 4; fours > 0; --fours, count -= 4) {
    for (int i = 0; i < 4; ++i, from.first += from.step_bytes, to.first += to.step_bytes) {
      __builtin_prefetch(from.first + ahead_bytes);
      std::memcpy(to.first, from.first, Size);
    }
  }
  for (; count > 0; --count, from.first += from.step_bytes, to.first += to.step_bytes) {
    std::memcpy(to.first, from.first, Size);
  }
}

template <std::size_t Unit>
void swap_units(byte_run<const std::byte> from, byte_run<std::byte> to, index_t itemsize,
                std::size_t count) {
  const auto swap_item = [](const std::byte* source, std::byte* target) {
    std::byte unit[Unit];
    std::memcpy(unit, source, Unit);
    reverse_unit<Unit>(unit);
    std::memcpy(target, unit, Unit);
  };
  constexpr index_t unit = Unit;
  if (from.step_bytes == itemsize && to.step_bytes == itemsize) {
    // A loop that compilers vectorise: its steps are constants.
    const index_t units = static_cast<index_t>(count) * itemsize / unit;
    for (index_t i = 0; i < units; ++i) swap_item(from.first + i * unit, to.first + i * unit);
    return;
  }
  for (; count > 0; --count, from.first += from.step_bytes, to.first += to.step_bytes) {
    for (index_t at = 0; at < itemsize; at += unit) swap_item(from.first + at, to.first + at);
  }
}

}  // namespace

void copy_run(byte_run<const std::byte> from, byte_run<std::byte> to, index_t itemsize,
              std::size_t count) {
  const auto size = static_cast<std::size_t>(itemsize);
  if (from.step_bytes == itemsize && to.step_bytes == itemsize) {
    std::memcpy(to.first, from.first, size * count);
    return;
  }
  switch (itemsize) {
    case 1:
      return copy_sized<1>(from, to, count);
    case 2:
      return copy_sized<2>(from, to, count);
    case 4:
      return copy_sized<4>(from, to, count);
    case 8:
      return copy_sized<8>(from, to, count);
    case 16:
      return copy_sized<16>(from, to, count);
    default:
      for (; count > 0; --count, from.first += from.step_bytes, to.first += to.step_bytes) {
        std::memcpy(to.first, from.first, size);
      }
  }
}

void swap_run(byte_run<const std::byte> from, byte_run<std::byte> to, index_t itemsize,
              index_t unit, std::size_t count) {
  switch (unit) {
    case 2:
      return swap_units<2>(from, to, itemsize, count);
    case 4:
      return swap_units<4>(from, to, itemsize, count);
    case 8:
      return swap_units<8>(from, to, itemsize, count);
    case 16:  // long double
      return swap_units<16>(from, to, itemsize, count);
    default:
      return copy_run(from, to, itemsize, count);
  }
}

}  // namespace npymap::detail
