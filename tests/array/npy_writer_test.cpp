#include <npymap/npy_writer.hpp>

#include <array>
#include <cerrno>
#include <complex>
#include <cstdint>
#include <filesystem>
#include <list>
#include <random>
#include <ranges>
#include <span>
#include <stdexcept>
#include <string>
#include <vector>

#include <npymap/blocks.hpp>
#include <npymap/error.hpp>

#include "io/faults.hpp"
#include "support/catch.hpp"
#include "support/failure.hpp"
#include "support/process.hpp"
#include "support/python.hpp"
#include "support/temp_folder.hpp"

using namespace npymap_test;
using npymap::array;
using npymap::errc;
using npymap::index_t;
using npymap::npy_writer;
using npymap::order;
using npymap::range;

namespace {

int files_in(const temp_folder& folder) {
  const std::filesystem::directory_iterator entries(folder.path());
  return static_cast<int>(std::distance(begin(entries), end(entries)));
}

// 0, 1, 2, ... in memory.
array<double> counted(const temp_folder& folder, const npymap::shape& extents) {
  auto x = npymap::create<double>(folder / "counted.npy", extents);
  double next = 0;
  for (double& value : x) value = next++;
  x.close();
  auto loaded = npymap::load<double>(folder / "counted.npy");
  std::filesystem::remove(folder / "counted.npy");
  return loaded;
}

}  // namespace

TEST_CASE("npy_writer: any blocks make the bytes of numpy.save, in either order") {
  REQUIRE(have_numpy());
  const temp_folder folder;
  std::mt19937_64 random(random_seed());
  for (int i = 0; i < 60; ++i) {
    const bool is_c = random() % 2 == 0;
    npymap::shape row;
    for (auto rank = random() % 3; rank > 0; --rank) {
      row.push_back(static_cast<index_t>(random() % 4));
    }
    npymap::shape extents = row;
    const auto rows = static_cast<index_t>(random() % 300);
    extents.push_back(rows);
    const int last = row.rank();
    auto x = counted(folder, extents);
    const auto by_row = is_c ? x.swapaxes(0, last) : x;  // of no order that is the file's
    const npymap::shape whole = by_row.shape();
    npymap::shape of_row;
    for (int axis = is_c ? 1 : 0; axis < (is_c ? last + 1 : last); ++axis) {
      of_row.push_back(whole[axis]);
    }
    npy_writer to(folder / "ours.npy", npymap::dtype_of<double>(), of_row,
                  {.order = is_c ? order::c : order::fortran, .buffer_bytes = random() % 4000});
    for (index_t first = 0; first < rows;) {
      const auto count = std::min<index_t>(static_cast<index_t>(random() % 60), rows - first);
      const range some(first, first + count);
      if (random() % 5 == 0) {
        to.append(is_c ? by_row(first, npymap::ellipsis) : by_row(npymap::ellipsis, first));
        ++first;
      } else {
        to.append(is_c ? by_row(some, npymap::ellipsis) : by_row(npymap::ellipsis, some));
        first += count;
      }
      CHECK(to.rows() == first);
    }
    CHECK(files_in(folder) <= 1);  // what the one before left
    to.commit();
    CHECK(python(R"(
rank, rows, is_c = int(sys.argv[2]), int(sys.argv[3]), sys.argv[4] == "1"
shape = [int(n) for n in sys.argv[5].split()]
a = np.arange(np.prod(shape), dtype=float).reshape(shape)
a = np.ascontiguousarray(a.swapaxes(0, -1)) if is_c else np.asfortranarray(a)
np.save(sys.argv[1] + "/theirs.npy", a)
print(open(sys.argv[1] + "/ours.npy", "rb").read() == open(sys.argv[1] + "/theirs.npy", "rb").read())
os.remove(sys.argv[1] + "/theirs.npy")
)",
                 {folder.path().string(), std::to_string(extents.rank()), std::to_string(rows),
                  is_c ? "1" : "0", [&] {
                    std::string text;
                    for (const index_t n : extents) text += std::to_string(n) + " ";
                    return text;
                  }()}) == "True\n");
  }
}

