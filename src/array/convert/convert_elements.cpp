// Elements go through three stages, a few kilobytes at a time: gathered into native order, cast,
// scattered in the target's order. What is native, aligned and adjacent already skips its stage,
// and elements that only move, or turn their bytes round, do so in one.

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>

#include <npymap/convert.hpp>
#include <npymap/detail/loop_nest.hpp>
#include <npymap/error.hpp>

#include "array/convert/cast_loop.hpp"
#include "array/convert/item_unit.hpp"
#include "array/convert/move_run.hpp"
#include "array/convert/number.hpp"
#include "array/convert/time_cast.hpp"

namespace npymap::detail {
namespace {

using source_run = byte_run<const std::byte>;
using target_run = byte_run<std::byte>;

constexpr std::size_t largest_number = 32;   // a complex of two long doubles
constexpr std::size_t staged_at_once = 256;  // elements: both stages stay in the first cache

/// One end of a cast: elements of a dtype, and how they come to be native and adjacent.
struct cast_end {
  index_t itemsize;
  index_t unit;
  std::size_t alignment;
  bool is_native;

  explicit cast_end(const dtype& type)
      : itemsize(type.itemsize()),
        unit(swapped_unit_bytes(type)),
        alignment(natural_alignment(type)),
        is_native(type.is_native()) {}

  bool is_ready(const std::byte* first, index_t step_bytes) const noexcept {
    return is_native && step_bytes == itemsize &&
           reinterpret_cast<std::uintptr_t>(first) % alignment == 0;
  }
  void move(source_run from, target_run to, std::size_t count) const {
    if (is_native) return copy_run(from, to, itemsize, count);
    swap_run(from, to, itemsize, unit, count);
  }
};

/// Casts runs of elements by a loop over native ones.
template <class Loop>
class staged_cast {
 public:
  staged_cast(const dtype& from, const dtype& to, Loop loop) : from_(from), to_(to), loop_(loop) {}

  void operator()(source_run from, target_run to, std::size_t count) {
    const bool ready = from_.is_ready(from.first, from.step_bytes);
    const bool takes = to_.is_ready(to.first, to.step_bytes);
    if (ready && takes) return loop_(from.first, to.first, count);
    while (count > 0) {
      const std::size_t now = std::min(count, staged_at_once);
      const std::byte* in = from.first;
      if (!ready) {
        from_.move(from, {in_, from_.itemsize}, now);
        in = in_;
      }
      loop_(in, takes ? to.first : out_, now);
      if (!takes) to_.move({out_, to_.itemsize}, to, now);
      from.first += static_cast<index_t>(now) * from.step_bytes;
      to.first += static_cast<index_t>(now) * to.step_bytes;
      count -= now;
    }
  }

