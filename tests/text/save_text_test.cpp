// Text that npymap writes, byte for byte beside numpy.savetxt's.
#include <npymap/save_text.hpp>

#include <bit>
#include <charconv>
#include <cmath>
#include <cstdlib>
#include <filesystem>
#include <limits>
#include <random>
#include <sstream>
#include <string>
#include <utility>
#include <vector>

#include <npymap/eigen.hpp>
#include <npymap/npymap.hpp>

#include "support/catch.hpp"
#include "support/failure.hpp"
#include "support/memory_cgroup.hpp"
#include "support/process.hpp"
#include "support/python.hpp"
#include "support/skip.hpp"
#include "support/temp_folder.hpp"
#include "text/decimal_digits.hpp"
#include "text/put_value.hpp"

using namespace npymap_test;
using npymap::any_array;
using npymap::errc;
using npymap::index_t;
using npymap::more_axes;
using npymap::save_text;
using npymap::save_text_options;
using npymap::shape;

namespace {

int hex_digit(char c) { return c <= '9' ? c - '0' : c - 'a' + 10; }

std::string from_hex(const std::string& hex) {
  std::string text;
  for (std::size_t i = 0; i + 1 < hex.size(); i += 2) {
    text += static_cast<char>(16 * hex_digit(hex[i]) + hex_digit(hex[i + 1]));
  }
  return text;
}

struct random_case {
  save_text_options options;
  std::string cut;
  bool may_refuse = false;  // of no values, with which NumPy tries no format
};

random_case read_case(const std::string& path) {
  random_case found;
  std::istringstream lines(read_file(path));
  for (std::string line; std::getline(lines, line);) {
    const std::string name = line.substr(0, line.find(' '));
    const std::string value = from_hex(line.substr(name.size() + 1));
    save_text_options& to = found.options;
    if (name == "fmt") to.format = value;
    if (name == "fmts") to.formats.push_back(value);
    if (name == "delimiter") to.delimiter = value;
    if (name == "newline") to.newline = value;
    if (name == "header") to.header = value;
    if (name == "footer") to.footer = value;
    if (name == "comments") to.comments = value;
    if (name == "encoding" && value == "latin1") to.encoding = npymap::text_encoding::latin1;
    if (name == "cut") found.cut = value;
    if (name == "rows" && value == "0") found.may_refuse = true;
  }
  return found;
}

std::string told(const save_text_options& o) {
  std::string text = "format " + npymap::quoted(o.format) + ", delimiter " +
                     npymap::quoted(o.delimiter) + ", formats";
  for (const std::string& each : o.formats) text += " " + npymap::quoted(each);
  return text;
}

npymap::array<double> numbers(const std::string& path, const shape& extents) {
  const auto x = npymap::create<double>(path, extents);
  std::mt19937_64 random(7);
  for (double& each : x) each = std::ldexp(static_cast<double>(random()), -60);
  return x;
}

std::string text_of(const any_array& x, const save_text_options& options = {}) {
  const temp_folder folder;
  save_text(folder / "x.txt", x, options);
  return read_file(folder / "x.txt");
}

std::string text_of(double value, const std::string& format) {
  const temp_folder folder;
  save_text(folder / "x.txt", npymap::view<const double, 1>(&value, {1}, npymap::order::c),
            {.format = format, .newline = ""});
  return read_file(folder / "x.txt");
}

}  // namespace

