// Archives that npymap writes, as NumPy, Python's zipfile, Info-ZIP and npymap read them.
#include <npymap/npz_writer.hpp>

#include <array>
#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <random>
#include <span>
#include <string>
#include <vector>

#include <npymap/npymap.hpp>

#include "support/catch.hpp"
#include "support/failure.hpp"
#include "support/python.hpp"
#include "support/skip.hpp"
#include "support/temp_folder.hpp"

using namespace npymap_test;
using npymap::any_array;
using npymap::errc;
using npymap::index_t;
using npymap::npz_member_options;
using npymap::npz_reader;
using npymap::npz_writer;
using npymap::shape;

namespace {

npymap::array<double> numbers(const std::string& path, const shape& extents) {
  const auto x = npymap::create<double>(path, extents);
  double value = 0;
  for (double& each : x) each = value += 0.5;
  return x;
}

/// What a script says, given the archive and the folder of .npy files; it fails by raising.
void check_in_python(const std::string& script, const std::string& archive) {
  python("import zipfile\npath = sys.argv[1]\nos.chdir(os.path.dirname(path))\n" + script,
         {archive});
}

constexpr auto plain_zip = R"(
z = zipfile.ZipFile(path)
assert z.testzip() is None
)";

}  // namespace

TEST_CASE("npz_writer: NumPy and zipfile read any array, in any layout, stored or deflated") {
  REQUIRE(have_numpy());
  const temp_folder folder;
  const std::string seed = std::to_string(random_seed());
  python(R"(
os.chdir(sys.argv[1])
rng = np.random.default_rng(int(sys.argv[2]))
for i in range(40):
    dtype = np.dtype(rng.choice(['<f8', '>f4', '<i2', '|b1', '<c16', '<U5', '|S3', '<M8[ns]', '|u1', 'i4,f8']))
    shape = tuple(int(n) for n in rng.integers(0 if i % 5 == 0 else 1, [1, 40, 30, 4][:rng.integers(0, 5)] or [], endpoint=True)) if i else ()
    a = np.frombuffer(rng.bytes(max(1, int(np.prod(shape))) * dtype.itemsize), np.uint8)
    if dtype.kind == 'U': a = a % 64 * (np.arange(a.size) % 4 == 0)
    a = a.astype(np.uint8).view(dtype)[:int(np.prod(shape))].reshape(shape)
    if dtype.kind == 'b': a = a.view(np.uint8) % 2 == 1
    np.save(f'{i}.npy', np.asfortranarray(a) if i % 3 == 0 else a)
)",
         {folder.path(), seed});
  std::mt19937_64 random(random_seed());
  const std::string archive = folder / "all.npz";
  npz_writer to(archive);
  for (int i = 0; i < 40; ++i) {
    const any_array x = npymap::open(folder / (std::to_string(i) + ".npy"));
    npz_member_options how;
    if (random() % 3 > 0) how.level = 1 + static_cast<int>(random() % 12);
    to.add("x" + std::to_string(i), x, how);
    to.add("t" + std::to_string(i), x.transpose(), how);
    if (x.rank() > 1 && x.extent(0) > 2) {
      to.add("s" + std::to_string(i), x.slice("::-2"), how);
    }
  }
  CHECK_FALSE(std::filesystem::exists(archive));
  to.commit();
  check_in_python(std::string(plain_zip) + R"(
z = np.load(path)
def same(a, b):
    assert a.dtype == b.dtype and a.shape == b.shape and a.tobytes() == b.tobytes(), (a, b)
for name in z.files:
    a = np.load(name[1:] + '.npy')
    same(z[name], a if name[0] == 'x' else a.T if name[0] == 't' else a[::-2])
assert len(z.files) >= 80
)",
                  archive);
  const npz_reader back(archive);
  for (int i = 0; i < 40; ++i) {
    const any_array x = npymap::open(folder / (std::to_string(i) + ".npy"));
    const any_array y = back.load("x" + std::to_string(i));
    CHECK(y.dtype() == x.dtype());
    CHECK(y.shape() == x.shape());
    back.verify("x" + std::to_string(i));
    back.verify("t" + std::to_string(i));
  }
}

