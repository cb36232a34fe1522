#include <initializer_list>
#include <string>

#include "format/raw_header.hpp"

using namespace npymap;
using namespace npymap_test;

namespace {

struct reading {
  const char* text;
  const char* meaning;  // as NumPy writes it
};

void check_all(std::initializer_list<reading> readings) {
  for (const auto& [text, meaning] : readings) {
    CAPTURE(text);
    CHECK(descr(parse_descr(text)) == meaning);
  }
}

void check_refused(std::initializer_list<const char*> texts) {
  for (const char* text : texts) {
    CAPTURE(text);
    CHECK(failure([&] { parse_descr(text); }).code() == errc::bad_dtype);
  }
}

}  // namespace

TEST_CASE("descr: type strings") {
  check_all({
      {"'<f8'", "'<f8'"},
      {"'>f8'", "'>f8'"},
      {"'=f8'", "'<f8'"},
      {"'|f8'", "'<f8'"},
      {"'f8'", "'<f8'"},
      {"'>u1'", "'|u1'"},
      {"'<b1'", "'|b1'"},
      {"'f2'", "'<f2'"},
      {"'f16'", "'<f16'"},
      {"'>c32'", "'>c32'"},
      {"'i8'", "'<i8'"},
      {"'S5'", "'|S5'"},
      {"'a5'", "'|S5'"},
      {"'>S5'", "'|S5'"},
      {"'>U5'", "'>U5'"},
      {"'U0'", "'<U0'"},
      {"'V'", "'|V0'"},
      {"'S'", "'|S0'"},
      {"'V2147483647'", "'|V2147483647'"},
      {"'U536870911'", "'<U536870911'"},
      {"'O'", "'|O'"},
      {"'<O'", "'|O'"},
      {"'O8'", "'|O'"},
      {"'O4'", "'|O'"},
      {"'f 8'", "'<f8'"},
      {"'f+8'", "'<f8'"},
      {"'S007'", "'|S7'"},
  });
  check_refused({"''",
                 "'<'",
                 "'<i3'",
                 "'f3'",
                 "'f0'",
                 "'f'  'x'",
                 "'f8 '",
                 "' f8'",
                 "'<<f8'",
                 "'i16'",
                 "'f12'",
                 "'c4'",
                 "'b2'",
                 "'O2'",
                 "'f8\\0'",
                 "'B1'",
                 "'u'",
                 "'T'",
                 "'n'",
                 "'f-8'",
                 "'S-4'",
                 "'V2147483648'",
                 "'U536870912'",
                 "'U1073741825'",
                 "'S4294967299'",
                 "'f4294967304'",
                 "'S99999999999999999999'",
                 "'\\x0c'"});
}

TEST_CASE("descr: a type string needs no quotes") {
  for (const char* const name : {"<f8", "float32", "?", "|S5", "=i4", "i4,f8", "M8[ns]"}) {
    CHECK(parse_descr(name) == parse_descr("'" + std::string(name) + "'"));
  }
  CHECK_THROWS_AS(parse_descr("f4x"), error);
  CHECK_THROWS_AS(parse_descr("4"), error);
}