TEST_CASE("save_text: random arrays, layouts and formats are NumPy's byte for byte") {
  REQUIRE(have_numpy());
  const temp_folder folder;
  constexpr int count = 3000;
  python("exec(open(sys.argv.pop(1)).read())",
         {std::string(NPYMAP_TEXT_TESTS) + "/savetxt_cases.py", folder.path(),
          std::to_string(random_seed()), std::to_string(count)});
  std::mt19937_64 random(random_seed());
  int written = 0;
  for (int n = 0; n < count; ++n) {
    const std::string name = std::to_string(n);
    random_case c = read_case(folder / (name + ".args"));
    if (random() % 2 == 0) c.options.pass.budget_bytes = 2048 + random() % 8192;
    if (random() % 2 == 0) c.options.pass.threads = 1;
    const std::string path = folder / (name + ".npy"), ours = folder / "ours";
    INFO("case " << n << ": " << told(c.options) << ", x[" << c.cut << "]");
    const bool is_good = std::filesystem::exists(folder / (name + ".txt"));
    const any_array x = npymap::open(path);
    INFO(npymap::descr(x.dtype()));
    const auto save = [&] {
      if (!c.cut.empty()) return save_text(ours, x.slice(c.cut), c.options);
      if (random() % 2 == 0) return save_text(ours, x, c.options);
      save_text(ours, npymap::source(path, {.reading = npymap::reading::buffered}), c.options);
    };
    const std::string failure = message_of(save);
    if (failure != "nothing was thrown" && c.may_refuse) continue;
    if (!is_good) {
      CHECK(failure != "nothing was thrown");
      CHECK_FALSE(std::filesystem::exists(ours));
      std::filesystem::remove(ours);
      continue;
    }
    CHECK(failure == "nothing was thrown");
    if (failure != "nothing was thrown") continue;
    const bool is_same = read_file(ours) == read_file(folder / (name + ".txt"));
    if (!is_same) {
      CHECK(read_file(ours).substr(0, 400) == read_file(folder / (name + ".txt")).substr(0, 400));
    }
    CHECK(is_same);
    std::filesystem::remove(ours);
    ++written;
  }
  CHECK(written > count / 2);
}

TEST_CASE("save_text: texts in quotes are read back as they are by npymap, NumPy and csv") {
  REQUIRE(have_numpy());
  const temp_folder folder;
  constexpr int count = 120;
  python(R"(
os.chdir(sys.argv[1])
rng = np.random.default_rng(int(sys.argv[2]))
for i in range(int(sys.argv[3])):
    shape = rng.integers(1, 6, 2)
    letters = list('ab,;:%\t \n"#é日\'\ufeff')
    texts = [''.join(rng.choice(letters, rng.integers(0, 5))) for _ in range(shape.prod())]
    np.save(f'{i}', np.array(texts, 'U4').reshape(shape))
)",
         {folder.path(), std::to_string(random_seed()), std::to_string(count)});
  const std::string delimiters[] = {",", " ", "\t", ";", "::", "%%"};
  for (int i = 0; i < count; ++i) {
    const std::string name = folder / std::to_string(i), delimiter = delimiters[i % 6];
    INFO("case " << i);
    const any_array x = npymap::open(name + ".npy");
    save_text(name + ".txt", x, {.format = "%s", .delimiter = delimiter, .quote = "\""});
    const std::string between = delimiter == " " ? "" : delimiter == "%%" ? "%" : delimiter;
    const any_array y = npymap::load_text(
        name + ".txt", {.dtype = x.dtype(), .delimiter = between, .quote = "\"", .ndmin = 2});
    REQUIRE(y.shape() == x.shape());
    CHECK(std::equal(x.data(), x.data() + x.size_bytes(), y.data()));
  }
  CHECK(python(R"(
import csv
os.chdir(sys.argv[1])
for i in range(int(sys.argv[2])):
    a, delimiter = np.load(f'{i}.npy'), (',', None, '\t', ';', '::', '%')[i % 6]
    if delimiter == '::': continue
    if delimiter or '' not in a[:, -1]:  # where NumPy's split at white space loses it
        b = np.loadtxt(f'{i}.txt', 'U4', delimiter=delimiter, quotechar='"', ndmin=2, encoding='utf-8')
        assert a.tolist() == b.tolist(), i
    with open(f'{i}.txt', newline='', encoding='utf-8') as f:
        assert list(csv.reader(f, delimiter=delimiter or ' ')) == a.tolist(), i
print('read')
)",
               {folder.path(), std::to_string(count)}) == "read\n");
  const auto names = npymap::create(
      folder / "r.npy", npymap::parse_descr("[('n', '<U3'), ('x', '<f8'), ('b', 'S3')]"), {1});
  npymap::as_strings<char32_t>(names.field("n")).assign({0}, U"a,b");
  npymap::as_strings<char>(names.field("b")).assign({0}, ",\"");
  save_text(folder / "r.csv", names, {.format = "%s", .delimiter = ",", .quote = "\""});
  CHECK(read_file(folder / "r.csv") == "\"a,b\",0.0,\"b',\"\"'\"\n");
  const auto days = npymap::create(folder / "d.npy", npymap::parse_descr("'<m8[D]'"), {1, 2});
  save_text(folder / "d.txt", days, {.format = "%s", .quote = "\""});
  CHECK(read_file(folder / "d.txt") == "\"0 days\" \"0 days\"\n");
  for (const char* quote : {",", "#", "\n", "''"}) {
    CHECK(code_of([&] {
            save_text(folder / "r.csv", names, {.format = "%s", .delimiter = ",", .quote = quote});
          }) == errc::invalid_argument);
  }
}

