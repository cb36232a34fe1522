#include <iterator>

#include <fmt/format.h>

#include <npymap/error.hpp>
#include <npymap/header.hpp>

#include "format/python_repr.hpp"
#include "format/type_string.hpp"

namespace npymap {
namespace detail {
namespace {

void append_type(std::string& out, const dtype& type);

void append_name(std::string& out, const field& f) {
  if (!f.title) return append_repr(out, f.name);
  out += '(';
  append_repr(out, *f.title);
  out += ", ";
  append_repr(out, f.name);
  out += ')';
}

// `_array_descr` in NumPy's _internal.py: what lies between fields is told as unnamed void.
void append_record(std::string& out, const dtype& type) {
  out += '[';
  const char* separator = "";
  index_t told = 0;
  const auto pad_to = [&](index_t offset) {
    if (offset == told) return;
    fmt::format_to(std::back_inserter(out), "{}('', '|V{}')", separator, offset - told);
    separator = ", ";
    told = offset;
  };
  for (const field& f : type.fields()) {
    if (f.offset_bytes < told) {
      throw error(errc::bad_dtype,
                  {.subject = "descr",
                   .expected = fmt::format("fields in the order of their bytes, none over another"),
                   .found = fmt::format("field {} at {}", quoted(f.name), f.offset_bytes)});
    }
    pad_to(f.offset_bytes);
    out += separator;
    out += '(';
    append_name(out, f);
    out += ", ";
    append_type(out, f.type);
    if (!f.subshape.empty()) {
      out += ", ";
      append_repr(out, f.subshape);
    }
    out += ')';
    separator = ", ";
    told += f.size_bytes();
  }
  pad_to(type.itemsize());
  out += ']';
}

void append_type(std::string& out, const dtype& type) {
  if (type.is_record()) return append_record(out, type);
  out += '\'';
  out += type_string(type);
  out += '\'';
}

}  // namespace
}  // namespace detail

std::string descr(const dtype& type) {
  std::string text;
  detail::append_type(text, type);
  return text;
}

}  // namespace npymap
