#include <cstdint>
#include <random>
#include <string>
#include <vector>

#include <npymap/error.hpp>
#include <npymap/slice.hpp>

#include "support/catch.hpp"
#include "support/python.hpp"

namespace {

using npymap::_;
using npymap::all;
using npymap::ellipsis;
using npymap::newaxis;
using npymap::parse_slice;
using npymap::range;
using npymap::slice_item;

using items = std::vector<slice_item>;

static_assert(range(5) == range(_, 5));
static_assert(range(_) == all);
static_assert(range(1, 2) == range(1, 2, _));
static_assert(!(range(0, 2) == range(_, 2)), "spelled differently, though the same places");
static_assert(range(std::uint64_t{1} << 63, _).start() == range::bound(INT64_MAX),
              "an unsigned bound beyond 63 bits stays far");
static_assert(slice_item(UINT64_MAX).index() == INT64_MAX);
static_assert(!std::is_constructible_v<slice_item, bool>, "a bool would be a mask");
static_assert(!std::is_convertible_v<int, range>,
              "an integer takes its axis away, a range does not");

npymap::error refusal(std::string_view text) {
  try {
    parse_slice(text);
  } catch (const npymap::error& error) {
    return error;
  }
  FAIL("accepted: " << text);
  throw;
}

}  // namespace

TEST_CASE("parse_slice: each item is read as Python reads it") {
  CHECK(parse_slice("2:6, 4, ::-1") == items{range(2, 6), 4, range(_, _, -1)});
  CHECK(parse_slice("...,None,newaxis,np.newaxis,numpy.newaxis,Ellipsis") ==
        items{ellipsis, newaxis, newaxis, newaxis, newaxis, ellipsis});
  CHECK(parse_slice(":") == items{all});
  CHECK(parse_slice("::") == items{all});
  CHECK(parse_slice("-3:") == items{range(-3, _)});
  CHECK(parse_slice(":+3") == items{range(_, 3)});
  CHECK(parse_slice("None:None:None") == items{all});
  CHECK(parse_slice("None:2") == items{range(_, 2)});
  CHECK(parse_slice(" \t1 : 2 \n : - 3 , \r 4 ") == items{range(1, 2, -3), 4});
  CHECK(parse_slice("0, -0, 000:00") == items{0, 0, range(0, 0)});
}

TEST_CASE("parse_slice: one comma may trail, as in x[1,]") {
  CHECK(parse_slice("1,") == items{1});
  CHECK(parse_slice("1 , ") == items{1});
  CHECK(refusal("1,,").byte_offset() == 2);
  CHECK(refusal(",").byte_offset() == 0);
}

TEST_CASE("parse_slice: numbers beyond 64 bits stay out of reach") {
  CHECK(parse_slice("9223372036854775807") == items{INT64_MAX});
  CHECK(parse_slice("9223372036854775808") == items{INT64_MAX});
  CHECK(parse_slice("-99999999999999999999999999:99999999999999999999999999") ==
        items{range(-INT64_MAX, INT64_MAX)});
}

TEST_CASE("parse_slice: a refusal names what was found, and where") {
  const npymap::error error = refusal("1, 2:x");
  CHECK(error.code() == npymap::errc::invalid_argument);
  CHECK(error.what() == std::string("slice: expected a comma or the end, found 'x' (at byte 5)"));
  CHECK(refusal("").what() == std::string("slice: expected an integer, a range, ... or newaxis, "
                                          "found nothing more (at byte 0)"));
}

TEST_CASE("parse_slice: whatever is no basic slice is refused") {
  const std::string nul("1\0", 2);
  for (const std::string text :
       {"",       " ",     ",",     "1 2",  "1:2:3:4",   "a",    "1.5",   "1e3",  "0x10",
        "1_0",    "--1",   "-",     "+:",   "..",        "....", ". . .", "none", "Nonesuch",
        "np.new", "[1]",   "(1)",   "1;2",  "True",      "'a'",  "01",    "-007", "1:00:010",
        "1:2,a",  "-None", "1:...", "...:", "newaxis:1", "\xff"}) {
    CAPTURE(text);
    CHECK(refusal(text).code() == npymap::errc::invalid_argument);
  }
  CHECK(refusal(nul).byte_offset() == 1);
  CHECK(refusal("1:-007").what() ==
        std::string("slice: expected a number without leading zeros, found '007' (at byte 3)"));
}

TEST_CASE("parse_slice: random text is parsed or refused, and never longer than it is") {
  std::mt19937_64 random(npymap_test::random_seed());
  const std::string_view alphabet = "0123456789:,.-+ None\0newaxis\xff[";
  for (int i = 0; i < 20000; ++i) {
    std::string text(random() % 12, ' ');
    for (char& c : text) c = alphabet[random() % alphabet.size()];
    CAPTURE(text);
    std::size_t most = 0;
    try {
      most = parse_slice(text).size();
    } catch (const npymap::error& error) {
      REQUIRE(error.code() == npymap::errc::invalid_argument);
      most = error.byte_offset().value();
    }
    REQUIRE(most <= text.size());
  }
}
