#include <algorithm>
#include <atomic>
#include <cstdint>
#include <cstring>
#include <filesystem>
#include <sstream>
#include <stop_token>
#include <string>
#include <thread>
#include <vector>

#include <fmt/format.h>

#include <npymap/npymap.hpp>

#include "npz/raw_archive.hpp"
#include "support/catch.hpp"
#include "support/failure.hpp"
#include "support/process.hpp"
#include "support/python.hpp"
#include "support/skip.hpp"
#include "support/temp_folder.hpp"

using namespace npymap_test;
using namespace npymap;

namespace {

/// An .npy of int64 in memory: 0, 1, 2, ...
std::string counting_npy(index_t n) {
  std::string bytes = header_bytes(dtype_of<std::int64_t>(), shape{n});
  for (std::int64_t i = 0; i < n; ++i) bytes += numbers(static_cast<std::uint64_t>(i));
  return bytes;
}

void append_bytes(const any_array& x, std::string& out) {
  const any_array dense = convert(x, x.dtype());
  out.append(reinterpret_cast<const char*>(dense.data()), std::size_t(dense.size_bytes()));
}

std::string bytes_of(const any_array& x) {
  std::string out;
  append_bytes(x, out);
  return out;
}

std::string text_of(const std::vector<std::byte>& bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

/// Call `f` for stored and for deflated, with an archive that NumPy made of the script's arrays.
template <class F>
void each_method(const std::string& arrays, F&& f) {
  for (const std::string save : {"savez", "savez_compressed"}) {
    const temp_folder folder;
    const auto path = folder / "a.npz";
    python("np." + save + "(sys.argv[1], " + arrays + ")", {path});
    INFO(save);
    f(npz_reader(path));
  }
}

}  // namespace

TEST_CASE("npz: members are listed in archive order, by NumPy's names", "[npz]") {
  if (!have_numpy()) NPYMAP_SKIP("needs NumPy");
  each_method("np.arange(3), np.eye(2), x=np.float32(1), **{'dir/y.npy': [1, 2]}",
              [](const npz_reader& z) {
                std::vector<std::string> names, file_names;
                for (const npz_member& m : z.members()) {
                  names.push_back(m.name);
                  file_names.push_back(m.file_name);
                }
                std::vector<std::string> sorted = names;
                std::sort(sorted.begin(), sorted.end());
                CHECK(sorted == std::vector<std::string>{"arr_0", "arr_1", "dir/y.npy", "x"});
                CHECK(file_names[0] == names[0] + ".npy");
                CHECK(z.contains("arr_0"));
                CHECK(z.contains("arr_0.npy"));
                CHECK_FALSE(z.contains("arr_0.npy.npy"));
                CHECK_FALSE(z.contains("arr"));
                CHECK(z.member("dir/y.npy").file_name == "dir/y.npy.npy");
                const header facts = z.info("arr_1");
                CHECK(facts.dtype == dtype_of<double>());
                CHECK(facts.shape == shape{2, 2});
              });
}

TEST_CASE("npz: a name is looked up as NumPy does, and the last of that name wins", "[npz]") {
  if (!have_numpy()) NPYMAP_SKIP("needs NumPy");
  const std::vector<std::string> names = {"x",     "x.npy",     "x",     "x.npy.npy", "y.npy",
                                          "y.npy", "z",         ".npy",  "",          "w.npyx",
                                          "z.NPY", "v.npy.npy", "v.npz", "dir/a.npy", "a\\b"};
  raw_archive raw;
  for (std::size_t i = 0; i < names.size(); ++i) {
    raw.members.push_back(stored_member(names[i], fmt::format("{}", i)));
  }
  const temp_folder folder;
  const auto path = folder / "a.npz";
  write_file(path, raw.bytes());
  const npz_reader z(path);
  std::vector<std::string> keys = names;
  for (const char* key : {"x.npy.npy.npy", "y", "v", "v.npy", "dir/a", "nothing", ".np", "dir"}) {
    keys.emplace_back(key);
  }
  for (const std::string& key : keys) {
    CAPTURE(key);
    const std::string expected = python(R"(
z = np.load(sys.argv[1])
try: sys.stdout.write(z[sys.argv[2]].decode())
except KeyError: sys.stdout.write('KeyError')
)",
                                        {path, key});
    CHECK((z.contains(key) ? text_of(z.read_bytes(key)) : "KeyError") == expected);
  }
  CHECK(text_of(z.read_bytes(z.members()[0])) == "0");  // of which the name stands for another
  CHECK(code_of([&] { z.read_bytes("nothing"); }) == errc::out_of_range);
  CHECK_FALSE(z.contains(npz_member{.name = "x", .file_name = "x", .place = 1}));  // of another
  CHECK_FALSE(z.contains(npz_member{.name = "x", .file_name = "x", .place = 1000}));
  CHECK(message_of([&] { z.read_bytes("nothing"); }).find("one of 'x', 'x', 'x'") !=
        std::string::npos);
}

