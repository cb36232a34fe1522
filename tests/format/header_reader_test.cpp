#include <string>
#include <vector>

#include "format/raw_header.hpp"

using namespace npymap;
using namespace npymap_test;

namespace {

const std::string plain = header_of("'<f8'");

void check_plain(const header& h) {
  CHECK(h.dtype == dtype::scalar(dtype_kind::floating, 8, byte_order::little));
  CHECK(h.shape == shape{6});
  CHECK(h.order == order::c);
}

}  // namespace

TEST_CASE("header: the start of a file tells how many bytes to read") {
  const auto declared = [](std::string_view bytes) {
    return declared_header_bytes(as_bytes(bytes.substr(0, npy_prefix_bytes)));
  };
  CHECK(declared(raw_header(plain, 1)) == 10 + plain.size());
  CHECK(declared(raw_header(plain, 2)) == 12 + plain.size());
  CHECK(declared(raw_header(plain, 3)) == 12 + plain.size());
  CHECK(declared(raw_header("", 1)) == 10);
  CHECK(declared(raw_header(std::string(300, ' '), 1)) == 310);
}

TEST_CASE("header: versions 1.0, 2.0 and 3.0 are read, all others are refused") {
  std::string bytes = raw_header(plain, 2);
  for (int major = 0; major < 256; ++major) {
    for (const int minor : {0, 1, 255}) {
      CAPTURE(major, minor);
      bytes[6] = static_cast<char>(major);
      bytes[7] = static_cast<char>(minor);
      if (minor == 0 && (major == 2 || major == 3)) {
        check_plain(parse(bytes));
        CHECK(parse(bytes).version == npy_version{static_cast<std::uint8_t>(major), 0});
      } else if (minor == 0 && major == 1) {
        check_plain(parse(raw_header(plain, 1)));
      } else {
        CHECK(parse_failure(bytes).code() == errc::unsupported_version);
      }
    }
  }
}

TEST_CASE("header: what follows it is not looked at") {
  check_plain(parse(raw_header(plain) + std::string(100, '\0')));
  CHECK(parse(raw_header(plain) + "x").data_offset_bytes == 10 + plain.size());
}

TEST_CASE("header: another kind of file is told from one that is cut") {
  CHECK(parse_failure("PK\3\4").code() == errc::not_npy);
  CHECK(parse_failure("\x93NUMPX\1").code() == errc::not_npy);
  CHECK(parse_failure("").code() == errc::truncated);
  CHECK(parse_failure("\x93NUM").code() == errc::truncated);
  CHECK(parse_failure("\x93NUMPY\1").code() == errc::truncated);
  const error e = parse_failure(raw_header(plain).substr(0, 60));
  CHECK(e.code() == errc::truncated);
  CHECK(e.expected() == std::to_string(10 + plain.size()) + " bytes");
  CHECK(e.found() == "60");
}

TEST_CASE("header: what is often taken for an NPY file is named") {
  const std::string magic = "magic: expected '\\x93NUMPY', found ";
  const auto told = [](std::string_view start) { return std::string(parse_failure(start).what()); };
  CHECK(told("PK\3\4\x14\1-\2") ==
        magic + "'PK\\x03\\x04\\x14\\x01' of a zip archive (npz_reader opens .npz) (at byte 0)");
  CHECK(told("PK\5\6") == magic + "'PK\\x05\\x06' of an empty zip archive (.npz) (at byte 0)");
  CHECK(told("\x80\4\x95") ==
        magic + "'\\x80\\x04\\x95' of a Python pickle (read_pickled_array) (at byte 0)");
  CHECK(told("\x89HDF\r\n\x1a\n") == magic + "'\\x89HDF\\x0d\\n' of an HDF5 file (at byte 0)");
  CHECK(told("\x1f\x8b\b") == magic + "'\\x1f\\x8b\\x08' of a gzip file (at byte 0)");
  CHECK(told("1,2\n") == magic + "'1,2\\n' of text (load_text) (at byte 0)");
  CHECK(told("x^2\n") == magic + "'x^2\\n' of text (load_text) (at byte 0)");
  CHECK(told("x\x9c\1") ==
        magic + "'x\\x9c\\x01' of zlib data (as joblib compresses: dump without) (at byte 0)");
  CHECK(told("1,2\1") == magic + "'1,2\\x01' (at byte 0)");
}

