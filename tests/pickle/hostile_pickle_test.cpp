// Pickles that would run something, or ruin whoever reads them.

#include <npymap/pickle.hpp>

#include <chrono>
#include <filesystem>
#include <random>
#include <string>
#include <vector>

#include <npymap/error.hpp>

#include "support/catch.hpp"
#include "support/failure.hpp"
#include "support/process.hpp"
#include "support/python.hpp"
#include "support/skip.hpp"
#include "support/temp_folder.hpp"

using namespace npymap_test;
using namespace npymap;

namespace {

void read_all(const std::string& path) {
  for (const pickled_array& each : pickled_arrays(path)) {
    if (each.dtype.kind() == dtype_kind::object) {
      read_pickled_objects(path, each.name);
    } else {
      const any_array x = read_pickled_array(path, each.name);
      unsigned sum = 0;
      for (index_t i = 0; i < x.size_bytes(); ++i) sum += static_cast<unsigned>(x.data()[i]);
      CHECK(sum < ~0u);
    }
  }
}

std::string told_of(const temp_folder& folder, const std::string& bytes) {
  const auto path = folder / "x.pkl";
  write_file(path, bytes);
  return message_of([&] { read_all(path); });
}

std::string repeated(const std::string& text, std::size_t n) {
  std::string all;
  all.reserve(text.size() * n);
  for (std::size_t i = 0; i < n; ++i) all += text;
  return all;
}

}  // namespace

TEST_CASE("pickle: whatever would call or import is refused by name, and nothing is run") {
  if (!have_numpy()) NPYMAP_SKIP("needs NumPy");
  const temp_folder folder;
  // Each payload would leave the file `ran`.
  python(R"(
import pickle, subprocess, builtins, functools, operator
os.chdir(sys.argv[1])
command = 'touch ' + os.path.join(sys.argv[1], 'ran')
class call:
    def __init__(self, *reduced): self.reduced = reduced
    def __reduce__(self): return self.reduced
class listing:
    def __reduce__(self): return list, (), None, iter([call(os.system, (command,))])
payloads = [
    call(os.system, (command,)), call(subprocess.call, (command.split(),)), call(eval, (f'__import__("os").system({command!r})',)),
    call(exec, (f'import os; os.system({command!r})',)), call(getattr, (os, 'system')), call(open, ('ran', 'w')),
    call(functools.partial, (os.system, command)), call(operator.attrgetter, ('system',)), call(__import__, ('os',)),
    call(np.load, ('ran',)), call(np.core.multiarray.fromfile, ('ran',)) if hasattr(np.core.multiarray, 'fromfile') else call(np.fromfile, ('ran',)),
    listing(), call(dict, (), {'a': call(os.system, (command,))}),
]
n = 0
for protocol in range(6):
    for payload in payloads:
        for around in (payload, [np.arange(3), payload], {'x': payload}, np.array([payload, None], dtype=object)):
            try: data = pickle.dumps(around, protocol)
            except Exception: continue
            open(f'{n}.pkl', 'wb').write(data)
            n += 1
np.save('payload.npy', np.array([payloads[0]], dtype=object))
)",
         {folder.path()});
  int count = 0;
  for (const auto& each : std::filesystem::directory_iterator(folder.path())) {
    const std::string path = each.path();
    CAPTURE(path);
    const auto told = message_of([&] { read_all(path); });
    CHECK(told.find(" refused (at byte ") != std::string::npos);
    CHECK(code_of([&] { read_all(path); }) == errc::refused_object);
    ++count;
  }
  CHECK(count > 200);
  CHECK(!std::filesystem::exists(folder / "ran"));
  CHECK(told_of(folder, "cposix\nsystem\n(S'id'\ntR.") ==
        (folder / "x.pkl") + ": posix.system refused (at byte 0)");
  for (const char* const opcode : {"\x82\1", "\x83\1\1", "Pid\n", "NQ", "\x97", "N\x98"}) {
    CHECK(told_of(folder, std::string("\x80\4") + opcode + ".").find(" refused (at byte ") !=
          std::string::npos);
  }
}

