#include "format/item.hpp"

#include <utility>

#include <fmt/format.h>

#include <npymap/error.hpp>

namespace npymap::detail {
namespace {

// PyDataType_ISUNSIZED: `S`, `U` and `V` before they are told their length. To NumPy, sub-arrays of
// no bytes are the same.
bool is_unsized(const item& base) {
  return base.size_bytes() == 0 && !(base.type.is_record() && base.subshape.empty());
}

// An extent fits a C int in NumPy, 64-bit or not.
index_t read_extent(const literal& value) {
  if (value.kind != literal_kind::integer) refuse_dtype("an integer", describe(value.kind));
  if (!value.fits || value.integer < 0 || value.integer > dtype::max_itemsize) {
    refuse_dtype(fmt::format("an extent of 0 to {}", dtype::max_itemsize),
                 value.fits ? fmt::format("{}", value.integer) : "a larger one");
  }
  return value.integer;
}

item with_length(const item& base, index_t length) {
  if (base.type.kind() == dtype_kind::raw) return {dtype::scalar(dtype_kind::raw, length)};
  return {dtype::text(base.type.kind(), length, base.type.byte_order())};
}

shape read_subshape(const literal& extents) {
  shape result;
  if (extents.kind == literal_kind::integer) {
    result.push_back(read_extent(extents));
    // NumPy 1 ignores this 1, NumPy 2 makes one more axis of it.
    if (result[0] == 1) refuse_dtype("the shape (1,) or no shape", "1");
    return result;
  }
  // A second dtype, as in ('<i4', '<f4'), makes items with two faces. No file has them.
  const bool is_list = extents.kind == literal_kind::list && extents.parts > 0;
  if (extents.kind != literal_kind::tuple && !is_list) {
    refuse_dtype("a tuple of extents", describe(extents.kind));
  }
  if (extents.parts > max_rank) {
    refuse_dtype(fmt::format("at most {} axes", max_rank), fmt::format("{}", extents.parts));
  }
  for (const literal& extent : extents) result.push_back(read_extent(extent));
  return result;
}

}  // namespace

void refuse_dtype(std::string expected, std::string found) {
  throw error(errc::bad_dtype,
              {.subject = "descr", .expected = std::move(expected), .found = std::move(found)});
}

item sub_array(const item& base, const literal& extents) {
  if (is_unsized(base)) {
    if (extents.kind != literal_kind::integer || !base.subshape.empty()) {
      refuse_dtype("a length", describe(extents.kind));
    }
    return with_length(base, read_extent(extents));
  }
  item result = {base.type, read_subshape(extents)};
  for (const index_t extent : base.subshape) {
    if (result.subshape.rank() == max_rank) {
      refuse_dtype(fmt::format("at most {} axes", max_rank), "more");
    }
    result.subshape.push_back(extent);
  }
  const auto count = element_count(result.subshape);
  const auto bytes = array_bytes(result.subshape, base.type.itemsize());
  if (!count || *count > dtype::max_itemsize || !bytes || *bytes > dtype::max_itemsize) {
    refuse_dtype(fmt::format("a sub-array of at most {} bytes", dtype::max_itemsize), "more");
  }
  return result;
}

void packed_record::grow(index_t bytes) {
  itemsize_ += bytes;  // both are below 2^31
  if (itemsize_ > dtype::max_itemsize) {
    refuse_dtype(fmt::format("a record of at most {} bytes", dtype::max_itemsize), "more");
  }
}

void packed_record::add(std::string name, std::optional<std::string> title, item part) {
  const index_t offset = itemsize_;
  grow(part.size_bytes());
  fields_.push_back({.name = std::move(name),
                     .type = std::move(part.type),
                     .subshape = std::move(part.subshape),
                     .offset_bytes = offset,
                     .title = std::move(title)});
}

void packed_record::pad(const item& unnamed) { grow(unnamed.size_bytes()); }

dtype packed_record::finish() && { return dtype::record(std::move(fields_), itemsize_); }

}  // namespace npymap::detail
