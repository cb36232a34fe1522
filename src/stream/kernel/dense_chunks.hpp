/// \file
/// The elements of any view as short dense rows of plain numbers: what kernels take.
#pragma once

#include <algorithm>
#include <complex>
#include <cstdint>
#include <type_traits>
#include <utility>

#include <npymap/detail/loop_nest.hpp>
#include <npymap/dtype.hpp>
#include <npymap/float16.hpp>
#include <npymap/view.hpp>

#include "array/convert/cast_loop.hpp"

namespace npymap::detail {

/// What an element is worked on as: halves as floats, truth values as 0 or 1, and short integers as
/// what every vector unit turns into doubles.
template <class T>
using plain_number = std::conditional_t<
    std::is_same_v<T, float16>, float,
    std::conditional_t<std::is_same_v<T, bool8> || (std::is_integral_v<T> && sizeof(T) < 4),
                       std::int32_t, T>>;

/// So many numbers stay in the innermost cache while they are gone over twice.
inline constexpr index_t chunk_count = 2048;

template <class T>
plain_number<T> plain(const T& value) {
  if constexpr (std::is_same_v<T, float16>) {
    return static_cast<float>(value);
  } else if constexpr (std::is_same_v<T, bool8>) {
    return static_cast<bool>(value) ? 1 : 0;
  } else {
    return value;
  }
}

template <class T>
void gather(plain_number<T>* to, const element_run<const T>& from, index_t count) {
  if constexpr (std::is_same_v<T, float16>) {
    const cast_loop loop = half_to_float_instructions();
    if (loop && from.is_dense()) return loop(from.first, to, static_cast<std::size_t>(count));
  }
  if (from.is_dense()) {
    const T* const dense = from.first;
    for (index_t i = 0; i < count; ++i) to[i] = plain(dense[i]);
  } else {
    for (index_t i = 0; i < count; ++i) to[i] = plain(from[i]);
  }
}

/// Call `f(const S* first, index_t count)` for all elements, as they come in memory, `chunk_count`
/// at a time at most; short rows are brought together.
template <class T, class F>
void for_each_chunk(const view<const T>& elements, F&& f) {
  using number = plain_number<T>;
  constexpr index_t long_run = 256;  // not worth a copy
  if (elements.empty()) return;
  number gathered[chunk_count];
  index_t held = 0;
  const layout_ref layouts[] = {elements.layout()};
  loop_nest nest(layouts);
  visit_runs(
      nest,
      [&](index_t count, element_run<const T> run) {
        if constexpr (std::is_same_v<T, number>) {
          if (run.is_dense() && count >= long_run) {
            for (index_t i = 0; i < count; i += chunk_count) {
              f(run.first + i, std::min(chunk_count, count - i));
            }
            return true;
          }
        }
        for (index_t i = 0; i < count;) {
          const index_t now = std::min(chunk_count - held, count - i);
          const element_run<const T> rest{&run[i], run.step_bytes};
          gather(gathered + held, rest, now);
          i += now;
          held += now;
          if (held == chunk_count) f(static_cast<const number*>(gathered), std::exchange(held, 0));
        }
        return true;
      },
      elements.data());
  if (held > 0) f(static_cast<const number*>(gathered), held);
}

}  // namespace npymap::detail
