#include <array>
#include <cstddef>
#include <cstring>
#include <utility>

#include <fmt/format.h>

#include <npymap/detail/loop_nest.hpp>
#include <npymap/error.hpp>

namespace npymap::detail {
namespace {

/// As many bytes as an element of a usual size, without its type or its alignment.
template <std::size_t Size>
struct raw_element {
  std::byte bytes[Size];
};

template <std::size_t Size>
void copy_sized(loop_nest& nest, const std::byte* from, std::byte* to) {
  using raw = raw_element<Size>;
  visit_runs(
      nest,
      [](index_t count, element_run<const raw> source, element_run<raw> target) {
        if (source.is_dense() && target.is_dense()) {
          std::memcpy(target.first, source.first, static_cast<std::size_t>(count) * Size);
        } else {
          for (index_t i = 0; i < count; ++i) target[i] = source[i];
        }
        return true;
      },
      reinterpret_cast<const raw*>(from), reinterpret_cast<raw*>(to));
}

void copy_any(loop_nest& nest, const std::byte* from, std::byte* to, index_t itemsize) {
  const auto bytes = static_cast<std::size_t>(itemsize);
  visit_runs(
      nest,
      [bytes, itemsize](index_t count, element_run<const std::byte> source,
                        element_run<std::byte> target) {
        if (source.step_bytes == itemsize && target.step_bytes == itemsize) {
          std::memcpy(target.first, source.first, static_cast<std::size_t>(count) * bytes);
        } else {
          for (index_t i = 0; i < count; ++i) std::memcpy(&target[i], &source[i], bytes);
        }
        return true;
      },
      from, to);
}

}  // namespace

void copy_elements(const void* from, const layout_ref& from_layout, void* to,
                   const layout_ref& to_layout) {
  const index_t itemsize = from_layout.itemsize;
  if (itemsize != to_layout.itemsize) {
    throw error(errc::layout_mismatch, {.subject = "itemsize of the target",
                                        .expected = fmt::format("{}", itemsize),
                                        .found = fmt::format("{}", to_layout.itemsize)});
  }
  require_same_shape(from_layout, to_layout);
  const std::array operands = {from_layout, to_layout};
  loop_nest nest(operands);
  if (element_count(from_layout.shape) == 0) return;  // there may be no memory either
  const auto* source = static_cast<const std::byte*>(from);
  auto* target = static_cast<std::byte*>(to);
  switch (itemsize) {
    case 0:
      return;
    case 1:
      return copy_sized<1>(nest, source, target);
    case 2:
      return copy_sized<2>(nest, source, target);
    case 4:
      return copy_sized<4>(nest, source, target);
    case 8:
      return copy_sized<8>(nest, source, target);
    case 16:
      return copy_sized<16>(nest, source, target);
    default:
      return copy_any(nest, source, target, itemsize);
  }
}

}  // namespace npymap::detail
