#include "cli/print/format.hpp"

#include <vector>

#include <npymap/error.hpp>

namespace npymap::cli {
namespace {

[[noreturn]] void refuse_object() {
  throw error(errc::object_dtype, {.subject = "elements",
                                   .expected = "a dtype other than object",
                                   .found = "Python objects, which are not read"});
}

struct formatted_field {
  index_t offset_bytes;
  index_t itemsize;
  shape subshape;
  element_format write;
};

// A sub-array: [[a, b], [c, d]], neither wrapped nor abbreviated.
void append_subarray(std::string& out, const std::byte* at, const formatted_field& f, int axis) {
  if (axis == f.subshape.rank()) return f.write(out, at);
  index_t step = f.itemsize;
  for (int inner = axis + 1; inner < f.subshape.rank(); ++inner) step *= f.subshape[inner];
  out += '[';
  for (index_t i = 0; i < f.subshape[axis]; ++i) {
    if (i > 0) out += ", ";
    append_subarray(out, at + i * step, f, axis + 1);
  }
  out += ']';
}

element_format record_format(const dtype& type, const printed_elements& elements) {
  std::vector<formatted_field> fields;
  for (const field& f : type.fields()) {
    const index_t itemsize = f.type.itemsize();
    const auto part = elements.part(f.offset_bytes, f.subshape, itemsize);
    fields.push_back({f.offset_bytes, itemsize, f.subshape, format_of(f.type, part)});
  }
  return [fields = std::move(fields)](std::string& out, const std::byte* at) {
    out += '(';
    for (std::size_t i = 0; i < fields.size(); ++i) {
      if (i > 0) out += ", ";
      append_subarray(out, at + fields[i].offset_bytes, fields[i], 0);
    }
    out += fields.size() == 1 ? ",)" : ")";  // Python's tuple of one
  };
}

std::string text_by(const element_format& format, const std::byte* at) {
  std::string text;
  format(text, at);
  return text;
}

}  // namespace

element_format format_of(const dtype& type, const printed_elements& elements) {
  switch (type.kind()) {
    case dtype_kind::boolean:
      return bool_format(elements);
    case dtype_kind::signed_integer:
    case dtype_kind::unsigned_integer:
      return integer_format(type, elements);
    case dtype_kind::floating:
      return float_format(type, elements);
    case dtype_kind::complex_floating:
      return complex_format(type, elements);
    case dtype_kind::datetime:
      return datetime_format(type, elements);
    case dtype_kind::timedelta:
      return timedelta_format(type, elements);
    case dtype_kind::bytes:
      return bytes_format(type);
    case dtype_kind::unicode:
      return unicode_format(type);
    case dtype_kind::raw:
      return raw_format(type);
    case dtype_kind::record:
      return record_format(type, elements);
    case dtype_kind::object:
      break;
  }
  refuse_object();
}

std::string scalar_text(const dtype& type, const std::byte* at) {
  switch (type.kind()) {
    case dtype_kind::signed_integer:
    case dtype_kind::unsigned_integer:
      return integer_text(type, at);
    case dtype_kind::floating:
      return float_text(type, at);
    case dtype_kind::complex_floating:
      return complex_text(type, at);
    case dtype_kind::datetime:
      return datetime_text(type, at);
    case dtype_kind::timedelta:
      return timedelta_text(type, at);
    case dtype_kind::unicode:
      return unicode_text(type, at);
    default:  // as in an array of one
      return text_by(format_of(type, printed_elements(at)), at);
  }
}

}  // namespace npymap::cli