TEST_CASE("save_text: the shortest text of every half, and of random numbers, is NumPy's") {
  REQUIRE(have_numpy());
  const temp_folder folder;
  python(R"(
os.chdir(sys.argv[1])
rng = np.random.default_rng(int(sys.argv[2]))
def save(name, x):
    x = x[np.isfinite(x)]
    np.save(name + '.npy', x)
    np.savetxt(name + '.txt', x, '%r')
save('f2', np.arange(65536, dtype='u2').view('f2'))
save('f4', np.frombuffer(rng.bytes(4 * 50000), 'f4'))
save('f8', np.frombuffer(rng.bytes(8 * 50000), 'f8'))
powers = np.ldexp(1., np.arange(-1074, 1024))
save('p8', np.concatenate([powers, np.nextafter(powers, 0), np.nextafter(powers, np.inf), 10.**np.arange(-323, 309)]))
powers = np.ldexp(np.float32(1), np.arange(-149, 128)).astype('f4')
save('p4', np.concatenate([powers, np.nextafter(powers, np.float32(0)), np.nextafter(powers, np.float32(np.inf)), (10.**np.arange(-45, 39)).astype('f4')]))
save('g', np.concatenate([np.ldexp(rng.random(5000).astype('g') + rng.random(5000) * 2.**-60, rng.integers(-16000, 16000, 5000)), np.array(['1e-4', '1e16', '9.999e-5', '1e-5'], 'g')]))
)",
         {folder.path(), std::to_string(random_seed())});
  for (const std::string name : {"f2", "f4", "f8", "p8", "p4", "g"}) {
    INFO(name);
    save_text(folder / "ours", npymap::open(folder / (name + ".npy")), {.format = "%r"});
    std::istringstream ours(read_file(folder / "ours")),
        theirs(read_file(folder / (name + ".txt")));
    int differ = 0;
    for (std::string a, b; std::getline(theirs, b);) {
      std::getline(ours, a);
      if (a != b && ++differ < 5) CHECK(a == b);
    }
    CHECK(differ == 0);
  }
}

TEST_CASE("save_text: views, typed arrays, vectors and matrices of Eigen") {
  const temp_folder folder;
  const std::string path = folder / "x.txt";
  const auto saved = [&] { return read_file(path); };
  std::vector<int> three{1, -2, 3};
  save_text(path, npymap::view<const int, 1>(three.data(), {3}, npymap::order::c),
            {.format = "%d"});
  CHECK(saved() == "1\n-2\n3\n");
  save_text(path, three, {.format = "%d"});
  CHECK(saved() == "1\n-2\n3\n");
  const auto x = npymap::create<float>(folder / "x.npy", {2, 2});
  x(1, 0) = 0.1F;
  save_text(path, x, {.format = "%r", .delimiter = ","});
  CHECK(saved() == "0.0,0.0\n0.1,0.0\n");
  save_text(path, x.transpose(), {.format = "%g"});
  CHECK(saved() == "0 0.1\n0 0\n");
  save_text(path, std::as_const(x), {.format = "%g"});
  CHECK(saved() == "0 0\n0.1 0\n");
  Eigen::MatrixXd m(2, 3);
  m << 1, 2, 3, 4, 5, 6;
  save_text(path, m, {.format = "%.1f"});
  CHECK(saved() == "1.0 2.0 3.0\n4.0 5.0 6.0\n");
  save_text(path, 2 * m.transpose(), {.format = "%d"});
  CHECK(saved() == "2 8\n4 10\n6 12\n");
  save_text(path, m.row(1), {.format = "%d"});
  CHECK(saved() == "4\n5\n6\n");
  const Eigen::Vector2cd z(std::complex<double>(1, -2), std::complex<double>(0, 0.5));
  save_text(path, z, {.format = "%.1f"});
  CHECK(saved() == " (1.0-2.0j)\n (0.0+0.5j)\n");
}