TEST_CASE("descr: type codes and names") {
  check_all({
      {"'?'", "'|b1'"},         {"'b'", "'|i1'"},           {"'B'", "'|u1'"},
      {"'h'", "'<i2'"},         {"'H'", "'<u2'"},           {"'i'", "'<i4'"},
      {"'I'", "'<u4'"},         {"'l'", "'<i8'"},           {"'L'", "'<u8'"},
      {"'q'", "'<i8'"},         {"'Q'", "'<u8'"},           {"'p'", "'<i8'"},
      {"'P'", "'<u8'"},         {"'e'", "'<f2'"},           {"'f'", "'<f4'"},
      {"'<d'", "'<f8'"},        {"'>g'", "'>f16'"},         {"'F'", "'<c8'"},
      {"'D'", "'<c16'"},        {"'G'", "'<c32'"},          {"'c'", "'|S1'"},
      {"'M'", "'<M8'"},         {"'>m'", "'>m8'"},          {"'float64'", "'<f8'"},
      {"'double'", "'<f8'"},    {"'half'", "'<f2'"},        {"'single'", "'<f4'"},
      {"'float'", "'<f8'"},     {"'int'", "'<i8'"},         {"'int8'", "'|i1'"},
      {"'uint16'", "'<u2'"},    {"'bool'", "'|b1'"},        {"'bool8'", "'|b1'"},
      {"'complex64'", "'<c8'"}, {"'str'", "'<U0'"},         {"'bytes'", "'|S0'"},
      {"'void'", "'|V0'"},      {"'object'", "'|O'"},       {"'ulonglong'", "'<u8'"},
      {"'unicode_'", "'<U0'"},  {"'longdouble'", "'<f16'"},
  });
  check_refused({"'<float64'", "'=int'", "'Float64'", "'float65'", "'record'", "'float 64'"});
}

TEST_CASE("descr: times, their units, and divisors as NumPy resolves them") {
  check_all({
      {"'<M8[25s]'", "'<M8[25s]'"},       {"'M8'", "'<M8'"},
      {"'>m8[ns]'", "'>m8[ns]'"},         {"'M8[Y]'", "'<M8[Y]'"},
      {"'M8[1D]'", "'<M8[D]'"},           {"'M8[generic]'", "'<M8'"},
      {"'M8[5generic]'", "'<M8'"},        {"'datetime64'", "'<M8'"},
      {"'<datetime64[us]'", "'<M8[us]'"}, {"'timedelta64[7W]'", "'<m8[7W]'"},
      {"'M8[\\u03bcs]'", "'<M8[us]'"},    {"'M8[ 5s]'", "'<M8[5s]'"},
      {"'M8[+5s]'", "'<M8[5s]'"},         {"'M8[2147483647as]'", "'<M8[2147483647as]'"},
      {"'M8[s/1]'", "'<M8[s]'"},          {"'M8[s/10]'", "'<M8[100ms]'"},
      {"'M8[3s/10]'", "'<M8[300ms]'"},    {"'M8[s/1000000]'", "'<M8[us]'"},
      {"'M8[Y/12]'", "'<M8[M]'"},         {"'M8[Y/365]'", "'<M8[D]'"},
      {"'M8[M/30]'", "'<M8[D]'"},         {"'M8[W/9]'", "'<M8[1120m]'"},
      {"'M8[D/9]'", "'<M8[160m]'"},       {"'M8[h/ 60]'", "'<M8[m]'"},
      {"'M8[m/6]'", "'<M8[10s]'"},        {"'M8[fs/1000]'", "'<M8[as]'"},
      {"'M8[ps/1000000]'", "'<M8[as]'"},
  });
  check_refused({"'M8[]'", "'M8['", "'M8[s'", "'M8[s]x'", "'M8[s][s]'", "'M8[5]'", "'M8[x]'",
                 "'M8[5 s]'", "'M8[s ]'", "'M8[S]'", "'M4'", "'M8[s/]'", "'M8[/10]'",
                 "'M8[s/10/2]'", "'M8[s/10 ]'", "'M8[s/7]'", "'M8[as/10]'", "'M8[generic/2]'",
                 "'M8[fs/1000000]'", "'M8[\\u00b5s]'",
                 // What NumPy wraps, or dies of.
                 "'M8[s/0]'", "'M8[0s]'", "'M8[-5s]'", "'M8[s/-1000]'", "'M8[2147483648s]'",
                 "'M8[s/4294967296]'", "'M8[s/4294967297]'", "'M8[W/11]'", "'M8[2147483647s/10]'"});
}