TEST_CASE("pickle: one that is cut anywhere is an error") {
  if (!have_numpy()) NPYMAP_SKIP("needs NumPy");
  const temp_folder folder;
  for (int protocol = 0; protocol < 6; ++protocol) {
    const auto path = folder / "whole.pkl";
    python(R"(
import pickle
x = {'a': np.arange(5.), 'o': np.array([None, 'x', 1 << 70, 2.5], dtype=object), 's': np.float32(1), 'l': [1, (2, 3)]}
pickle.dump(x, open(sys.argv[1], 'wb'), int(sys.argv[2]))
)",
           {path, std::to_string(protocol)});
    const std::string whole = read_file(path);
    for (std::size_t n = 0; n < whole.size(); ++n) {
      CAPTURE(protocol, n);
      CHECK(told_of(folder, whole.substr(0, n)) != "nothing was thrown");
    }
  }
}

TEST_CASE("pickle: whatever byte is another, what is read is an array or an error") {
  if (!have_numpy()) NPYMAP_SKIP("needs NumPy");
  const temp_folder folder;
  const auto path = folder / "whole.pkl";
  for (int protocol = 0; protocol < 6; ++protocol) {
    python(R"(
import pickle
x = [np.zeros(2, [('a', '<f8'), ('b', '>i2', (2,)), ('t', 'M8[ns]')]), {'u': np.array(['ab'])}, np.array([1, None], dtype=object)]
pickle.dump(x, open(sys.argv[1], 'wb'), int(sys.argv[2]))
)",
           {path, std::to_string(protocol)});
    const std::string whole = read_file(path);
    for (std::size_t at = 0; at < whole.size(); ++at) {
      for (const char flip : {'\x01', '\x80', '\xff', '\x28'}) {
        std::string bad = whole;
        bad[at] = static_cast<char>(bad[at] ^ flip);
        CHECK(told_of(folder, bad).size() < 2000);
      }
    }
  }
}

