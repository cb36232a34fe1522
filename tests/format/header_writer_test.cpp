#include <string>

#include "format/raw_header.hpp"

using namespace npymap;
using namespace npymap_test;

namespace {

std::string text_of(const std::string& bytes) {
  const std::size_t prefix = bytes[6] == 1 ? 10 : 12;
  return bytes.substr(prefix, bytes.find_last_of('}') + 1 - prefix);
}

dtype record_named(std::string name) {
  return dtype::record({{.name = std::move(name), .type = dtype()}}, 8);
}

errc code_of(const dtype& type, std::span<const index_t> extents) {
  return static_cast<errc>(failure([&] { header_bytes(type, extents); }).code().value());
}

}  // namespace

TEST_CASE("header: the text is that of NumPy's repr, with room to grow, and ends in a line end") {
  const std::string bytes =
      header_bytes(dtype::scalar(dtype_kind::floating, 4, byte_order::big), shape{1000, 64});
  const std::string text = "{'descr': '>f4', 'fortran_order': False, 'shape': (1000, 64), }";
  CHECK(bytes == std::string("\x93NUMPY\1\0\x76\0", 10) + text + std::string(54, ' ') + "\n");
}

TEST_CASE("header: the growth room follows the axis that appending lengthens") {
  const auto size_of = [](int digits) {
    const dtype type = dtype::text(dtype_kind::bytes, 1);
    // The first extent has 1 or more digits; room and digits together are 21.
    index_t extent = 1;
    for (int i = 1; i < digits; ++i) extent *= 10;
    return header_bytes(type, shape{extent}).size();
  };
  for (int digits = 1; digits <= 19; ++digits) CHECK(size_of(digits) == size_of(1));
}

TEST_CASE("header: sizes are multiples of 64 with at least one space before the line end") {
  for (std::size_t length = 0; length < 200; ++length) {
    const std::string bytes = header_bytes(record_named(std::string(length, 'x')), shape{});
    CAPTURE(length);
    CHECK(bytes.size() % 64 == 0);
    CHECK(bytes.substr(bytes.size() - 2) == " \n");
    CHECK(parse(bytes).data_offset_bytes == bytes.size());
  }
}

TEST_CASE("header: version 1 while 16 bits hold the length, then version 2") {
  std::size_t longest_of_1 = 0;
  std::size_t shortest_of_2 = SIZE_MAX;
  for (std::size_t length = 65'300; length < 65'600; length += 8) {
    const std::string bytes = header_bytes(record_named(std::string(length, 'x')), shape{});
    CHECK(parse(bytes, SIZE_MAX).data_offset_bytes == bytes.size());
    if (bytes[6] == 1) longest_of_1 = std::max(longest_of_1, bytes.size());
    if (bytes[6] == 2) shortest_of_2 = std::min(shortest_of_2, bytes.size());
  }
  CHECK(longest_of_1 == 65'536);
  CHECK(shortest_of_2 == 65'600);
}

TEST_CASE("header: latin-1 names stay in version 1, others need version 3") {
  CHECK(header_bytes(record_named("\u00ff"), shape{})[6] == 1);
  CHECK(text_of(header_bytes(record_named("\u00ff"), shape{})).find("'\xff'") == 12);
  CHECK(header_bytes(record_named("\u0100"), shape{})[6] == 3);
  CHECK(text_of(header_bytes(record_named("\u0100"), shape{})).find("'\u0100'") == 12);
  CHECK(header_bytes(record_named(std::string(70'000, 'x') + "\u0100"), shape{})[6] == 3);
}

TEST_CASE("header: names are written as Python's repr writes them") {
  const auto repr = [](std::string name) {
    const std::string text = descr(record_named(std::move(name)));
    return text.substr(2, text.find(", '") - 2);
  };
  CHECK(repr("it's") == R"("it's")");
  CHECK(repr(R"(say "so")") == R"('say "so"')");
  CHECK(repr(R"(both ' ")") == R"('both \' "')");
  CHECK(repr("\\\n\r\t") == R"('\\\n\r\t')");
  CHECK(repr(std::string("\0\x1f\x7f", 3)) == R"('\x00\x1f\x7f')");
  CHECK(repr("\u0080\u00a0\u00ad\u00e9") == "'\\x80\\xa0\\xad\u00e9'");
  CHECK(repr("\u0378\u2028\u3000\ue000\u65e5") == "'\\u0378\\u2028\\u3000\\ue000\u65e5'");
  CHECK(repr("\U0001f600\U000e0001\U0010ffff") == "'\U0001f600\\U000e0001\\U0010ffff'");
}

TEST_CASE("header: fortran_order is True only where the order makes a difference") {
  const auto is_true = [](const shape& extents) {
    return text_of(header_bytes(dtype(), extents, order::fortran)).find("True") !=
           std::string::npos;
  };
  CHECK(is_true({2, 3}));
  CHECK(is_true({1, 2, 3}));
  CHECK_FALSE(is_true({}));
  CHECK_FALSE(is_true({6}));
  CHECK_FALSE(is_true({1, 5}));
  CHECK_FALSE(is_true({5, 1}));
  CHECK_FALSE(is_true({2, 0, 3}));
}

TEST_CASE("header: what NPY cannot say is not written") {
  const dtype byte = dtype::scalar(dtype_kind::signed_integer, 1);
  const dtype overlapping = dtype::record(
      {{.name = "a", .type = dtype()}, {.name = "b", .type = byte, .offset_bytes = 4}}, 8);
  const dtype backwards = dtype::record(
      {{.name = "a", .type = byte, .offset_bytes = 1}, {.name = "b", .type = byte}}, 2);
  CHECK(code_of(overlapping, shape{6}) == errc::bad_dtype);
  CHECK(code_of(backwards, shape{6}) == errc::bad_dtype);
  CHECK(code_of(record_named("\xff"), shape{6}) == errc::bad_dtype);
  CHECK(code_of(dtype::object(), shape{6}) == errc::object_dtype);
  CHECK(code_of(dtype::record({{.name = "a", .type = dtype::object()}}, 8), shape{6}) ==
        errc::object_dtype);
  CHECK(code_of(dtype(), shape{INT64_MAX / 8 + 1}) == errc::size_overflow);
  CHECK(code_of(dtype(), shape{0, INT64_MAX}) == errc::size_overflow);
  CHECK(code_of(dtype(), shape{-1}) == errc::invalid_argument);
  const std::vector<index_t> many(65, 1);
  CHECK(code_of(dtype(), many) == errc::invalid_argument);
  CHECK(descr(dtype::object()) == "'|O'");
}

TEST_CASE("header: what nobody could read back is not written, where NumPy writes it") {
  const auto text = dtype::text(npymap::dtype_kind::unicode, 0);
  const auto number = dtype::scalar(npymap::dtype_kind::signed_integer, 4);
  CHECK(code_of(dtype::record({{.name = "a", .type = text, .subshape = {3}}}, 0), shape{2}) ==
        errc::bad_dtype);
  CHECK(code_of(dtype::record({{.name = "", .type = number, .subshape = {1}}}, 4), shape{2}) ==
        errc::bad_dtype);
  dtype deep = number;
  for (int i = 0; i < 150; ++i) deep = dtype::record({{.name = "a", .type = deep}}, 4);
  CHECK(code_of(deep, shape{2}) == errc::bad_dtype);
}
