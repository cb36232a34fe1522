// The list of where npymap differs from NumPy on purpose, and the proof that it does.

#include <algorithm>
#include <string>
#include <vector>

#include "format/oracle.hpp"
#include "format/raw_header.hpp"
#include "support/python.hpp"
#include "support/skip.hpp"

using namespace npymap;
using namespace npymap_test;

namespace npymap_test {

const std::vector<difference>& known_differences() {
  const auto shape = [](std::string_view extents) {
    return raw_header(header_of("'<f8'", extents));
  };
  const auto descr = [](std::string_view python) { return raw_header(header_of(python)); };
  const auto plain = [](std::string_view before, int version) {
    return raw_header(std::string(before) + header_of("'<f8'"), version);
  };
  const auto ones = [](int rank) {
    std::string extents = "(";
    for (int i = 0; i < rank; ++i) extents += "1,";
    return extents + ")";
  };
  static const std::vector<difference> differences = {
      // Headers that NumPy reads and cannot use: it fails, wraps or dies later.
      {"negative extent", shape("(-6,)"),
       "NumPy takes one as 'whatever fits'; the size of the data is then anyone's guess"},
      {"overflow", shape("(4294967296, 4294967296)"),
       "NumPy multiplies in wrapping 64 bits, also beside an extent of 0"},
      {"overflow", descr("[('x', 'i1', (0, 65536, 65536, 65536, 65536))]"),
       "the same within a sub-array"},
      {"rank", shape(ones(65)), "no NumPy has arrays of more than 64 axes"},
      {"rank", descr("[('x', '<f8', " + ones(33) + ")]"), "NumPy 1 stops at 32 axes, NumPy 2 at 64",
       reader::all_but_numpy1},
      {"bool as extent", shape("(True,)"), "NumPy deprecates bools as integers"},
      {"sub-array as a whole", descr("('<f8', (2,))"),
       "NumPy cannot load it: the axes of the sub-array are not in the shape"},
      {"wrapped size", descr("'V4294967300'"), "NumPy reads 4 bytes", reader::numpy1},
      {"wrapped size", descr("'S-4'"), "NumPy reads a negative size", reader::numpy1},
      {"wrapped size", descr("('S', -4)"), "the same in a pair", reader::numpy1},
      {"wrapped time step", descr("'M8[s/0]'"), "NumPy dies of the division, by SIGFPE"},
      {"wrapped time step", descr("'M8[0s]'"), "NumPy cannot convert what it reads"},
      {"wrapped time step", descr("'M8[s/-1000]'"), "NumPy reads a count of -1"},
      {"wrapped time step", descr("'M8[s/4294967297]'"), "NumPy reads a divisor of 1"},
      {"wrapped time step", descr("'M8[W/11]'"),
       "NumPy runs over the end of a table and reads a count of 0 years"},
      {"wrapped time step", descr("'M8[2147483647s/10]'"), "NumPy's count overflows"},

      // Headers that NumPy 1 and NumPy 2 read differently.
      {"extent 1", descr("[('x', '<f8', 1)]"), "NumPy 1 ignores the 1, NumPy 2 adds an axis"},
      {"extent 1", descr("'1f8,f8'"), "the same between commas"},
      {"trailing comma", descr("'f8,'"), "NumPy 1 reads f8, NumPy 2 a record of one field"},
      {"name of NumPy 1", descr("'float_'"), "NumPy 2 dropped some names; the files remain",
       reader::all_but_numpy2},

      // Accidents of NumPy's code that mean nothing to anyone.
      {"type number", descr("'\\x0c'"), "the 13th of NumPy's internal type numbers"},
      {"order without a type", descr("'f8,<'"), "NumPy drops it after its comma"},
      {"length of a sub-array", descr("[('x', ('f4', (0,)), 5)]"),
       "an empty sub-array passes for a string without a length"},
      {"two dtypes", descr("('<i4', '<f4')"), "NumPy reads the first"},
      {"two dtypes", descr("[('x', 'V', [('y', '<f8')])]"),
       "NumPy lends the fields of the second to the first"},
      {"tuple of other than two", descr("('<f8', (), 'and more')"),
       "NumPy does not look at what follows"},
      {"kind of descr", descr("{'xd': 0}"), "NumPy takes each key for a field"},
      {"field as a string", descr("['xd']"), "NumPy takes it for a field x of type d"},
      {"kind of title", descr("[((3, 'x'), '<f8')]"),
       "NumPy carries any object as a title; npymap's are strings"},

      // Python that no writer of headers writes.
      {"kind of literal", raw_header("{'descr': 1.5, " + header_of("'<f8'").substr(1)),
       "floats, complex numbers, bytes, sets and ... can only stand where a later key or nothing "
       "looks at them"},
      {"character by name", descr("[('\\N{BULLET}', '<f8')]"), "npymap carries no table of names"},
      {"lone surrogate", descr("[('\\ud800', '<f8')]"), "names are UTF-8, which has none"},
      {"unicode space", raw_header(header_of("'f8,\u2003f8'"), 3),
       "Python's \\s is wider than ASCII"},
      {"white space", plain("\n\f", 3),
       "in version 3, Python takes a form feed back to the start of the line, in 1 and 2 it does "
       "not"},
      {"white space", plain("\r", 1),
       "in versions 1 and 2, NumPy's own filter stumbles over a lone carriage return",
       reader::all_but_numpy1},
      {"joined line", plain("\n \\\n", 3),
       "CPython takes the blanks before a backslash for an indentation, even of the first line",
       reader::npymap},
  };
  return differences;
}

}  // namespace npymap_test

