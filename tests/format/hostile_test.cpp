// Bytes that mean harm, and bytes that were harmed.

#include <algorithm>
#include <cstdlib>
#include <new>
#include <string>
#include <vector>

#include "format/raw_header.hpp"

using namespace npymap;
using namespace npymap_test;

namespace {

std::size_t allocated = 0;  // since the last `allocated_by`

// The bytes that `call` asks for, whether it gives them back or not.
template <class Call>
std::size_t allocated_by(Call call) {
  allocated = 0;
  call();
  return allocated;
}

// An answer is a header or an npymap::error; anything else ends the test.
bool is_read(std::string_view bytes) {
  try {
    const header h = parse(bytes);
    return h.data_offset_bytes <= bytes.size();
  } catch (const error&) {
    return false;
  }
}

std::string repeated(std::string_view text, std::size_t times) {
  std::string result;
  result.reserve(text.size() * times);
  for (std::size_t i = 0; i < times; ++i) result += text;
  return result;
}

std::vector<std::string> good_headers() {
  std::vector<std::string> headers;
  for (const char* descr :
       {"'<f8'", "'>M8[25s]'", "'i4,(2,3)f8'",
        "[(('t', 'x'), '<f8'), ('', '|V4'), ('y', [('\u00e9', '>c8')], (2,))]"}) {
    headers.push_back(header_bytes(parse_descr(descr), shape{3, 5}, order::fortran));
    headers.push_back(raw_header(header_of(descr, "(0x6, 1_0L)"), 2));
    headers.push_back(raw_header(header_of(descr, "(2, 3)"), 3));
  }
  return headers;
}

}  // namespace

void* operator new(std::size_t size, const std::nothrow_t&) noexcept {
  allocated += size;
  return std::malloc(std::max<std::size_t>(size, 1));
}
void* operator new(std::size_t size) {
  if (void* memory = operator new(size, std::nothrow)) return memory;
  throw std::bad_alloc();
}
void operator delete(void* memory) noexcept { std::free(memory); }
void operator delete(void* memory, std::size_t) noexcept { std::free(memory); }

TEST_CASE("header: cut at any byte, it is refused") {
  for (const std::string& good : good_headers()) {
    REQUIRE(is_read(good));
    for (std::size_t size = 0; size < good.size(); ++size) {
      CAPTURE(size);
      CHECK(parse_failure(std::string(good, 0, size)).code() == errc::truncated);
    }
  }
}

TEST_CASE("header: with any bit flipped, or any byte another one, it is read or refused") {
  constexpr char others[] = "\0 \t\n\r\f'\"()[]{},:\\#0123456789-+_LxubVSUM<>=|/\x80\xff";
  for (const std::string& good : good_headers()) {
    int read = 0;
    int refused = 0;
    for (std::size_t i = 0; i < good.size(); ++i) {
      std::string bad = good;
      for (int bit = 0; bit < 8; ++bit) {
        bad[i] = static_cast<char>(good[i] ^ 1 << bit);
        ++(is_read(bad) ? read : refused);
      }
      for (const char other : others) {
        bad[i] = other;
        ++(is_read(bad) ? read : refused);
      }
    }
    CHECK(read > 50);
    CHECK(refused > 1000);
  }
}

TEST_CASE("header: with two bits flipped, it is read or refused") {
  const std::string good = raw_header(header_of("[('x', '<f8')]"));
  int refused = 0;
  for (std::size_t i = 0; i < good.size() * 8; i += 2) {
    for (std::size_t j = 1; j < i; j += 2) {
      std::string bad = good;
      bad[i / 8] = static_cast<char>(bad[i / 8] ^ 1 << i % 8);
      bad[j / 8] = static_cast<char>(bad[j / 8] ^ 1 << j % 8);
      refused += !is_read(bad);
    }
  }
  CHECK(refused > 10'000);
}

TEST_CASE("header: a length that the file does not have is refused before anything is allocated") {
  for (const int version : {2, 3}) {
    std::string claim = raw_header("", version);
    claim.replace(8, 4, "\xff\xff\xff\xff");
    const auto bytes = allocated_by([&] { CHECK_FALSE(is_read(claim)); });
    CHECK(bytes < 10'000);
    CHECK(failure([&] { declared_header_bytes(as_bytes(claim)); }).code() == errc::header_too_long);
    CHECK(parse_failure(claim, SIZE_MAX).code() == errc::truncated);
  }
}

TEST_CASE("header: brackets nest 200 deep, as in Python, and no deeper") {
  const auto code = [](const std::string& descr) {
    return parse_failure(raw_header(header_of(descr), 2), SIZE_MAX).code();
  };
  const auto nested = [](std::size_t depth) {  // a brace, two brackets each, and one in the type
    return repeated("[('a', ", depth) + "'<f8'" + repeated(")]", depth);
  };
  CHECK(parse(raw_header(header_of(nested(99)))).dtype.itemsize() == 8);
  CHECK(code(nested(100)) == errc::bad_header);
  for (const char* opening : {"[", "(", "{", "[('a', ", "{'a': ", "-(", "- "}) {
    CAPTURE(opening);
    CHECK(code(repeated(opening, 100'000)) == errc::bad_header);
  }
}

TEST_CASE("header: memory is linear in the header") {
  // At most: one value for each character and a half, in a vector that has grown by doubling; one
  // field for eight characters.
  constexpr std::size_t factor = 400;
  for (const std::size_t size : {1'000u, 100'000u, 1'000'000u}) {
    for (const char* part : {"0,", "''", "'\\n'", "'\\n',", "(1),", "(),", "((((((((1)))))))),",
                             "('x','<f8'),", "('','V1'),", "#", "\\\n", "9", "'i1,' "}) {
      const std::string text =
          header_of("[" + repeated(part, size / std::string(part).size()) + "]");
      const std::string bytes = raw_header(text, 2);
      CAPTURE(size, part);
      CHECK(allocated_by([&] {
              try {
                parse(bytes, SIZE_MAX);
              } catch (const error&) {
              }
            }) < factor * bytes.size() + 100'000);
    }
  }
}

TEST_CASE("header: a long one is read in no more than linear time") {
  std::string fields = "[";
  for (int i = 0; i < 200'000; ++i) fields += "('field" + std::to_string(i) + "', '<f8'), ";
  const std::string long_record = raw_header(header_of(fields + "]"), 2);
  CHECK(parse(long_record, SIZE_MAX).dtype.fields().size() == 200'000);
  const std::string commas = "'" + repeated("i1,", 300'000) + "i1'";
  CHECK(parse(raw_header(header_of(commas), 2), SIZE_MAX).dtype.itemsize() == 300'001);
  const std::string pieces = repeated("'<' ", 300'000);
  CHECK(parse_failure(raw_header(header_of(pieces), 2), SIZE_MAX).code() == errc::bad_dtype);
  const std::string groups = repeated("(", 198) + repeated("1,", 300'000) + repeated(")", 198);
  CHECK(parse_failure(raw_header(header_of("'<f8'", groups), 2), SIZE_MAX).code() ==
        errc::bad_header);
}