TEST_CASE("npy_writer: what is not committed leaves the old file, and no other") {
  const temp_folder folder;
  const std::string path = folder / "x.npy";
  npymap::create<double>(path, {2}).close();
  const std::string before = read_file(path);
  const auto row = counted(folder, {3});
  {
    npy_writer to(path, npymap::dtype_of<float>(), {3}, {.buffer_bytes = 1});
    to.append(row);
    CHECK(code_of([&] { to.append(counted(folder, {4})); }) == errc::layout_mismatch);
    CHECK(read_file(path) == before);
  }
  CHECK(read_file(path) == before);
  CHECK(files_in(folder) == 1);
  npy_writer none(path, npymap::dtype_of<std::int8_t>(), {});
  npy_writer moved = std::move(none);
  CHECK(code_of([&] { none.append(row); }) == errc::closed);
  CHECK(code_of([&] { moved.append(row); }) == errc::dtype_mismatch);
  moved.commit();
  CHECK(npymap::open<std::int8_t>(path).shape() == npymap::shape{0});
  CHECK(code_of([&] { moved.commit(); }) == errc::closed);
  CHECK(code_of([&] { npy_writer(folder / "no/x.npy", npymap::dtype_of<int>(), {}); }) ==
        std::errc::no_such_file_or_directory);
}

TEST_CASE(
    "npy_writer: the n-th system call fails, for every n, and leaves the old file or the new") {
  const temp_folder folder;
  const std::string path = folder / "x.npy";
  const auto x = counted(folder, {50, 3});
  const auto write = [&] {
    npy_writer to(path, npymap::dtype_of<double>(), {3},
                  {.durability = npymap::durability::full, .buffer_bytes = 100});
    to.append(x);
    to.append(x.flip(0));
    to.commit();
  };
  write();
  const std::string whole = read_file(path);
  npymap::create<double>(path, {2}).close();
  const std::string old = read_file(path);
  int failed = 0;
  for (int kind = 0; kind < call_kinds; ++kind) {
    for (int n = 1;; ++n) {
      write_file(path, old);
      const auto which = static_cast<call>(kind);
      const auto descriptors = open_descriptors();
      bool threw = false, reached = false;
      {
        const faults injected(which, n, EIO);
        try {
          write();
        } catch (const npymap::error& e) {
          threw = true;
          CHECK(e.path() == path);
          CHECK(e.code() == std::errc::io_error);
        }
        reached = faults::count(which) >= n;
      }
      if (!reached) break;
      failed += threw;
      const std::string found = read_file(path);
      CHECK((found == old || found == whole));
      CHECK((threw || found == whole));
      CHECK(open_descriptors() == descriptors);
      CHECK((files_in(folder) == 1 || which == call::remove));
      for (const auto& entry : std::filesystem::directory_iterator(folder.path())) {
        if (entry.path() != path) std::filesystem::remove(entry.path());
      }
    }
  }
  CHECK(failed > 10);
}

namespace {

template <class X>
concept is_written = requires(npy_writer& to, X& x) {
  to.append(x);
};
template <class X>
concept is_saved = requires(X& x) {
  npymap::save("x.npy", x);
};
template <class X>
inline constexpr bool is_array = is_written<X>&& is_saved<X>;
template <class X>
inline constexpr bool is_no_array = !is_written<X> && !is_saved<X>;

static_assert(is_array<const std::vector<npymap::bool8>> && is_array<std::span<const float, 3>>);
static_assert(is_array<npymap::view<const bool, 1>> && is_array<npymap::block<double>>);
static_assert(is_no_array<std::vector<bool>> && is_no_array<std::list<double>>);
static_assert(is_no_array<std::string> && is_no_array<const char[4]> && is_no_array<double>);
static_assert(is_no_array<std::vector<std::vector<double>>>);  // (n, m), or all of it in a row?
static_assert(!is_written<std::vector<npymap::view<double>>>);

}  // namespace

