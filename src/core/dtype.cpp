#include <npymap/dtype.hpp>

#include <algorithm>

#include <fmt/format.h>

#include <npymap/detail/checked.hpp>
#include <npymap/error.hpp>
#include <npymap/stored.hpp>

namespace npymap {
namespace {

[[noreturn]] void refuse(std::string expected, std::string found) {
  throw error(errc::bad_dtype,
              {.subject = "dtype", .expected = std::move(expected), .found = std::move(found)});
}

bool is_size_of(dtype_kind kind, index_t itemsize) {
  switch (kind) {
    case dtype_kind::boolean:
      return itemsize == 1;
    case dtype_kind::signed_integer:
    case dtype_kind::unsigned_integer:
      return itemsize == 1 || itemsize == 2 || itemsize == 4 || itemsize == 8;
    case dtype_kind::floating:
      return itemsize == 2 || itemsize == 4 || itemsize == 8 || itemsize == 16;
    case dtype_kind::complex_floating:
      return itemsize == 8 || itemsize == 16 || itemsize == 32;
    case dtype_kind::raw:
      return itemsize >= 0 && itemsize <= dtype::max_itemsize;
    default:
      return false;
  }
}

}  // namespace

dtype detail::of_size(dtype type, std::size_t size_bytes) {
  if (static_cast<std::size_t>(type.itemsize()) == size_bytes) return type;
  throw error(errc::bad_dtype,
              {.subject = "dtype_traits of a C++ type",
               .expected = fmt::format("items of {} bytes, its sizeof", size_bytes),
               .found = fmt::format("{} bytes", type.itemsize())});
}

dtype detail::in_order(const dtype& type, byte_order order) {
  if (!type.is_record()) return type.with_byte_order(order);
  if (order == native_byte_order) return type;
  throw error(errc::bad_dtype, {.subject = "stored record",
                                .expected = "members that are stored in foreign order themselves",
                                .found = "a record of this machine's"});
}

struct dtype::layout final : detail::counted {
  explicit layout(std::vector<field> given) : fields(std::move(given)) {}
  const std::vector<field> fields;
};

dtype dtype::scalar(dtype_kind kind, index_t itemsize, npymap::byte_order order) {
  if (!is_size_of(kind, itemsize)) {
    refuse("a size that NumPy has", fmt::format("'{}{}'", static_cast<char>(kind), itemsize));
  }
  const bool unordered = itemsize == 1 || kind == dtype_kind::raw;
  if (!unordered && order == byte_order::none) order = native_byte_order;
  return {kind, itemsize, unordered ? byte_order::none : order};
}

dtype dtype::time(dtype_kind kind, time_step step, npymap::byte_order order) {
  if (kind != dtype_kind::datetime && kind != dtype_kind::timedelta) {
    refuse("datetime or timedelta", fmt::format("kind '{}'", static_cast<char>(kind)));
  }
  if (step.count < 1) refuse("a positive number of units", fmt::format("{}", step.count));
  if (step.unit == time_unit::generic) step.count = 1;  // nothing is counted; NumPy drops it
  dtype result(kind, 8, order == byte_order::none ? native_byte_order : order);
  result.step_ = step;
  return result;
}

dtype dtype::text(dtype_kind kind, index_t length, npymap::byte_order order) {
  if (kind != dtype_kind::bytes && kind != dtype_kind::unicode) {
    refuse("bytes or unicode", fmt::format("kind '{}'", static_cast<char>(kind)));
  }
  const bool wide = kind == dtype_kind::unicode;
  const index_t width = wide ? 4 : 1;  // NumPy keeps unicode as UTF-32
  if (length < 0 || length > max_itemsize / width) {
    refuse(fmt::format("a length of 0 to {}", max_itemsize / width), fmt::format("{}", length));
  }
  if (order == byte_order::none) order = native_byte_order;
  return {kind, length * width, wide ? order : byte_order::none};
}

dtype dtype::record(std::vector<field> fields, index_t itemsize) {
  if (itemsize < 0 || itemsize > max_itemsize) {
    refuse(fmt::format("an itemsize of 0 to {}", max_itemsize), fmt::format("{}", itemsize));
  }
  std::vector<std::string_view> names;
  for (const field& f : fields) {
    names.push_back(f.name);
    if (f.title) names.push_back(*f.title);
    const auto end = detail::checked_add(f.offset_bytes, f.size_bytes());
    if (f.offset_bytes < 0 || !end || *end > itemsize) {
      refuse(fmt::format("fields within {} bytes", itemsize),
             fmt::format("field {} at {}", quoted(f.name), f.offset_bytes));
    }
    // NumPy counts them in a C int too, and without a byte they would fit anywhere.
    if (*element_count(f.subshape) > max_itemsize) {
      refuse(fmt::format("sub-arrays of at most {} elements", max_itemsize),
             fmt::format("field {} of shape {}", quoted(f.name), to_string(f.subshape)));
    }
  }
  std::ranges::sort(names);
  const auto twice = std::ranges::adjacent_find(names);
  if (twice != names.end()) refuse("names and titles used once", quoted(*twice) + " twice");
  dtype result(dtype_kind::record, itemsize, byte_order::none);
  result.fields_ = detail::shared<layout>::adopt(new layout(std::move(fields)));
  return result;
}

dtype dtype::object() noexcept { return {dtype_kind::object, 8, byte_order::none}; }

std::span<const field> dtype::fields() const noexcept {
  return fields_ ? std::span<const field>(fields_->fields) : std::span<const field>();
}

dtype dtype::with_byte_order(npymap::byte_order order) const {
  if (order == byte_order::none) {
    throw error(errc::invalid_argument,
                {.subject = "byte order", .expected = "little or big", .found = "none"});
  }
  dtype result = *this;
  if (order_ != byte_order::none) result.order_ = order;
  if (fields_) {
    std::vector<field> turned = fields_->fields;
    for (field& f : turned) f.type = f.type.with_byte_order(order);
    result.fields_ = detail::shared<layout>::adopt(new layout(std::move(turned)));
  }
  return result;
}

const field* dtype::find(std::string_view name) const noexcept {
  for (const field& f : fields()) {
    if (f.name == name || (f.title && *f.title == name)) return &f;
  }
  return nullptr;
}

index_t field::size_bytes() const {
  const auto bytes = array_bytes(subshape, type.itemsize());
  if (!bytes) {
    refuse("a sub-array of 0 to 2**63 - 1 bytes",
           fmt::format("field {} of shape {}", quoted(name), to_string(subshape)));
  }
  return *bytes;
}

bool dtype::is_native() const noexcept {
  if (is_record()) {
    return std::ranges::all_of(fields(), [](const field& f) { return f.type.is_native(); });
  }
  return order_ == byte_order::none || order_ == native_byte_order;
}

bool dtype::has_object() const noexcept {
  return kind_ == dtype_kind::object ||
         std::ranges::any_of(fields(), [](const field& f) { return f.type.has_object(); });
}

bool operator==(const dtype& a, const dtype& b) noexcept {
  return a.kind_ == b.kind_ && a.itemsize_ == b.itemsize_ && a.order_ == b.order_ &&
         a.step_ == b.step_ && std::ranges::equal(a.fields(), b.fields());
}

}  // namespace npymap
