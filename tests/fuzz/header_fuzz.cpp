// Any bytes are a header or an npymap::error; a header that was read can be written, and says the
// same again.

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <span>
#include <string>
#include <string_view>

#include <npymap/error.hpp>
#include <npymap/header.hpp>

namespace {

using namespace npymap;

void require(bool holds) {
  if (!holds) std::abort();
}

// What is read nests at most 200 brackets deep, but may be written with some more: `i4,i4` is a
// list of tuples. An upper bound of how deep, for names may hold brackets.
int nesting(std::string_view text) {
  int deepest = 0;
  int depth = 0;
  for (const char c : text) {
    if (c == '(' || c == '[' || c == '{') ++depth;
    if (c == ')' || c == ']' || c == '}') --depth;
    if (depth > deepest) deepest = depth;
  }
  return deepest;
}

std::span<const std::byte> bytes_of(const std::string& text) {
  return std::as_bytes(std::span(text.data(), text.size()));
}

void check_descr(const dtype& type) {
  const std::string text = descr(type);
  if (nesting(text) < 100) require(parse_descr(text) == type);
}

void check_header(std::span<const std::byte> bytes) {
  const header read = parse_header(bytes);
  require(read.data_offset_bytes <= bytes.size());
  require(read.data_offset_bytes == declared_header_bytes(bytes));
  require(array_bytes(read.shape, read.dtype.itemsize()).has_value());
  check_descr(read.dtype);
  if (read.dtype.has_object()) return;

  const std::string written = header_bytes(read.dtype, read.shape, read.order);
  require(written.size() % 64 == 0);
  if (nesting(written) >= 100) return;
  const header again = parse_header(bytes_of(written), SIZE_MAX);
  require(again.dtype == read.dtype);
  require(again.shape == read.shape);
  require(again.data_offset_bytes == written.size());
  require(header_bytes(again.dtype, again.shape, again.order) == written);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  try {
    check_header(std::as_bytes(std::span(data, size)));
  } catch (const error& e) {
    require(std::string_view(e.what()).size() < 1000);
  }
  try {
    check_descr(parse_descr({reinterpret_cast<const char*>(data), size}));
  } catch (const error& e) {
    require(std::string_view(e.what()).size() < 1000);
  }
  return 0;
}
