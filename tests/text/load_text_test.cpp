#include <algorithm>
#include <atomic>
#include <cmath>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <random>
#include <stop_token>
#include <string>
#include <vector>

#include <unistd.h>

#include <fmt/format.h>

#include <npymap/npymap.hpp>

#include "support/catch.hpp"
#include "support/failure.hpp"
#include "support/memory_cgroup.hpp"
#include "support/process.hpp"
#include "support/python.hpp"
#include "support/skip.hpp"
#include "support/temp_folder.hpp"

using namespace npymap_test;
using namespace npymap;

namespace {

template <class T>
std::vector<T> loaded(const std::string& text, const load_text_options& options = {}) {
  const temp_folder folder;
  write_file(folder / "t.txt", text);
  const auto x = load_text<T>(folder / "t.txt", options);
  return {x.begin(), x.end()};
}

any_array loaded_any(const std::string& text, const load_text_options& options = {}) {
  const temp_folder folder;
  write_file(folder / "t.txt", text);
  return load_text(folder / "t.txt", options);
}

std::string refusal(const std::string& text, const load_text_options& options = {}) {
  const temp_folder folder;
  write_file(folder / "t.txt", text);
  const std::string message = message_of([&] { load_text(folder / "t.txt", options); });
  // Both ways to read refuse the same, and the one that writes leaves nothing.
  const std::string other =
      message_of([&] { text_to_npy(folder / "t.txt", folder / "t.npy", options); });
  CHECK(message == other);
  CHECK_FALSE(std::filesystem::exists(folder / "t.npy"));
  const std::string start = folder / "t.txt: ";
  return message.starts_with(start) ? message.substr(start.size()) : message;
}

using doubles = std::vector<double>;
using words = std::vector<std::string>;

words strings_of(const any_array& x) {
  words found;
  for (const auto each : as_strings<char32_t>(x)) found.push_back(to_utf8(each));
  return found;
}

/// Small parts, many threads: rows, quotes and line ends lie across all borders.
std::vector<pass_options> many_ways() {
  std::vector<pass_options> ways(1);
  for (const std::uint64_t budget : {1u, 700u, 5000u, 40000u}) {
    for (const int threads : {1, 2}) {
      ways.emplace_back();
      ways.back().budget_bytes = budget;
      ways.back().threads = threads;
    }
  }
  return ways;
}

}  // namespace

TEST_CASE("text: errors name line and column, and quote what was found", "[text]") {
  CHECK(refusal("1 2\n3 x4\n") ==
        "line 2, column 2: expected a number of dtype '<f8', found 'x4' (at byte 6)");
  CHECK(refusal("# 1\n\n1 2\n3\n") == "line 4: expected 2 columns, found 1 (at byte 9)");
  CHECK(refusal("1 2\n3 4 5\n") == "line 2: expected 2 columns, found 3 (at byte 4)");
  CHECK(refusal("1,2\r\n3,\r\n", {.delimiter = ","}) ==
        "line 2, column 2: expected a number of dtype '<f8', found '' (at byte 7)");
  CHECK(refusal("1\r2\r3a\r") ==
        "line 3, column 1: expected a number of dtype '<f8', found '3a' (at byte 4)");
  CHECK(refusal("1\n1.5\n", {.dtype = dtype_of<int>()}) ==
        "line 2, column 1: expected an integer of dtype '<i4', found '1.5' (at byte 2)");
  CHECK(refusal("skip me\n1\n300\n", {.dtype = dtype_of<std::uint8_t>(), .skip_rows = 1}) ==
        "line 3, column 1: expected an integer of dtype '|u1', found '300' (at byte 10)");
  CHECK(refusal(std::string("1 2\n3 \0"
                            "4\n",
                            9)) ==
        "line 2, column 2: expected a number of dtype '<f8', found '\\x004' (at byte 6)");
  CHECK(refusal(std::string("a\0b\n", 4), {.dtype = parse_descr("'<U5'")}) ==
        "line 1, column 1: expected text of dtype '<U5', found 'a\\x00b' (at byte 0)");
  CHECK(refusal("1 2 3\n4\n", {.use_columns = {{1}}}) ==
        "line 2: expected a column 1, found 1 columns (at byte 6)");
  CHECK(refusal("1 2 3\n4\n", {.use_columns = {{-2}}}) ==
        "line 2: expected a column -2, found 1 columns (at byte 6)");
  CHECK(refusal("a\n\"b\nc\n", {.dtype = parse_descr("'<U5'"), .quote = "\""}) ==
        "line 2, column 1: expected a closing quote, found the end of the text (at byte 2)");
  // Quotes hold lines, which count.
  CHECK(refusal("\"1\n\n\",2\n3,x\n", {.delimiter = ",", .quote = "\""}) ==
        "line 4, column 2: expected a number of dtype '<f8', found 'x' (at byte 10)");
}

