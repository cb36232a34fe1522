#include <npymap/strings.hpp>

#include <algorithm>
#include <cstring>
#include <fstream>
#include <iterator>
#include <random>

#include <npymap/array.hpp>
#include <npymap/error.hpp>
#include <npymap/stored.hpp>

#include "support/catch.hpp"
#include "support/python.hpp"
#include "support/temp_folder.hpp"

using npymap::as_strings;
using npymap::byte_order;
using npymap::dtype;
using npymap::dtype_kind;
using npymap::errc;
using npymap::index_t;
using npymap::stored;
using npymap::text_at;
using npymap_test::python;
using npymap_test::temp_folder;

namespace {

std::string bytes_of(std::string_view text) { return std::string(text); }
std::string bytes_of(std::u32string_view text) { return npymap::to_utf8(text); }
std::string bytes_of(std::span<const std::byte> raw) {
  return {reinterpret_cast<const char*>(raw.data()), raw.size()};
}

std::string hex(const std::string& bytes) {
  std::string digits;
  for (const char c : bytes) {
    for (const int shift : {4, 0}) {
      digits += "0123456789abcdef"[static_cast<unsigned char>(c) >> shift & 15];
    }
  }
  return digits;
}

std::vector<std::string> lines_of(const std::string& path) {
  std::ifstream in(path);
  std::vector<std::string> lines;
  for (std::string line; std::getline(in, line);) lines.push_back(line);
  return lines;
}

// The next index in C order.
void advance(npymap::index_vector& index, const npymap::shape& extents) {
  for (int axis = index.rank() - 1; axis >= 0; --axis) {
    if (++index[axis] < extents[axis]) return;
    index[axis] = 0;
  }
}

// Read as NumPy did, in C order; then written again, element by element.
template <class Char>
void check_strings(const std::string& path, const std::vector<std::string>& wanted,
                   const std::string& copied) {
  const auto items = npymap::open(path);
  const auto text = as_strings<Char>(items);
  REQUIRE(text.size() == static_cast<index_t>(wanted.size()));
  std::vector<std::string> found;
  for (const auto& element : text) found.push_back(hex(bytes_of(element)));
  REQUIRE(found == wanted);

  const auto copy = as_strings<Char>(npymap::create(copied, items.dtype(), items.shape()));
  npymap::index_vector index(items.rank());
  for (const auto& element : text) {
    copy.assign(index, element);
    advance(index, items.shape());
  }
}

template <class F>
void check_refused(errc code, const std::string& words, F&& call) {
  try {
    std::forward<F>(call)();
  } catch (const npymap::error& e) {
    CHECK(e.code() == code);
    CHECK_THAT(e.what(), Catch::Contains(words));
    return;
  }
  FAIL("was not refused: " + words);
}

}  // namespace

TEST_CASE("strings: S, U and V of any length go both ways with NumPy, empty ones too") {
  REQUIRE(npymap_test::have_numpy());
  const temp_folder folder;
  python(R"(
folder, seed = sys.argv[1], int(sys.argv[2])
rng = np.random.default_rng(seed)
def unicode(count):
    c = rng.integers(0, [0x80, 0x800, 0x110000][rng.integers(3)], count).astype('u4')
    c[(c >= 0xd800) & (c < 0xe000)] = 0
    return c
for n in range(120):
    kind, length = 'SUV'[n % 3], int(rng.integers(0, 7))
    shape = tuple(rng.integers(0 if n % 5 == 0 else 1, 5, int(rng.integers(0, 4))))
    dtype = np.dtype(('<' if n % 2 else '>') + kind + str(length))
    count = int(np.prod(shape, dtype=int)) * length
    if kind == 'U': raw = unicode(count)
    else: raw = rng.integers(0, 256, count).astype('u1')
    raw[rng.random(count) < 0.3] = 0  # NULs within and at the end
    a = np.ndarray(shape, dtype, raw.astype('<u4' if n % 2 else '>u4').tobytes() if kind == 'U' else raw.tobytes())
    if n % 4 == 3: a = np.asfortranarray(a)
    np.save(f'{folder}/{n}.npy', a)
    with open(f'{folder}/{n}.txt', 'w') as out:
        for x in a.ravel(): print((x.encode() if kind == 'U' else x.tobytes() if kind == 'V' else bytes(x)).hex(), file=out)
)",
         {folder.path().string(), std::to_string(npymap_test::random_seed())});
  for (int n = 0; n < 120; ++n) {
    INFO("case " << n);
    const std::string path = folder / (std::to_string(n) + ".npy");
    const auto wanted = lines_of(folder / (std::to_string(n) + ".txt"));
    const std::string copied = folder / (std::to_string(n) + ".copy.npy");
    const auto items = npymap::open(path);
    if (items.dtype().kind() == dtype_kind::bytes) {
      check_strings<char>(path, wanted, copied);
    } else if (items.dtype().kind() == dtype_kind::raw) {
      check_strings<std::byte>(path, wanted, copied);
      continue;
    } else if (items.dtype().is_native()) {
      check_strings<char32_t>(path, wanted, copied);
    } else {
      check_refused(errc::dtype_mismatch, "as_strings<char32_t>(to_native(a))",
                    [&] { as_strings<char32_t>(items); });
      npymap::save(copied, items);
    }
    npymap::index_vector index(items.rank());
    for (const std::string& element : wanted) {
      REQUIRE(hex(text_at(items, index)) == element);
      advance(index, items.shape());
    }
  }
  python(R"(
for n in range(120):
    a, b = np.load(f'{sys.argv[1]}/{n}.npy'), np.load(f'{sys.argv[1]}/{n}.copy.npy')
    assert a.dtype == b.dtype and a.shape == b.shape and a.tobytes() == b.tobytes(), n
)",
         {folder.path().string()});
}

