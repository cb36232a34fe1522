#include <npymap/append.hpp>

#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <chrono>
#include <complex>
#include <csignal>
#include <filesystem>
#include <fstream>
#include <random>
#include <span>
#include <thread>
#include <vector>

#include <npymap/error.hpp>

#include "io/faults.hpp"
#include "support/catch.hpp"
#include "support/failure.hpp"
#include "support/python.hpp"
#include "support/temp_folder.hpp"

using namespace npymap_test;
using npymap::append_durability;
using npymap::appender;
using npymap::errc;
using npymap::index_t;
using npymap::order;
using npymap::shape;

namespace {

/// Row i holds i, everywhere.
npymap::array<double> numbered(const std::string& path, index_t rows, index_t columns) {
  const auto x = npymap::create<double>(path, {rows, columns});
  for (index_t i = 0; i < rows; ++i) npymap::fill(x(i, npymap::ellipsis), double(i));
  return x;
}

std::vector<double> row_of(index_t i, index_t columns) {
  return std::vector<double>(static_cast<std::size_t>(columns), double(i));
}

npymap::view<const double, 1> view_of(const std::vector<double>& row) {
  return {row.data(), {static_cast<index_t>(row.size())}};
}

bool holds_numbers(const std::string& path, index_t least_rows) {
  const auto x = npymap::open<double>(path);
  if (x.extent(0) < least_rows) return false;
  for (index_t i = 0; i < x.extent(0); ++i) {
    for (index_t j = 0; j < x.extent(1); ++j) {
      if (x(i, j) != double(i)) return false;
    }
  }
  return true;
}

}  // namespace

TEST_CASE(
    "append: NumPy reads what was appended at random, row by row and in blocks, in any order") {
  REQUIRE(have_numpy());
  const temp_folder folder;
  python(R"(
os.chdir(sys.argv[1])
rng = np.random.default_rng(int(sys.argv[2]))
for i in range(60):
    descr = ['<f8', '>i4', '<c16', '?', 'S3', [('a', '<i2'), ('b', '<f4', (2,))], '<M8[s]', '<f2'][i % 8]
    shape = tuple(rng.integers(0 if rng.random() < .1 else 1, 5, rng.integers(1, 4)))
    dt = np.dtype(descr)
    fortran = bool(i % 3 == 0)
    parts = []
    for k in range(rng.integers(1, 6)):
        count = int(rng.integers(0, 40)); s = list(shape)
        s[-1 if fortran else 0] = count
        raw = rng.integers(0, 2, int(np.prod(s)) * dt.itemsize, dtype=np.uint8)
        parts.append(np.frombuffer(raw.tobytes(), dt).reshape(s))
    whole = np.concatenate(parts, axis=-1 if fortran else 0)
    for k, p in enumerate(parts):
        if fortran and k == 0: p = np.asfortranarray(p)
        if k and rng.random() < .5: p = p[..., ::-1][..., ::-1] if rng.random() < .5 else np.asfortranarray(p)
        np.save(f'{i}_{k}', p)
    np.save(f'{i}_whole', whole.astype(dt))
    open(f'{i}.txt', 'w').write(f'{len(parts)} {int(fortran)}')
)",
         {folder.path(), std::to_string(random_seed())});
  for (int i = 0; i < 60; ++i) {
    const std::string name = folder / std::to_string(i);
    int parts = 0, fortran = 0;
    std::ifstream(name + ".txt") >> parts >> fortran;
    const order way = fortran != 0 ? order::fortran : order::c;
    appender to(name + "_0.npy", {.order = way, .buffer_bytes = std::size_t(1 + i * 7)});
    for (int k = 1; k < parts; ++k) {
      const npymap::any_array part = npymap::open(name + "_" + std::to_string(k) + ".npy");
      const int axis = fortran != 0 ? part.rank() - 1 : 0;
      if (k % 2 == 0) {
        to.append(part);
        continue;
      }
      for (index_t row = 0; row < part.extent(axis); ++row) {
        to.append(axis == 0 ? part(row, npymap::ellipsis) : part(npymap::ellipsis, row));
        if (row % 5 == 0) to.flush();
      }
    }
    to.close();
  }
  python(R"(
os.chdir(sys.argv[1])
for i in range(60):
    a, b = np.load(f'{i}_0.npy'), np.load(f'{i}_whole.npy')
    assert a.dtype == b.dtype and a.shape == b.shape, (i, a.shape, b.shape)
    assert a.tobytes() == b.tobytes(), i
)",
         {folder.path()});
}