TEST_CASE("npz: a stored member is an array over the file itself", "[npz]") {
  const temp_folder folder;
  const auto path = folder / "a.npz";
  write_file(path, raw_archive{.members = {stored_member("x.npy", counting_npy(1000))}}.bytes());
  auto x = npz_reader(path).open<stored<std::int64_t>>("x");  // outlives the reader
  REQUIRE(x.size() == 1000);
  CHECK(x(999) == 999);
  CHECK(x.is_mapped());
  CHECK(x.path() == path);
  x.close();

  auto edited = npz_reader(path).open<stored<std::int64_t>, open_mode::copy_on_write>("x");
  edited(0) = 7;
  CHECK(npz_reader(path).open<stored<std::int64_t>>("x")(0) == 0);
}

TEST_CASE("npz: elements that lie askew say what reads them", "[npz]") {
  const temp_folder folder;
  const auto path = folder / "a.npz";
  write_file(path, raw_archive{.members = {stored_member("x.npy", counting_npy(10))}}.bytes());
  const npz_reader z(path);
  CHECK(code_of([&] { z.open<std::int64_t>("x"); }) == errc::layout_mismatch);
  const std::string text = message_of([&] { z.open<std::int64_t>("x"); });
  CHECK(text.find("a.npz:x.npy: ") != std::string::npos);
  CHECK(text.find("stored<T>") != std::string::npos);
  CHECK(code_of([&] { z.open<stored<double>>("x"); }) == errc::dtype_mismatch);

  raw_archive aligned{.members = {stored_member("x.npy", counting_npy(10))}};
  aligned.members[0].local_extra = extra_field(0xd935, std::string(64 - 30 - 5 - 4, '\0'));
  write_file(path, aligned.bytes());
  CHECK(npz_reader(path).open<std::int64_t>("x")(9) == 9);
}

TEST_CASE("npz: a member need not be an array", "[npz]") {
  const temp_folder folder;
  const auto path = folder / "a.npz";
  write_file(path, raw_archive{.members = {stored_member("notes.txt", "some text"),
                                           stored_member("empty", "")}}
                       .bytes());
  const npz_reader z(path);
  CHECK(text_of(z.read_bytes("notes.txt")) == "some text");
  CHECK(z.read_bytes("empty").empty());
  for (const char* name : {"notes.txt", "empty"}) {
    const auto expected = errc::not_npy;
    CHECK(code_of([&] { z.info(name); }) == expected);
    CHECK(code_of([&] { z.open(name); }) == expected);
    CHECK(code_of([&] { z.load(name); }) == expected);
    CHECK_NOTHROW(z.verify(name));
  }
}