TEST_CASE("save_text: a percent sign may stand beside one value for all columns") {
  const temp_folder folder;
  const auto x = numbers(folder / "x.npy", {2, 2});
  for (double& each : x) each = 50;
  CHECK(text_of(any_array(x), {.format = "%d%%", .delimiter = " of %%, "}) ==
        "50% of %, 50%\n50% of %, 50%\n");
  CHECK(text_of(any_array(x), {.format = "%d", .delimiter = "%%"}) == "50%50\n50%50\n");
}

TEST_CASE("save_text: numbers of special value, in words and digits") {
  constexpr double inf = std::numeric_limits<double>::infinity();
  CHECK(text_of(-0.0, "%.18e") == "-0.000000000000000000e+00");
  CHECK(text_of(-0.0, "%d") == "0");
  CHECK(text_of(-0.5, "%+d") == "+0");
  CHECK(text_of(std::nan(""), "%06.1F") == "000NAN");
  CHECK(text_of(-inf, "%-6g|") == "-inf  |");
  CHECK(text_of(5e-324, "%r") == "5e-324");
  CHECK(text_of(1e22, "%d") == "10000000000000000000000");
  CHECK(text_of(std::numeric_limits<double>::max(), "%.0f").size() == 309);
  CHECK(text_of(0.1, "%.1000f").size() == 1002);
  CHECK(text_of(1, "%#.3g %%") == "1.00 %");
}

TEST_CASE("save_text: quick digits are those of std::to_chars, of any double and precision") {
  std::mt19937_64 random(random_seed());
  npymap::text::text_buffer out;
  int differ = 0;
  const auto check = [&](double value) {
    for (int precision = 0; precision < 19; ++precision) {
      for (const char letter : {'e', 'f'}) {
        out.cut(0);
        npymap::text::conversion how;
        how.letter = letter;
        how.precision = precision;
        npymap::text::put_double(out, how, value);
        char expected[400];
        const auto format =
            letter == 'e' ? std::chars_format::scientific : std::chars_format::fixed;
        const auto end = std::to_chars(expected, std::end(expected), value, format, precision).ptr;
        const std::string_view ours(out.data(), out.size());
        if (ours != std::string_view(expected, static_cast<std::size_t>(end - expected)) &&
            ++differ < 5) {
          CHECK(ours == std::string_view(expected, static_cast<std::size_t>(end - expected)));
        }
      }
    }
  };
  for (int n = 0; n < 20000; ++n) {
    const double any = std::bit_cast<double>(random());
    if (std::isfinite(any)) check(any);
    const double small = static_cast<double>(random() % 100000);  // ties, nines, and whole numbers
    for (const double unit : {1.0, 8.0, 1024.0, 10.0, 1000.0, 1e5, 1e-9, 1e-20})
      check(small / unit);
  }
  for (int exponent = -1074; exponent < 1024; ++exponent) {
    const double power = std::ldexp(1, exponent);
    for (const double each : {power, std::nextafter(power, 0), 3 * power}) {
      if (std::isfinite(each)) check(each);
    }
  }
  for (int exponent = -323; exponent < 309; ++exponent) {
    const double power = std::strtod(("1e" + std::to_string(exponent)).c_str(), nullptr);
    for (const double each : {power, std::nextafter(power, 0), std::nextafter(power, 1e308)}) {
      check(each);
      check(-each);
    }
  }
  CHECK(differ == 0);
}