TEST_CASE("append: a reader sees an earlier length, whole, and open arrays keep theirs") {
  const temp_folder folder;
  const std::string path = folder / "x.npy";
  numbered(path, 2, 3);
  const auto before = npymap::open<double>(path);
  appender to(path);
  for (index_t i = 2; i < 100; ++i) to.append(view_of(row_of(i, 3)));
  CHECK(to.rows() == 100);
  CHECK(npymap::open<double>(path).extent(0) == 2);
  to.flush();
  CHECK(npymap::open<double>(path).extent(0) == 100);
  CHECK(before.extent(0) == 2);
  CHECK(holds_numbers(path, 100));
  to.append(view_of(row_of(100, 3)));
  { const appender gone = std::move(to); }
  CHECK(holds_numbers(path, 101));
}

TEST_CASE("open: rows that are appended under way are no truncation") {
  static std::string path, ten_rows;
  static int reads_before;
  const temp_folder folder;
  path = folder / "x.npy";
  numbered(path, 10, 2).close();
  ten_rows = read_file(path);
  for (int reads = 0; reads < 3; ++reads) {
    numbered(path, 4, 2).close();
    reads_before = reads;
    npymap::io::sys::inject([](call which) noexcept {
      if (which == call::read && reads_before-- == 0) write_file(path, ten_rows);
      return 0;
    });
    index_t rows = 0;
    const std::error_code found = code_of([&] { rows = npymap::open<double>(path).extent(0); });
    npymap::io::sys::inject(nullptr);
    CHECK(found == std::error_code());
    CHECK((rows == 4 || rows == 10));
  }
}

TEST_CASE("append: other numbers are cast by same_kind, and what does not fit is refused whole") {
  const temp_folder folder;
  const std::string path = folder / "x.npy";
  numbered(path, 1, 3);
  appender to(path);
  const std::vector<std::int16_t> ones{1, 1, 1};
  to.append(npymap::view<const std::int16_t, 1>(ones.data(), {3}));
  const std::vector<std::complex<double>> complex(3);
  CHECK(code_of([&] {
          to.append(npymap::view<const std::complex<double>, 1>(complex.data(), {3}));
        }) == errc::dtype_mismatch);
  const std::vector<double> few{2, 2};
  CHECK(code_of([&] { to.append(view_of(few)); }) == errc::layout_mismatch);
  CHECK(message_of([&] { to.append(view_of(few)); }) ==
        path + ": rows to append: expected shape (3,), or some of these along axis 0, found (2,)");
  CHECK(code_of([&] {
          to.append(npymap::view<const double, 2>(few.data(), {1, 2}));
        }) == errc::layout_mismatch);
  CHECK(to.shape() == shape{2, 3});
  to.close();
  to.close();
  CHECK(code_of([&] { to.append(view_of(row_of(2, 3))); }) == errc::closed);
  CHECK(holds_numbers(path, 2));
}

