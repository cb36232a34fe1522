// Real NumPy reads what npymap writes, writes what npymap reads, and judges what neither wrote.

#include <algorithm>
#include <array>
#include <map>
#include <random>
#include <sstream>
#include <string>
#include <vector>

#include <fmt/format.h>

#include "format/oracle.hpp"
#include "format/raw_header.hpp"
#include "support/python.hpp"
#include "support/skip.hpp"

using namespace npymap;
using namespace npymap_test;

TEST_CASE("header: what NumPy writes is read as NumPy meant it, and written the same") {
  if (!have_numpy()) NPYMAP_SKIP("needs NumPy");
  std::istringstream lines(ask_numpy({"make", std::to_string(random_seed()), "1500"}));
  int count = 0;
  for (std::string line; std::getline(lines, line); ++count) {
    const auto parts = split(line, '\t');
    REQUIRE(parts.size() == 5);
    const std::string bytes = from_hex(parts[0]);
    INFO(bytes);
    const header h = parse(bytes, SIZE_MAX);
    CHECK(canonical(h.dtype) == parts[1]);
    CHECK(std::string(1, static_cast<char>(h.order)) == parts[2]);
    CHECK(fmt::format("{}", fmt::join(h.shape, ",")) == parts[3]);
    CHECK(h.data_offset_bytes == bytes.size());
    CHECK(to_hex(header_bytes(h.dtype, h.shape, static_cast<order>(parts[4][0]))) == parts[0]);
  }
  CHECK(count == 1500);
}

namespace {

using random_engine = std::mt19937_64;

std::size_t below(random_engine& random, std::size_t limit) {
  return std::uniform_int_distribution<std::size_t>(0, limit - 1)(random);
}

// Descrs that NumPy would not write, but reads.
constexpr auto odd_descrs = std::to_array<std::string_view>({
    "'i4,f8'",
    "'2f4, (2,3)>i2 ,S5'",
    "'float64'",
    "'datetime64[25s]'",
    "'M8[D/24]'",
    "[('a', 'V', 7), ('b', ('<i4', (2,)), (3,))]",
    "[(u'a', '=f8', 2), (('t', 'b'), '>c16')]",
    "[['a', 'U3', [2, 3]]]",
    "'''<''' '\\x66' r'8'",
    "('<f8', ())",
});

constexpr auto snippets = std::to_array<std::string_view>({
    "'",     "\"",    "(",          ")",      "[",    "]",          "{",      "}",       ",",
    ":",     " ",     "\n",         "\\\n",   "#",    "#\n",        "-",      "+",       "0",
    "1",     "9",     "0x1F",       "1_0",    "L",    "6L",         "True",   "False",   "None",
    "''",    "u",     "r'",         "b'",     "'''",  "\\",         "\\x41",  "\\u00e9", "\\101",
    "<",     ">",     "=",          "|",      "f8",   "i4",         "S",      "U2",      "V",
    "M8[s]", "[",     "/10",        "/0",     "(2,)", "()",         "(1,)",   "(0,)",    "1e3",
    "'<f8'", "'i1,'", "('', 'V3')", "'a': 1", "...",  "4294967304", "/-1000", "\xe9",    "\t",
    "2.0",   "1j",    "\r",         "\f",     "\x80", "\xc3\xa9",   "2, 3",   "(2, 3)",  "descr",
});

// What type strings are made of.
constexpr auto fragments = std::to_array<std::string_view>({
    "<",       ">",   "=",          "|",      "f",   "i",  "u",  "c",  "b",  "S",   "U",  "V",
    "a",       "O",   "M8",         "m8",     "d",   "?",  "0",  "1",  "2",  "4",   "8",  "16",
    "3",       "(",   ")",          "(2,3)",  "(2)", "()", ",",  ", ", " ",  "\\t", ".",  "[",
    "]",       "[s]", "[25ns]",     "[D/24]", "s",   "ms", "Y",  "W",  "/",  "10",  "-",  "+",
    "float64", "int", "datetime64", "half",   "f8",  "i4", "u1", "S5", "f8", "i4",  "u1", "S5",
});

std::string random_type_string(random_engine& random) {
  std::string text;
  for (std::size_t i = 1 + below(random, 6); i > 0; --i) {
    text += fragments[below(random, fragments.size())];
  }
  return text;
}

std::string mutant(random_engine& random, std::string text) {
  const std::size_t changes = 1 + below(random, 4) / 3;
  for (std::size_t i = 0; i < changes; ++i) {
    const std::size_t at = below(random, text.size() + 1);
    const std::size_t length = std::min(1 + below(random, 8), text.size() - at);
    switch (below(random, 6)) {
      case 0:
        text.insert(at, snippets[below(random, snippets.size())]);
        break;
      case 1:
        text.replace(at, length, snippets[below(random, snippets.size())]);
        break;
      case 2:
        text.erase(at, 1 + below(random, 3));
        break;
      case 3:
        if (at < text.size()) text[at] = static_cast<char>(text[at] ^ 1 << below(random, 8));
        break;
      case 4:
        text.insert(below(random, text.size() + 1), text.substr(at, length));
        break;
      default: {
        const std::string moved = text.substr(at, length);
        text.erase(at, length);
        text.insert(below(random, text.size() + 1), moved);
      }
    }
    if (text.empty()) text = " ";
  }
  return text;
}

// The text between the length and the padding.
std::string text_of(std::string_view bytes) {
  const std::size_t start = bytes[6] == 1 ? 10 : 12;
  return std::string(bytes.substr(start, bytes.find_last_not_of(" \n") + 1 - start));
}

std::vector<std::string> odd_headers(random_engine& random, std::size_t count) {
  std::vector<std::string> sources(odd_descrs.size());
  std::ranges::transform(odd_descrs, sources.begin(),
                         [](std::string_view descr) { return header_of(descr); });
  std::istringstream lines(ask_numpy({"make", std::to_string(random()), "300"}));
  for (std::string line; std::getline(lines, line);) {
    const std::string text = text_of(from_hex(split(line, '\t')[0]));
    if (text.size() < 300) sources.push_back(text);
  }
  std::vector<std::string> results(count);
  for (std::string& result : results) {
    const int version = static_cast<int>(1 + below(random, 3));
    const bool by_type = below(random, 4) == 0;
    result = raw_header(by_type ? header_of("'" + random_type_string(random) + "'")
                                : mutant(random, sources[below(random, sources.size())]),
                        version);
  }
  return results;
}

}  // namespace

