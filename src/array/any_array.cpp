#include <npymap/any_array.hpp>

#include <cstdint>
#include <utility>

#include <fmt/format.h>

#include <npymap/array.hpp>
#include <npymap/convert.hpp>
#include <npymap/error.hpp>

#include "array/array_access.hpp"
#include "array/dtype_advice.hpp"
#include "array/dtype_difference.hpp"
#include "array/memory.hpp"
#include "core/time_step.hpp"

namespace npymap {
namespace {

[[noreturn]] void refuse_field(const dtype& type, std::string_view name) {
  if (type.fields().empty()) {
    throw error(errc::dtype_mismatch, {.subject = "field " + quoted(name),
                                       .expected = "a dtype with fields",
                                       .found = descr(type)});
  }
  std::string names;
  for (const field& f : type.fields()) names += (names.empty() ? "" : ", ") + quoted(f.name);
  throw error(errc::dtype_mismatch,
              {.subject = "field",
               .expected = (type.fields().size() > 1 ? "one of " : "") + names,
               .found = quoted(name)});
}

}  // namespace

any_array::any_array(const detail::array_storage& source, const npymap::dtype& type,
                     std::byte* data, const detail::layout_ref& where)
    : detail::array_storage(source, data, where),
      dtype_(type),
      data_(data),
      shape_(where.shape),
      byte_strides_(where.byte_strides) {}

any_array any_array::with(const detail::layout& moved) const {
  return {*this,
          dtype_,
          data_ ? data_ + moved.offset_bytes : nullptr,
          {moved.shape, moved.byte_strides, itemsize()}};
}

index_t any_array::size() const noexcept { return *element_count(shape_); }

any_array any_array::field(std::string_view name) const try {
  const npymap::field* found = dtype_.find(name);
  if (!found) refuse_field(dtype_, name);
  const npymap::dtype& type = found->type;
  const detail::layout moved =
      detail::part(layout(), found->offset_bytes, found->subshape, type.itemsize());
  return {*this,
          type,
          data_ ? data_ + moved.offset_bytes : nullptr,
          {moved.shape, moved.byte_strides, type.itemsize()}};
} catch (const error& e) {
  throw e.in_file(path());
}

any_array any_array::slice(std::span<const slice_item> items) const try {
  return with(detail::slice(layout(), items));
} catch (const error& e) {
  throw e.in_file(path());
}
any_array any_array::slice(std::string_view numpy_text) const try {
  return with(detail::slice(layout(), numpy_text));
} catch (const error& e) {
  throw e.in_file(path());
}
any_array any_array::transpose() const { return with(detail::transpose(layout())); }
any_array any_array::permute(const index_vector& axes) const {
  return with(detail::permute(layout(), axes));
}
any_array any_array::swapaxes(int axis1, int axis2) const {
  return with(detail::swapaxes(layout(), axis1, axis2));
}
any_array any_array::moveaxis(int source, int destination) const {
  return with(detail::moveaxis(layout(), source, destination));
}
any_array any_array::flip() const { return with(detail::flip(layout())); }
any_array any_array::flip(int axis) const { return with(detail::flip(layout(), axis)); }
any_array any_array::squeeze() const { return with(detail::squeeze(layout())); }
any_array any_array::squeeze(int axis) const { return with(detail::squeeze(layout(), axis)); }
any_array any_array::expand_dims(int axis) const {
  return with(detail::expand_dims(layout(), axis));
}
any_array any_array::diagonal(index_t offset, int axis1, int axis2) const {
  return with(detail::diagonal(layout(), offset, axis1, axis2));
}
any_array any_array::reshape(const npymap::shape& extents, order fill) const {
  return with(detail::reshape(layout(), extents, fill));
}

void any_array::swap(any_array& other) noexcept {
  swap_storage(other);
  std::swap(dtype_, other.dtype_);
  std::swap(data_, other.data_);
  shape_.swap(other.shape_);
  byte_strides_.swap(other.byte_strides_);
}

void any_array::close() {
  require_sole_owner();
  any_array(std::move(*this)).close_storage();
}

namespace detail {

void require_element(const any_array& elements, const dtype& wanted, std::size_t alignment,
                     bool to_write) {
  if (const auto differs = difference(wanted, elements.dtype())) {
    throw error(errc::dtype_mismatch,
                {.path = elements.path(),
                 .subject = differs->subject,
                 .expected = differs->expected + advice_for(elements.dtype(), wanted),
                 .found = differs->found + reader_of(elements.dtype())});
  }
  if (!is_aligned(elements.layout(), elements.data(), alignment)) {
    throw error(errc::layout_mismatch,
                {.path = elements.path(),
                 .subject = "elements",
                 .expected = fmt::format("addresses and strides that are multiples of {}"
                                         " (as<stored<T>> takes any, convert<T> copies)",
                                         alignment),
                 .found = "others"});
  }
  if (to_write && elements.mode() == open_mode::read && elements.is_mapped()) {
    throw error(errc::read_only, {.path = elements.path(),
                                  .subject = "elements to write",
                                  .expected = "mode r+, w+ or c",
                                  .found = "mode r (as<const T> reads)"});
  }
}

void refuse_visit(const any_array& elements) {
  throw error(errc::dtype_mismatch,
              {.path = elements.path(),
               .subject = "visit",
               .expected = "bool, an integer, a float or complex",
               .found = descr(elements.dtype()) + reader_of(elements.dtype())});
}

any_array array_access::over(file_map map, const header& facts) {
  array_storage source;
  source.map_ = std::move(map);
  // A zero-size array has no bytes, and a read-only one is never written: `as` sees to that.
  auto* const data = const_cast<std::byte*>(source.map_.data());
  const index_t itemsize = facts.dtype.itemsize();
  return {source,
          facts.dtype,
          data,
          {facts.shape, dense_byte_strides(facts.shape, itemsize, facts.order), itemsize}};
}

any_array array_access::over(io::aligned_buffer bytes, std::string path, const header& facts,
                             std::size_t first_byte) {
  array_storage source;
  std::byte* const data = bytes.data() ? bytes.data() + first_byte : nullptr;
  source.memory_ = shared<memory>::adopt(new memory(std::move(bytes), std::move(path)));
  const index_t itemsize = facts.dtype.itemsize();
  return {source,
          facts.dtype,
          data,
          {facts.shape, dense_byte_strides(facts.shape, itemsize, facts.order), itemsize}};
}

}  // namespace detail
}  // namespace npymap