TEST_CASE("npz_writer: elements of a stored member are aligned, and map as doubles") {
  const temp_folder folder;
  const std::string archive = folder / "x.npz";
  npz_writer to(archive);
  for (int i = 0; i < 70; ++i) {
    to.add(std::string(static_cast<std::size_t>(i + 1), 'n'), numbers(folder / "x.npy", {i, 3}));
    to.add_bytes("b" + std::to_string(i), std::as_bytes(std::span("odd", 3)));
  }
  to.commit();
  const npz_reader back(archive);
  for (int i = 1; i < 70; ++i) {
    const auto x = back.open<double>(std::string(static_cast<std::size_t>(i + 1), 'n'));
    CHECK(reinterpret_cast<std::uintptr_t>(x.data()) % 64 == 0);
    CHECK(x.shape() == shape{i, 3});
    CHECK(npymap::sum(x) == 0.25 * (3 * i) * (3 * i + 1));
  }
}

TEST_CASE("npz_writer: blocks of any number are one member, which begins or appends") {
  REQUIRE(have_numpy());
  const temp_folder folder;
  const std::string archive = folder / "x.npz";
  const auto x = numbers(folder / "whole.npy", {1000, 7});
  npz_writer to(archive);
  for (const int level : {0, 1, 6}) {
    const npz_member_options how{.level = level == 0 ? std::nullopt : std::optional(level)};
    const std::string name = std::to_string(level);
    to.add("blocks" + name, npymap::blocks(x, {.budget_bytes = 10'000}), how);
    npz_member_options fortran = how;
    fortran.order = npymap::order::fortran;
    to.begin("columns" + name, npymap::dtype_of<float>(), {1000}, fortran);
    for (index_t j = 0; j < 7; ++j) to.append(x(npymap::all, j));
    to.begin("empty" + name, npymap::dtype_of<double>(), {2, 3}, how);
  }
  CHECK(code_of([&] { to.append(x); }) == errc::layout_mismatch);
  to.commit();
  check_in_python(std::string(plain_zip) + R"(
x, z = np.load('whole.npy'), np.load(path)
for level in '016':
    assert np.array_equal(z['blocks' + level], x)
    c = z['columns' + level]
    assert c.dtype == np.float32 and c.flags.f_contiguous and np.array_equal(c, x.astype('f'))
    assert z['empty' + level].shape == (0, 2, 3)
assert len(z.files) == 9
)",
                  archive);
}

TEST_CASE(
    "npz_writer: a vector, or any contiguous range of elements, is a member, or rows of one") {
  REQUIRE(have_numpy());
  const temp_folder folder;
  npz_writer to(folder / "x.npz");
  const std::vector<float> v = {1, 2, 3};
  to.add("v", v);
  to.add("packed", std::vector<double>(1000, 7), {.level = 6});
  to.add("span", std::span(v).first(2));
  to.add("empty", std::vector<std::int64_t>());
  const bool mask[] = {true, false};
  to.add("mask", npymap::view<const bool, 1>(mask, {2}));
  to.begin("rows", npymap::dtype_of<double>(), {3});
  to.append(v);
  to.append(std::array<int, 3>{4, 5, 6});
  CHECK(code_of([&] { to.append(std::vector<double>(2)); }) == errc::layout_mismatch);
  to.commit();
  check_in_python(std::string(plain_zip) + R"(
z = np.load(path)
def check(name, wanted):
    a = z[name]
    assert a.dtype == wanted.dtype and np.array_equal(a, wanted), (name, a)
check('v', np.array([1, 2, 3], 'f4'))
check('packed', np.full(1000, 7.))
check('span', np.array([1, 2], 'f4'))
check('empty', np.zeros(0, 'i8'))
check('mask', np.array([True, False]))
check('rows', np.arange(1., 7).reshape(2, 3))
assert len(z.files) == 6
)",
                  folder / "x.npz");
}

TEST_CASE("npz_writer: of what it has packed, any part is read alone, in any order") {
  const temp_folder folder;
  const std::string archive = folder / "x.npz";
  std::mt19937_64 random(random_seed());
  for (const index_t columns : {2, 1000, 4099}) {
    const index_t rows = 3'000'000 / columns + 1;  // some 24 MB
    const auto x = npymap::load<double>(numbers(folder / "x.npy", {rows, columns}).path());
    npz_writer to(archive);
    to.add("c", x, {.level = 1});
    to.add("f", x.transpose(), {.level = 2});
    to.commit();
    const npz_reader back(archive);
    const auto loaded = back.load<double>("c");
    CHECK(std::equal(loaded.begin(), loaded.end(), x.begin()));
    CHECK(back.load("f").is_f_contiguous());
    for (int i = 0; i < 20; ++i) {
      const auto first = static_cast<index_t>(random() % static_cast<std::uint64_t>(rows));
      const auto count = static_cast<index_t>(random() % static_cast<std::uint64_t>(rows - first));
      const npymap::row_range some{first, i % 2 == 0 ? count : std::min<index_t>(count, 3)};
      const auto want = x(npymap::range(first, first + some.count), npymap::all);
      const auto got = back.load("c", some).as<const double>();
      CHECK(got.shape() == want.shape());
      CHECK(std::equal(got.begin(), got.end(), want.begin()));
      CHECK(back.load("f", some).as<const double>().shape() == want.transpose().shape());
    }
    CHECK(code_of([&] { back.load("c", {rows, 1}); }) == errc::out_of_range);
    const npymap::source s = back.source_of("c");
    CHECK(npymap::sum<double>(s, {.budget_bytes = 4 << 20}) == npymap::sum(x));
    double seen = 0;
    const npymap::block_options tiles{.budget_bytes = 8 << 20, .axis = 1};
    for (const auto& block : npymap::blocks<double>(s, tiles)) seen += block(0, 0);
    CHECK(seen > 0);
    CHECK(npymap::sum<double>(back.source_of("f")) == npymap::sum(x.transpose()));
  }
}

TEST_CASE("npz_writer: a piece that is damaged is told of by those who read it, and by no others") {
  const temp_folder folder;
  const std::string archive = folder / "x.npz";
  npz_writer to(archive);
  to.add("x", numbers(folder / "x.npy", {1'000'000}), {.level = 6});
  to.commit();
  std::string bytes = read_file(archive);
  bytes[bytes.size() / 2] ^= 0x10;
  write_file(archive, bytes);
  const npz_reader back(archive);
  CHECK(back.load("x", {0, 100'000}).as<const double>()(9) == 5.0);
  CHECK(back.load("x", {900'000, 100'000}).as<const double>()(0) == 450'000.5);
  const std::error_code code = code_of([&] { back.load("x"); });
  CHECK((code == errc::checksum_mismatch || code == errc::bad_archive));
  CHECK(code_of([&] { npymap::sum<double>(back.source_of("x")); }) == code);
}

TEST_CASE("npz_index: with an index beside it, any part of an archive of NumPy's is read alone") {
  REQUIRE(have_numpy());
  const temp_folder folder;
  const std::string archive = folder / "x.npz";
  python(R"(
os.chdir(sys.argv[1])
x = np.random.default_rng(int(sys.argv[2])).integers(0, 99, (300000, 7))
np.save('x.npy', x)
np.savez_compressed('x.npz', x=x, f=np.asfortranarray(x), tiny=np.arange(3), none=np.zeros((0, 3)))
)",
         {folder.path(), std::to_string(random_seed())});
  npymap::build_npz_index(archive, {.spacing_bytes = 100'000});
  check_in_python("assert len(np.load(path).files) == 12", archive + ".index");
  const auto x = npymap::load<std::int64_t>(folder / "x.npy");
  const auto check = [&] {
    const npz_reader back(archive);
    const auto whole = back.load<std::int64_t>("x");
    CHECK(std::equal(whole.begin(), whole.end(), x.begin()));
    CHECK(npymap::sum<std::int64_t>(back.source_of("f")) == npymap::sum(x));
    CHECK(back.load("tiny").size() == 3);
    CHECK(back.load("none").size() == 0);
    for (const index_t first : {0, 1, 77'777, 299'999}) {
      const auto got = back.load("x", {first, 1}).as<const std::int64_t>();
      const auto want = x(npymap::range(first, first + 1), npymap::all);
      CHECK(std::equal(got.begin(), got.end(), want.begin()));
    }
  };
  check();
  // What is damaged is told of, or ignored: nothing else is read than is there.
  const std::string good = read_file(archive + ".index");
  std::mt19937_64 random(random_seed());
  for (int i = 0; i < 60; ++i) {
    std::string bad = good;
    bad[random() % bad.size()] ^= static_cast<char>(1 << random() % 8);
    if (i % 10 == 0) bad.resize(random() % bad.size());
    write_file(archive + ".index", bad);
    const npz_reader back(archive);
    const std::error_code code = code_of([&] {
      const auto got = back.load<std::int64_t>("x");
      CHECK(std::equal(got.begin(), got.end(), x.begin()));
    });
    CHECK((!code || code == errc::checksum_mismatch || code == errc::bad_archive));
  }
  // Of another archive of that name.
  write_file(archive + ".index", good);
  python("np.savez_compressed(sys.argv[1], x=np.load(sys.argv[2]), f=np.zeros(9))",
         {archive, folder / "x.npy"});
  CHECK(npz_reader(archive).load("f").size() == 9);
  CHECK(npymap::sum(npz_reader(archive).load<std::int64_t>("x")) == npymap::sum(x));
}

TEST_CASE("npz_writer: an archive keeps its members, replaces one, removes one") {
  REQUIRE(have_numpy());
  const temp_folder folder;
  const std::string archive = folder / "x.npz";
  python(R"(
import zipfile
os.chdir(sys.argv[1])
np.savez_compressed('x.npz', a=np.arange(1000), b=np.arange(5.0), c=np.ones((2, 3)))
with zipfile.ZipFile('x.npz', 'a') as z:
    info = zipfile.ZipInfo('r\xe9sum\xe9.txt', (2001, 2, 3, 4, 5, 6))
    info.comment = b'mine'
    info.external_attr = 0o640 << 16
    z.writestr(info, 'hello')
)",
         {folder.path()});
  {
    npz_writer to(archive, {.older_members = npymap::older_members::keep});
    to.add("b", numbers(folder / "b.npy", {3}), {.level = 3});
    to.remove("c");
    CHECK(code_of([&] { to.remove("c"); }) == errc::out_of_range);
    to.commit();
  }
  check_in_python(std::string(plain_zip) + R"(
n = np.load(path)
assert sorted(n.files) == ['a', 'b', 'r\xe9sum\xe9.txt'], n.files
assert np.array_equal(n['a'], np.arange(1000)) and n['b'].tolist() == [0.5, 1.0, 1.5]
info = z.getinfo('r\xe9sum\xe9.txt')
assert info.date_time == (2001, 2, 3, 4, 5, 6) and info.comment == b'mine' and info.external_attr == 0o640 << 16
)",
                  archive);
  npz_writer fresh(folder / "none.npz", {.older_members = npymap::older_members::keep});
  fresh.commit();
  check_in_python("assert np.load(path).files == []", folder / "none.npz");
  npz_writer(archive).commit();
  CHECK(npz_reader(archive).members().empty());
}

TEST_CASE("npz_writer: members that it cannot read, and the comment, are kept as they are") {
  REQUIRE(have_numpy());
  const temp_folder folder;
  const std::string archive = folder / "x.npz";
  python(R"(
import zipfile
with zipfile.ZipFile(sys.argv[1], 'w', zipfile.ZIP_BZIP2) as z:
    z.writestr('b', b'some bytes' * 100)
    z.comment = b'said of it'
)",
         {archive});
  npz_writer to(archive, {.older_members = npymap::older_members::keep});
  to.add("x", numbers(folder / "n.npy", {3}));
  to.commit();
  python(R"(
import zipfile
with zipfile.ZipFile(sys.argv[1]) as z:
    assert z.testzip() is None and z.comment == b'said of it'
    assert z.read('b') == b'some bytes' * 100 and z.namelist() == ['b', 'x.npy'] or z.namelist() == ['x.npy', 'b']
)",
         {archive});
}

TEST_CASE("npz_writer: a member that is kept is decrypted with the password that it had") {
  REQUIRE(have_numpy());
  if (std::system("command -v zip unzip > /dev/null") != 0) NPYMAP_SKIP("no Info-ZIP");
  const temp_folder folder;
  const std::string archive = folder / "x.npz";
  write_file(folder / "secret", std::string(1000, 's'));
  write_file(folder / "stream", "streamed");
  const std::string in_folder = "cd " + folder.path().string() + " && ";
  REQUIRE(std::system((in_folder + "zip -q -P word x.npz secret stream").c_str()) == 0);
  REQUIRE(std::system((in_folder + "zip -q - - < stream > plain.npz").c_str()) == 0);
  for (const std::string name : {"x.npz", "plain.npz"}) {
    npz_writer to(folder / name, {.older_members = npymap::older_members::keep});
    to.add("x", numbers(folder / "n.npy", {3}));
    to.commit();
    CHECK(npz_reader(folder / name).load<double>("x")(2) == 1.5);
    CHECK(std::system((in_folder + "unzip -tqq -P word " + name + " > /dev/null").c_str()) == 0);
  }
  check_in_python(R"(
z = zipfile.ZipFile(path)
z.setpassword(b'word')
assert z.testzip() is None
assert z.read('secret') == b's' * 1000 and z.read('stream') == b'streamed'
)",
                  archive);
}

TEST_CASE("npz_writer: a header of more than 65535 bytes is packed, and read alone") {
  REQUIRE(have_numpy());
  const temp_folder folder;
  const std::string archive = folder / "x.npz";
  std::string fields;
  for (int n = 0; n < 12'000; ++n)
    fields += (n == 0 ? "('f" : ", ('f") + std::to_string(n) + "', '<f4')";
  const npymap::dtype wide = npymap::parse_descr("[" + fields + "]");
  const any_array x = npymap::create(folder / "n.npy", wide, {30});
  for (index_t n = 0; n < 30; ++n) x(n).field("f7").as<float>().at() = static_cast<float>(n);
  npz_writer to(archive);
  to.add("x", x, {.level = 6});
  to.begin("y", wide, {}, {.level = 1});
  to.append(x);
  to.append(x);
  to.commit();
  const npz_reader from(archive, {.header_limit = 1 << 20});
  for (const std::string name : {"x", "y"}) {
    from.verify(name);
    CHECK(from.load(name).field("f7").as<const float>()(29) == 29);
    CHECK(from.load(name, {.first = 20, .count = 1}).field("f7").as<const float>()(0) == 20);
  }
  check_in_python(plain_zip + std::string(R"(
a = np.lib.format.read_array(z.open('y.npy'), max_header_size=1 << 20)
assert a.shape == (60,) and (a['f7'] == np.tile(np.arange(30), 2)).all()
)"),
                  archive);
}

TEST_CASE("npz_writer: what is refused by its name leaves the member before it growing") {
  const temp_folder folder;
  const std::string archive = folder / "x.npz";
  const std::vector<double> numbers(4);
  const std::vector<npymap::view<const double, 2>> blocks(2, {numbers.data(), {2, 2}});
  npz_writer to(archive);
  to.begin("x", npymap::dtype_of<double>(), {2});
  to.append(blocks.front());
  CHECK(code_of([&] { to.add("x", blocks); }) == errc::invalid_argument);
  CHECK(code_of([&] { to.add("\xff", blocks); }) == errc::invalid_argument);
  to.append(blocks.front());
  to.commit();
  CHECK(npz_reader(archive).info("x").shape == shape{4, 2});
}

TEST_CASE("npz_writer: a member of which not all blocks came is no part of any archive") {
  const temp_folder folder;
  const std::string archive = folder / "x.npz";
  const std::vector<double> numbers(4);
  std::vector<npymap::view<const double, 2>> blocks(2, {numbers.data(), {2, 2}});
  blocks.push_back({numbers.data(), {2, 1}});
  npz_writer to(archive);
  CHECK(code_of([&] { to.add("x", blocks); }) == errc::layout_mismatch);
  CHECK(code_of([&] { to.add("y", blocks.front()); }) == errc::closed);
  CHECK(code_of([&] { to.commit(); }) == errc::closed);
  CHECK(!std::filesystem::exists(archive));
  npz_writer again(archive);
  again.add("y", blocks.front());
  CHECK(code_of([&] { again.add("y", blocks.front()); }) == errc::invalid_argument);
  again.commit();  // what was refused at once changed nothing
  CHECK(message_of([&] { again.commit(); }) ==
        archive + ": archive: expected one that is being written, found one that was committed");
  npz_reader moved(archive);
  const npz_reader other = std::move(moved);
  CHECK(code_of([&] { moved.load("y"); }) == errc::closed);
  npymap::build_npz_index(archive);
  CHECK(!std::filesystem::exists(archive + ".index"));
}

TEST_CASE("npz_writer: an array and a file of one key are refused, new or kept") {
  const temp_folder folder;
  const std::string archive = folder / "x.npz";
  const std::vector<std::byte> bytes(3);
  const any_array x(numbers(folder / "n.npy", {3}));
  const auto refused = [](const auto& f) { return code_of(f) == errc::invalid_argument; };
  {
    npz_writer to(archive);
    to.add_bytes("x", bytes);
    CHECK(refused([&] { to.add("x", x); }));
    to.add("y", x);
    CHECK(refused([&] { to.add_bytes("y", bytes); }));
    to.commit();
  }
  npz_writer to(archive, {.older_members = npymap::older_members::keep});
  CHECK(refused([&] { to.add("x", x); }));
  to.remove("x");
  to.add("x", x);
  to.commit();
  CHECK(npz_reader(archive).load("x").size() == 3);
}

TEST_CASE("npz_writer: what makes no sense is refused, and leaves what was there") {
  const temp_folder folder;
  const std::string archive = folder / "x.npz";
  write_file(archive, "old");
  const auto x = numbers(folder / "x.npy", {3});
  {
    npz_writer to(archive);
    CHECK(code_of([&] { to.append(x); }) == errc::invalid_argument);
    CHECK(code_of([&] { to.add("y", x, {.level = 0}); }) == errc::invalid_argument);
    CHECK(code_of([&] { to.add("y", x, {.level = 13}); }) == errc::invalid_argument);
    to.add("x", x);
    CHECK(code_of([&] { to.add("x", x); }) == errc::invalid_argument);
    CHECK(code_of([&] { to.remove("x"); }) == errc::out_of_range);
  }
  CHECK(read_file(archive) == "old");
  for (const std::string& name :
       {std::string(), std::string("a\0b", 3), std::string("\xff"), std::string(66'000, 'n')}) {
    CHECK(code_of([&] { npz_writer(archive).add_bytes(name, {}); }) == errc::invalid_argument);
  }
  CHECK(read_file(archive) == "old");
  CHECK(code_of([&] { npz_writer(archive, {.older_members = npymap::older_members::keep}); }) ==
        errc::not_npz);
  CHECK(std::distance(std::filesystem::directory_iterator(folder.path()), {}) == 2);
}

TEST_CASE("npz_writer: a source that is cut under way leaves what was there") {
  const temp_folder folder;
  const std::string archive = folder / "x.npz";
  write_file(archive, "old");
  for (const bool is_deflated : {false, true}) {
    const auto x = numbers(folder / "x.npy", {1'000'000});
    std::filesystem::resize_file(folder / "x.npy", 100'000);
    const npz_member_options how{.level = is_deflated ? std::optional(1) : std::nullopt};
    npz_writer to(archive);
    CHECK(code_of([&] { to.add("x", x, how); }) == errc::truncated);
    CHECK(code_of([&] { to.commit(); }) == errc::closed);
  }
  CHECK(read_file(archive) == "old");
}

TEST_CASE("npz_writer: a member of 5 GiB, and one behind it, by both sides") {
#ifdef __SANITIZE_ADDRESS__
  NPYMAP_SKIP("takes minutes under the sanitizer");
#endif
  REQUIRE(have_numpy());
  const temp_folder folder;
  constexpr index_t count = (index_t{5} << 30) / 8;
  const auto zeros =
      npymap::create<double>(folder / "x.npy", {count}, {.space = npymap::space::sparse});
  zeros(count - 1) = 7.5;
  const std::string ours = folder / "ours.npz", theirs = folder / "theirs.npz";
  npz_writer to(ours);
  to.add("large", zeros, {.level = 1});
  to.add("small", zeros(npymap::range(count - 3, count)));
  to.commit();
  python(R"(
import zipfile
with zipfile.ZipFile(sys.argv[1]) as z:
    total, last = 0, b''
    with z.open('large.npy') as f:
        while piece := f.read(1 << 24):
            total, last = total + len(piece), piece
    assert total == 128 + (5 << 30) and np.frombuffer(last[-8:])[0] == 7.5
assert np.load(sys.argv[1])['small'].tolist() == [0, 0, 7.5]
with zipfile.ZipFile(sys.argv[2], 'w', zipfile.ZIP_DEFLATED, compresslevel=1) as z:
    z.write(sys.argv[3], 'large.npy')
    with z.open('small.npy', 'w', force_zip64=True) as f:
        np.save(f, np.arange(3))
)",
         {ours, theirs, folder / "x.npy"});
  for (const std::string& path : {ours, theirs}) {
    const npz_reader archive(path);
    CHECK(archive.member("large").uncompressed_bytes == 128 + (std::uint64_t{5} << 30));
    CHECK(npymap::sum<double>(archive.source_of("large")) == 7.5);
    CHECK(archive.load("small").size() == 3);
  }
  CHECK(npz_reader(ours).load("large", {count - 2, 2}).as<const double>()(1) == 7.5);
}

TEST_CASE("npz_writer: more members than 16 bits count") {
  REQUIRE(have_numpy());
  const temp_folder folder;
  const std::string archive = folder / "x.npz";
  npz_writer to(archive);
  for (int i = 0; i < 66'000; ++i) to.add_bytes("m" + std::to_string(i), {});
  to.commit();
  CHECK(npz_reader(archive).members().size() == 66'000);
  check_in_python("assert len(zipfile.ZipFile(path).namelist()) == 66000", archive);
}
