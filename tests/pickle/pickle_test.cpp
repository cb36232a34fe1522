#include <npymap/pickle.hpp>

#include <algorithm>
#include <sstream>
#include <string>
#include <vector>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <npymap/convert.hpp>
#include <npymap/error.hpp>
#include <npymap/stored.hpp>

#include "support/catch.hpp"
#include "support/failure.hpp"
#include "support/process.hpp"
#include "support/python.hpp"
#include "support/skip.hpp"
#include "support/temp_folder.hpp"

using namespace npymap_test;
using namespace npymap;

namespace {

std::string hex_of(const any_array& x) {
  const any_array dense = convert(x, x.dtype());
  std::string out;
  for (index_t i = 0; i < dense.size_bytes(); ++i) {
    out += fmt::format("{:02x}", static_cast<unsigned char>(dense.data()[i]));
  }
  return out.empty() ? "-" : out;
}

std::string text_of(const pickled_value& value) {
  struct {
    std::string operator()(std::monostate) const { return "None"; }
    std::string operator()(bool b) const { return b ? "True" : "False"; }
    std::string operator()(std::int64_t n) const { return std::to_string(n); }
    std::string operator()(std::uint64_t n) const { return std::to_string(n); }
    std::string operator()(double x) const { return fmt::format("{}", x); }
    std::string operator()(const pickled_complex& z) const {
      return fmt::format("{}/{}", z.real, z.imag);
    }
    std::string operator()(const std::string& s) const { return "'" + s + "'"; }
    std::string operator()(const pickled_bytes& b) const { return "b'" + b.bytes + "'"; }
  } told;
  return std::visit(told, value);
}

std::string texts_of(const std::vector<pickled_value>& values) {
  std::string out;
  for (const pickled_value& value : values) out += text_of(value) + " ";
  return out;
}

// Writes what `make` gives, one pickle for each protocol, and runs `check` on the paths.
template <class F>
void each_protocol(const std::string& value, const F& check) {
  if (!have_numpy()) NPYMAP_SKIP("needs NumPy");
  const temp_folder folder;
  python("import pickle, collections\nx = " + value + R"(
for protocol in range(6):
    with open(f'{sys.argv[1]}/{protocol}.pkl', 'wb') as f: pickle.dump(x, f, protocol)
)",
         {folder.path()});
  for (int protocol = 0; protocol < 6; ++protocol) {
    CAPTURE(protocol);
    check(folder / (std::to_string(protocol) + ".pkl"), protocol);
  }
}

}  // namespace