TEST_CASE("text: the first fault is told, whatever the parts and threads", "[text]") {
  std::string text;
  for (int i = 1; i <= 3000; ++i) {
    text += i == 1234 ? "17 bad\n" : i % 700 == 0 ? "1 2 3\n" : fmt::format("{} {}\n", i, -i);
  }
  for (pass_options pass : many_ways()) {
    CHECK(refusal(text, {.pass = pass}).starts_with("line 700: expected 2 columns, found 3"));
    CHECK(refusal(text, {.skip_rows = 700, .pass = pass})
              .starts_with("line 1234, column 2: expected a number of dtype '<f8', found 'bad'"));
    // What is behind the last row that is wanted is not looked at.
    CHECK(loaded<double>(text, {.max_rows = 699, .pass = pass}).size() == 2 * 699);
    CHECK(refusal(text, {.max_rows = 700, .pass = pass}).starts_with("line 700"));
  }
}

TEST_CASE("text: numbers are read at every border between parts", "[text]") {
  std::mt19937_64 random(random_seed());
  for (const std::string line : {"\n", "\r\n", "\r"}) {
    std::string text = "# a comment" + line + line;
    doubles expected;
    for (int row = 0; row < 2000; ++row) {
      for (int column = 0; column < 3; ++column) {
        const double value =
            std::ldexp(static_cast<double>(random() >> 11), int(random() % 80) - 90);
        expected.push_back(value);
        text += fmt::format("{}{}", column == 0 ? "" : random() % 2 ? " " : " \t ", value);
      }
      if (random() % 50 == 0) text += " # comment, \"";
      text += line;
      if (random() % 50 == 0) text += line;
    }
    if (random() % 2) text.erase(text.size() - line.size());
    for (const pass_options& pass : many_ways()) {
      CHECK(loaded<double>(text, {.pass = pass}) == expected);
      const temp_folder folder;
      write_file(folder / "t.txt", text);
      text_to_npy(folder / "t.txt", folder / "t.npy", {.pass = pass});
      const auto x = load<double>(folder / "t.npy");
      CHECK(x.shape() == shape{2000, 3});
      CHECK(std::equal(x.begin(), x.end(), expected.begin(), expected.end()));
    }
  }
}

TEST_CASE("text: quotes, many bytes a character, and lines within fields at every border",
          "[text]") {
  words expected;
  std::string text;
  std::mt19937_64 random(random_seed());
  const words pieces = {"a", "\"\"", "\n", "\r\n", "\r", ",", "#", "é", "日本", "𝄞", " ", "x"};
  for (int row = 0; row < 800; ++row) {
    for (int column = 0; column < 2; ++column) {
      std::string field, meant;
      for (auto n = random() % 6; n > 0; --n) field += pieces[random() % pieces.size()];
      for (std::size_t i = 0; i < field.size(); ++i) {
        if (field.compare(i, 2, "\"\"") == 0 || field.compare(i, 2, "\r\n") == 0) ++i;
        meant += field[i] == '\r' ? '\n' : field[i];
      }
      text += (column ? ",\"" : "\"") + field + "\"";
      expected.push_back(meant);
    }
    text += row % 3 ? "\n" : " # \" comment\r\n";
    if (row % 3 == 0) expected.back() += ' ';
  }
  for (const pass_options& pass : many_ways()) {
    const any_array x = loaded_any(
        text, {.dtype = parse_descr("'<U0'"), .delimiter = ",", .quote = "\"", .pass = pass});
    CHECK(x.shape() == shape{800, 2});
    CHECK(strings_of(x.reshape({-1})) == expected);
  }
}