TEST_CASE("header: npymap differs from NumPy where the list says so") {
  for (const difference& d : known_differences()) {
    CAPTURE(d.name, d.reason);
    if (d.reader != reader::numpy && d.reader != reader::numpy1) {
      CHECK(parse(d.header).dtype.itemsize() == 8);
    } else {
      CHECK_FALSE(std::string(parse_failure(d.header).what()).empty());
    }
  }
}

TEST_CASE("header: NumPy differs from npymap where the list says so") {
  if (!have_numpy()) NPYMAP_SKIP("needs NumPy");
  const bool is_numpy1 = python("print(np.__version__)").starts_with("1.");
  std::vector<std::string> headers;
  for (const difference& d : known_differences()) headers.push_back(d.header);
  const auto judgements = judge(headers);
  for (std::size_t i = 0; i < headers.size(); ++i) {
    const difference& d = known_differences()[i];
    CAPTURE(d.name, d.reason, judgements[i].verdict);
    const auto other = is_numpy1 ? reader::all_but_numpy1 : reader::all_but_numpy2;
    const bool refuses = d.reader == other || d.reader == reader::npymap ||
                         (d.reader == reader::numpy1 && !is_numpy1);
    CHECK((judgements[i].verdict == "refused") == refuses);
    const bool npymap_refuses = d.reader == reader::numpy || d.reader == reader::numpy1;
    if (npymap_refuses && judgements[i].verdict == "ok") {
      CHECK(std::ranges::count(judgements[i].differences, d.name) == 1);
    }
  }
}

// Elements lie the same, and NumPy gives the field of an array the same shape: only dtypes compare
// unequal. A field that kept the nesting would be one more thing for everybody to look at.
TEST_CASE("header: nested sub-arrays become one, where NumPy keeps them apart") {
  const std::string nested = "[('a', ('<f8', (2,)), (3,))]", flat = "[('a', '<f8', (3, 2))]";
  CHECK(descr(parse_descr(nested)) == flat);
  if (!have_numpy()) NPYMAP_SKIP("needs NumPy");
  CHECK(python("a, b = np.dtype(" + nested + "), np.dtype(" + flat +
               ")\n"
               "print(np.lib.format.dtype_to_descr(a) == " +
               nested +
               ", a == b, np.zeros(4, a)['a'].shape == np.zeros(4, b)['a'].shape,"
               " a.itemsize == b.itemsize)") == "True False True True\n");
}