TEST_CASE("strings: elements are reached by index, and slices share the mapping") {
  const temp_folder folder;
  python("np.save(sys.argv[1], np.array([['a', 'bc', ''], ['\u00e9', '\u65e5\u672c', 'xyz']]))",
         {folder / "u.npy"});
  const auto u = as_strings<char32_t>(npymap::open(folder / "u.npy"));
  CHECK(u.rank() == 2);
  CHECK(u.shape() == npymap::shape{2, 3});
  CHECK(u.max_length() == 3);
  CHECK(u(0, 1) == U"bc");
  CHECK(u(0, 2).empty());
  CHECK(u.at(-1, -2) == U"日本");
  CHECK(npymap::to_utf8(u(1, 1)) == "日本");
  const auto column = u(npymap::range(npymap::_, npymap::_, -1), 0);
  CHECK(std::vector(column.begin(), column.end()) == std::vector<std::u32string_view>{U"é", U"a"});
  CHECK(u.slice("1, 2")() == U"xyz");
  CHECK(std::ranges::find(u, U"xyz") != u.end());
  CHECK(std::ranges::distance(u) == 6);
  check_refused(errc::out_of_range, "index", [&] { u.at(0, 3); });
  check_refused(errc::out_of_range, "index", [&] { u.at(0); });
}

TEST_CASE("strings: assigning pads, reaches the file, and refuses what does not fit") {
  const temp_folder folder;
  const std::string path = folder / "s.npy";
  const auto s = as_strings<char>(npymap::create(path, dtype::text(dtype_kind::bytes, 5), {3}));
  s.assign({0}, "Vega");
  s.assign({0}, "X");
  s.assign({-1}, "Deneb");
  s.assign({1}, s(2).substr(1));  // from itself
  s.assign({1}, s(1).substr(1));
  CHECK(s(1) == "neb");
  check_refused(errc::invalid_argument, "a length of at most 5, found 6",
                [&] { s.assign({0}, "Sirius"); });
  check_refused(errc::out_of_range, "index", [&] { s.assign({3}, ""); });
  CHECK(python("print(np.load(sys.argv[1]).tolist())", {path}) == "[b'X', b'neb', b'Deneb']\n");
  const auto read = as_strings<char>(npymap::open(path));
  check_refused(errc::read_only, "mode r", [&] { read.assign({0}, "Y"); });

  const auto raw =
      as_strings<std::byte>(npymap::create(path, dtype::scalar(dtype_kind::raw, 3), {1}));
  raw.assign({0}, std::array{std::byte{7}});
  CHECK(python("print(np.load(sys.argv[1]).tobytes())", {path}) == "b'\\x07\\x00\\x00'\n");
}

TEST_CASE("strings: 32 bits that are no character are told, and never written") {
  const temp_folder folder;
  const std::string path = folder / "u.npy";
  python(
      "np.save(sys.argv[1], np.array([0x61, 0xd800, 0x110000, 0xffffffff, 0x10ffff], "
      "'u4').view('U1'))",
      {path});
  const auto items = npymap::open(path, npymap::open_mode::copy_on_write);
  const auto u = as_strings<char32_t>(items);
  CHECK(u(3).front() == char32_t{0xffffffff});
  CHECK(text_at(items, {0}) == "a");
  CHECK(text_at(items, {4}) == "\xf4\x8f\xbf\xbf");
  check_refused(errc::invalid_argument, "U+D800", [&] { text_at(items, {1}); });
  check_refused(errc::invalid_argument, "U+110000", [&] { npymap::to_utf8(u(2)); });
  check_refused(errc::invalid_argument, "U+FFFFFFFF", [&] { npymap::to_utf8(u(3)); });
  check_refused(errc::invalid_argument, "U+110000", [&] { u.assign({0}, u(2)); });
  u.assign({0}, u(1));  // which Python holds
  CHECK(u(0) == u(1));
}