TEST_CASE("npz: arrays of any dtype, shape and order are read as NumPy saved them", "[npz]") {
  if (!have_numpy()) NPYMAP_SKIP("needs NumPy");
  const temp_folder folder;
  const auto seed = std::to_string(random_seed());
  const std::string expected = python(R"(
rng = np.random.default_rng(int(sys.argv[2]))
types = ['<f8', '>f8', '<i2', '>u4', '?', 'S7', 'U5', 'c16', '<f2', 'M8[us]', 'V3',
         np.dtype([('a', '<i4'), ('b', '>f8', (2,))])]
def arrays(seed):
    rng = np.random.default_rng(seed)
    out = {}
    for n in range(40):
        rank = int(rng.integers(0, 5))
        extents = rng.integers(0 if rng.random() < .1 else 1, 12, rank)
        dtype = np.dtype(types[int(rng.integers(len(types)))])
        count = int(np.prod(extents))
        x = np.frombuffer((rng.bytes(count * dtype.itemsize) if rng.random() < .5
                           else bytes(count * dtype.itemsize)), 'V%d' % dtype.itemsize)
        x = x.view(dtype) if dtype.itemsize and count else np.zeros(count, dtype)
        out['x%d' % n] = x.reshape(extents, order='F' if rng.random() < .5 else 'C').copy('K')
    return out
made = arrays(int(sys.argv[2]))
os.chdir(sys.argv[1])
np.savez('stored.npz', **made)
np.savez_compressed('deflated.npz', **made)
import zipfile
class Pipe:
    def __init__(self, f): self.f = f
    def write(self, b): return self.f.write(b)
    def flush(self): self.f.flush()
with open('streamed.npz', 'wb') as f, zipfile.ZipFile(Pipe(f), 'w') as z:
    for n, (name, x) in enumerate(made.items()):
        with z.open(zipfile.ZipInfo(name + '.npy'), 'w', force_zip64=n % 2 == 0) as m:
            np.lib.format.write_array(m, x)
for name, x in made.items():
    sys.stdout.write('%s %s %s\n' % (name, ','.join(map(str, x.shape)) or '-', x.tobytes('A').hex() or '-'))
)",
                                      {folder.path().string(), seed});
  int count = 0;
  std::istringstream lines(expected);
  for (std::string name, extents, hex; lines >> name >> extents >> hex; ++count) {
    for (const char* file : {"stored.npz", "deflated.npz", "streamed.npz"}) {
      const npz_reader z(folder / file);
      CAPTURE(file, name, seed);
      const any_array x = z.load(name);
      CHECK(fmt::format("{}", fmt::join(x.shape(), ",")) == (extents == "-" ? "" : extents));
      CHECK(reinterpret_cast<std::uintptr_t>(x.data()) % 64 == 0);
      std::string found;
      for (const char c : bytes_of(x))
        found += fmt::format("{:02x}", static_cast<unsigned char>(c));
      const bool is_same = (found.empty() ? "-" : found) == hex;
      CHECK(is_same);
      const header facts = z.info(name);
      CHECK(facts.dtype == x.dtype());
      CHECK(facts.shape == x.shape());
      if (z.member(name).method == npz_method::stored) {
        CHECK(bytes_of(z.open(name)) == bytes_of(x));
      } else {
        CHECK(code_of([&] { z.open(name); }) == errc::unsupported_member);
      }
      CHECK_NOTHROW(z.verify(name));
      const auto to = folder / "extracted.npy";
      z.extract(name, to);
      CHECK(read_file(to) == text_of(z.read_bytes(name)));
      CHECK(bytes_of(npymap::open(to)) == bytes_of(x));
    }
  }
  CHECK(count == 40);
}

TEST_CASE("npz: members of a reader that is gone, and rows as a type", "[npz]") {
  const temp_folder folder;
  const auto path = folder / "a.npz";
  npz_writer to(path);
  const auto x = zeros<double>({10, 3});
  x(7, 1) = 5;
  to.add("stored", x);
  to.add("packed", x, {.level = 6});
  to.commit();
  std::string names;
  for (const npz_member& member : npz_reader(path).members()) names += member.name + " ";
  CHECK(names == "stored packed ");
  const npz_reader archive(path);
  for (const npz_member& member : archive.members()) {
    CHECK(archive.load<double>(member, {7, 2})(0, 1) == 5);
    CHECK(code_of([&] { archive.load<float>(member, {7, 2}); }) == errc::dtype_mismatch);
    CHECK(code_of([&] { archive.load<double>(member, {7, 4}); }) == errc::out_of_range);
  }
}

TEST_CASE("npz: extract and verify tell how far they are, and stop when asked", "[npz]") {
  const temp_folder folder;
  const auto path = folder / "a.npz";
  {
    npz_writer to(path);
    const std::vector<double> x(1 << 20, 1.5);
    to.add("x", view<const double>(x.data(), shape{1 << 20}), {.level = 1});
    to.commit();
  }
  const npz_reader z(path);
  const std::uint64_t all_bytes = z.member("x").uncompressed_bytes;
  std::stop_source stop;
  std::vector<pass_progress> told;
  const auto pass = [&](std::uint64_t stop_at) {
    told.clear();
    stop = {};
    return pass_options{.progress =
                            [&, stop_at](const pass_progress& now) {
                              told.push_back(now);
                              if (now.done_bytes >= stop_at) stop.request_stop();
                            },
                        .stop = stop.get_token()};
  };
  const auto to = folder / "x.npy";
  CHECK(code_of([&] { z.extract("x", to, {}, pass(1)); }) == errc::stopped);
  CHECK(told.size() == 1);
  CHECK(!std::filesystem::exists(to));
  CHECK(code_of([&] { z.verify("x", pass(4 << 20)); }) == errc::stopped);
  CHECK(told.back().done_bytes == 4 << 20);
  z.extract("x", to, {}, pass(all_bytes + 1));
  CHECK(told.back().done_bytes == all_bytes);
  CHECK(told.back().total_bytes == all_bytes);
  z.verify("x", pass(all_bytes + 1));
  CHECK(told.size() == all_bytes / (1 << 20) + 1);
}