TEST_CASE("pickle: bombs are errors, within little time and memory") {
  const temp_folder folder;
  const auto begin = std::chrono::steady_clock::now();
  constexpr std::size_t many = 3'000'000;
  const struct {
    const char* what;
    std::string bytes;
    const char* told;
  } bombs[] = {
      {"an underflow", "\x80\2" + repeated("0", 3) + ".", "a value on the stack"},
      {"no mark",
       "\x80\2"
       "t.",
       "a mark"},
      {"a pop below a mark", "\x80\2NN(\x86.", "a value on the stack"},
      {"deep lists", "\x80\2" + repeated("]", 100'000) + repeated("a", 99'999) + ".",
       "containers in one another"},
      {"deep tuples", "\x80\2N" + repeated("\x85", 100'000) + ".", "containers in one another"},
      {"many values", "\x80\2(" + repeated("]", many) + "l.", "bytes of memory"},
      {"many marks", "\x80\2" + repeated("(", 40 * many) + ".", "bytes of memory"},
      {"a full memo",
       "\x80\4"
       "N" +
           repeated("\x94", 5 * many) + ".",
       "bytes of memory"},
      {"many copies", "\x80\2N" + repeated("2", 20 * many) + ".", "bytes of memory"},
      {"bytes beyond the end", "\x80\4\x8e" + std::string("\xff\xff\xff\xff\xff\xff\xff\x7f", 8),
       "bytes, found"},
      {"a long line", "cnumpy" + repeated("x", many) + "\nndarray\n.", "a name"},
      {"a number without end", "(lp0\nI" + repeated("1", many) + "\na.", "a number"},
      {"a newer protocol", "\x80\x06N.", "not a pickle|protocol|a pickle"},
      {"no opcode", "\x80\2\xff.", "an opcode"},
      {"a state of None", "\x80\2N}b.", "refused"},
      {"the end is missing", "\x80\2N", "STOP"},
  };
  for (const auto& [what, bytes, told] : bombs) {
    CAPTURE(what);
    const std::string found = told_of(folder, bytes);
    INFO(found);
    const std::string alternatives = told;
    bool is_told = false;
    for (std::size_t at = 0; at <= alternatives.size();) {
      const std::size_t end = std::min(alternatives.find('|', at), alternatives.size());
      is_told = is_told || found.find(alternatives.substr(at, end - at)) != std::string::npos;
      at = end + 1;
    }
    CHECK(is_told);
  }
  // Lists of lists of themselves, twice each: 2**60 ways, one of which is gone.
  std::string doubled("\x80\2]q\0", 5);
  for (char i = 1; i < 60; ++i) {
    doubled +=
        std::string("](h") + static_cast<char>(i - 1) + "h" + static_cast<char>(i - 1) + "eq" + i;
  }
  CHECK(told_of(folder, doubled + ".") == "nothing was thrown");
  CHECK(told_of(folder, std::string("\x80\2]q\0h\0a.", 9)) == "nothing was thrown");  // a cycle
  CHECK(std::chrono::steady_clock::now() - begin < std::chrono::seconds(60));
}

TEST_CASE("pickle: values that do not fit are told with what they are, and where they were made") {
  if (!have_numpy()) NPYMAP_SKIP("needs NumPy");
  const temp_folder folder;
  python("open(sys.argv[1], 'wb').write(__import__('pickle').dumps(np.zeros(3), 2))",
         {folder / "good.pkl"});
  const std::string good = read_file(folder / "good.pkl");
  const struct {
    const char* what;
    std::string from, to, told;
    std::string opcode;  // where it is told to be
  } wrongs[] = {
      {"a negative extent", "K\3\x85", "J\xfd\xff\xff\xff\x85", "no negative extent, found -3",
       "\x85"},
      {"a shape of None", "K\3\x85", "N", "what NumPy writes, found None", {}},
      {"a float as an extent", "K\3\x85", "G@\x08" + std::string(6, '\0') + "\x85",
       "what NumPy writes, found a float", "G@"},
      {"2**60 elements",
       "K\3\x85",
       "\x8a\x08" + std::string(7, '\0') + "\x10\x85",
       "at most 2**63 - 1 bytes, found (1152921504606846976,) of 8 bytes",
       {}},
      {"another byte order", "<", "?", "a byte order, found '?'", {}},
  };
  for (const auto& [what, from, to, told, opcode] : wrongs) {
    CAPTURE(what);
    std::string bytes = good;
    const std::size_t at = bytes.find(from);
    REQUIRE(at != std::string::npos);
    bytes.replace(at, from.size(), to);
    const std::string found = told_of(folder, bytes);
    INFO(found);
    CHECK(found.find(told) != std::string::npos);
    CHECK(found.find("byte 0)") == std::string::npos);
    if (!opcode.empty()) {
      CHECK(found.find("byte " + std::to_string(bytes.find(opcode, at)) + ")") !=
            std::string::npos);
    }
  }
}

TEST_CASE("pickle: what Python would take for another number is refused") {
  const temp_folder folder;
  const std::string start =
      "cnumpy.core.multiarray\n_reconstruct\n(cnumpy\nndarray\n(I0\ntS'b'\ntR(I1\n(";
  const auto told = [&](const std::string& extent, const std::string& state) {
    return told_of(folder, start + extent + "tcnumpy\ndtype\n(S'S2'\nI0\nI1\ntR(I3\nS'|'\nNNN" +
                               state + "I1\nI0\ntbI00\nS'0123456789abcdef'\ntb.");
  };
  CHECK(told("I8\n", "I2\n") == "nothing was thrown");
  CHECK(told("L8L\n", "L2L\n") == "nothing was thrown");
  // Octal of an I, and nothing of an L.
  CHECK(told("I010\n", "I2\n").find("expected an int, found '010'") != std::string::npos);
  CHECK(told("L008L\n", "I2\n").find("expected an int, found '008'") != std::string::npos);
  CHECK(told("I8\n", "I-02\n").find("expected an int, found '-02'") != std::string::npos);
  CHECK(told("I8\n", "I4\n").find("expected an itemsize of 2, found 4") != std::string::npos);
}

TEST_CASE("pickle: what is shared costs once, or is refused") {
  const temp_folder folder;
  const auto begin = std::chrono::steady_clock::now();
  const auto number = [](std::size_t n) {
    std::string bytes = "J";
    for (int i = 0; i < 4; ++i) bytes += static_cast<char>(n >> (8 * i) & 0xff);
    return bytes;
  };
  const auto at = [&](char opcode, std::size_t n) { return opcode + number(n).substr(1); };
  const auto text = [&](const std::string& s) { return at('X', s.size()) + s; };
  const auto dtype_of = [&](const std::string& type, const std::string& state) {
    return "cnumpy\ndtype\n" + text(type) + "\x89\x88\x87R(" + number(3) + text("|") + state + "tb";
  };
  const auto record = [&](const std::string& names, const std::string& fields, std::size_t size) {
    return dtype_of("V" + std::to_string(size),
                    "N(" + names + "t}(" + fields + "u" + number(size) + number(1) + number(0));
  };
  const std::string none_of_all = "NNN" + number(0) + number(0) + number(0);
  const std::string byte_type = dtype_of("i1", none_of_all);
  const auto array_of = [&](std::size_t n, const std::string& type, const std::string& data) {
    return "cnumpy.core.multiarray\n_reconstruct\ncnumpy\nndarray\n" + number(0) + "\x85" +
           text("b") + "\x87R(" + number(1) + number(n) + "\x85" + type + "\x89" + data + "tb";
  };
  const auto bytes_of = [&](std::size_t n) { return at('B', n) + std::string(n, 'x'); };

  SECTION("records of records, twice as many each time") {
    std::string all = "\x80\4" + byte_type + at('r', 0) + "0";
    for (std::size_t i = 1; i < 28; ++i) {
      const std::string type = at('j', i - 1) + number(0) + "\x86";
      const std::string names = text("a") + text("b");
      all += record(names, text("a") + type + text("b") + type, 1) + at('r', i) + "0";
    }
    CHECK(told_of(folder, all + array_of(1, at('j', 27), bytes_of(1)) + ".").find("fields") !=
          std::string::npos);
  }
  SECTION("many arrays of many fields, whose names are written twice") {
    constexpr std::size_t many = 5000;
    std::string names, fields, arrays;
    for (std::size_t i = 0; i < many; ++i) {
      const std::string name = text("f" + std::to_string(i));
      names += name;
      fields += name + at('j', 0) + number(i) + "\x86";
      arrays += array_of(1, at('j', 1), at('j', 2));
    }
    write_file(folder / "x.pkl", "\x80\4" + byte_type + at('r', 0) + "0" +
                                     record(names, fields, many) + at('r', 1) + "0" +
                                     bytes_of(many) + at('r', 2) + "0](" + arrays + "e.");
    const auto list = pickled_arrays(folder / "x.pkl");
    CHECK(list.size() == many);
    CHECK(list.back().dtype.fields().size() == many);
    CHECK(list.back().dtype.fields()[7].offset_bytes == 7);
  }
  SECTION("a text in an array many times") {
    const std::string objects = dtype_of("O8", none_of_all);
    const std::string data = "](" + repeated(at('j', 0), 100'000) + "e";
    const std::string start = "\x80\4" + text(std::string(100'000, 'x')) + at('r', 0) + "0";
    CHECK(told_of(folder, start + array_of(100'000, objects, data) + ".").find("bytes of memory") !=
          std::string::npos);
  }
  SECTION("a long tuple of arguments") {
    const std::string start = "\x80\4(" + text("f8") + repeated("N", 400'000) + "t" + at('r', 0) +
                              "0cnumpy\ndtype\n" + at('r', 1) + "0";
    const std::string call = at('j', 1) + at('j', 0) + "R0";
    CHECK(told_of(folder, start + repeated(call, 100'000) + "N.") == "nothing was thrown");
  }
  CHECK(std::chrono::steady_clock::now() - begin < std::chrono::seconds(30));
}

TEST_CASE("pickle: limits are the caller's") {
  if (!have_numpy()) NPYMAP_SKIP("needs NumPy");
  const temp_folder folder;
  const auto path = folder / "x.pkl";
  python("import pickle; pickle.dump([[[np.zeros(1000)]]], open(sys.argv[1], 'wb'), 2)", {path});
  CHECK(pickled_arrays(path, {.limits = {.depth = 3}}).size() == 1);
  CHECK(code_of([&] { pickled_arrays(path, {.limits = {.depth = 2}}); }) == errc::out_of_range);
  CHECK(code_of([&] { pickled_arrays(path, {.limits = {.memory_bytes = 1000}}); }) ==
        errc::out_of_range);
  CHECK(code_of([&] { read_pickled_array(path, {}, {.limits = {.decoded_bytes = 7999}}); }) ==
        errc::out_of_range);
  CHECK(read_pickled_array(path, {}, {.limits = {.decoded_bytes = 8000}}).size() == 1000);
}