TEST_CASE("save_text: the fewest digits are those of std::to_chars, of any double") {
  std::mt19937_64 random(random_seed());
  int differ = 0;
  const auto check = [&](double value) {
    char ours[21] = {}, expected[32] = {};
    const auto found = npymap::text::shortest_digits(value);
    npymap::text::write_twenty_digits(ours, found.digits);
    std::string digits(ours);
    digits.erase(0, digits.find_first_not_of('0'));
    digits.erase(digits.find_last_not_of('0') + 1);
    if (digits.size() > 1) digits.insert(1, ".");
    digits += found.exponent < 0 ? "e-" : "e+";
    if (std::abs(found.exponent) < 10) digits += "0";
    digits += std::to_string(std::abs(found.exponent));
    std::to_chars(expected, expected + 31, value, std::chars_format::scientific);
    if (digits != expected && ++differ < 5) CHECK(digits == expected);
  };
  for (int n = 0; n < 300000; ++n) {
    const double any = std::bit_cast<double>(random() >> 1);
    if (std::isfinite(any) && any > 0) check(any);
    check(static_cast<double>(1 + random() % 1000000) / 1000);
    check(std::ldexp(static_cast<double>(1 + random() % 4096),
                     static_cast<int>(random() % 2000) - 1060));
  }
  for (int exponent = -1074; exponent < 1024; ++exponent) {
    const double power = std::ldexp(1, exponent);
    check(power);
    if (exponent > -1074) check(std::nextafter(power, 0));
    check(std::nextafter(power, 1e308));
  }
  CHECK(differ == 0);
}

TEST_CASE("save_text: more axes are slices below their shape, which NumPy takes for comments") {
  REQUIRE(have_numpy());
  const temp_folder folder;
  const auto x = npymap::create<double>(folder / "x.npy", {2, 3, 4, 5});
  double value = 0;
  for (double& each : x) each = value++;
  npymap::save(folder / "f.npy", any_array(x).permute({3, 1, 0, 2}));
  save_text_options how{.format = "%d", .header = "h", .more_axes = more_axes::slices};
  const std::string whole = text_of(any_array(x), how);
  CHECK(whole.starts_with("# shape: (2, 3, 4, 5)\n# h\n# slice: (0, 0)\n0 1 2 3 4\n5 6 7 8 9\n"));
  CHECK(whole.find("55 56 57 58 59\n# slice: (1, 0)\n60 61") != std::string::npos);
  for (const char* name : {"x.npy", "f.npy"}) {
    const any_array y = npymap::open(folder / name);
    how.pass.budget_bytes = std::uint64_t{256} << 20;
    const std::string expected = text_of(y, how);
    for (const std::uint64_t budget : {100U, 200U, 600U, 1000U, 1700U, 4000U}) {  // cut at any axis
      INFO(name << ", " << budget);
      how.pass.budget_bytes = budget;
      CHECK(text_of(y, how) == expected);
      save_text(folder / "y.txt",
                npymap::source(folder / name, {.reading = npymap::reading::buffered}), how);
      CHECK(read_file(folder / "y.txt") == expected);
    }
    python(
        "x = np.load(sys.argv[1]); y = np.loadtxt(sys.argv[2])\n"
        "assert (y.reshape(x.shape) == x).all()",
        {folder / name, folder / "y.txt"});
  }
  CHECK(text_of(npymap::create(folder / "e.npy", npymap::dtype_of<int>(), {2, 0, 3}), how) ==
        "# shape: (2, 0, 3)\n# h\n");
  CHECK(text_of(npymap::create(folder / "e.npy", npymap::dtype_of<int>(), {1, 2, 0}), how) ==
        "# shape: (1, 2, 0)\n# h\n# slice: (0,)\n\n\n");
  how.more_axes = more_axes::refuse;
  CHECK(code_of([&] { text_of(any_array(x), how); }) == errc::layout_mismatch);
  how.more_axes = more_axes::slices;
  how.comments = "";
  CHECK(code_of([&] { text_of(any_array(x), how); }) == errc::invalid_argument);
}

