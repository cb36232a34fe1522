#include <bit>
#include <charconv>
#include <cmath>
#include <cstdint>
#include <random>
#include <string>

#include <fmt/format.h>

#include "support/catch.hpp"
#include "support/python.hpp"
#include "text/number_text.hpp"
#include "text/plain_number.hpp"
#include "text/time_text.hpp"

using namespace npymap_test;
using namespace npymap;

namespace {

bool is_same(double a, double b) {
  return std::bit_cast<std::uint64_t>(a) == std::bit_cast<std::uint64_t>(b);
}

/// What is taken off the front of a line, as fast as can be, or else with a closer look.
double number(const std::string& text) {
  const std::string line = text + "\n";
  const char* const end = line.data() + line.size();
  double closely = -7, fast = -7;
  REQUIRE(text::take_number(line.data(), end, closely) == end - 1);
  if (const char* const stop = text::take_plain(line.data(), end, fast)) {
    CHECK(stop == end - 1);
    CHECK(is_same(fast, closely));
  }
  return closely;
}

double nearest(const std::string& text) {
  double value = 0;
  std::from_chars(text.data(), text.data() + text.size(), value);
  return value;
}

}  // namespace

TEST_CASE("text: every double comes back from 17 digits, and from the shortest that are enough",
          "[text]") {
  std::mt19937_64 random(random_seed());
  for (int i = 0; i < 200000; ++i) {
    const auto value = std::bit_cast<double>(random());
    if (!std::isfinite(value)) continue;
    for (const std::string& text :
         {fmt::format("{}", value), fmt::format("{:.16e}", value), fmt::format("{:.18e}", value)}) {
      if (!is_same(number(text), value)) FAIL(text);
    }
  }
}

TEST_CASE("text: decimal digits become the nearest double, however many there are", "[text]") {
  std::mt19937_64 random(random_seed());
  for (int i = 0; i < 300000; ++i) {
    std::string text = random() % 2 ? "-" : "";
    const auto digits = [&](std::uint64_t most) {
      for (auto n = random() % most; n > 0; --n) {
        text += static_cast<char>('0' + random() % (random() % 3 ? 10 : 1));
      }
    };
    text += static_cast<char>('0' + random() % 10);
    digits(i % 10 == 0 ? 40 : 12);
    if (random() % 3) {
      text += '.';
      digits(i % 10 == 0 ? 40 : 14);
    }
    if (random() % 2) text += fmt::format("e{}", int(random() % 60) - 30);
    if (!is_same(number(text), nearest(text))) FAIL(text);
  }
}

TEST_CASE("text: halfway cases, and the limits of double, are the nearest", "[text]") {
  std::mt19937_64 random(random_seed());
  for (int i = 0; i < 100000; ++i) {
    // A number between two doubles, to the last digit, and its neighbours there.
    const std::uint64_t mantissa = (random() >> 11 | std::uint64_t{1} << 52) * 2 + 1;
    for (const std::uint64_t each : {mantissa - 1, mantissa, mantissa + 1}) {
      const std::string text = fmt::format("{}", each);
      if (!is_same(number(text), nearest(text))) FAIL(text);
      const std::string point = text.substr(0, 3) + "." + text.substr(3) + "e-4";
      if (!is_same(number(point), nearest(point))) FAIL(point);
    }
  }
  CHECK(number("1.7976931348623157e308") == 0x1.fffffffffffffp1023);
  CHECK(number("1.7976931348623159e308") == HUGE_VAL);
  CHECK(number("-1e309") == -HUGE_VAL);
  CHECK(number("4.9406564584124654e-324") == 0x1p-1074);
  CHECK(is_same(number("-2e-324"), -0.0));
  CHECK(is_same(number("-0"), -0.0));
  CHECK(number("0.000e99999999999999999999") == 0);
  CHECK(number("1e99999999999999999999") == HUGE_VAL);
  CHECK(number("1e-99999999999999999999") == 0);
  CHECK(number(std::string(400, '0') + "1." + std::string(400, '0') + "e0") == 1);
  CHECK(number("0." + std::string(400, '0') + "1e401") == 1);
  CHECK(number("1" + std::string(400, '0') + "e-400") == 1);
  CHECK(number("1" + std::string(400, '0')) == HUGE_VAL);
  CHECK(number("0." + std::string(400, '0') + "1") == 0);
  CHECK(number("9007199254740993") == 9007199254740992);
  CHECK(number("9007199254740993.00000000000000000000000000000000000001") == 9007199254740994);
}

TEST_CASE("text: dates are counted in the steps of the dtype, rounded down", "[text]") {
  const auto in = [](const char* text, time_unit unit, int count = 1) {
    return text::parse_datetime(text, {.unit = unit, .count = count});
  };
  CHECK(in("1970-01-02", time_unit::day) == 1);
  CHECK(in("1969-12-31T23:59", time_unit::hour) == -1);
  CHECK(in("2024-02-29", time_unit::month) == (2024 - 1970) * 12 + 1);
  CHECK(in("1971-06", time_unit::day) == 365 + 151);
  CHECK(in("2000", time_unit::year, 4) == 7);
  CHECK(in("1970-01-01 00:00:01.5Z", time_unit::millisecond) == 1500);
  CHECK(in("1970-01-01T00:00:00.123456789123456789", time_unit::attosecond) == 123456789123456789);
  CHECK(in("nat", time_unit::day) == INT64_MIN);
  for (const char* text : {"2023-02-29", "2023-13-01", "2023-00-01", "2023-1-01", "2023-01-01T24",
                           "2023-01-01T00:60", "2023-01-01T", "2023-01-01T00:00:00.", "23-01-01",
                           "2023-01-01x", "2023-01-01T00:00:00+01:00", "today", "99999-",
                           "33333333333333333333333333333333333333333333333333"}) {
    INFO(text);
    CHECK_FALSE(in(text, time_unit::second));
  }
  CHECK_FALSE(in("9999-01-01", time_unit::nanosecond));
  CHECK_FALSE(in("999999999999999999", time_unit::attosecond));
}