TEST_CASE("append: a row is a vector, or any contiguous range of elements") {
  const temp_folder folder;
  const std::string path = folder / "x.npy";
  npymap::create<double>(path, {0, 3}).close();
  appender to(path);
  std::vector<double> row = row_of(0, 3);
  to.append(row);
  to.append(std::vector<double>(3, 1));
  to.append(std::array<const float, 3>{2, 2, 2});
  row = row_of(3, 3);
  to.append(std::span(row));
  const int numbers[] = {4, 4, 4};
  to.append(numbers);
  CHECK(code_of([&] { to.append(row_of(5, 2)); }) == errc::layout_mismatch);
  CHECK(code_of([&] { to.append(std::vector<double>()); }) == errc::layout_mismatch);
  CHECK(code_of([&] { to.append(std::vector<std::complex<double>>(3)); }) == errc::dtype_mismatch);
  to.close();
  CHECK(npymap::open(path).shape() == shape{5, 3});
  CHECK(holds_numbers(path, 5));

  npymap::create<std::array<char, 4>>(folder / "text.npy", {0}).close();
  appender lines(folder / "text.npy");  // of rows of one element each: a vector is many of them
  lines.append(std::vector<std::array<char, 4>>{{'o', 'n', 'e'}, {'f', 'o', 'u', 'r'}});
  lines.append(std::vector<std::array<char, 4>>());
  lines.close();
  python("assert np.load(sys.argv[1]).tolist() == [b'one', b'four']", {folder / "text.npy"});
}

TEST_CASE("append: what is discarded was never there, even if the header had to be rewritten") {
  const temp_folder folder;
  const std::string path = folder / "x.npy";
  numbered(path, 3, 2);
  const std::string before = read_file(path);
  {
    appender to(path, {.buffer_bytes = 100});
    for (index_t i = 3; i < 30; ++i) to.append(view_of(row_of(i, 2)));
    to.discard();
    CHECK(code_of([&] { to.append(view_of(row_of(30, 2))); }) == errc::closed);
    to.close();
  }
  CHECK(read_file(path) == before);
  const std::string dict = "{'descr':'<f8','fortran_order':False,'shape':(1,1)}";
  const double zero = 0;
  write_file(path, std::string("\x93NUMPY\x01\x00", 8) + static_cast<char>(dict.size()) + '\0' +
                       dict + std::string(reinterpret_cast<const char*>(&zero), 8));
  {
    appender to(path, {.buffer_bytes = 16});
    for (index_t i = 1; i < 30; ++i) to.append(view_of(row_of(i, 1)));
    to.discard();
  }
  CHECK(holds_numbers(path, 1));
  CHECK(npymap::open<double>(path).extent(0) == 1);
  CHECK(read_file(path).size() == 128 + 8);
}

TEST_CASE("append: what discards nothing changes nothing, whatever became of the file") {
  const temp_folder folder;
  const std::string path = folder / "x.npy";
  numbered(path, 3, 2).close();
  appender to(path);
  write_file(path, read_file(path) + "behind");
  to.discard();
  CHECK(read_file(path).ends_with("behind"));
  numbered(path, 3, 2).close();
  appender shrunk(path);
  std::filesystem::resize_file(path, 100);
  shrunk.discard();
  CHECK(std::filesystem::file_size(path) == 100);
}

TEST_CASE("append: a file that somebody else cut or grew takes no more rows, and is left alone") {
  const temp_folder folder;
  const std::string path = folder / "x.npy";
  const std::uintmax_t behind[] = {0, 50, 128 + 2 * 16, 128 + 3 * 16 + 1, 1000};
  for (const std::uintmax_t size : behind) {
    for (const bool is_buffered : {false, true}) {
      INFO(size << " bytes, buffered " << is_buffered);
      numbered(path, 3, 2).close();
      appender to(path, {.buffer_bytes = is_buffered ? std::size_t{1000} : std::size_t{1}});
      std::filesystem::resize_file(path, size);
      const std::string cut = read_file(path);
      const std::error_code code = code_of([&] {
        to.append(view_of(row_of(3, 2)));
        to.close();
      });
      CHECK((code == errc::truncated || code == errc::layout_mismatch));
      std::string told;
      try {
        to.close();
      } catch (const npymap::error& e) {
        told = e.what();
      }
      CHECK_THAT(told, Catch::Contains("append, after it failed behind row 3"));
      CHECK(read_file(path) == cut);
    }
  }
}

