#include <npymap/any_array.hpp>

#include <cstdint>
#include <utility>

#include <fmt/format.h>

#include <npymap/array.hpp>
#include <npymap/convert.hpp>
#include <npymap/error.hpp>

#include "array/array_access.hpp"
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
namespace {

// What to call instead, for elements that are the right numbers in the wrong bytes, or others that
// can become them.
std::string hint(const dtype& found, const dtype& wanted) {
  if (!found.is_record() && same_meaning(found.with_byte_order(native_byte_order), wanted)) {
    const char* const order = found.byte_order() == byte_order::big ? "big" : "little";
    return fmt::format(
        " in place (as<stored<T, byte_order::{}>> reads it value by value, load<T> and convert<T>"
        " copy)",
        order);
  }
  return can_cast(found, wanted, casting::unsafe) ? " (convert<T> copies and casts)" : "";
}

bool is_aligned(const any_array& elements, std::size_t alignment) {
  const auto misplaced = [alignment](std::uint64_t place) { return place % alignment != 0; };
  if (misplaced(reinterpret_cast<std::uintptr_t>(elements.data()))) return false;
  for (int axis = 0; axis < elements.rank(); ++axis) {
    const auto step = static_cast<std::uint64_t>(elements.byte_strides()[axis]);
    if (elements.extent(axis) > 1 && misplaced(step)) return false;
  }
  return true;
}

}  // namespace

const char* reader_of(const dtype& type) noexcept {
  switch (type.kind()) {
    case dtype_kind::bytes:
      return " (as_strings<char> reads it)";
    case dtype_kind::unicode:
      return type.is_native() ? " (as_strings<char32_t> reads it)"
                              : " (convert copies it to native byte order, text_at an element)";
    case dtype_kind::raw:
      return " (as_strings<std::byte> reads it)";
    case dtype_kind::datetime:
      return type.is_native() ? " (as<datetime64<Unit, Count>> reads it)" : "";
    case dtype_kind::timedelta:
      return type.is_native() ? " (as<timedelta64<Unit, Count>> reads it)" : "";
    default:
      return "";
  }
}

void require_element(const any_array& elements, const dtype& wanted, std::size_t alignment,
                     bool to_write) {
  if (const auto differs = difference(wanted, elements.dtype())) {
    throw error(errc::dtype_mismatch,
                {.path = elements.path(),
                 .subject = differs->subject,
                 .expected = differs->expected + hint(elements.dtype(), wanted),
                 .found = differs->found + reader_of(elements.dtype())});
  }
  if (elements.size() != 0 && !is_aligned(elements, alignment)) {
    throw error(errc::layout_mismatch,
                {.path = elements.path(),
                 .subject = "elements",
                 .expected = fmt::format("addresses and strides that are multiples of {}"
                                         " (as<stored<T>> takes any, load<T> and convert<T> copy)",
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

any_array array_access::over(io::aligned_buffer bytes, std::string path, const header& facts) {
  array_storage source;
  std::byte* const data = bytes.data();
  source.memory_ = shared<memory>::adopt(new memory(std::move(bytes), std::move(path)));
  const index_t itemsize = facts.dtype.itemsize();
  return {source,
          facts.dtype,
          data,
          {facts.shape, dense_byte_strides(facts.shape, itemsize, facts.order), itemsize}};
}

}  // namespace detail
}  // namespace npymap