 private:
  cast_end from_;
  cast_end to_;
  Loop loop_;
  alignas(64) std::byte in_[staged_at_once * largest_number];
  alignas(64) std::byte out_[staged_at_once * largest_number];
};

template <class Cast>
void cast_runs(const void* from, const layout_ref& from_layout, void* to,
               const layout_ref& to_layout, Cast&& cast) {
  const std::array operands = {from_layout, to_layout};
  loop_nest nest(operands);
  if (element_count(from_layout.shape) == 0) return;  // there may be no memory either
  visit_runs(
      nest,
      [&](index_t count, element_run<const std::byte> source, element_run<std::byte> target) {
        cast({source.first, source.step_bytes}, {target.first, target.step_bytes},
             static_cast<std::size_t>(count));
        return true;
      },
      static_cast<const std::byte*>(from), static_cast<std::byte*>(to));
}

// Not inlined: its buffers are too large for the frames of records within records.
template <class Loop>
[[gnu::noinline]] void cast_in_stages(const dtype& from_type, const void* from,
                                      const layout_ref& from_layout, const dtype& to_type, void* to,
                                      const layout_ref& to_layout, Loop loop) {
  cast_runs(from, from_layout, to, to_layout, staged_cast(from_type, to_type, loop));
}

/// What converts a few adjacent items of several parts: in pieces, so that what is written twice,
/// first as padding, or read once for each field is in the cache the second time.
using item_conversion = void (*)(const dtype& from_type, const std::byte* from,
                                 const layout_ref& from_layout, const dtype& to_type, std::byte* to,
                                 const layout_ref& to_layout);

void convert_in_pieces(const dtype& from_type, const void* from, const layout_ref& from_layout,
                       const dtype& to_type, void* to, const layout_ref& to_layout,
                       item_conversion convert) {
  constexpr index_t piece_bytes = 16 << 10;  // half of a first cache
  const auto widest = std::max<index_t>({from_layout.itemsize, to_layout.itemsize, 1});
  const auto items_at_once = std::max<index_t>(piece_bytes / widest, 1);
  cast_runs(from, from_layout, to, to_layout,
            [&](source_run source, target_run target, std::size_t run_length) {
              for (auto left = static_cast<index_t>(run_length); left > 0;) {
                const index_t now = std::min(left, items_at_once);
                convert(from_type, source.first,
                        {{&now, 1}, {&source.step_bytes, 1}, from_layout.itemsize}, to_type,
                        target.first, {{&now, 1}, {&target.step_bytes, 1}, to_layout.itemsize});
                source.first += now * source.step_bytes;
                target.first += now * target.step_bytes;
                left -= now;
              }
            });
}

// Of items on one axis.
void fill_zero(std::byte* to, const layout_ref& where) {
  for (index_t i = 0; i < where.shape[0]; ++i) {
    std::memset(to + i * where.byte_strides[0], 0, static_cast<std::size_t>(where.itemsize));
  }
}

// Character by character: what is longer loses its end, what is shorter gets zeros.
void convert_text(const dtype& from_type, const std::byte* from, const layout_ref& from_layout,
                  const dtype& to_type, std::byte* to, const layout_ref& to_layout) {
  const auto character_of = [](const dtype& type) {
    return type.kind() == dtype_kind::unicode
               ? dtype::scalar(dtype_kind::unsigned_integer, 4, type.byte_order())
               : dtype::scalar(dtype_kind::raw, 1);
  };
  const dtype from_character = character_of(from_type), to_character = character_of(to_type);
  const index_t width = from_character.itemsize();
  const index_t common = std::min(from_type.itemsize(), to_type.itemsize()) / width;
  if (from_type.itemsize() < to_type.itemsize()) fill_zero(to, to_layout);
  const index_t inside[] = {common};
  const layout source = part(from_layout, 0, inside, width);
  const layout target = part(to_layout, 0, inside, width);
  convert_elements(from_character, from, {source.shape, source.byte_strides, width}, to_character,
                   to, {target.shape, target.byte_strides, width});
}

void convert_records(const dtype& from_type, const std::byte* from, const layout_ref& from_layout,
                     const dtype& to_type, std::byte* to, const layout_ref& to_layout) {
  fill_zero(to, to_layout);  // the padding
  for (const field& f : to_type.fields()) {
    const field& g =
        *std::ranges::find(from_type.fields(), f.name, &field::name);  // can_cast saw it
    const layout source = part(from_layout, g.offset_bytes, g.subshape, g.type.itemsize());
    const layout target = part(to_layout, f.offset_bytes, f.subshape, f.type.itemsize());
    convert_elements(
        g.type, from + source.offset_bytes, {source.shape, source.byte_strides, g.type.itemsize()},
        f.type, to + target.offset_bytes, {target.shape, target.byte_strides, f.type.itemsize()});
  }
}

// The same values in other places, or in another byte order.
bool differ_by_order_alone(const dtype& from, const dtype& to) noexcept {
  return from.kind() == to.kind() && from.itemsize() == to.itemsize() && from.step() == to.step();
}

}  // namespace

void convert_elements(const dtype& from_type, const void* from, const layout_ref& from_layout,
                      const dtype& to_type, void* to, const layout_ref& to_layout) {
  if (from_type == to_type) return copy_elements(from, from_layout, to, to_layout);
  // Items without bytes can be more than anyone could count through.
  if (array_bytes(to_layout.shape, to_layout.itemsize) == 0) return;
  if (from_type.is_record()) {
    return convert_in_pieces(from_type, from, from_layout, to_type, to, to_layout, convert_records);
  }
  const bool is_text =
      from_type.kind() == dtype_kind::bytes || from_type.kind() == dtype_kind::unicode;
  if (is_text) {
    return convert_in_pieces(from_type, from, from_layout, to_type, to, to_layout, convert_text);
  }
  if (differ_by_order_alone(from_type, to_type)) {
    const index_t itemsize = from_type.itemsize();
    const index_t unit = swapped_unit_bytes(from_type);
    return cast_runs(from, from_layout, to, to_layout,
                     [&](source_run source, target_run target, std::size_t count) {
                       swap_run(source, target, itemsize, unit, count);
                     });
  }
  const auto from_number = number_index(from_type), to_number = number_index(to_type);
  if (from_number && to_number) {
    return cast_in_stages(from_type, from, from_layout, to_type, to, to_layout,
                          number_loop(*from_number, *to_number));
  }
  if (from_number || to_number) {  // the ticks of times as int64, and back: the same bytes
    const dtype ticks = dtype::scalar(dtype_kind::signed_integer, 8, from_type.byte_order());
    return convert_elements(ticks, from, from_layout, ticks.with_byte_order(to_type.byte_order()),
                            to, to_layout);
  }
  const time_cast times = time_cast::between(from_type.step(), to_type.step());
  const auto loop = [times](const void* source, void* target, std::size_t count) {
    times.run(static_cast<const std::int64_t*>(source), static_cast<std::int64_t*>(target), count);
  };
  cast_in_stages(from_type, from, from_layout, to_type, to, to_layout, loop);
}

}  // namespace npymap::detail
