/// \file
/// Elements of any type and layout as short dense rows of plain numbers: what kernels take.
#pragma once

#include <cstddef>
#include <functional>

#include <npymap/detail/layout.hpp>
#include <npymap/dtype.hpp>
#include <npymap/shape.hpp>

namespace npymap::detail {

/// What a pass has to know of the type that it reads elements as.
struct element_kind {
  npymap::dtype dtype;
  std::size_t alignment;
  index_t number_bytes;
  /// Make plain numbers of evenly spaced elements; null where elements are such numbers.
  void (*make_plain)(const std::byte* from, index_t step_bytes, void* to, index_t count);

  bool is_plain() const noexcept { return make_plain == nullptr; }
};

/// Compiled for each `number`.
template <class T>
element_kind kind_of();

/// So many numbers stay in the innermost cache while they are gone over twice.
inline constexpr index_t chunk_count = 4096;

/// Call `visit` with all elements as dense numbers, as they come in memory, `chunk_count` at a time
/// at most; short rows are brought together.
void for_each_chunk(const element_kind& kind, const std::byte* data, const layout_ref& where,
                    const std::function<void(const void* numbers, index_t count)>& visit);

/// The first place, in C order, that `find` finds among dense numbers, of which it gets some at a
/// time; it returns their count where it finds none. The count of all where there is none. For
/// ranks above 0.
index_t find_in_order(const element_kind& kind, const std::byte* data, const layout_ref& where,
                      const std::function<index_t(const void* numbers, index_t count)>& find);

}  // namespace npymap::detail