TEST_CASE("strings: UTF-8 comes back from UTF-32, and what is none is told with its place") {
  std::mt19937_64 random(npymap_test::random_seed());
  for (int n = 0; n < 200; ++n) {
    std::u32string text(random() % 20, U' ');
    for (char32_t& c : text) {
      c = static_cast<char32_t>(random() % (n % 2 == 0 ? 0x800 : 0x110000));
      if (c >= 0xd800 && c < 0xe000) c = U'\0';
    }
    REQUIRE(npymap::to_utf32(npymap::to_utf8(text)) == text);
  }
  for (const char* bad :
       {"ab\xff", "ab\xc3", "ab\xc0\x80", "ab\xed\xa0\x80", "ab\xf4\x90\x80\x80"}) {
    check_refused(errc::invalid_argument, "(at byte 2)", [&] { npymap::to_utf32(bad); });
  }
}

TEST_CASE("strings: characters off their alignment are refused in place, and read as copies") {
  const temp_folder folder;
  python(R"(
a = np.zeros(3, [('x', 'u1'), ('s', 'S3'), ('t', 'u1'), ('u', '<U2')])
a['s'], a['u'] = ['a', 'bcd', ''], ['\u00e9', 'fg', '']
np.save(sys.argv[1], a))",
         {folder / "r.npy"});
  const auto items = npymap::open(folder / "r.npy");
  check_refused(errc::layout_mismatch, "multiples of 4",
                [&] { as_strings<char32_t>(items.field("u")); });
  CHECK(text_at(items.field("u"), {0}) == "é");
  CHECK(text_at(items.field("u"), {1}) == "fg");
  const auto s = as_strings<char>(items.field("s"));
  CHECK(std::vector(s.begin(), s.end()) == std::vector<std::string_view>{"a", "bcd", ""});
}

TEST_CASE("strings: another kind is refused, and what reads it is named") {
  const temp_folder folder;
  const auto make = [&](const dtype& type) { return npymap::create(folder / "x.npy", type, {2}); };
  const auto bytes = make(dtype::text(dtype_kind::bytes, 5));
  const auto unicode = make(dtype::text(dtype_kind::unicode, 5));
  const auto raw = make(dtype::scalar(dtype_kind::raw, 5));
  const auto refuses = [](auto&& call, const char* words) {
    check_refused(errc::dtype_mismatch, words, call);
  };
  refuses([&] { as_strings<char>(unicode); }, "as_strings<char32_t> reads it");
  refuses([&] { as_strings<char>(make(npymap::dtype_of<double>())); }, "found '<f8'");
  refuses([&] { unicode.visit([](const auto&) {}); }, "as_strings<char32_t> reads it");
  refuses([&] { bytes.as<double>(); }, "as_strings<char> reads it");
  refuses([&] { raw.as<std::int64_t>(); }, "as_strings<std::byte> reads it");
  refuses([&] { text_at(raw, {0}); }, "'S' or 'U'");
}

TEST_CASE("strings: a length that the compiler knows is an element type") {
  const temp_folder folder;
  python(R"(
folder = sys.argv[1]
np.save(folder + '/s.npy', np.array([b'Vega', b'Sirius'], 'S6'))
for order, name in ('<', 'l'), ('>', 'b'):
    np.save(f'{folder}/{name}.npy', np.array(['\u00e9', 'ab\U0001f300'], order + 'U3'))
np.save(folder + '/v.npy', np.arange(32, dtype='u1').view('V16')))",
         {folder.path().string()});
  const auto s = npymap::open<std::array<char, 6>>(folder / "s.npy");
  CHECK(npymap::text_of(s(0)) == "Vega");
  CHECK(npymap::text_of(s(1)) == "Sirius");
  CHECK_THROWS_AS((npymap::open<std::array<char, 5>>(folder / "s.npy")), npymap::error);
  using name = std::array<char32_t, 3>;
  for (const auto& u :
       {npymap::load<name>(folder / "l.npy"), npymap::load<name>(folder / "b.npy")}) {
    CHECK(npymap::text_of(u(0)) == U"é");
    CHECK(npymap::text_of(u(1)) == U"ab\U0001f300");
  }
  const auto big = npymap::open<stored<name, byte_order::big>>(folder / "b.npy");
  const name second = big(1);
  CHECK(npymap::text_of(second) == U"ab\U0001f300");
  CHECK(npymap::open<std::array<std::byte, 16>>(folder / "v.npy")(1)[3] == std::byte{19});

  auto written = npymap::create<name>(folder / "w.npy", {1});
  written(0) = {U'x', U'日'};
  CHECK(python("print(ascii(np.load(sys.argv[1]).tolist()), np.load(sys.argv[1]).dtype)",
               {folder / "w.npy"}) == "['x\\u65e5'] <U3\n");
}
