#include <npymap/convert.hpp>

#include <string>
#include <utility>

#include <npymap/error.hpp>

#include "array/array_access.hpp"
#include "array/convert/item_unit.hpp"
#include "array/convert/require_cast.hpp"
#include "io/aligned_buffer.hpp"

namespace npymap {
namespace {

const char* name_of(casting rule) noexcept {
  switch (rule) {
    case casting::safe:
      return "safe";
    case casting::same_kind:
      return "same_kind";
    case casting::unsafe:
      return "unsafe";
  }
  return "unknown";
}

any_array convert_to_memory(const dtype& from_type, const void* from,
                            const detail::layout_ref& where, const dtype& to, casting rule,
                            const std::string& path) {
  detail::require_cast(from_type, to, rule);
  const bool fortran = detail::is_f_contiguous(where) && !detail::is_c_contiguous(where);
  const header facts{.dtype = to,
                     .shape = where.shape,
                     .order = fortran ? order::fortran : order::c,
                     .version = {},
                     .data_offset_bytes = 0};
  const detail::layout dense = detail::dense(where.shape, to.itemsize(), facts.order);
  io::aligned_buffer bytes(static_cast<std::size_t>(*array_bytes(where.shape, to.itemsize())));
  detail::convert_elements(from_type, from, where, to, bytes.data(),
                           {dense.shape, dense.byte_strides, to.itemsize()});
  return detail::array_access::over(std::move(bytes), path, facts);
}

}  // namespace

void detail::require_cast(const dtype& from, const dtype& to, casting rule) {
  if (can_cast(from, to, rule)) return;
  const bool would_do = rule != casting::unsafe && can_cast(from, to, casting::unsafe);
  throw error(errc::dtype_mismatch,
              {.subject = "conversion",
               .expected = "what becomes " + descr(to) + " by the rule " + name_of(rule) +
                           (would_do ? " (the casting 'unsafe' allows more)" : ""),
               .found = descr(from)});
}

any_array convert(const any_array& from, const dtype& to, casting rule) try {
  return convert_to_memory(from.dtype(), from.data(), from.layout(), to, rule, from.path());
} catch (const error& e) {
  throw e.in_file(from.path());
}

any_array detail::convert_view(const dtype& from_type, const void* from,
                               const layout_ref& from_layout, const dtype& to, casting rule) {
  return convert_to_memory(from_type, from, from_layout, to, rule, {});
}

any_array to_native(const any_array& x) {
  const std::size_t alignment = detail::natural_alignment(x.dtype());
  if (x.dtype().is_native() && detail::is_aligned(x.layout(), x.data(), alignment)) return x;
  return convert(x, x.dtype().with_byte_order(native_byte_order));
}

void detail::copy_view(const dtype& from_type, const void* from, const layout_ref& from_layout,
                       const dtype& to_type, void* to, const layout_ref& to_layout, casting rule) {
  require_same_shape(from_layout, to_layout);
  require_cast(from_type, to_type, rule);
  convert_elements(from_type, from, from_layout, to_type, to, to_layout);
}

}  // namespace npymap