// What is read is what NumPy has, byte for byte, for dtypes of all kinds, orders and protocols.
TEST_CASE("pickle: arrays of any dtype, shape, order and protocol are those that were pickled") {
  if (!have_numpy()) NPYMAP_SKIP("needs NumPy");
  const temp_folder folder;
  const std::uint64_t seed = random_seed();
  std::istringstream told(python(R"(
import pickle
folder, seed = sys.argv[1], int(sys.argv[2])
r = np.random.default_rng(seed)
kinds = ['?', 'i1', '>i2', '<i4', '>i8', 'u1', '<u2', '>u4', '<u8', '<f2', '>f4', '<f8', '>f8', '<f16', '<c8', '>c16', 'S5', 'S1', '<U3',
         '>U2', 'V7', '<M8[ns]', '>M8[25s]', 'm8[D]', 'M8', 'm8[3Y]', [('a', '<f8'), ('b', '>i2', (2, 3))],
         [(('a title', 'x'), 'i4'), ('y', [('z', 'S3'), ('w', '<M8[s]')])],
         {'names': ['p', 'q'], 'formats': ['<i2', '<f8'], 'offsets': [3, 11], 'itemsize': 24},
         np.dtype([('c', 'i1'), ('d', 'f8')], align=True), [('deep', [('er', 'u1', (2,))], (3,))], [('ü', 'f4')], 'S0', 'V0']
for i, kind in enumerate(kinds):
    for j in range(4):
        dtype = np.dtype(kind)
        shape = tuple(r.integers(0, 5, r.integers(0, 4)))
        count = int(np.prod(shape))
        x = np.frombuffer(r.bytes(count * dtype.itemsize) if dtype.kind not in 'U?' else b'\0\0\0\0' * (count * dtype.itemsize) , dtype, count) if dtype.itemsize else np.zeros(count, dtype)
        if dtype.kind == 'U': x = np.array([chr(0x41 + k % 50) * (k % 3) for k in range(count)], dtype)
        if dtype.kind == '?': x = r.integers(0, 2, count).astype('?')
        x = x.reshape(shape)
        if r.integers(2): x = np.asfortranarray(x)
        if r.integers(3) == 0 and x.ndim: x = x[::-1]
        protocol = int(r.integers(6))
        name = f'{i}_{j}.pkl'
        with open(f'{folder}/{name}', 'wb') as f: pickle.dump(x, f, protocol)
        # NumPy brings numbers to native byte order when it unpickles them: records as well here
        back = pickle.load(open(f'{folder}/{name}', 'rb'))
        little = back.dtype.newbyteorder('<')
        if back.dtype != little: back = back.astype(little)
        np.save(f'{folder}/{name}.npy', back)
        order = 'F' if back.flags.f_contiguous and not back.flags.c_contiguous else 'C'
        print(name, protocol, order, back.tobytes('C').hex() or '-')
)",
                                 {folder.path(), std::to_string(seed)}));
  int count = 0;
  for (std::string name, order, hex; told >> name; ++count) {
    int protocol = 0;
    told >> protocol >> order >> hex;
    CAPTURE(name, protocol, seed);
    const auto path = folder / name;
    const any_array x = read_pickled_array(path);
    const any_array saved = open(path + ".npy");
    CHECK(x.dtype().with_byte_order(byte_order::little) == saved.dtype());
    CHECK(x.shape() == saved.shape());
    const bool is_same = hex_of(convert(x, saved.dtype())) == hex_of(saved);
    CHECK(is_same);
    const auto list = pickled_arrays(path);
    REQUIRE(list.size() == 1);
    CHECK(list[0].name == "$");
    if (x.size_bytes() > 0) CHECK((list[0].order == npymap::order::fortran) == (order == "F"));
    CHECK(list[0].data_offset_bytes.has_value() == (protocol >= 3 || x.size_bytes() == 0));
    if (list[0].data_offset_bytes && x.size_bytes() > 0) {
      CHECK(x.is_mapped());
      CHECK(x.map().offset_bytes() == *list[0].data_offset_bytes);
    }
  }
  CHECK(count >= 120);
}

TEST_CASE("pickle: arrays are found within dicts, lists and tuples, by the first way to each") {
  each_protocol(
      "(lambda a: {'array': a, 'more': [1.5, None, (a, np.ones(2))], 7: {'x': np.zeros((2, 3), "
      "order='F')}, 'text': 'some', b'k': np.float32(3), \"it's\": np.arange(2), 'big': 1 << 70, "
      "'set': {1, 2}, 'z': 2j, 'o': collections.OrderedDict(q=np.arange(1)), True: "
      "[[np.arange(4)]], "
      "'bytes': bytearray(b'abc'), 'frozen': frozenset([3])})(np.arange(6).reshape(2, 3))",
      [](const std::string& path, int) {
        std::vector<std::string> names;
        for (const pickled_array& each : pickled_arrays(path)) names.push_back(each.name);
        CHECK(names == std::vector<std::string>{"$['array']", "$['more'][2][1]", "$[7]['x']",
                                                "$[\"it's\"]", "$['o']['q']", "$[True][0][0]"});
        CHECK(read_pickled_array(path, "$[7]['x']").shape() == shape{2, 3});
        const any_array a = read_pickled_array(path, "$['array']");
        CHECK(convert<std::int64_t>(a)(1, 2) == 5);
        CHECK(code_of([&] { read_pickled_array(path); }) == errc::out_of_range);
        const auto told = message_of([&] { read_pickled_array(path, "$['no']"); });
        CHECK(told.find("one of $['array'], $['more'][2][1], $[7]['x']") != std::string::npos);
      });
}