TEST_CASE("npy_writer: a vector, or any contiguous range of elements, is an array of shape (n,)") {
  REQUIRE(have_numpy());
  const temp_folder folder;
  npy_writer rows(folder / "rows.npy", npymap::dtype_of<double>(), {3});
  std::vector<double> row = {1, 2, 3};
  rows.append(row);
  rows.append(std::vector<double>{4, 5, 6});
  rows.append(std::array<std::int16_t, 3>{7, 8, 9});
  CHECK(code_of([&] { rows.append(std::span(row).first(2)); }) == errc::layout_mismatch);
  rows.commit();
  npy_writer numbers(folder / "numbers.npy", npymap::dtype_of<float>(), {});
  numbers.append(row);
  numbers.append(std::span<const double>());
  numbers.append(std::span(row).last(2));
  numbers.commit();
  npy_writer masks(folder / "masks.npy", npymap::dtype_of<npymap::bool8>(), {2});
  const bool mask[] = {true, false};
  masks.append(npymap::view<const bool, 1>(mask, {2}));
  masks.commit();

  npymap::save(folder / "vector.npy", std::vector<double>{1, 2, 3});
  npymap::save(folder / "array.npy", std::array<std::complex<float>, 2>{1, {2, 3}},
               {.durability = npymap::durability::none});
  npymap::save(folder / "empty.npy", std::vector<std::uint8_t>());
  python(R"(
os.chdir(sys.argv[1])
def check(name, wanted):
    a = np.load(name + '.npy')
    assert a.dtype == wanted.dtype and a.shape == wanted.shape and (a == wanted).all(), (name, a)
check('rows', np.arange(1., 10).reshape(3, 3))
check('numbers', np.array([1, 2, 3, 2, 3], 'f4'))
check('masks', np.array([[True, False]]))
check('vector', np.arange(1., 4))
check('array', np.array([1, 2 + 3j], 'c8'))
check('empty', np.zeros(0, 'u1'))
)",
         {folder.path()});
}

TEST_CASE("save: a range of blocks, also one that is computed under way") {
  const temp_folder folder;
  auto x = npymap::create<float>(folder / "x.npy", {1000, 3});
  for (index_t i = 0; i < x.size(); ++i) x(i / 3, i % 3) = static_cast<float>(i);
  std::vector<float> memory;
  const auto doubled = [&](const npymap::view<const float>& block) {
    memory.clear();
    for (const float value : block) memory.push_back(2 * value);
    return npymap::view<const float>(memory.data(), block.shape());
  };
  auto blocks = npymap::blocks(x, {.extent = 70});
  npymap::save(folder / "y.npy", blocks | std::views::transform(doubled));
  const auto y = npymap::open<float>(folder / "y.npy");
  REQUIRE(y.shape() == x.shape());
  for (index_t i = 0; i < 1000; ++i) CHECK(y(i, 2) == 2 * x(i, 2));

  npymap::save(folder / "z.npy", npymap::blocks(x));
  CHECK(read_file(folder / "z.npy") == read_file(folder / "x.npy"));
  const std::vector<array<float>> list = {x, x, x};
  npymap::save(folder / "z.npy", list, {.order = order::fortran});
  CHECK(npymap::open(folder / "z.npy").shape() == npymap::shape{1000, 9});
  CHECK(npymap::open(folder / "z.npy").byte_strides()[0] == sizeof(float));
  npymap::save(folder / "z.npy", std::vector<npymap::any_array>(1, npymap::any_array(x)));
  CHECK(read_file(folder / "z.npy") == read_file(folder / "x.npy"));
}

TEST_CASE("save: a range that throws, is empty, or has unequal blocks, leaves the old file") {
  const temp_folder folder;
  const std::string path = folder / "x.npy";
  npymap::create<float>(path, {2}).close();
  const std::string before = read_file(path);
  const std::vector<float> memory(6);
  using view = npymap::view<const float>;
  const auto throwing = std::views::iota(0, 5) | std::views::transform([&](int i) {
                          if (i == 3) throw std::runtime_error("enough");
                          return view(memory.data(), {2, 3});
                        });
  CHECK_THROWS_WITH(npymap::save(path, throwing), "enough");
  CHECK(code_of([&] { npymap::save(path, std::vector<view>()); }) == errc::invalid_argument);
  CHECK(code_of([&] {
          npymap::save(path, std::vector<view>{{memory.data(), {2, 3}}, {memory.data(), {3, 2}}});
        }) == errc::layout_mismatch);
  CHECK(code_of([&] {
          npymap::save(path, std::vector<view>{{memory.data(), {}}});
        }) == errc::layout_mismatch);
  CHECK(read_file(path) == before);
  CHECK(files_in(folder) == 1);
}