TEST_CASE("header: the limit counts characters") {
  const auto padded = [](std::size_t size) {
    return plain + std::string(size - plain.size(), ' ');
  };
  check_plain(parse(raw_header(padded(10'000))));
  const error e = parse_failure(raw_header(padded(10'001)));
  CHECK(e.code() == errc::header_too_long);
  CHECK(e.expected() == "at most 10000 characters");
  check_plain(parse(raw_header(padded(10'001)), 10'001));
  check_plain(parse(raw_header(padded(70'000), 2), SIZE_MAX));

  // A comment of characters that take two bytes in version 3.
  const auto commented = [](std::size_t size) {
    std::string text = plain + "#";
    for (std::size_t i = text.size(); i < size; ++i) text += "\u00e9";
    return text;
  };
  check_plain(parse(raw_header(commented(10'000), 3)));
  CHECK(parse_failure(raw_header(commented(10'001), 3)).code() == errc::header_too_long);
  CHECK(parse_failure(raw_header(commented(10'000), 2)).code() == errc::header_too_long);
}

TEST_CASE("header: Python's ways to write the same are the same") {
  const std::vector<std::string> texts = {
      "{'shape': (6,), 'fortran_order': False, 'descr': '<f8'}",
      R"({"descr": "<f8", "fortran_order": False, "shape": (6,)})",
      "  \t{'descr':'<f8','fortran_order':False,'shape':(6,)}",
      "\n# a comment {\n{'descr': '<f8', # '\n 'fortran_order': False,\n'shape': (6,),\n}\n\n  \n",
      "{'descr': '<f8', 'fortran_order': False, 'shape': (\\\n6,)} \\\n ",
      "{'descr': '<f8',\r\n'fortran_order': False, 'shape': (6\f,)}\r\n",
      "{'descr': 1, 'descr': '>i4', 'descr': '<f8', 'fortran_order': False, 'shape': (6,)}",
      "({'descr': ('<f8'), 'fortran_order': (False), 'shape': ((6,))})",
      "{'des' 'cr': '<' \"f8\" '', u'fortran_order': False, r'shape': (6,)}",
      R"({'descr': '\x3c\146\u0038', 'fortran_order': False, '\U00000073hape': (6,)})",
      "{'descr': '''<f8''', \"\"\"fortran_order\"\"\": False, 'sh\\\nape': (6,)}",
      "{'descr': '<f8', 'fortran_order': False, 'shape': (+6,)}",
      "{'descr': '<f8', 'fortran_order': False, 'shape': (0x6,)}",
      "{'descr': '<f8', 'fortran_order': False, 'shape': (0X_6,)}",
      "{'descr': '<f8', 'fortran_order': False, 'shape': (0o6,)}",
      "{'descr': '<f8', 'fortran_order': False, 'shape': (0b1_10,)}",
  };
  for (const std::string& text : texts) {
    for (const int version : {1, 2, 3}) {
      CAPTURE(text, version);
      check_plain(parse(raw_header(text, version)));
    }
  }
}

TEST_CASE(
    "header: blanks in a last line that does not end are refused in version 3, as by CPython") {
  for (const std::string tail : {"\n ", "\n\t", "\n\n  ", " # comment\n "}) {
    CAPTURE(tail);
    check_plain(parse(raw_header(plain + tail, 1)));
    check_plain(parse(raw_header(plain + tail, 2)));
    CHECK(parse_failure(raw_header(plain + tail, 3)).code() == errc::bad_header);
    check_plain(parse(raw_header(plain + tail + "\n", 3)));
    check_plain(parse(raw_header(plain + tail + "# ", 3)));
  }
  check_plain(parse(raw_header(plain + " ", 3)));
  check_plain(parse(raw_header(plain + "\\\n ", 3)));
}

TEST_CASE("header: integers of Python 2 are read in versions 1 and 2") {
  const std::vector<std::string> shapes = {"(6L,)", "(6L , )", "(6 L,)", "(0x6L,)", "(6L L,)"};
  for (const std::string& text : shapes) {
    CAPTURE(text);
    check_plain(parse(raw_header(header_of("'<f8'", text), 1)));
    check_plain(parse(raw_header(header_of("'<f8'", text), 2)));
    CHECK(parse_failure(raw_header(header_of("'<f8'", text), 3)).code() == errc::bad_header);
  }
  for (const std::string text :
       {"(6l,)", "(6LL,)", "(6L1,)", "(06L,)", "(L,)", "(6\nL,)", "(0xL,)", "(0bL,)", "(0o L,)"}) {
    CAPTURE(text);
    CHECK(parse_failure(raw_header(header_of("'<f8'", text))).code() == errc::bad_header);
  }
}

TEST_CASE("header: names are latin-1 in versions 1 and 2, UTF-8 in version 3") {
  const std::string utf8 = header_of("[('\u00e9', '<f8')]");
  CHECK(parse(raw_header(utf8, 3)).dtype.fields()[0].name == "\u00e9");
  CHECK(parse(raw_header(utf8, 1)).dtype.fields()[0].name == "\u00c3\u00a9");
  CHECK(parse(raw_header(header_of("[('\xe9', '<f8')]"), 2)).dtype.fields()[0].name == "\u00e9");
  for (const std::string bad :
       {"\xe9", "\xc0\x80", "\xed\xa0\x80", "\xf4\x90\x80\x80", "\xe6\x97"}) {
    CHECK(parse_failure(raw_header(header_of("[('" + bad + "', '<f8')]"), 3)).code() ==
          errc::bad_header);
  }
}

TEST_CASE("header: strings mean what Python means by them") {
  const auto name_of = [](std::string_view python) {
    const std::string text = header_of("[(" + std::string(python) + ", '<f8')]");
    return parse(raw_header(text, 3)).dtype.fields()[0].name;
  };
  CHECK(name_of(R"('it\'s')") == "it's");
  CHECK(name_of(R"("it's")") == "it's");
  CHECK(name_of(R"('\\ \a\b\f\n\r\t\v\"')") == "\\ \a\b\f\n\r\t\v\"");
  CHECK(name_of(R"('\1\12\123\1234\400')") == std::string("\1\n\123\123") + "4\u0100");
  CHECK(name_of(R"('\0\x00')") == std::string(2, '\0'));
  CHECK(name_of(R"('\u65e5\U0001f600')") == "\u65e5\U0001f600");
  CHECK(name_of(R"('\d\8\ ')") == R"(\d\8\ )");
  CHECK(name_of("'\\\u65e5'") == "\\\u65e5");
  CHECK(name_of(R"(r'\n\'')") == R"(\n\')");
  CHECK(name_of("'''a'b\nc\rd\r\ne'''") == "a'b\nc\nd\ne");
  CHECK(name_of("'a\\\nb\\\r\nc'") == "abc");
  CHECK(name_of(R"('a' "b" u'c' r'\d')") == "abc\\d");
  CHECK(name_of("'\x1a\v\f'") == "\x1a\v\f");
}

TEST_CASE("header: what is no literal of a header is refused, with the byte that tells") {
  struct row {
    std::string text;
    errc code;
    std::size_t offset;  // in the text
  };
  const std::string no_shape = "{'descr': '<f8', 'fortran_order': False, ";
  const std::string before_shape = no_shape + "'shape': ";
  const std::size_t at_shape = before_shape.size();
  const std::vector<row> rows = {
      {"", errc::bad_header, 0},
      {"    ", errc::bad_header, 4},
      {"'<f8'", errc::bad_header, 0},
      {"[]", errc::bad_header, 0},
      {"{}", errc::bad_header, 0},
      {"{'descr' '<f8'}", errc::bad_header, 14},
      {no_shape + "}", errc::bad_header, 0},
      {no_shape, errc::bad_header, 41},
      {no_shape + "'shape': (6,), 'x': 1}", errc::bad_header, 56},
      {no_shape + "b'shape': (6,)}", errc::bad_header, 41},
      {no_shape + "1: (6,)}", errc::bad_header, 41},
      {plain + "x", errc::bad_header, plain.size()},
      {plain + std::string("\0", 1), errc::bad_header, plain.size()},
      {plain + "\\", errc::bad_header, plain.size() + 1},
      {plain + ",", errc::bad_header, plain.size()},
      {"\n " + plain, errc::bad_header, 2},
      {before_shape + "(6)}", errc::bad_header, at_shape + 1},
      {before_shape + "[6]}", errc::bad_header, at_shape},
      {before_shape + "(6,,)}", errc::bad_header, at_shape + 3},
      {before_shape + "(,)}", errc::bad_header, at_shape + 1},
      {before_shape + "(6 6)}", errc::bad_header, at_shape + 3},
      {before_shape + "(6,]}", errc::bad_header, at_shape + 3},
      {before_shape + "(6.0,)}", errc::bad_header, at_shape + 1},
      {before_shape + "(06,)}", errc::bad_header, at_shape + 1},
      {before_shape + "(6_,)}", errc::bad_header, at_shape + 1},
      {before_shape + "(0x,)}", errc::bad_header, at_shape + 1},
      {before_shape + "(0b2,)}", errc::bad_header, at_shape + 1},
      {before_shape + "(--6,)}", errc::bad_header, at_shape + 2},
      {before_shape + "(-(-6),)}", errc::bad_header, at_shape + 3},
      {before_shape + "(-'6',)}", errc::bad_header, at_shape + 2},
      {before_shape + "(-True,)}", errc::bad_header, at_shape + 2},
      {before_shape + "(1+1,)}", errc::bad_header, at_shape + 2},
      {before_shape + "(x,)}", errc::bad_header, at_shape + 1},
      {before_shape + "(-6,)}", errc::bad_header, at_shape + 1},
      {before_shape + "('6',)}", errc::bad_header, at_shape + 1},
      {before_shape + "(None,)}", errc::bad_header, at_shape + 1},
      {"{'descr': '<f8', 'fortran_order': 0, 'shape': (6,)}", errc::bad_header, 34},
      {"{'descr': '<f8', 'fortran_order': None, 'shape': (6,)}", errc::bad_header, 34},
      {"{'descr': '<f8', 'fortran_order': Falsey, 'shape': (6,)}", errc::bad_header, 34},
      {"{'descr': '<f8, 'fortran_order': False, 'shape': (6,)}", errc::bad_header, 17},
      {"{'descr': '<f\n8', 'fortran_order': False, 'shape': (6,)}", errc::bad_header, 10},
      {header_of("'\\x3'"), errc::bad_header, 11},
      {header_of("'\\u003'"), errc::bad_header, 11},
      {header_of("'\\U00110000'"), errc::bad_header, 11},
      {header_of("'\\ud800'"), errc::bad_header, 11},
      {header_of("b'<f8'"), errc::bad_header, 10},
      {header_of("ur'<f8'"), errc::bad_header, 10},
      {header_of("u '<f8'"), errc::bad_header, 10},
      {header_of("f'<f8'"), errc::bad_header, 10},
      {header_of("'<i3'"), errc::bad_dtype, 10},
      {header_of("[('x', '<f8'), ('y', '<i3')]"), errc::bad_dtype, 31},
      {header_of("None"), errc::bad_dtype, 10},
      {header_of("('<f4', (2,))"), errc::bad_dtype, 10},
  };
  for (const row& r : rows) {
    for (const int version : {1, 3}) {
      CAPTURE(r.text, version);
      const error e = parse_failure(raw_header(r.text, version));
      CAPTURE(e.what());
      CHECK(e.code() == r.code);
      CHECK(e.byte_offset() == r.offset + (version == 1 ? 10 : 12));
    }
  }
}

TEST_CASE("header: a shape whose byte size overflows is rejected, also beside an empty axis") {
  const auto code = [](std::string_view descr, std::string_view shape) {
    return parse_failure(raw_header(header_of(descr, shape))).code();
  };
  CHECK(code("'<f8'", "(1152921504606846976,)") == errc::size_overflow);
  CHECK(code("'|i1'", "(9223372036854775808,)") == errc::size_overflow);
  CHECK(code("'|i1'", "(18446744073709551617,)") == errc::size_overflow);
  CHECK(code("'|i1'", "(99999999999999999999999999999999,)") == errc::size_overflow);
  CHECK(code("'|i1'", "(4294967296, 4294967296)") == errc::size_overflow);
  CHECK(code("'|i1'", "(4294967296, 0, 4294967296)") == errc::size_overflow);
  CHECK(code("'|V0'", "(4294967296, 4294967296)") == errc::size_overflow);
  CHECK(code("'<f8'", "(-1,)") == errc::bad_header);
  CHECK(code("'<f8'", "(-99999999999999999999999999999999,)") != errc::truncated);
  CHECK(parse(raw_header(header_of("'<f8'", "(1152921504606846975,)"))).shape[0] ==
        1152921504606846975);
  CHECK(parse(raw_header(header_of("'|V0'", "(9223372036854775807,)"))).shape[0] == INT64_MAX);
}

TEST_CASE("header: up to 64 axes are read") {
  const auto ones = [](int rank) {
    std::string text = "(";
    for (int i = 0; i < rank; ++i) text += "1,";
    return text + ")";
  };
  CHECK(parse(raw_header(header_of("'<f8'", ones(64)))).shape == shape(64, 1));
  CHECK(parse_failure(raw_header(header_of("'<f8'", ones(65)))).code() == errc::bad_header);
}

TEST_CASE("header: fortran_order is told as it stands, for one axis too") {
  const std::string text = "{'descr': '<f8', 'fortran_order': True, 'shape': (6,)}";
  CHECK(parse(raw_header(text)).order == order::fortran);
}