TEST_CASE("pickle: a typed array is mapped, and edits stay where the mode says") {
  each_protocol("np.arange(1000, dtype='u1').reshape(10, 100)", [](const std::string& path, int n) {
    const auto x = read_pickled_array<const std::uint8_t>(path);
    CHECK(x(9, 99) == 999 % 256);
    CHECK(code_of([&] { read_pickled_array<const double>(path); }) == errc::dtype_mismatch);
    const auto edited =
        read_pickled_array<std::uint8_t>(path, {}, {.mode = open_mode::copy_on_write});
    edited(0, 0) = 7;
    CHECK(x(0, 0) == 0);
    CHECK(code_of([&] { read_pickled_array(path, {}, {.mode = open_mode::read_write}); }) ==
          errc::invalid_argument);
    CHECK(x.is_mapped() == (n >= 3));
  });
  each_protocol("np.arange(1000.)", [](const std::string& path, int) {
    CHECK(read_pickled_array<const stored<double>>(path)(999) == 999);
  });
}

TEST_CASE("pickle: Python objects come as values, of a pickle and of an npy") {
  const std::string objects =
      "np.array([None, True, 5, -(1 << 40), 1 << 63, 2.5, 1 - 2j, 'ü text\\n', b'\\x00\\xff', "
      "np.float32(2), "
      "np.int16(-3), np.bool_(False), np.str_('abc'), np.bytes_(b'xy'), np.complex64(1j), "
      "np.uint64((1 << 64) - 1)], dtype=object)";
  const std::string expected =
      std::string("None True 5 -1099511627776 9223372036854775808 2.5 1/-2 'ü text\n' b'") +
      std::string("\0\xff", 2) + "' 2 -3 False 'abc' b'xy' 0/1 18446744073709551615 ";
  each_protocol(objects, [&](const std::string& path, int) {
    CHECK(texts_of(read_pickled_objects(path)) == expected);
    CHECK(code_of([&] { read_pickled_array(path); }) == errc::object_dtype);
    const auto list = pickled_arrays(path);
    REQUIRE(list.size() == 1);
    CHECK(list[0].dtype.kind() == dtype_kind::object);
    CHECK(!list[0].data_offset_bytes);
  });
  const temp_folder folder;
  const auto path = folder / "o.npy";
  python("np.save(sys.argv[1], " + objects + ".reshape(4, 4))", {path});
  CHECK(texts_of(read_pickled_objects(path)) == expected);
  CHECK(pickled_arrays(path)[0].shape == shape{4, 4});
  python("np.save(sys.argv[1], np.arange(3))", {path});
  CHECK(code_of([&] { pickled_arrays(path); }) == errc::not_pickle);
  each_protocol("np.array([1, [2]], dtype=object)", [](const std::string& list, int) {
    CHECK(code_of([&] { read_pickled_objects(list); }) == errc::refused_object);
  });
}

TEST_CASE("pickle: records with objects are told, and what is beside them is read") {
  each_protocol(
      "[np.zeros(2, [('o', 'O'), ('x', 'f8')]), np.arange(3.)]", [](const std::string& path, int) {
        const auto list = pickled_arrays(path);
        REQUIRE(list.size() == 2);
        CHECK(list[0].shape == shape{2});
        CHECK(list[0].dtype.has_object());
        CHECK(!list[0].data_offset_bytes);
        CHECK(convert<double>(read_pickled_array(path, "$[1]"))(2) == 2);
        CHECK(code_of([&] { read_pickled_array(path, "$[0]"); }) == errc::object_dtype);
        CHECK(code_of([&] { read_pickled_objects(path, "$[0]"); }) == errc::dtype_mismatch);
      });
}

TEST_CASE("pickle: recarrays, matrices and memmaps are arrays, other subclasses are refused") {
  each_protocol("np.matrix([[1, 2]])", [](const std::string& path, int) {
    CHECK(read_pickled_array(path).shape() == shape{1, 2});
  });
  each_protocol("np.rec.array([(1, 2.5), (3, 4.5)], dtype=[('a', 'i4'), ('b', 'f8')])",
                [](const std::string& path, int) {
                  const any_array x = read_pickled_array(path);
                  CHECK(x.dtype().fields().size() == 2);
                  CHECK(convert<double>(x.field("b"))(1) == 4.5);
                });
  for (const std::string made : {"np.ma.array([1, 2], mask=[0, 1])", "np.char.array(['a'])"}) {
    each_protocol(made, [](const std::string& path, int) {
      const auto told = message_of([&] { pickled_arrays(path); });
      CHECK(told.find(" refused (at byte ") != std::string::npos);
      CHECK(told.find(": numpy.") != std::string::npos);
    });
  }
}