TEST_CASE("text: what NumPy does not take is taken, or the other way round, on purpose", "[text]") {
  CHECK(loaded<double>("0x1.8p3 -0X10 0x.8 +0x1p-1074 0x1p99999 0x1p-99999\n") ==
        doubles{12, -16, 0.5, 0x1p-1074, HUGE_VAL, 0});
  CHECK(loaded<double>("\xef\xbb\xbf"
                       "1 2\n") == doubles{1, 2});
  CHECK(loaded<double>("1::2::3\n", {.delimiter = "::"}) == doubles{1, 2, 3});
  CHECK(loaded<double>("1 2 // x\n# y\n\n3 4\n", {.comments = {"#", "//"}}) == doubles{1, 2, 3, 4});
  const auto flags = loaded<bool8>("True False 1 0 -7\n");
  CHECK(std::vector<bool>(flags.begin(), flags.end()) ==
        std::vector<bool>{true, false, true, false, true});
  for (const char* word : {"1_0", "nan(1)", "0x", "1e", "+-1", "--1", "e5", ".", "1,2", "infinit",
                           "0x1p", "1d5", "\xff", "(1)"}) {
    INFO(word);
    CHECK(refusal(std::string(word) + "\n").starts_with("line 1, column 1: expected a number"));
  }
  CHECK(refusal("1_000\n", {.dtype = parse_descr("'<f2'")}).starts_with("line 1, column 1"));
}

TEST_CASE("text: missing fields are filled", "[text]") {
  const auto same = [](const doubles& a, const doubles& b) {
    return std::equal(a.begin(), a.end(), b.begin(), b.end(), [](double x, double y) {
      return x == y || (std::isnan(x) && std::isnan(y));
    });
  };
  const std::string text = "1,NA,3\n, -999 ,6\n";
  CHECK(same(loaded<double>(text, {.delimiter = ",", .missing = {{.words = {"NA", "-999"}}}}),
             {1, NAN, 3, NAN, NAN, 6}));
  CHECK(loaded<double>(text, {.delimiter = ",",
                              .missing = {{.words = {"NA", "-999"}, .fillings = {"0.5"}}}}) ==
        doubles{1, 0.5, 3, 0.5, 0.5, 6});
  CHECK(loaded<int>(text, {.delimiter = ",",
                           .missing = {{.words = {"NA", "-999"}, .fillings = {"7", "8", "9"}}}}) ==
        std::vector<int>{1, 8, 3, 7, 8, 6});
  CHECK(loaded<int>(text, {.delimiter = ",", .missing = {{.words = {"NA"}}}}) ==
        std::vector<int>{1, -1, 3, -1, -999, 6});
  CHECK(refusal(text,
                {.dtype = dtype_of<unsigned>(), .delimiter = ",", .missing = {{.words = {"NA"}}}})
            .starts_with("line 1, column 2: expected an integer of dtype '<u4', found 'NA'"));
  CHECK(refusal(text, {.delimiter = ",", .missing = {{.fillings = {"1", "2"}}}})
            .starts_with("fillings of missing fields: expected one, or one for each of 3 columns"));
  CHECK(
      refusal(text, {.delimiter = ",", .missing = {{.fillings = {"x"}}}})
          .starts_with("fillings of missing fields: expected a number of dtype '<f8', found 'x'"));
  const any_array x =
      loaded_any("1 two\nNA -\n", {.dtype = parse_descr("[('a', '|i1'), ('b', '|S3')]"),
                                   .missing = {{.words = {"NA", "-"}, .fillings = {"5", "none"}}}});
  CHECK(x.field("a").as<std::int8_t>()(1) == 5);
  CHECK(as_strings<char>(x.field("b"))(0) == "two");
  CHECK(as_strings<char>(x.field("b"))(1) == "non");
}