TEST_CASE("descr: types between commas") {
  const char* const pair = "[('f0', '<i4'), ('f1', '<f8')]";
  check_all({
      {"'i4,f8'", pair},
      {"'i4 , f8'", pair},
      {"'i4,f8 '", pair},
      {"'i4,f8,'", pair},
      {"'i4\\t,\\nf8'", pair},
      {"'<i4,|f8'", pair},
      {"'int32,float64'", pair},
      {"'()i4,f8'", pair},
      {"'>i4,f8'", "[('f0', '>i4'), ('f1', '<f8')]"},
      {"'2i4,(3,)S5'", "[('f0', '<i4', (2,)), ('f1', '|S5', (3,))]"},
      {"'(2,3)i4, 2 >i4'", "[('f0', '<i4', (2, 3)), ('f1', '>i4', (2,))]"},
      {"'2,3i4,f8'", "[('f0', '<i4', (2, 3)), ('f1', '<f8')]"},
      {"'>2>i4,=2<i4'", "[('f0', '>i4', (2,)), ('f1', '<i4', (2,))]"},
      {"'3S,2M8[2s]'", "[('f0', '|S3'), ('f1', '<M8[2s]', (2,))]"},
      {"'(2,)8f4,0i4'", "[('f0', '<f4', (2, 8)), ('f1', '<i4', (0,))]"},
      {"'()i4'", "'<i4'"},
      {"'2S'", "'|S2'"},
  });
  check_refused({"','", "' i4,f8'", "'i4,,f8'", "'i4 f8,i4'", "'>2<i4,f8'", "'|2<i4,f8'",
                 "'(2,3i4,f8'", "'(2 3)i4,f8'", "'02i4,f8'", "'2()i4,f8'", "'bytes_,i4'", "'i4,2'",
                 "'8'", "'(2)i4'", "'(2,)S,i4'", "'i4,f8$'", "'M8[s/10],i4'", "'99999999999i4,f8'",
                 "'(65536,65536)i4,f8'",
                 // Where NumPy 1 and NumPy 2 differ.
                 "'i4,'", "'1i4,f8'", "'(1)i4,f8'"});
}