TEST_CASE("pickle: an array costs its head, however large it is") {
  if (!have_numpy()) NPYMAP_SKIP("needs NumPy");
  const temp_folder folder;
  const auto path = folder / "x.pkl";
  python(R"(
import pickle
small = pickle.dumps([np.full(1 << 13, 7, 'u1'), 'behind'], 3)
# The same pickle with 2**36 bytes, which are a hole.
head, tail = small.split(bytes([7]) * (1 << 13))
n = 1 << 36
assert head.endswith(b'B' + (1 << 13).to_bytes(4, 'little'))
head = head[:-5].replace(b'M\x00\x20', b'\x8a\x05' + n.to_bytes(5, 'little')) + b'\x8e' + n.to_bytes(8, 'little')
with open(sys.argv[1], 'wb') as f:
    f.write(head)
    f.seek(n, 1)
    f.write(tail)
)",
         {path});
  const auto list = pickled_arrays(path);
  REQUIRE(list.size() == 1);
  CHECK(list[0].shape == shape{index_t{1} << 36});
  CHECK(read_pickled_array<const std::uint8_t>(path, "$[0]")((index_t{1} << 36) - 1) == 0);
}

TEST_CASE("pickle: one is told from other files by its bytes") {
  const auto is_it = [](std::string_view text) {
    return is_pickle(std::as_bytes(std::span(text)));
  };
  each_protocol("[np.arange(3)]",
                [&](const std::string& path, int) { CHECK(is_it(read_file(path).substr(0, 16))); });
  each_protocol("{'a': 1}",
                [&](const std::string& path, int) { CHECK(is_it(read_file(path).substr(0, 16))); });
  for (const std::string_view text :
       {"\x93NUMPY\1\0", "PK\3\4", "1 2 3\n", "", "\x80", "\x80\x09.", "(1+2j) 3"}) {
    CHECK(!is_it(text));
  }
  // Compressed by joblib; the first bytes of some are opcodes.
  const temp_folder folder;
  const auto path = folder / "x.pkl";
  for (const std::string& start : {std::string("BZh91AY&SY"), std::string("]\0\0\x80\0", 5),
                                   std::string("\xfd"
                                               "7zXZ\0",
                                               6),
                                   std::string("x\x9c\x6b"), std::string("\x1f\x8b\x08")}) {
    write_file(path, start + std::string(100, '\1'));
    CHECK(code_of([&] { pickled_arrays(path); }) == errc::not_pickle);
  }
}

// Of Python 2: str for bytes, and names of its modules.
TEST_CASE("pickle: what Python 2 and NumPy 2 write is read") {
  const temp_folder folder;
  const auto path = folder / "x.pkl";
  const std::string shape_and_type =
      "(I1\n(I2\ntp1\ncnumpy\ndtype\np2\n(S'i2'\np3\nI0\nI1\ntp4\nRp5\n(I3\nS'<'\np6\nNNNI-1\nI-1\n"
      "I0\ntp7\nbI00\n";
  write_file(path,
             "cnumpy.core.multiarray\n_reconstruct\np0\n(cnumpy\nndarray\np1\n(I0\ntp1\nS'b'\n"
             "p2\ntp3\nRp4\n" +
                 shape_and_type + "S'\\x01\\x00\\n\\377'\np8\ntp9\nb.");
  const auto x = convert<std::int16_t>(read_pickled_array(path));
  CHECK(x(0) == 1);
  CHECK(x(1) == -246);
  write_file(path, "\x80\2cnumpy._core.multiarray\n_reconstruct\n(cnumpy\nndarray\n(I0\ntS'b'\ntR" +
                       shape_and_type + "T\4" + std::string("\0\0\0\1\0\2\0", 7) + "tb.");
  const any_array y = read_pickled_array(path);
  CHECK(y.is_mapped());
  CHECK(convert<std::int16_t>(y)(1) == 2);
}