TEST_CASE("text: arguments that make no sense are refused, and nothing is touched", "[text]") {
  const auto refused = [](const load_text_options& options) {
    const std::string message = refusal("1 2\n", options);
    return message.substr(0, message.find(':'));
  };
  CHECK(refused({.delimiter = "\n"}) == "delimiter");
  CHECK(refused({.delimiter = "#"}) == "comments");
  CHECK(refused({.comments = {""}}) == "comments");
  CHECK(refused({.comments = {" "}}) == "comments");
  CHECK(refused({.quote = "ab"}) == "quote");
  CHECK(refused({.quote = " "}) == "quote");
  CHECK(refused({.quote = "#"}) == "comments");
  CHECK(refused({.delimiter = ",", .quote = ","}) == "quote");
  CHECK(refused({.delimiter = "\xff"}) == "options of a text");
  CHECK(refused({.delimiter = "日", .encoding = text_encoding::latin1}) ==
        "options of a text in latin1");
  CHECK(refused({.skip_rows = -1}) == "skip_rows");
  CHECK(refused({.max_rows = -1}) == "max_rows");
  CHECK(refused({.ndmin = 3}) == "ndmin");
  CHECK(refused({.pass = {.threads = 0}}) == "threads of a pass");
  CHECK(refused({.dtype = parse_descr("[('a', '<i2'), ('b', '<i2')]"), .use_columns = {{1}}}) ==
        "use_columns");
  for (const char* descr : {"'|V3'", "'<M8'", "[('a', '|V2')]"}) {
    CHECK(code_of([&] { loaded_any("1\n", {.dtype = parse_descr(descr)}); }) == errc::bad_dtype);
  }
  CHECK(code_of([&] { loaded_any("1\n", {.dtype = dtype::object()}); }) == errc::object_dtype);
  CHECK(code_of([] { load_text("/nowhere/t.txt"); }) == std::errc::no_such_file_or_directory);
  CHECK(code_of([] { load_text("/tmp"); }) == errc::not_regular_file);
}

TEST_CASE("text: the shape that the first line tells is restored", "[text]") {
  const std::string text = "# shape: (2, 2, 3)\n1 2 3\n4 5 6\n# slice\n7 8 9\n10 11 12\n";
  CHECK(loaded_any(text).shape() == shape{2, 2, 3});
  CHECK(loaded_any(text, {.shape_line = told_shape::ignore}).shape() == shape{4, 3});
  CHECK(loaded_any(text, {.max_rows = 2}).shape() == shape{2, 3});
  CHECK(loaded_any(text, {.use_columns = {{0, 1}}}).shape() == shape{4, 2});
  CHECK(loaded_any("#shape: (0, 4, 3)\n").shape() == shape{0, 4, 3});
  CHECK(loaded_any("% shape: (2, 1, 1,)\r\n1\r\n2", {.comments = {"%"}}).shape() == shape{2, 1, 1});
  CHECK(loaded_any("# shape: (2, 3)\n1 2\n").shape() == shape{2});  // of two axes, nobody tells
  CHECK(loaded_any("# shape: (2, x, 3)\n1 2\n").shape() == shape{2});
  CHECK(loaded_any("\n# shape: (1, 1, 1)\n1 2\n").shape() == shape{2});
  CHECK(refusal(text + "13 14 15\n") ==
        "rows: expected those of shape (2, 2, 3), as the first line says, found 5 of 3 columns");
  CHECK(refusal("# shape: (2, 2, 3)\n1 2 3 4 5 6\n7 8 9 10 11 12\n").starts_with("rows: expected"));
  CHECK(loaded_any("# shape: (9223372036854775807, 9223372036854775807, 3)\n1 2\n").shape() ==
        shape{2});
  const temp_folder folder;
  write_file(folder / "t.txt", text);
  text_to_npy(folder / "t.txt", folder / "t.npy");
  CHECK(load<double>(folder / "t.npy").shape() == shape{2, 2, 3});
  CHECK(load<double>(folder / "t.npy")(1, 1, 2) == 12);
}