TEST_CASE("npz: load<T> brings elements to native byte order", "[npz]") {
  if (!have_numpy()) NPYMAP_SKIP("needs NumPy");
  each_method("x=np.arange(100, dtype='>f8').reshape(10, 10)", [](const npz_reader& z) {
    const auto x = z.load<double>("x");
    CHECK(x(9, 9) == 99);
    CHECK(code_of([&] { z.load<float>("x"); }) == errc::dtype_mismatch);
    CHECK(message_of([&] { z.load<float>("x"); }).find(":x.npy: ") != std::string::npos);
  });
}

TEST_CASE("npz: passes and blocks take members, stored and deflated", "[npz]") {
  if (!have_numpy()) NPYMAP_SKIP("needs NumPy");
  each_method(
      "c=np.arange(3000000, dtype='f8').reshape(1000, 3000), f=np.asfortranarray("
      "np.arange(3000000, dtype='f8').reshape(1000, 3000)), s=np.float64(5), "
      "none=np.zeros((0, 4))",
      [](const npz_reader& z) {
        const double total = 3000000.0 * 2999999 / 2;
        for (const char* name : {"c", "f"}) {
          CAPTURE(name);
          const source x = z.source_of(name);
          CHECK(sum<double>(x) == total);
          CHECK(sum<double>(x) == total);  // and again from the beginning
          double by_blocks = 0;
          index_t at = 0;
          for (const auto& block : blocks<double>(x, {.budget_bytes = 1 << 20})) {
            for (const double v : block) by_blocks += v;
            at += block.size();
          }
          CHECK(by_blocks == total);
          CHECK(at == x.size());
        }
        CHECK(sum<double>(z.source_of("s")) == 5);
        CHECK(sum<double>(z.source_of("none")) == 0);
      });
}

TEST_CASE("npz: blocks with a halo, and along another axis, read a deflated member right",
          "[npz]") {
  if (!have_numpy()) NPYMAP_SKIP("needs NumPy");
  each_method("x=np.arange(600000, dtype='i4').reshape(1000, 600)", [](const npz_reader& z) {
    const any_array whole = z.load("x");
    const auto values = whole.as<const std::int32_t>();
    const source x = z.source_of("x");
    for (const int axis : {0, 1}) {
      for (const index_t halo : {0, 3}) {
        const block_options options{.budget_bytes = 200'000, .axis = axis, .halo = halo};
        bool right = true;
        for (const auto& block : blocks<std::int32_t>(x, options)) {
          const auto& start = block.start();
          for (index_t i = 0; i < block.extent(0); ++i) {
            for (index_t j = 0; j < block.extent(1); ++j) {
              right = right && block(i, j) == values(start[0] + i, start[1] + j);
            }
          }
        }
        CHECK(right);
      }
    }
  });
}

namespace {

/// An archive of NumPy's with two members, and the same written as a stream, with data descriptors.
std::vector<std::string> archives_to_edit(const temp_folder& folder) {
  python(R"(
import zipfile
os.chdir(sys.argv[1])
x, y = np.arange(1000.0), np.arange(5)
np.savez('saved.npz', x=x, y=y)
class Pipe:
    def __init__(self, f): self.f = f
    def write(self, b): return self.f.write(b)
    def flush(self): self.f.flush()
for wide in (False, True):
    with open('streamed%d.npz' % wide, 'wb') as f, zipfile.ZipFile(Pipe(f), 'w') as z:
        for name, a in (('x', x), ('y', y)):
            with z.open(name + '.npy', 'w', force_zip64=wide) as m: np.lib.format.write_array(m, a)
with open('front.npz', 'wb') as f:
    f.write(b'#!front\n')
    with zipfile.ZipFile(f, 'a') as z:
        for name, a in (('x', x), ('y', y)):
            with z.open(name + '.npy', 'w') as m: np.lib.format.write_array(m, a); m.write(b'more')
)",
         {folder.path().string()});
  return {folder / "saved.npz", folder / "streamed0.npz", folder / "streamed1.npz",
          folder / "front.npz"};
}

constexpr const char* check_by_numpy = R"(
import zipfile
z = zipfile.ZipFile(sys.argv[1])
print(z.testzip(), np.lib.format.read_array(z.open('x.npy'))[[3, 999]], end='')
)";

}  // namespace