TEST_CASE("append: text that would be cut is refused") {
  const temp_folder folder;
  const std::string path = folder / "x.npy";
  python("np.save(sys.argv[1], np.array(['ab', 'cd']))", {path});
  CHECK(code_of([&] {
          const std::string longer = folder / "longer.npy";
          python("np.save(sys.argv[1], np.array(['abc']))", {longer});
          appender(path).append(npymap::open(longer));
        }) == errc::dtype_mismatch);
  CHECK(npymap::open(path).shape() == shape{2});
}

TEST_CASE("open: a header that is half old and half new while it is written is not believed") {
  static std::string path, whole;
  static int reads_before;
  const temp_folder folder;
  path = folder / "x.npy";
  npymap::create<double>(path, {2000}).close();
  whole = read_file(path);
  std::string half = whole;
  half.replace(half.find("(2000"), 5, "(1990");  // between (1999 and (2000
  for (int reads = 1; reads < 3; ++reads) {
    write_file(path, half);
    reads_before = reads;
    npymap::io::sys::inject([](call which) noexcept {
      if (which == call::read && reads_before-- == 0) write_file(path, whole);
      return 0;
    });
    const index_t rows = npymap::open(path).extent(0);
    npymap::io::sys::inject(nullptr);
    // Two reads have found the same: that is what the file says.
    CHECK(rows == (reads == 1 ? 2000 : 1990));
  }
}

TEST_CASE("append: a header without room is written anew under the same name, or refused") {
  const temp_folder folder;
  const std::string path = folder / "x.npy";
  const auto without_room = [&] {
    std::string header = "{'descr': '<f8', 'fortran_order': False, 'shape': (9,), }";
    header.append(64 * 2 - 10 - header.size() - 1, ' ');
    // As short as 64 bytes allow is not short enough: end the text right behind its dict.
    header = header.substr(0, header.rfind('}') + 1) + "\n";
    std::string bytes("\x93NUMPY\x01\x00", 8);
    bytes += static_cast<char>(header.size());
    bytes += '\0';
    bytes += header;
    for (int i = 0; i < 9; ++i) {
      const double value = i;
      bytes.append(reinterpret_cast<const char*>(&value), 8);
    }
    write_file(path, bytes);
  };
  const double nine = 9;
  const npymap::view<const double, 0> one(&nine, {});
  without_room();
  {
    appender to(path, {.full_header = npymap::full_header::refuse});
    const std::string before = read_file(path);
    CHECK(code_of([&] { to.append(one); }) == errc::header_too_long);
    to.close();
    CHECK(read_file(path) == before);
  }
  const auto old = npymap::load<double>(path);
  {
    appender to(path);
    to.append(one);
    to.close();
  }
  const auto x = npymap::open<double>(path);
  REQUIRE(x.extent(0) == 10);
  for (index_t i = 0; i < 10; ++i) CHECK(x(i) == double(i));
  CHECK(reinterpret_cast<std::uintptr_t>(x.data()) % 64 == 0);
}

TEST_CASE("append: what cannot grow, or does not end with its rows, is refused") {
  const temp_folder folder;
  npymap::create<double>(folder / "0d.npy", {});
  CHECK(code_of([&] { appender(folder / "0d.npy"); }) == errc::layout_mismatch);
  const std::string path = folder / "x.npy";
  numbered(path, 3, 2);
  std::ofstream(path, std::ios::app) << "tail";
  CHECK(message_of([&] { appender to(path); }).find("recover") != std::string::npos);
  CHECK(code_of([&] { appender to(path); }) == errc::layout_mismatch);
  std::filesystem::resize_file(path, 128 + 40);
  CHECK(code_of([&] { appender to(path); }) == errc::truncated);
  CHECK(code_of([&] { appender to(folder / "none.npy"); }) == std::errc::no_such_file_or_directory);
  numbered(folder / "y.npy", 3, 2);
  CHECK(code_of([&] { appender to(folder / "y.npy", {.order = order::fortran}); }) ==
        errc::layout_mismatch);
  const appender first(folder / "y.npy", {.locking = npymap::locking::advisory});
  CHECK(code_of([&] { appender to(folder / "y.npy", {.locking = npymap::locking::advisory}); }) ==
        errc::busy);
}