TEST_CASE("text: lines are bounded, by the option and by the budget", "[text]") {
  const std::string text = "1 2\n" + std::string(5000, ' ') + "3 4\n5 6\n";
  for (pass_options pass : many_ways()) {
    CHECK(loaded<double>(text, {.pass = pass}) == doubles{1, 2, 3, 4, 5, 6});
    CHECK(loaded<double>(text, {.longest_line_bytes = 5004, .pass = pass}).size() == 6);
    CHECK(
        refusal(text, {.longest_line_bytes = 5003, .pass = pass}) ==
        "line 2: expected a line of at most 5003 bytes, as longest_line_bytes says, found a longer"
        " one (at byte 4)");
  }
  const std::string quoted = "\"1\n" + std::string(300, '\n') + "\" 2\n3 4\n";
  CHECK(loaded<double>(quoted, {.quote = "\"", .pass = {.budget_bytes = 1}}).size() == 4);
  CHECK(
      refusal(quoted, {.quote = "\"", .longest_line_bytes = 100}).starts_with("line 1: expected"));
  std::string wide;
  for (int i = 0; i < 300000; ++i) wide += "1 ";
  CHECK(loaded<double>(wide, {.pass = {.budget_bytes = 5 << 20}}).size() == 300000);
  CHECK(
      refusal(wide, {.pass = {.budget_bytes = 4 << 20}})
          .starts_with("a row: expected at most 2097152 bytes, half of the budget, found 2400000"));
}

TEST_CASE("text: a line of a gigabyte is refused in bounded memory", "[text][memory]") {
  const temp_folder folder;
  write_file(folder / "t.txt", "1 2\n");
  std::filesystem::resize_file(folder / "t.txt", std::uintmax_t{1} << 30);
  const auto refuses = [&] {
    const std::string message = message_of([&] { load_text(folder / "t.txt"); });
    return message.find("line 2: expected a line of at most 67108864 bytes") != std::string::npos
               ? 0
               : 1;
  };
  if (!have_memory_cgroups()) {
    CHECK(refuses() == 0);
    NPYMAP_SKIP("needs root and memory cgroups");
  }
  CHECK(within_memory(std::uint64_t{256} << 20, refuses).status == 0);
}

TEST_CASE("text: a text larger than memory becomes an npy within its budget", "[text][memory]") {
  if (!have_memory_cgroups()) NPYMAP_SKIP("needs root and memory cgroups");
  const temp_folder folder;
  constexpr index_t rows = 3'000'000;
  {
    std::ofstream out(folder / "t.txt", std::ios::binary);
    for (index_t i = 0; i < rows; ++i)
      out << i << ' ' << -i << ".25 1e-3 some-more-space-to-fill\n";
  }
  const std::uint64_t budget = std::uint64_t{16} << 20;
  const auto convert = [&] {
    text_to_npy(folder / "t.txt", folder / "t.npy",
                {.use_columns = {{0, 1, 2}}, .pass = {.budget_bytes = budget}});
    return 0;
  };
  CHECK(std::filesystem::file_size(folder / "t.txt") > 2 * (budget + (32 << 20)));
  CHECK(within_memory(budget + (32 << 20), convert).status == 0);
  const auto x = open<double>(folder / "t.npy");
  REQUIRE(x.shape() == shape{rows, 3});
  CHECK(x(rows - 1, 1) == -double(rows - 1) - 0.25);
  CHECK(sum(x(all, 0)) == double(rows) * (rows - 1) / 2);
}

TEST_CASE("text: gaps between the fields of records are zeros, in memory and in files", "[text]") {
  const temp_folder folder;
  std::string text;
  for (int i = 0; i < 3000; ++i) text += "258 1.5\n";
  write_file(folder / "t.txt", text);
  load_text_options options;
  options.dtype =
      parse_descr("[('', '|V1'), ('a', '<i2'), ('', '|V5'), ('b', '<f8'), ('', '|V4')]");
  const std::string row = std::string("\0\2\1\0\0\0\0\0\0\0\0\0\0\0\xf8\x3f\0\0\0\0", 20);
  std::string rows;
  for (int i = 0; i < 3000; ++i) rows += row;
  for (const pass_options& way : many_ways()) {
    options.pass = way;
    const any_array x = load_text(folder / "t.txt", options);
    CHECK(std::string(reinterpret_cast<const char*>(x.data()), rows.size()) == rows);
    text_to_npy(folder / "t.txt", folder / "t.npy", options);
    CHECK(read_file(folder / "t.npy").ends_with(rows));
  }
}

