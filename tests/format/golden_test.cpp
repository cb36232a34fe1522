// The files of tests/data/golden, which make_golden.py there wrote with NumPy.

#include <string>
#include <vector>

#include "format/raw_header.hpp"
#include "support/temp_folder.hpp"

using namespace npymap;
using namespace npymap_test;

namespace {

struct golden_file {
  std::string name;
  std::string descr;
  npymap::shape shape;
  npymap::order order = order::c;
  std::uint64_t data_offset_bytes = 128;
  int version = 1;
  bool by_numpy = true;
};

const std::vector<golden_file>& golden_files() {
  static const std::vector<golden_file> files = {
      {"float64", "'<f8'", {2, 3}},
      {"float64_fortran", "'<f8'", {2, 3}, order::fortran},
      {"float64_big_endian", "'>f8'", {6}},
      {"float16", "'<f2'", {3}},
      {"long_double", "'<f16'", {3}},
      {"complex64", "'<c8'", {2, 2}},
      {"bool", "'|b1'", {4}},
      {"int8", "'|i1'", {2, 0, 3}},
      {"uint64_scalar", "'<u8'", {}},
      {"datetime", "'<M8[25s]'", {3}},
      {"timedelta_generic", "'<m8'", {3}},
      {"bytes", "'|S5'", {2}},
      {"unicode", "'<U3'", {2}},
      {"void", "'|V4'", {2}},
      {"bytes_empty", "'|S0'", {2}},
      {"record",
       "[('x', '<f8'), ('n', '<i4', (2, 3)), ('inner', [('a', '|i1'), ('b', '>u2')])]",
       {2},
       order::c,
       192},
      {"record_aligned",
       "[('a', '|i1'), ('', '|V7'), ('b', '<f8'), ('c', '|i1'), ('', '|V7')]",
       {2},
       order::c,
       192},
      {"record_titled", "[(('a title', 'x'), '<f4')]", {2}},
      {"record_latin1", "[('caf\u00e9', '<f4')]", {2}},
      {"record_utf8",
       "[('\u65e5\u672c', '<f4'), (\"it's\", '<i2'), ('a\\nb', '|i1')]",
       {2},
       order::c,
       192,
       3},
      {"record_no_fields", "[]", {2}},
      {"python2", "'<f8'", {6}, order::c, 79, 1, false},
      {"version2", "'<f8'", {6}, order::c, 70, 2, false},
      {"version3", "'<f8'", {6}, order::c, 70, 3, false},
      {"data_at_byte_66", "'<f8'", {2, 3}, order::c, 66, 1, false},
      {"other_order", "'<f8'", {6}, order::c, 68, 1, false},
      {"comma_string", "[('f0', '<f4'), ('f1', '<i2', (2,))]", {6}, order::c, 69, 1, false},
      {"object", "'|O'", {1}, order::c, 67, 1, false},
  };
  return files;
}

std::string golden_bytes(const golden_file& file) {
  std::string bytes = read_file(NPYMAP_TEST_DATA "/golden/" + file.name + ".npy");
  REQUIRE_FALSE(bytes.empty());
  return bytes;
}

}  // namespace

TEST_CASE("header: golden files are read as they were meant") {
  for (const golden_file& file : golden_files()) {
    CAPTURE(file.name);
    const header h = parse(golden_bytes(file));
    CHECK(descr(h.dtype) == file.descr);
    CHECK(h.shape == file.shape);
    CHECK(h.order == file.order);
    CHECK(h.version == npy_version{static_cast<std::uint8_t>(file.version), 0});
    CHECK(h.data_offset_bytes == file.data_offset_bytes);
  }
}

TEST_CASE("header: golden files of NumPy are written byte for byte") {
  for (const golden_file& file : golden_files()) {
    if (!file.by_numpy) continue;
    CAPTURE(file.name);
    const std::string written = header_bytes(parse_descr(file.descr), file.shape, file.order);
    CHECK(written == golden_bytes(file).substr(0, written.size()));
    CHECK(written.size() == file.data_offset_bytes);
  }
}