TEST_CASE("recover: every complete row is told of, and nothing is behind") {
  const temp_folder folder;
  const std::string path = folder / "x.npy";
  numbered(path, 10, 2);
  const std::string whole = read_file(path);
  // The header of 4 rows, and so many bytes of ten.
  numbered(folder / "four.npy", 4, 2);
  const std::string head = read_file(folder / "four.npy").substr(0, 128);
  for (std::size_t bytes = 128; bytes <= whole.size(); ++bytes) {
    write_file(path, head + whole.substr(128, bytes - 128));
    const npymap::recovery done = npymap::recover(path);
    CHECK(done.rows_before == 4);
    CHECK(done.rows == index_t(bytes - 128) / 16);
    CHECK(done.removed_bytes == (bytes - 128) % 16);
    REQUIRE(holds_numbers(path, done.rows));
    REQUIRE(npymap::open<double>(path).extent(0) == done.rows);
    REQUIRE(read_file(path).size() == 128 + std::size_t(done.rows) * 16);
  }
  write_file(path, whole + whole);
  CHECK(code_of([&] { npymap::recover(path); }) == errc::layout_mismatch);
  CHECK(read_file(path) == whole + whole);
}

TEST_CASE("append: the n-th system call fails, for every n, and the file is whole") {
  const temp_folder folder;
  const std::string path = folder / "x.npy";
  int failed = 0;
  for (const append_durability how :
       {append_durability::none, append_durability::on_close, append_durability::each_block}) {
    for (int kind = 0; kind < call_kinds; ++kind) {
      for (int n = 1;; ++n) {
        numbered(path, 3, 2);
        std::error_code found;
        {
          const faults broken(static_cast<call>(kind), n, ENOSPC);
          found = code_of([&] {
            appender to(path, {.durability = how, .buffer_bytes = 64});
            for (index_t i = 3; i < 30; ++i) to.append(view_of(row_of(i, 2)));
            to.close();
          });
          if (faults::count(static_cast<call>(kind)) < n) break;
        }
        failed += found ? 1 : 0;
        INFO("call " << kind << ", " << n);
        REQUIRE(holds_numbers(path, found ? 3 : 30));
        npymap::recover(path);
        REQUIRE(holds_numbers(path, 3));
        // The next one works.
        const index_t rows = npymap::open<double>(path).extent(0);
        appender again(path);
        again.append(view_of(row_of(rows, 2)));
        again.close();
        REQUIRE(holds_numbers(path, rows + 1));
      }
    }
  }
  CHECK(failed > 20);
}

TEST_CASE("append: a full disk takes no row that had been written, and is told of to the end") {
  const temp_folder folder;
  const std::string path = folder / "x.npy";
  for (const bool discards : {false, true}) {
    numbered(path, 3, 2);
    {
      appender to(path, {.buffer_bytes = 64});
      {
        const faults broken(call::write, 3, ENOSPC);
        CHECK(code_of([&] {
                for (index_t i = 3; i < 30; ++i) to.append(view_of(row_of(i, 2)));
              }) == std::errc::no_space_on_device);
      }
      CHECK(to.rows() == 11);  // two buffers of four rows
      CHECK(npymap::open<double>(path).extent(0) == 3);
      CHECK(code_of([&] { to.append(view_of(row_of(11, 2))); }) == std::errc::no_space_on_device);
      CHECK(code_of([&] { to.flush(); }) == std::errc::no_space_on_device);
      if (discards) {
        to.discard();
      } else {
        CHECK(code_of([&] { to.close(); }) == std::errc::no_space_on_device);
        CHECK(code_of([&] { to.close(); }) == std::errc::no_space_on_device);
      }
    }
    const index_t kept = discards ? 3 : 11;
    CHECK(npymap::open<double>(path).extent(0) == kept);
    CHECK(holds_numbers(path, kept));
    appender again(path);
    again.append(view_of(row_of(kept, 2)));
    again.close();
    CHECK(holds_numbers(path, kept + 1));
  }
}