TEST_CASE("text: a stop ends reading, and leaves nothing", "[text]") {
  const temp_folder folder;
  std::string text;
  for (int i = 0; i < 20000; ++i) text += "1 2 3\n";
  write_file(folder / "t.txt", text);
  std::stop_source source;
  std::atomic<int> told = 0;
  pass_options pass{.budget_bytes = 10000, .stop = source.get_token()};
  pass.progress = [&](const pass_progress& now) {
    CHECK(now.total_bytes == text.size());
    if (++told >= 3) source.request_stop();
  };
  CHECK(code_of([&] { text_to_npy(folder / "t.txt", folder / "t.npy", {.pass = pass}); }) ==
        errc::stopped);
  CHECK(told >= 3);
  CHECK(std::distance(std::filesystem::directory_iterator(folder.path()), {}) == 1);
  std::uint64_t done = 0;
  pass_options whole{.budget_bytes = 10000};
  whole.progress = [&](const pass_progress& now) { done = now.done_bytes; };
  load_text(folder / "t.txt", {.pass = whole});
  CHECK(done == text.size());
}

TEST_CASE("text: a file may become the npy of its own text", "[text]") {
  const temp_folder folder;
  write_file(folder / "t", "1 2\n3 4\n");
  text_to_npy(folder / "t", folder / "t", {.dtype = dtype_of<int>()},
              {.durability = durability::full});
  CHECK(load<int>(folder / "t")(1, 0) == 3);
}

TEST_CASE("text: gzip of several members is unpacked, and whatever is wrong with it told",
          "[text]") {
  if (!have_numpy()) NPYMAP_SKIP("needs NumPy");
  const temp_folder folder;
  python(R"(
import gzip, struct, zlib
text = ''.join('%d %r\n' % (i, i / 7) for i in range(30000)).encode()
a, b = gzip.compress(text[:100001]), gzip.compress(text[100001:], 1)
def save(name, data): open(os.path.join(sys.argv[1], name), 'wb').write(data)
save('two.gz', a + b)
save('padded.gz', a + b + bytes(1000))
head = b'\x1f\x8b\x08\x1e' + bytes(6) + struct.pack('<H', 3) + b'abc' + b'name\0' + b'comment\0' + b'\0\0'
save('head.gz', head + a[10:] + b)
save('stored.gz', gzip.compress(text, 0))
save('many.gz', b''.join(gzip.compress(text[i:i + 997]) for i in range(0, len(text), 997)))
save('empty.gz', gzip.compress(b''))
save('cut.gz', (a + b)[:-5])
save('cut2.gz', (a + b)[:len(a) // 2])
save('crc.gz', a[:-8] + b'1234' + a[-4:] + b)
save('length.gz', a[:-4] + b'1234' + b)
save('tail.gz', a + b + b'tail')
flipped = bytearray(a + b); flipped[len(a) // 2] ^= 0x55
save('flipped.gz', bytes(flipped))
save('method.gz', b'\x1f\x8b\x07' + a[3:])
save('short.gz', b'\x1f\x8b')
)",
         {folder.path().string()});
  for (const char* name : {"two.gz", "padded.gz", "head.gz", "stored.gz", "many.gz"}) {
    for (const pass_options& pass : many_ways()) {
      if (pass.budget_bytes == 1) continue;  // which takes a while
      const auto x = load_text<double>(folder / name, {.pass = pass});
      REQUIRE(x.shape() == shape{30000, 2});
      CHECK(x(29999, 1) == 29999 / 7.);
      CHECK(x(12345, 0) == 12345);
    }
  }
  CHECK(load_text(folder / "empty.gz").shape() == shape{0});
  const auto code = [&](const char* name) {
    return code_of([&] { text_to_npy(folder / name, folder / "t.npy"); });
  };
  CHECK(code("cut.gz") == errc::truncated);
  CHECK(code("cut2.gz") == errc::truncated);
  CHECK(code("short.gz") == errc::truncated);
  CHECK(code("crc.gz") == errc::checksum_mismatch);
  CHECK(code("length.gz") == errc::checksum_mismatch);
  CHECK(code("tail.gz") == errc::bad_text);
  CHECK(code("method.gz") == errc::bad_text);
  CHECK(code("flipped.gz") != std::error_code());
  CHECK_FALSE(std::filesystem::exists(folder / "t.npy"));
}
