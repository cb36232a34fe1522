#include "format/dtype_reader.hpp"

#include <optional>
#include <string>
#include <utility>

#include <npymap/error.hpp>

#include "format/item.hpp"
#include "format/type_string.hpp"

namespace npymap::detail {
namespace {

[[noreturn]] void refuse(const literal& place, std::string expected, std::string found) {
  throw error(errc::bad_dtype, {.subject = "descr",
                                .expected = std::move(expected),
                                .found = std::move(found),
                                .byte_offset = place.offset});
}

// Call what knows nothing of places, and tell its failure as one of the value at `place`.
template <class Read>
auto located(const literal& place, Read read) {
  try {
    return read();
  } catch (const error& e) {
    refuse(place, e.expected(), e.found());
  }
}

item read_item(const literal& descr);

struct field_name {
  std::string name;
  std::optional<std::string> title = {};
  bool may_be_padding = false;
};

field_name read_name(const literal& value) {
  if (value.kind == literal_kind::string) {
    return {.name = std::string(value.text), .may_be_padding = value.text.empty()};
  }
  if (value.kind != literal_kind::tuple || value.parts != 2) {
    refuse(value, "a name or a pair of title and name", describe(value.kind));
  }
  const literal& title = *value.begin();
  const literal& name = *++value.begin();
  if (name.kind != literal_kind::string) refuse(name, "a name", describe(name.kind));
  if (title.kind == literal_kind::none) return {.name = std::string(name.text)};
  // NumPy carries a title of any kind around; only strings are of use to find a field.
  if (title.kind != literal_kind::string) refuse(title, "a title", describe(title.kind));
  return {.name = std::string(name.text), .title = std::string(title.text)};
}

// To NumPy's reader, void data without a name is padding; a sub-array is void data too.
bool is_void(const item& field) {
  return field.type.kind() == dtype_kind::raw || !field.subshape.empty();
}

void read_field(const literal& value, packed_record& record) {
  const bool is_sequence = value.kind == literal_kind::tuple || value.kind == literal_kind::list;
  if (!is_sequence || (value.parts != 2 && value.parts != 3)) {
    refuse(value, "a field as (name, type) or (name, type, shape)", describe(value.kind));
  }
  auto part = value.begin();
  field_name name = read_name(*part);
  const literal& type = *++part;
  item field = read_item(type);
  if (value.parts == 3) {
    const literal& extents = *++part;
    field = located(extents, [&] { return sub_array(field, extents); });
  }
  located(value, [&] {
    if (name.may_be_padding && is_void(field)) {
      record.pad(field);
    } else {
      record.add(std::move(name.name), std::move(name.title), std::move(field));
    }
  });
}

item read_item(const literal& descr) {
  switch (descr.kind) {
    case literal_kind::string:
      return located(descr, [&] { return read_type_string(descr.text); });
    case literal_kind::tuple: {
      if (descr.parts != 2) refuse(descr, "a pair of type and shape", "a tuple");
      auto part = descr.begin();
      const item base = read_item(*part);
      const literal& extents = *++part;
      return located(extents, [&] { return sub_array(base, extents); });
    }
    case literal_kind::list: {
      packed_record record;
      for (const literal& value : descr) read_field(value, record);
      return {located(descr, [&] { return std::move(record).finish(); })};
    }
    default:
      refuse(descr, "a type as a string, a tuple or a list", describe(descr.kind));
  }
}

}  // namespace

dtype read_descr(const literal& descr) {
  item whole = read_item(descr);
  // NumPy's reader takes it, and then fails on the elements: their shape is not that of the header.
  if (!whole.subshape.empty()) refuse(descr, "a type of single elements", "a sub-array");
  return std::move(whole.type);
}

}  // namespace npymap::detail