TEST_CASE("header: what nobody would write is read as by NumPy, but for known differences") {
  if (!have_numpy()) NPYMAP_SKIP("needs NumPy");
  random_engine random(random_seed());
  const auto headers = odd_headers(random, 6'000);
  const auto judgements = judge(headers);
  std::map<std::string, int> outcomes;
  int unexplained = 0;
  for (std::size_t i = 0; i < headers.size(); ++i) {
    const judgement& numpy = judgements[i];
    INFO("header " << quoted(headers[i].substr(10)) << " version " << int{headers[i][6]});
    INFO("NumPy: " << numpy.verdict << " " << numpy.summary);
    std::string own = "refused";
    try {
      own = summary(parse(headers[i]));
      CHECK(numpy.verdict != "crashed");
    } catch (const error& e) {
      own = std::string("refused: ") + e.what();
    }
    const bool refused = own.starts_with("refused");
    ++outcomes[refused ? "refused" : "read"];
    INFO("npymap: " << own);
    if (!refused && numpy.verdict == "ok") CHECK(own == numpy.summary);
    if (refused == (numpy.verdict == "ok")) {
      // Chance also finds strings such as '3|0datetime64', which only accidents of NumPy's regular
      // expressions let pass. To refuse a few of them is no defect; to read them otherwise is.
      if (numpy.differences.empty()) {
        ++unexplained;
        WARN("unexplained: " << quoted(headers[i].substr(10)) << " NumPy: " << numpy.summary
                             << " npymap: " << own);
      }
      for (const std::string& name : numpy.differences) {
        CAPTURE(name);
        CHECK(std::ranges::count(known_differences(), name, &difference::name) > 0);
      }
    }
  }
  CHECK(unexplained <= 5);
  CHECK(outcomes["read"] > 300);
  CHECK(outcomes["refused"] > 1000);
}

TEST_CASE("header: white space around the dict is read as by NumPy, but for known differences") {
  if (!have_numpy()) NPYMAP_SKIP("needs NumPy");
  std::vector<std::string> spaces = {""}, headers;
  for (std::size_t i = 0; i < 1 + 5 + 25; ++i) {  // up to three pieces
    for (const char* piece : {"\n", " ", "\t", "#", "\\\n"}) spaces.push_back(spaces[i] + piece);
  }
  for (const std::string& space : spaces) {
    for (const int version : {1, 2, 3}) {
      headers.push_back(raw_header(space + header_of("'<f8'"), version));
      headers.push_back(raw_header(header_of("'<f8'") + space, version));
    }
  }
  const auto judgements = judge(headers);
  for (std::size_t i = 0; i < headers.size(); ++i) {
    INFO(quoted(headers[i].substr(6)));
    if (std::ranges::count(judgements[i].differences, "joined line") > 0) continue;
    bool is_read = true;
    try {
      parse(headers[i]);
    } catch (const error&) {
      is_read = false;
    }
    CHECK(is_read == (judgements[i].verdict == "ok"));
  }
}
