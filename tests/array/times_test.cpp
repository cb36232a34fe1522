#include <npymap/array.hpp>
#include <npymap/chrono.hpp>
#include <npymap/datetime.hpp>
#include <npymap/error.hpp>
#include <npymap/stored.hpp>

#include "support/catch.hpp"
#include "support/python.hpp"
#include "support/temp_folder.hpp"

using npymap::byte_order;
using npymap::datetime64;
using npymap::index_t;
using npymap::stored;
using npymap::time_unit;
using npymap::timedelta64;
using npymap_test::python;
using npymap_test::temp_folder;

namespace chrono = std::chrono;

namespace {

std::int64_t count_of(const auto& time) {
  if constexpr (requires { time.time_since_epoch(); }) {
    return time.time_since_epoch().count();
  } else {
    return time.count();
  }
}

template <class T>
bool is_not_a_time(const T& time) {
  if constexpr (requires { time.is_nat(); }) {
    return time.is_nat();
  } else {
    return npymap::is_nat(time);
  }
}

// NumPy's `type` is T: what either writes, in each byte order and storage order, the other reads.
template <class T>
void check_both_ways(const char* type) {
  const temp_folder folder;
  INFO(type);
  // A random count may be NaT's; one is for certain. `n` has the counts, and where NaT is.
  python(R"(
folder, seed, type = sys.argv[1], int(sys.argv[2]), sys.argv[3]
rng = np.random.default_rng(seed)
n = rng.integers(-2**63, 2**63, (3, 5))
n[rng.integers(3), rng.integers(5)] = -2**63
np.save(folder + '/n.npy', n)
np.save(folder + '/nat.npy', np.isnat(n.view(np.dtype(type))))
for order in '<>':
    a = n.astype(order + 'i8').view(np.dtype(type).newbyteorder(order))
    np.save(f'{folder}/c{ {"<": "l", ">": "b"}[order] }.npy', a)
    np.save(f'{folder}/f{ {"<": "l", ">": "b"}[order] }.npy', np.asfortranarray(a)))",
         {folder.path().string(), std::to_string(npymap_test::random_seed()), type});
  const auto counts = npymap::open<std::int64_t>(folder / "n.npy");
  const auto nats = npymap::open<npymap::bool8>(folder / "nat.npy");
  const auto check = [&](const auto& times) {
    REQUIRE(times.shape() == counts.shape());
    for (index_t i = 0; i < 3; ++i) {
      for (index_t j = 0; j < 5; ++j) {
        const T time = times(i, j);
        REQUIRE(count_of(time) == counts(i, j));
        REQUIRE(is_not_a_time(time) == nats(i, j));
      }
    }
  };
  check(npymap::open<T>(folder / "cl.npy"));
  check(npymap::open<T>(folder / "fl.npy"));
  check(npymap::open<stored<T, byte_order::big>>(folder / "cb.npy"));
  check(npymap::open<stored<T, byte_order::big>>(folder / "fb.npy"));
  check(npymap::load<T>(folder / "cb.npy"));
  check(npymap::load<T>(folder / "fl.npy"));

  const auto times = npymap::load<T>(folder / "cl.npy");
  npymap::save(folder / "saved.npy", times);
  using big = stored<T, byte_order::big>;
  auto turned =
      npymap::create<big>(folder / "turned.npy", {3, 5}, {.order = npymap::order::fortran});
  for (index_t i = 0; i < 3; ++i) {
    for (index_t j = 0; j < 5; ++j) turned(i, j) = times(i, j);
  }
  turned.close();
  python(R"(
folder, type = sys.argv[1], np.dtype(sys.argv[2])
n = np.load(folder + '/n.npy')
for name, wanted in ('saved', type), ('turned', type.newbyteorder('>')):
    a = np.load(f'{folder}/{name}.npy')
    assert a.dtype == wanted, (a.dtype, wanted)
    assert (a.view(wanted.byteorder + 'i8') == n).all())",
         {folder.path().string(), type});
}

template <std::intmax_t Num, std::intmax_t Den = 1>
using duration = chrono::duration<std::int64_t, std::ratio<Num, Den>>;

}  // namespace

TEST_CASE("times: every unit goes both ways with NumPy, NaT too") {
  REQUIRE(npymap_test::have_numpy());
  const char* const units[] = {"",    "[Y]",  "[M]",  "[W]",  "[D]",  "[h]",  "[m]",
                               "[s]", "[ms]", "[us]", "[ns]", "[ps]", "[fs]", "[as]"};
  const auto check = [&]<std::size_t... Unit>(std::index_sequence<Unit...>) {
    const auto type = [&](std::size_t unit, const char* kind) {
      return std::string(kind) + units[unit];
    };
    (check_both_ways<datetime64<static_cast<time_unit>(Unit)>>(type(Unit, "M8").c_str()), ...);
    (check_both_ways<timedelta64<static_cast<time_unit>(Unit)>>(type(Unit, "m8").c_str()), ...);
  };
  check(std::make_index_sequence<14>());
  check_both_ways<datetime64<time_unit::second, 25>>("M8[25s]");
  check_both_ways<timedelta64<time_unit::month, 3>>("m8[3M]");
}