// Of joblib 1.6 and NumPy 2.4: joblib.dump({'a': np.arange(5.), 'b': [an array of ints, in Fortran
// order], 'n': 'text'}), pickle.dump([np.arange(4.), np.array([1, 'x'], dtype=object)], protocol=5)
TEST_CASE("pickle: what joblib and NumPy 2 write is mapped") {
  const std::string folder = NPYMAP_PICKLES;
  const auto list = pickled_arrays(folder + "/joblib.pkl");
  REQUIRE(list.size() == 2);
  CHECK(list[0].data_offset_bytes.value() % 16 == 0);  // joblib aligns
  const auto a = read_pickled_array<const double>(folder + "/joblib.pkl", "$['a']");
  CHECK(a.is_mapped());
  CHECK(a(4) == 4);
  const auto b = read_pickled_array<const std::int32_t>(folder + "/joblib.pkl", "$['b'][0]");
  CHECK(b(1, 0) == 3);
  CHECK(list[1].order == order::fortran);
  CHECK(convert<double>(read_pickled_array(folder + "/numpy2.pkl", "$[0]"))(3) == 3);
  CHECK(texts_of(read_pickled_objects(folder + "/numpy2.pkl", "$[1]")) == "1 'x' ");
}

// Of joblib 1.2 and NumPy 1.24: joblib.dump(['before', an array of objects in Fortran order,
// np.arange(4.), np.matrix([[1, 2], [3, 4]])]). Objects are a pickle between two opcodes.
TEST_CASE("pickle: objects that joblib wrote, and a matrix, are read with the arrays behind them") {
  const std::string path = std::string(NPYMAP_PICKLES) + "/joblib_objects.pkl";
  const auto list = pickled_arrays(path);
  REQUIRE(list.size() == 3);
  CHECK(list[0].shape == shape{2, 3});
  CHECK(texts_of(read_pickled_objects(path, "$[1]")) == "1 'x' None 2.5 '' True ");
  CHECK(read_pickled_array<const stored<double>>(path, "$[2]")(3) == 3.0);
  const auto matrix = read_pickled_array<const stored<std::int32_t>>(path, "$[3]");
  CHECK(matrix.is_mapped());
  CHECK(matrix(1, 0) == 3);
}

TEST_CASE("pickle: objects that joblib wrote are a pickle as strict as the one around them") {
  const temp_folder folder;
  const auto path = folder / "x.pkl";
  const std::string whole = read_file(std::string(NPYMAP_PICKLES) + "/joblib_objects.pkl");
  const std::size_t begin = whole.find("\x80\2cnumpy.core.multiarray");
  REQUIRE(begin != std::string::npos);
  for (const std::string name : {"posix.system", "joblib.numpy_pickle.NumpyArrayWrapper"}) {
    const std::size_t dot = name.rfind('.');
    write_file(path, whole.substr(0, begin) + "\x80\2c" + name.substr(0, dot) + "\n" +
                         name.substr(dot + 1) + "\n.");
    CHECK(message_of([&] { pickled_arrays(path); }) ==
          path + ": " + name + " refused (at byte " + std::to_string(begin + 2) + ")");
  }
  write_file(path, whole.substr(0, begin) + "\x80\2N.");
  CHECK(message_of([&] { pickled_arrays(path); }).find("expected a pickled array, found None") !=
        std::string::npos);
}

TEST_CASE("pickle: tuples are keys, and names are of one array") {
  if (!have_numpy()) NPYMAP_SKIP("needs NumPy");
  const temp_folder folder;
  const auto path = folder / "x.pkl";
  python(R"(
import pickle
x = {(1, 'a'): np.zeros(1), (2,): np.zeros(2), ((3,), 4): np.zeros(3), ((5,), 4): np.zeros(4)}
pickle.dump(x, open(sys.argv[1], 'wb'), 2)
)",
         {path});
  CHECK(read_pickled_array(path, "$[1, 'a']").size() == 1);
  CHECK(read_pickled_array(path, "$[2,]").size() == 2);
  CHECK(code_of([&] { read_pickled_array(path, "$[..., 4]"); }) == errc::bad_pickle);
}

TEST_CASE("pickle: keys that are no name hide no array") {
  each_protocol("{'k' * 1001: np.zeros(1), 'x': np.zeros(2)}", [](const std::string& path, int) {
    CHECK(read_pickled_array(path, "$[...]").size() == 1);
    CHECK(read_pickled_array(path, "$['x']").size() == 2);
  });
  each_protocol("{'\\ud800': np.zeros(1), 'x': np.zeros(2)}", [](const std::string& path, int n) {
    if (n == 0) return;  // has it as an escape, which is no UTF-8
    CHECK(read_pickled_array(path, "$[...]").size() == 1);
    CHECK(read_pickled_array(path, "$['x']").size() == 2);
  });
}