TEST_CASE("save_text: a name in .gz is gzip, the same bytes whatever the threads") {
  REQUIRE(have_numpy());
  const temp_folder folder;
  const auto x = numbers(folder / "x.npy", {20000, 7});
  for (const int level : {1, 6, 12}) {
    save_text_options how{.header = "numbers", .footer = "end", .level = level};
    save_text(folder / "x.txt.gz", x, how);
    how.pass.threads = 1;
    save_text(folder / "one.gz", x, how);
    CHECK(read_file(folder / "x.txt.gz") == read_file(folder / "one.gz"));
    python(R"(
import gzip, io
os.chdir(sys.argv[1])
out = io.BytesIO()
np.savetxt(out, np.load('x.npy'), header='numbers', footer='end')
assert gzip.open('x.txt.gz').read() == out.getvalue()
assert (np.loadtxt('x.txt.gz') == np.load('x.npy')).all()
)",
           {folder.path()});
  }
  CHECK(code_of([&] { save_text(folder / "y.gz", x, {.level = 0}); }) == errc::invalid_argument);
  CHECK(message_of([&] { save_text(folder / "y.bz2", x); }) ==
        (folder / "y.bz2") +
            ": compression of text: expected none, or gzip by a name in .gz, found '.bz2'");
  CHECK(code_of([&] { save_text(folder / "y.xz", x); }) == errc::invalid_argument);
}

TEST_CASE("save_text: what cannot be written is told by row and column, and leaves no file") {
  const temp_folder folder;
  const auto x = numbers(folder / "x.npy", {3000, 100});
  x(2345, 67) = std::nan("");
  const std::string to = folder / "x.txt";
  write_file(to, "older");
  CHECK(message_of([&] { save_text(to, x, {.format = "%d"}); }) ==
        to + ": row 2345, column 67: expected a finite number for %d, found nan");
  x(2345, 67) = -std::numeric_limits<double>::infinity();
  CHECK(message_of([&] { save_text(to, x, {.format = "%d"}); }) ==
        to + ": row 2345, column 67: expected a finite number for %d, found -inf");
  CHECK(
      message_of([&] {
        save_text(to, x.reshape({3, 1000, 100}), {.format = "%d", .more_axes = more_axes::slices});
      }) == to + ": element (2, 345, 67): expected a finite number for %d, found -inf");
  CHECK(message_of([&] { save_text(to, x, {.format = "%x"}); }) ==
        to + ": format of column 0: expected one for '<f8', found %x");
  CHECK(message_of([&] {
          save_text(to, x, {.format = "%5.2q"});
        }).starts_with(to + ": format: expected %[flags][width][.precision] and one of"));
  CHECK(message_of([&] { save_text(to, x, {.format = "%d %d"}); }) ==
        to + ": values of the format: expected 1 or 100, one a column, found 2");
  CHECK(message_of([&] {
          save_text(to, x, {.formats = {"%d", "%d"}});
        }) == to + ": formats: expected 100, one a column, found 2");
  CHECK(code_of([&] { save_text(to, x, {.format = "%*d"}); }) == errc::invalid_argument);
  CHECK(code_of([&] { save_text(to, x, {.format = "%9999999d"}); }) == errc::invalid_argument);
  CHECK(code_of([&] { save_text(to, x, {.format = "%.9999999e"}); }) == errc::invalid_argument);
  CHECK(code_of([&] { save_text(to, x, {.delimiter = "%d"}); }) == errc::invalid_argument);
  CHECK(code_of([&] { save_text(to, x, {.header = "\xff"}); }) == errc::invalid_argument);
  CHECK(code_of([&] { save_text(to, x, {.pass = {.threads = 0}}); }) == errc::invalid_argument);
  CHECK(code_of([&] { save_text(to, any_array(x)(0, 0)); }) == errc::layout_mismatch);
  const any_array objects = npymap::create(
      folder / "v.npy", npymap::dtype::record({{"a", npymap::dtype(), {2}, 0}}, 16), {3});
  CHECK(message_of([&] { save_text(to, objects); }).find("column 0, 'a', a sub-array") !=
        std::string::npos);
  CHECK(read_file(to) == "older");
  CHECK(code_of([&] { save_text(folder / "none/x.txt", x); }) ==
        std::errc::no_such_file_or_directory);
  CHECK(std::distance(std::filesystem::directory_iterator(folder.path()), {}) == 3);
}