TEST_CASE("times: chrono's durations and time points go both ways with NumPy, NaT too") {
  REQUIRE(npymap_test::have_numpy());
  check_both_ways<chrono::sys_time<chrono::nanoseconds>>("M8[ns]");
  check_both_ways<chrono::sys_time<chrono::microseconds>>("M8[us]");
  check_both_ways<chrono::sys_seconds>("M8[s]");
  check_both_ways<chrono::sys_time<duration<86400>>>("M8[D]");
  check_both_ways<chrono::sys_time<duration<604800>>>("M8[W]");
  check_both_ways<chrono::milliseconds>("m8[ms]");
  check_both_ways<chrono::hours>("m8[h]");
  check_both_ways<duration<25>>("m8[25s]");
  check_both_ways<duration<1, 1'000'000'000'000'000'000>>("m8[as]");
}

TEST_CASE("times: a time point is the date that NumPy prints") {
  const temp_folder folder;
  python(R"(np.save(sys.argv[1], np.array(['1969-07-20T20:17:40', '2024-02-29T12:00'], 'M8[us]')))",
         {folder / "t.npy"});
  const auto t = npymap::open<chrono::sys_time<chrono::microseconds>>(folder / "t.npy");
  using namespace std::chrono_literals;
  CHECK(t(0) == chrono::sys_days(1969y / 7 / 20) + 20h + 17min + 40s);
  CHECK(t(1) == chrono::sys_days(2024y / 2 / 29) + 12h);
}

TEST_CASE("times: another unit is refused, and both are named") {
  const temp_folder folder;
  npymap::create<datetime64<time_unit::microsecond>>(folder / "t.npy", {3});
  const auto refused = [&](const auto& verb) {
    try {
      verb();
    } catch (const npymap::error& e) {
      CHECK(e.code() == npymap::errc::dtype_mismatch);
      CHECK_THAT(e.expected(), Catch::StartsWith("'<M8[ns]'"));
      CHECK_THAT(e.found(), Catch::StartsWith("'<M8[us]'"));
      return;
    }
    FAIL("was not refused");
  };
  using nanoseconds = chrono::sys_time<chrono::nanoseconds>;
  refused([&] { npymap::open<nanoseconds>(folder / "t.npy"); });
  refused([&] { npymap::load<nanoseconds>(folder / "t.npy"); });
  CHECK_THROWS_AS(npymap::open<chrono::microseconds>(folder / "t.npy"), npymap::error);
  CHECK_THROWS_AS(npymap::open<std::int64_t>(folder / "t.npy"), npymap::error);
}

TEST_CASE("times: another spelling of the unit is read in place, and swapped by load") {
  const temp_folder folder;
  python(R"(
for n, type in enumerate(['<m8[60s]', '>m8[60s]', '<M8[7D]', '<m8[1000ms]', '<M8[12M]']):
    np.save(f'{sys.argv[1]}/{n}.npy', np.array([-5, 7]).astype(type)))",
         {folder.path().string()});
  CHECK(npymap::open<chrono::minutes>(folder / "0.npy")(0) == chrono::minutes(-5));
  CHECK_THROWS_WITH(npymap::open<chrono::minutes>(folder / "1.npy"),
                    Catch::Contains("convert<T> copies it"));
  CHECK(npymap::load<chrono::minutes>(folder / "1.npy")(1) == chrono::minutes(7));
  CHECK(npymap::open<chrono::sys_time<duration<604800>>>(folder / "2.npy")(1) ==
        chrono::sys_days(duration<86400>(49)));
  CHECK(npymap::open<chrono::seconds>(folder / "3.npy")(1) == chrono::seconds(7));
  CHECK(npymap::open<datetime64<time_unit::year>>(folder / "4.npy")(1).count() == 7);
}

TEST_CASE("times: visit and as name the type that reads them") {
  const temp_folder folder;
  npymap::create<datetime64<time_unit::day>>(folder / "t.npy", {3});
  npymap::create<timedelta64<time_unit::day>>(folder / "d.npy", {3});
  CHECK_THROWS_WITH(npymap::open(folder / "t.npy").visit([](const auto&) {}),
                    Catch::Contains("as<datetime64<time_unit::day>> reads it"));
  CHECK_THROWS_WITH(npymap::open<double>(folder / "d.npy"),
                    Catch::Contains("as<timedelta64<time_unit::day>> reads it"));
}