TEST_CASE("npz: what is written to a member has its CRC when it is flushed or closed", "[npz]") {
  if (!have_numpy()) NPYMAP_SKIP("needs NumPy");
  const temp_folder folder;
  for (const std::string& path : archives_to_edit(folder)) {
    CAPTURE(path);
    const npz_reader z(path, {.mode = open_mode::read_write});
    auto x = z.open<stored<double>, open_mode::read_write>("x");
    x(3) = -1;
    x.flush();
    CHECK(python(check_by_numpy, {path}) == "None [ -1. 999.]");
    x(999) = -2;
    CHECK(run_python(check_by_numpy, {path}).exit_code != 0);  // until then
    x.close();
    CHECK(python(check_by_numpy, {path}) == "None [-1. -2.]");
    CHECK(z.load<double>("x")(999) == -2);  // by the reader that was there before
    CHECK(npz_reader(path).load<double>("x")(999) == -2);
    CHECK_NOTHROW(npz_reader(path).load("y"));
  }
}

TEST_CASE("npz: an archive that was opened to read is not written to", "[npz]") {
  const temp_folder folder;
  const auto path = folder / "a.npz";
  write_file(path, raw_archive{.members = {stored_member("x.npy", counting_npy(10))}}.bytes());
  const npz_reader z(path);
  CHECK(code_of([&] { z.open("x", open_mode::read_write); }) == errc::read_only);
  CHECK(code_of([&] { z.open("x", open_mode::create); }) == errc::invalid_argument);
  CHECK(code_of([&] { npz_reader(path, {.mode = open_mode::create}); }) == errc::invalid_argument);
}

TEST_CASE("npz: an archive is locked as a file is", "[npz]") {
  const temp_folder folder;
  const auto path = folder / "a.npz";
  write_file(path, raw_archive{.members = {stored_member("x.npy", counting_npy(10))}}.bytes());
  const npz_options writing{.mode = open_mode::read_write, .locking = locking::advisory};
  {
    any_array x;
    {
      const npz_reader z(path, writing);
      x = z.open("x", open_mode::read_write);
    }  // the array keeps the lock
    CHECK(code_of([&] { npz_reader(path, {.locking = locking::advisory}); }) == errc::busy);
    CHECK_NOTHROW(npz_reader(path));
  }
  const npz_reader one(path, {.locking = locking::advisory});
  CHECK_NOTHROW(npz_reader(path, {.locking = locking::advisory}));
  CHECK(code_of([&] { npz_reader(path, writing); }) == errc::busy);
}

TEST_CASE("npz: no descriptor is left open", "[npz]") {
  const temp_folder folder;
  const auto path = folder / "a.npz";
  write_file(path, raw_archive{.members = {stored_member("x.npy", counting_npy(10))}}.bytes());
  const auto before = open_descriptors();
  {
    const npz_reader z(path);
    for (int i = 0; i < 100; ++i) {
      z.open("x");
      z.load("x");
      z.source_of("x");
    }
  }
  CHECK(open_descriptors() == before);
}

TEST_CASE("npz: members are read from many threads at once", "[npz]") {
  const temp_folder folder;
  const auto path = folder / "a.npz";
  raw_archive raw;
  for (int i = 0; i < 8; ++i) {
    raw.members.push_back(stored_member(fmt::format("x{}.npy", i), counting_npy(1000 + i)));
  }
  write_file(path, raw.bytes());
  const npz_reader z(path);
  std::atomic<int> right = 0;
  std::vector<std::thread> threads;
  for (int i = 0; i < 8; ++i) {
    threads.emplace_back([&, i] {
      const std::string name = fmt::format("x{}", i);
      for (int n = 0; n < 50; ++n) {
        const auto x = z.load<std::int64_t>(name);
        right += x.size() == 1000 + i && x(999 + i) == 999 + i &&
                 z.open<stored<std::int64_t>>(name)(0) == 0;
      }
    });
  }
  for (std::thread& each : threads) each.join();
  CHECK(right == 400);
}