TEST_CASE("save_text: stopped in the middle it leaves nothing, and tells how far it is") {
  const temp_folder folder;
  const auto x = numbers(folder / "x.npy", {200000, 4});
  std::stop_source stop;
  std::uint64_t told = 0;
  save_text_options how;
  how.pass.stop = stop.get_token();
  how.pass.progress = [&](const npymap::pass_progress& now) {
    CHECK(now.total_bytes == 200000 * 4 * 8);
    CHECK(now.done_bytes >= told);
    told = now.done_bytes;
    if (told > 1000000) stop.request_stop();
  };
  CHECK(code_of([&] { save_text(folder / "x.txt", x, how); }) == errc::stopped);
  CHECK(told > 1000000);
  CHECK(told < 200000 * 4 * 8);
  CHECK(std::distance(std::filesystem::directory_iterator(folder.path()), {}) == 1);
  how.pass.stop = {};
  told = 0;
  save_text(folder / "x.txt", x, how);
  CHECK(told == 200000 * 4 * 8);
}

TEST_CASE("save_text: over the file that is mapped, and of a file that shrinks") {
  const temp_folder folder;
  const auto x = numbers(folder / "x.npy", {1000, 3});
  const std::string expected = text_of(any_array(x));
  save_text(folder / "x.npy", x);
  CHECK(read_file(folder / "x.npy") == expected);
  numbers(folder / "y.npy", {100000, 3});
  const any_array y = npymap::open(folder / "y.npy");
  std::filesystem::resize_file(folder / "y.npy", 1000000);
  CHECK(code_of([&] { save_text(folder / "y.txt", y); }) == errc::truncated);
  CHECK_FALSE(std::filesystem::exists(folder / "y.txt"));
}

TEST_CASE("save_text: in the budget's memory and 32 MiB, whatever the order, rows and values") {
  if (!have_memory_cgroups()) NPYMAP_SKIP("no memory cgroup");
  const temp_folder folder;
  constexpr index_t count = 12 << 20;  // 96 MiB
  constexpr std::uint64_t budget = 16 << 20;
  numbers(folder / "x.npy", {count / 8, 8});
  numbers(folder / "rows.npy", {2, count / 2});
  npymap::save(folder / "f.npy",
               any_array(numbers(folder / "t.npy", {64, count / 64})).transpose());
  const auto large = npymap::create<double>(folder / "large.npy", {count / 64});
  for (double& each : large) each = 1e300;
  const auto bounded = [&](const std::string& from, const std::string& to, const char* format) {
    const bounded_run run = within_memory(budget + (32 << 20), [&] {
      save_text(folder / to, npymap::open(folder / from),
                {.format = format, .level = 1, .pass = {.budget_bytes = budget}});
      return 0;
    });
    INFO(from << ", peak " << run.peak_bytes);
    CHECK(run.status == 0);
    const auto bytes = std::filesystem::file_size(folder / to);
    std::filesystem::remove(folder / to);
    return bytes;
  };
  CHECK(bounded("x.npy", "x.txt", "%.2e") == count * 9);
  CHECK(bounded("rows.npy", "x.txt", "%.2e") == count * 9);
  CHECK(bounded("f.npy", "x.txt", "%.2e") == count * 9);
  CHECK(bounded("x.npy", "x.txt.gz", "%.2e") < count * 9 / 2);
  CHECK(bounded("large.npy", "x.txt", "%f") == count / 64 * 309);
}
