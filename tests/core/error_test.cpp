#include <npymap/error.hpp>

#include "support/catch.hpp"

using npymap::errc;
using npymap::error;

TEST_CASE("error: the message names path, subject, expected, found and byte") {
  const error e(errc::truncated, {.path = "big.npy",
                                  .subject = "array data",
                                  .expected = "800 bytes",
                                  .found = "412",
                                  .byte_offset = 128});
  CHECK(std::string(e.what()) ==
        "big.npy: array data: expected 800 bytes, found 412 (at byte 128)");
  CHECK(e.code() == errc::truncated);
  CHECK(e.path() == "big.npy");
  CHECK(e.byte_offset() == 128);
}

TEST_CASE("error: a failure of the system keeps its category and adds its text") {
  const error e(std::error_code(ENOENT, std::system_category()),
                {.path = "gone.npy", .subject = "open"});
  CHECK(std::string(e.what()) == "gone.npy: open: No such file or directory");
  CHECK(e.code() == std::errc::no_such_file_or_directory);
}

TEST_CASE("error: a parser's failure is told of a file, member and base included") {
  const error parsed(errc::bad_header, {.subject = "header", .byte_offset = 10});
  const error placed = parsed.in_file("a.npz", 55, "x.npy");
  CHECK(std::string(placed.what()) == "a.npz:x.npy: header (at byte 65)");
  CHECK(placed.code() == errc::bad_header);
}

TEST_CASE("error: quoted text is escaped and cut at 80 characters") {
  CHECK(npymap::quoted("a'b\n\x93") == R"('a\'b\n\x93')");
  CHECK(npymap::quoted(std::string(80, 'x')) == "'" + std::string(80, 'x') + "'");
  CHECK(npymap::quoted(std::string(81, 'x')) == "'" + std::string(80, 'x') + "'...");
}

TEST_CASE("error: one that names its file already is told of no other") {
  const error named(errc::busy, {.path = "a.npy", .subject = "close", .byte_offset = 3});
  CHECK(std::string(named.in_file("b.npy", 10).what()) == "a.npy: close (at byte 3)");
}
