#include <npymap/shape.hpp>

#include <algorithm>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <npymap/detail/checked.hpp>
#include <npymap/error.hpp>

namespace npymap {
namespace {

int checked_rank(std::int64_t rank) {
  if (rank < 0 || rank > max_rank) {
    throw error(errc::invalid_argument, {.subject = "number of axes",
                                         .expected = fmt::format("0 to {}", max_rank),
                                         .found = fmt::format("{}", rank)});
  }
  return static_cast<int>(rank);
}

}  // namespace

index_vector::index_vector(int rank, index_t value) : rank_(checked_rank(rank)) {
  if (rank_ > inline_capacity) heap_ = new index_t[max_rank];
  std::fill(begin(), end(), value);
}

index_vector::index_vector(std::initializer_list<detail::any_integer> values)
    : index_vector(checked_rank(std::ssize(values)), 0) {
  std::transform(values.begin(), values.end(), begin(),
                 [](detail::any_integer integer) { return integer.value; });
}

index_vector::index_vector(std::span<const index_t> values)
    : index_vector(checked_rank(std::ssize(values)), 0) {
  std::copy(values.begin(), values.end(), begin());
}

void index_vector::push_back(index_t value) {
  checked_rank(rank_ + 1);
  if (rank_ == inline_capacity) {
    heap_ = new index_t[max_rank];
    std::copy(inline_, inline_ + inline_capacity, heap_);
  }
  data()[rank_++] = value;
}

std::optional<index_t> element_count(std::span<const index_t> extents) noexcept {
  return array_bytes(extents, 1);
}

std::optional<index_t> array_bytes(std::span<const index_t> extents, index_t itemsize) noexcept {
  bool empty = itemsize == 0;
  index_t bytes = std::max<index_t>(itemsize, 1);
  for (const index_t extent : extents) {
    if (extent < 0) return std::nullopt;
    if (extent == 0) {
      empty = true;
      continue;
    }
    const auto product = detail::checked_multiply(bytes, extent);
    if (!product) return std::nullopt;
    bytes = *product;
  }
  return empty ? 0 : bytes;
}

strides dense_byte_strides(std::span<const index_t> extents, index_t itemsize, order layout) {
  const int rank = static_cast<int>(extents.size());
  strides byte_strides(rank);
  index_t step = itemsize;
  for (int i = 0; i < rank; ++i) {
    const int axis = layout == order::c ? rank - 1 - i : i;
    byte_strides[axis] = step;
    step *= std::max<index_t>(extents[static_cast<std::size_t>(axis)], 1);
  }
  return byte_strides;
}

std::string to_string(std::span<const index_t> values) {
  return fmt::format("({}{})", fmt::join(values, ", "), values.size() == 1 ? "," : "");
}

}  // namespace npymap
