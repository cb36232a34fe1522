#include "stream/statistics/element_kind.hpp"

#include <algorithm>
#include <complex>
#include <type_traits>
#include <utility>

#include <npymap/detail/loop_nest.hpp>

#include "array/convert/cast_loop.hpp"
#include "array/convert/move_run.hpp"
#include "stream/kernel/plain_number.hpp"
#include "stream/statistics/numbers.hpp"

namespace npymap::detail {
namespace {

constexpr std::size_t most_number_bytes = sizeof(std::complex<long double>);

template <class T>
void make_plain(const std::byte* from, index_t step_bytes, void* to, index_t count) {
  auto* const numbers = static_cast<plain_number<T>*>(to);
  const element_run<const T> run{reinterpret_cast<const T*>(from), step_bytes};
  if constexpr (std::is_same_v<T, float16>) {
    const cast_loop loop = half_to_float_instructions();
    if (loop && run.is_dense()) return loop(from, to, static_cast<std::size_t>(count));
  }
  if (run.is_dense()) {  // a loop that compilers vectorise
    for (index_t i = 0; i < count; ++i) numbers[i] = plain(run.first[i]);
  } else {
    for (index_t i = 0; i < count; ++i) numbers[i] = plain(run[i]);
  }
}

void gather(const element_kind& kind, const element_run<const std::byte>& from, std::byte* to,
            index_t count) {
  if (!kind.is_plain()) return kind.make_plain(from.first, from.step_bytes, to, count);
  copy_run({from.first, from.step_bytes}, {to, kind.number_bytes}, kind.number_bytes,
           static_cast<std::size_t>(count));
}

// From the first element to the one at a place in C order.
index_t offset_in_order(const layout_ref& where, index_t place) {
  index_t offset_bytes = 0;
  for (std::size_t axis = where.shape.size(); axis-- > 0; place /= where.shape[axis]) {
    offset_bytes += place % where.shape[axis] * where.byte_strides[axis];
  }
  return offset_bytes;
}

}  // namespace

template <class T>
element_kind kind_of() {
  element_kind kind{dtype_of<T>(), alignof(T), sizeof(plain_number<T>), nullptr};
  // Even integers of the same size may be of two types.
  if constexpr (sizeof(T) != sizeof(plain_number<T>)) kind.make_plain = make_plain<T>;
  return kind;
}

void for_each_chunk(const element_kind& kind, const std::byte* data, const layout_ref& where,
                    const std::function<void(const void* numbers, index_t count)>& visit) {
  constexpr index_t long_run = 256;  // not worth a copy
  if (element_count(where.shape) == 0) return;
  alignas(64) std::byte gathered[chunk_count * most_number_bytes];
  index_t held = 0;
  const layout_ref layouts[] = {where};
  loop_nest nest(layouts);
  visit_runs(
      nest,
      [&](index_t count, const element_run<const std::byte>& run) {
        if (kind.is_plain() && run.step_bytes == where.itemsize && count >= long_run) {
          for (index_t i = 0; i < count; i += chunk_count) {
            visit(&run[i], std::min(chunk_count, count - i));
          }
          return true;
        }
        for (index_t i = 0; i < count;) {
          const index_t now = std::min(chunk_count - held, count - i);
          gather(kind, {&run[i], run.step_bytes}, gathered + held * kind.number_bytes, now);
          i += now;
          held += now;
          if (held == chunk_count) visit(gathered, std::exchange(held, 0));
        }
        return true;
      },
      data);
  if (held > 0) visit(gathered, held);
}

index_t find_in_order(const element_kind& kind, const std::byte* data, const layout_ref& where,
                      const std::function<index_t(const void* numbers, index_t count)>& find) {
  constexpr index_t at_once = 256;
  alignas(64) std::byte gathered[at_once * most_number_bytes];
  const index_t size = element_count(where.shape).value_or(0);
  const index_t length = where.shape.back();
  const index_t step_bytes = where.byte_strides.back();
  for (index_t begin = 0; begin < size; begin += length) {
    const std::byte* const row = data + offset_in_order(where, begin);
    for (index_t i = 0; i < length; i += at_once) {
      const index_t now = std::min(at_once, length - i);
      gather(kind, {row + i * step_bytes, step_bytes}, gathered, now);
      if (const index_t found = find(gathered, now); found < now) return begin + i + found;
    }
  }
  return size;
}

#define NPYMAP_KIND(T) template element_kind kind_of<T>();
NPYMAP_FOR_ORDERED(NPYMAP_KIND)
NPYMAP_FOR_COMPLEX(NPYMAP_KIND)

}  // namespace npymap::detail