TEST_CASE("descr: records, their sub-arrays, padding and titles") {
  check_all({
      {"[]", "[]"},
      {"[('x', '<f8')]", "[('x', '<f8')]"},
      {"[['x', '<f8']]", "[('x', '<f8')]"},
      {"[('x', '<f8', (2, 3))]", "[('x', '<f8', (2, 3))]"},
      {"[('x', '<f8', [2, 3])]", "[('x', '<f8', (2, 3))]"},
      {"[('x', '<f8', 2)]", "[('x', '<f8', (2,))]"},
      {"[('x', '<f8', (1,))]", "[('x', '<f8', (1,))]"},
      {"[('x', '<f8', ())]", "[('x', '<f8')]"},
      {"[('x', '<f8', (0,))]", "[('x', '<f8', (0,))]"},
      {"[('x', ('<f8', (2,)))]", "[('x', '<f8', (2,))]"},
      {"[('x', ('<f8', (2,)), (3,))]", "[('x', '<f8', (3, 2))]"},
      {"[('x', (('f4', (2,)), (3,)), (4,))]", "[('x', '<f4', (4, 3, 2))]"},
      {"[('x', 'S', 3), ('y', ('V', 4))]", "[('x', '|S3'), ('y', '|V4')]"},
      {"[('x', '2i4', 3)]", "[('x', '<i4', (3, 2))]"},
      {"[('x', 'i4,f4')]", "[('x', [('f0', '<i4'), ('f1', '<f4')])]"},
      {"[('x', [('y', [])], (2,))]", "[('x', [('y', [])], (2,))]"},
      {"('<f8', ())", "'<f8'"},
      {"('S', 5)", "'|S5'"},
      {"('U', 5)", "'<U5'"},
      {"[('a', 'i1'), ('', 'V7'), ('b', '<f8'), ('', '|V3')]",
       "[('a', '|i1'), ('', '|V7'), ('b', '<f8'), ('', '|V3')]"},
      {"[('', 'V3')]", "[('', '|V3')]"},
      {"[('', 'V3'), ('', 'V4'), ('', '<f4', (2,))]", "[('', '|V15')]"},
      {"[('', '<f8')]", "[('', '<f8')]"},
      {"[('', 'S0'), ('a', 'i1')]", "[('', '|S0'), ('a', '|i1')]"},
      {"[(('t', ''), 'V4')]", "[(('t', ''), '|V4')]"},
      {"[(('t', 'x'), '<f8')]", "[(('t', 'x'), '<f8')]"},
      {"[(('', 'x'), '<f8')]", "[(('', 'x'), '<f8')]"},
      {"[((None, 'x'), '<f8')]", "[('x', '<f8')]"},
  });
  CHECK(parse_descr("[('', 'V3')]").fields().empty());
  CHECK(parse_descr("[('', 'V3')]").itemsize() == 3);
  check_refused({
      "None",
      "5",
      "True",
      "{}",
      "()",
      "('<f8',)",
      "['x', '<f8']",
      "[5]",
      "['xd']",
      "[('x',)]",
      "[('x', '<f8', (2,), 3)]",
      "[(5, '<f8')]",
      "[(['t', 'x'], '<f8')]",
      "[(('t', 'x', 'y'), '<f8')]",
      "[((3, 'x'), '<f8')]",
      "[(('t', 3), '<f8')]",
      "[(('x', 'x'), '<f8')]",
      "[('x', '<f8'), ('x', '<f8')]",
      "[('', '<f8'), ('', '<f8')]",
      "[(('t', 'x'), '<f8'), ('t', '<f8')]",
      "[('x', '<f8', -1)]",
      "[('x', '<f8', (-1,))]",
      "[('x', '<f8', '2')]",
      "[('x', '<f8', (True,))]",
      "[('x', '<f8', True)]",
      "[('x', '<f8', [])]",
      "[('x', '<f8', [[2]])]",
      "[('x', 'S', (3,))]",
      "[('x', 'S0', ())]",
      "[('x', 'V', -3)]",
      "[('x', ('f4', (0,)), (5,))]",
      "[('x', ('f4', (0,)), 5)]",
      "[('x', 'V2147483647'), ('y', 'V1')]",
      "[('x', 'V2147483647'), ('', 'V1')]",
      "[('x', 'i1', (2147483648,))]",
      "[('x', 'i1', (0, 2147483648))]",
      "[('x', 'i1', (65536, 65536))]",
      "[('x', [], (65536, 65536))]",
      "[('x', 'i1', (0, 65536, 65536, 65536, 65536))]",
      // As a whole, a sub-array has no place: its axes would be part of the shape.
      "('<f8', (2,))",
      "'2f8'",
      "('2f8', ())",
      // Two dtypes for one item, or what NumPy 1 and NumPy 2 read differently.
      "('<i4', '<f4')",
      "('<i8', None)",
      "('V', [('a', '<f8')])",
      "[('x', '<f8', 1)]",
  });
}

TEST_CASE("descr: sub-arrays have at most 64 axes, nested ones together") {
  const auto nested = [](int outer, int inner) {
    const auto ones = [](int rank) {
      std::string text = "(";
      for (int i = 0; i < rank; ++i) text += "1,";
      return text + ")";
    };
    return "[('x', ('<f8', " + ones(inner) + "), " + ones(outer) + ")]";
  };
  CHECK(parse_descr(nested(32, 32)).fields()[0].subshape == shape(64, 1));
  check_refused({nested(33, 32).c_str(), nested(65, 1).c_str(), nested(1, 65).c_str()});
}

TEST_CASE("descr: an error names what was found, and where") {
  const error e = failure([] { parse_descr("[('x', '<f8'), ('y', '<i3')]"); });
  CHECK(std::string(e.what()) == "descr: expected a size that NumPy has, found 'i3' (at byte 21)");
  const error twice = failure([] { parse_descr("[('x', '<f8'), ('x', '<i4')]"); });
  CHECK(std::string(twice.what()) ==
        "descr: expected names and titles used once, found 'x' twice (at byte 0)");
}