TEST_CASE("append: a block that fails half-way is not there, and those before it are") {
  const temp_folder folder;
  const std::string path = folder / "x.npy";
  numbered(path, 3, 2);
  const auto source = numbered(folder / "y.npy", 30, 2);
  {
    appender to(path, {.buffer_bytes = 64});
    to.append(source(npymap::range(3, 7), npymap::ellipsis));
    const faults broken(call::write, 2, EIO);
    const auto flipped = source.flip(1);  // no dense block: through the buffer
    CHECK(code_of([&] { to.append(flipped(npymap::range(7, 30), npymap::ellipsis)); }) ==
          std::errc::io_error);
  }
  CHECK(npymap::open<double>(path).extent(0) == 7);
  CHECK(holds_numbers(path, 7));
}

TEST_CASE("append: what a failed sync leaves in doubt is not told of") {
  const temp_folder folder;
  const std::string path = folder / "x.npy";
  numbered(path, 3, 2);
  {
    appender to(path, {.durability = append_durability::each_block});
    to.append(view_of(row_of(3, 2)));
    const faults broken(call::sync, 1, EIO);
    CHECK(code_of([&] { to.append(view_of(row_of(4, 2))); }) == std::errc::io_error);
    CHECK(code_of([&] { to.close(); }) == std::errc::io_error);
  }
  CHECK(npymap::open<double>(path).extent(0) == 4);
  CHECK(read_file(path).size() == 128 + 4 * 16);
}

TEST_CASE("append: kill -9 at any moment loses no row that was flushed, and leaves a whole file") {
  const temp_folder folder;
  const std::string path = folder / "x.npy";
  std::mt19937 random(static_cast<std::mt19937::result_type>(random_seed()));
  const char* given = std::getenv("NPYMAP_KILLS");
  const int kills = given ? std::atoi(given) : 150;
  numbered(path, 1, 5);
  index_t rows = 1;
  for (int kill = 0; kill < kills; ++kill) {
    int told[2];
    REQUIRE(::pipe(told) == 0);
    const pid_t child = ::fork();
    if (child == 0) {
      ::close(told[0]);
      appender to(path, {.buffer_bytes = 300});
      for (index_t i = to.rows();; ++i) {
        to.append(view_of(row_of(i, 5)));
        if (i % 7 != 0) continue;
        to.flush();
        [[maybe_unused]] const auto written = ::write(told[1], &i, sizeof i);
      }
    }
    ::close(told[1]);
    index_t flushed = rows - 1;
    [[maybe_unused]] auto got = ::read(told[0], &flushed, sizeof flushed);  // it has begun
    std::this_thread::sleep_for(std::chrono::microseconds(random() % 2000));
    ::kill(child, SIGKILL);
    ::waitpid(child, nullptr, 0);
    while (::read(told[0], &flushed, sizeof flushed) == sizeof flushed) {
    }
    ::close(told[0]);
    REQUIRE(holds_numbers(path, flushed + 1));
    rows = npymap::recover(path).rows;
    REQUIRE(rows > flushed);
    REQUIRE(holds_numbers(path, rows));
    if (rows > 200'000) numbered(path, rows = 1, 5);
  }
  CHECK(python("a = np.load(sys.argv[1]); print((a == np.arange(len(a))[:, None]).all())",
               {path}) == "True\n");
}
