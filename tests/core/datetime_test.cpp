#include <npymap/datetime.hpp>

#include <sstream>

#include <npymap/chrono.hpp>
#include <npymap/header.hpp>

#include "core/time_step.hpp"
#include "support/catch.hpp"
#include "support/python.hpp"

using npymap::datetime64;
using npymap::descr;
using npymap::dtype_of;
using npymap::time_step;
using npymap::time_unit;
using npymap::timedelta64;

namespace chrono = std::chrono;

namespace {

template <std::intmax_t Num, std::intmax_t Den = 1>
using duration = chrono::duration<std::int64_t, std::ratio<Num, Den>>;

}  // namespace

TEST_CASE("datetime: every unit and count has the dtype that NumPy names so") {
  CHECK(descr(dtype_of<datetime64<time_unit::generic>>()) == "'<M8'");
  CHECK(descr(dtype_of<timedelta64<time_unit::year>>()) == "'<m8[Y]'");
  CHECK(descr(dtype_of<datetime64<time_unit::second, 25>>()) == "'<M8[25s]'");
  CHECK(descr(dtype_of<timedelta64<time_unit::attosecond, 3>>()) == "'<m8[3as]'");
}

TEST_CASE("datetime: NaT equals nothing and has no order, as in NumPy") {
  using day = datetime64<time_unit::day>;
  constexpr day nat = day::nat();
  static_assert(nat.is_nat() && nat != nat && !(nat == day(0)));
  static_assert(!(nat < day(0)) && !(nat > day(0)) && !(nat <= nat));
  static_assert(day(-1) < day(0) && day(2) == day(2) && day(2) != day(3));
  static_assert(!day(0).is_nat() && day(-7).count() == -7);
  CHECK(npymap_test::python(R"(
nat, zero = np.datetime64('NaT'), np.datetime64(0, 'D')
print(nat == nat, nat != nat, nat < zero, nat > zero, nat <= nat, nat.view('i8') == -2**63)
)") == "False True False False False True\n");
}

TEST_CASE("chrono: a duration has the coarsest of NumPy's units that is exactly its period") {
  CHECK(descr(dtype_of<chrono::nanoseconds>()) == "'<m8[ns]'");
  CHECK(descr(dtype_of<chrono::microseconds>()) == "'<m8[us]'");
  CHECK(descr(dtype_of<chrono::milliseconds>()) == "'<m8[ms]'");
  CHECK(descr(dtype_of<chrono::seconds>()) == "'<m8[s]'");
  CHECK(descr(dtype_of<chrono::minutes>()) == "'<m8[m]'");
  CHECK(descr(dtype_of<chrono::hours>()) == "'<m8[h]'");
  CHECK(descr(dtype_of<duration<86400>>()) == "'<m8[D]'");
  CHECK(descr(dtype_of<duration<2 * 604800>>()) == "'<m8[2W]'");
  CHECK(descr(dtype_of<duration<25>>()) == "'<m8[25s]'");
  CHECK(descr(dtype_of<duration<50, 2>>()) == "'<m8[25s]'");
  CHECK(descr(dtype_of<duration<7, 2>>()) == "'<m8[3500ms]'");
  CHECK(descr(dtype_of<duration<1, 64>>()) == "'<m8[15625us]'");
  CHECK(descr(dtype_of<duration<1, 1'000'000'000'000>>()) == "'<m8[ps]'");
  CHECK(descr(dtype_of<duration<1, 1'000'000'000'000'000>>()) == "'<m8[fs]'");
  CHECK(descr(dtype_of<duration<1, 1'000'000'000'000'000'000>>()) == "'<m8[as]'");
  CHECK(descr(dtype_of<chrono::sys_time<chrono::nanoseconds>>()) == "'<M8[ns]'");
  CHECK(descr(dtype_of<const chrono::sys_seconds>()) == "'<M8[s]'");
  CHECK(descr(dtype_of<chrono::sys_time<duration<25>>>()) == "'<M8[25s]'");
}

TEST_CASE("chrono: what no dtype stands for is no element") {
  static_assert(!npymap::element<chrono::steady_clock::time_point>);
  static_assert(npymap::element<chrono::system_clock::time_point>);
}

TEST_CASE("chrono: NaT is told from every time") {
  using day = chrono::sys_time<duration<86400>>;
  static_assert(npymap::is_nat(npymap::nat<day>()));
  static_assert(npymap::is_nat(npymap::nat<chrono::seconds>()));
  static_assert(!npymap::is_nat(day{}) && !npymap::is_nat(chrono::seconds(-1)));
  CHECK(npymap::nat<day>().time_since_epoch().count() == datetime64<time_unit::day>::nat().count());
}

TEST_CASE("time steps: those of one length are equal, as NumPy converts them") {
  // What converts into the other and back without loss, and keeps its number, is as long.
  REQUIRE(npymap_test::have_numpy());
  std::istringstream numpys(npymap_test::python(R"(
units = 'Y M W D h m s ms us ns ps fs as'.split()
steps = [(u, c) for u in range(len(units)) for c in (1, 2, 7, 12, 24, 60, 84, 1000, 3600, 86400, 604800, 10**6, 10**9)]
for u, c in steps:
    for v, d in steps:
        dates = (u < 2) == (v < 2)
        same = False
        if dates:
            with np.errstate(all='ignore'):
                try:
                    one = np.array([1, 3], f'm8[{c}{units[u]}]')
                    there = one.astype(f'm8[{d}{units[v]}]', casting='safe' if u <= v else 'same_kind')
                    same = (there.view('i8') == one.view('i8')).all() and (there.astype(one.dtype) == one).all()
                    back = there.astype(one.dtype)
                    same = same and np.array_equal(there, one)
                except (OverflowError, TypeError): pass
        print(u + 1, c, v + 1, d, int(same))
)"));
  int unit = 0, other_unit = 0, same = 0, pairs = 0, equal = 0;
  time_step a, b;
  while (numpys >> unit >> a.count >> other_unit >> b.count >> same) {
    a.unit = static_cast<time_unit>(unit);
    b.unit = static_cast<time_unit>(other_unit);
    INFO(unit << " x " << a.count << " against " << other_unit << " x " << b.count);
    REQUIRE(npymap::detail::same_length(a, b) == (same != 0));
    ++pairs;
    equal += same;
  }
  CHECK(pairs == 169 * 169);
  CHECK(equal > 169);  // not only with itself
}

TEST_CASE("time steps: a generic one is as long as no other") {
  using npymap::detail::same_length;
  CHECK(same_length({}, {}));
  CHECK_FALSE(same_length({}, {time_unit::year, 1}));
  CHECK_FALSE(same_length({time_unit::attosecond, 1}, {}));
  CHECK_FALSE(same_length({time_unit::month, 1}, {time_unit::week, 4}));
  CHECK_FALSE(same_length({time_unit::week, INT32_MAX}, {time_unit::attosecond, INT32_MAX}));
}
