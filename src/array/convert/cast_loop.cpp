#include "array/convert/cast_loop.hpp"

#include <array>
#include <utility>

#include "array/convert/number.hpp"

namespace npymap::detail {
namespace {

template <std::size_t From, std::size_t To>
void cast_numbers(const void* from, void* to, std::size_t count) {
  using source = std::tuple_element_t<From, numbers>;
  using target = std::tuple_element_t<To, numbers>;
  const auto* const in = static_cast<const source*>(from);
  auto* const out = static_cast<target*>(to);
  for (std::size_t i = 0; i < count; ++i) out[i] = number_cast<target>(in[i]);
}

template <std::size_t From, std::size_t... To>
constexpr std::array<cast_loop, number_count> loops_from(std::index_sequence<To...>) {
  return {cast_numbers<From, To>...};
}

template <std::size_t... From>
constexpr auto all_loops(std::index_sequence<From...> all) {
  return std::array{loops_from<From>(all)...};
}

template <class T, std::size_t At = 0>
constexpr std::size_t place_of() {
  if constexpr (std::is_same_v<std::tuple_element_t<At, numbers>, T>) {
    return At;
  } else {
    return place_of<T, At + 1>();
  }
}

}  // namespace

cast_loop number_loop(std::size_t from, std::size_t to) noexcept {
  static constexpr auto loops = all_loops(std::make_index_sequence<number_count>());
  constexpr std::size_t half = place_of<float16>();
  constexpr std::size_t single = place_of<float>();
  cast_loop special = nullptr;
  if (from == half && to == single) special = half_to_float_instructions();
  if (from == single && to == half) special = float_to_half_instructions();
  return special ? special : loops[from][to];
}

std::optional<std::size_t> number_index(const dtype& type) noexcept {
  // The first of each kind; those of twice the size follow.
  std::size_t first = 0;
  index_t smallest = 1;
  switch (type.kind()) {
    case dtype_kind::boolean:
      return place_of<bool8>();
    case dtype_kind::signed_integer:
      first = place_of<std::int8_t>();
      break;
    case dtype_kind::unsigned_integer:
      first = place_of<std::uint8_t>();
      break;
    case dtype_kind::floating:
      first = place_of<float16>();
      smallest = 2;
      break;
    case dtype_kind::complex_floating:
      first = place_of<std::complex<float>>();
      smallest = 8;
      break;
    default:
      return std::nullopt;
  }
  for (index_t size = smallest; size < type.itemsize(); size *= 2) ++first;
  return first;
}

}  // namespace npymap::detail
