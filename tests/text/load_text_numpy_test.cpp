// Random texts and options, held against numpy.loadtxt: the same elements, or both refuse.

#include <cmath>
#include <cstdint>
#include <cstring>
#include <filesystem>
#include <optional>
#include <random>
#include <string>
#include <vector>

#include <fmt/format.h>

#include <npymap/npymap.hpp>

#include "support/catch.hpp"
#include "support/python.hpp"
#include "support/skip.hpp"
#include "support/temp_folder.hpp"

using namespace npymap_test;
using namespace npymap;

namespace {

using words = std::vector<std::string>;

/// Made of a seed: a text, and the same options for both.
class random_case {
 public:
  random_case(std::uint64_t seed, std::string path) : random_(seed), path_(std::move(path)) {
    choose_dtype();
    choose_marks();
    choose_rows();
    write_file(path_, text());
  }

  const std::string& path() const { return path_; }
  const load_text_options& options() const { return options_; }
  const std::string& arguments() const { return arguments_; }

 private:
  std::uint64_t below(std::uint64_t n) { return random_() % n; }
  bool once_in(std::uint64_t n) { return below(n) == 0; }
  const std::string& one_of(const words& list) { return list[below(list.size())]; }

  void argue(const std::string& name, const std::string& value) {
    arguments_ += fmt::format("{}={}, ", name, value);
  }

  void choose_dtype() {
    static const words descrs = {"'<f8'",
                                 "'<f8'",
                                 "'<f8'",
                                 "'<f4'",
                                 "'>f8'",
                                 "'<f2'",
                                 "'<i8'",
                                 "'<i4'",
                                 "'|i1'",
                                 "'>u2'",
                                 "'<u8'",
                                 "'|u1'",
                                 "'|b1'",
                                 "'<c16'",
                                 "'<c8'",
                                 "'>c8'",
                                 "'|S3'",
                                 "'<U2'",
                                 "'|S0'",
                                 "'<U0'",
                                 "'>U3'",
                                 "'<M8[s]'",
                                 "'<M8[M]'",
                                 "'<m8[s]'",
                                 "[('a', '<f8'), ('b', '<i4')]",
                                 "[('a', '<f4', (2,)), ('b', '|S3')]",
                                 "[('a', [('x', '<i2'), ('y', '>f8')], (2,))]"};
    descr_ = one_of(descrs);
    options_.dtype = parse_descr(descr_);
    argue("dtype", descr_);
  }

  void choose_marks() {
    options_.delimiter = one_of({"", "", ",", ";", "\t", " ", "é"});
    if (!options_.delimiter.empty()) argue("delimiter", quoted_for_python(options_.delimiter));
    options_.encoding = once_in(4) ? text_encoding::latin1 : text_encoding::utf8;
    argue("encoding", options_.encoding == text_encoding::latin1 ? "'latin1'" : "'utf-8'");
    const auto comments = below(5);
    if (comments == 0) {
      options_.comments = {};
      argue("comments", "None");
    } else if (comments == 1) {
      options_.comments = {"%", "//"};
      argue("comments", "['%', '//']");
    }
    if (comments != 1 && once_in(2)) {
      options_.quote = "\"";
      argue("quotechar", "'\"'");
    }
  }

  void choose_rows() {
    if (once_in(3)) argue("skiprows", std::to_string(options_.skip_rows = index_t(below(4))));
    // Of text whose length is to be found, NumPy fails to put no parts together.
    const index_t least = options_.dtype.itemsize() == 0 ? 1 : 0;
    if (once_in(4)) {
      options_.max_rows = least + index_t(below(6));
      argue("max_rows", std::to_string(*options_.max_rows));
    }
    argue("ndmin", std::to_string(options_.ndmin = int(below(3))));
    columns_ = options_.dtype.is_record() ? 2 : 1 + below(4);
    if (descr_.find("(2,)") != std::string::npos) columns_ = descr_[8] == '\'' ? 3 : 4;
    if (once_in(4)) {
      const std::size_t n = options_.dtype.is_record() ? columns_ : below(4);
      options_.use_columns.emplace();
      std::string list;
      for (std::size_t i = 0; i < n; ++i) {
        options_.use_columns->push_back(index_t(below(2 * columns_)) - index_t(columns_));
        list += fmt::format("{}, ", options_.use_columns->back());
      }
      argue("usecols", "[" + list + "]");
    }
  }

  static std::string quoted_for_python(const std::string& text) {
    return text == "\t" ? "'\\t'" : "'" + text + "'";
  }

  std::string number() {
    switch (below(8)) {
      case 0:
        return fmt::format("{}", below(200));
      case 1:
        return fmt::format("{:.18e}", std::ldexp(double(random_() >> 11), int(below(200)) - 100));
      case 2:
        return fmt::format("{:.6g}", double(below(1000000)) / 1000 - 500);
      case 3:
        return one_of({"nan", "-inf", "INFINITY", "+Inf", "-NaN", "1e400", "-1e-400", "5e-324"});
      case 4:
        return fmt::format("+{}.", below(1000));
      case 5:
        return fmt::format("-.{}E+{}", below(1000), below(30));
      default:
        return fmt::format("{}", double(below(1000)) / 8);
    }
  }

  std::string complex() {
    switch (below(6)) {
      case 0:
        return number();
      case 1:
        return number() + "j";
      case 2:
        return fmt::format("({}+{}j)", number(), number());
      case 3:
        return fmt::format("{}-{}j", number(), below(100));
      case 4:
        return fmt::format("( {}+-{}j )", below(9), below(9));
      default:
        return one_of({"(1)", "(1j)", "1+2j", " 3-4j", "+1-1j"});
    }
  }

  std::string fitting(char kind) {
    if (kind == 'f') return number();
    if (kind == 'c') return complex();
    if (kind == 'i' || kind == 'u' || kind == 'b') {
      return (kind != 'u' && once_in(4) ? "-"
              : once_in(6)              ? "+"
                                        : "") +
             fmt::format("{}", below(once_in(8) ? 70000 : 128));
    }
    if (kind == 'm') return once_in(5) ? "NaT" : fmt::format("{}", below(1000));
    if (kind == 'M') {
      return one_of({"NaT", "2020", "1969-12", "2024-02-29", "1999-12-31T23:59:59", "-0044-03-15"});
    }
    return one_of({"a", "bc", "def", "long", "x y", "é", "ü1", "\"q\"", "", "\"a \"\"b\"", "12"});
  }

  char kind() const { return descr_[0] == '[' ? 'i' : descr_[2]; }
  // NumPy stumbles over white space around them, wraps what is too large, and takes short years.
  bool is_time() const { return kind() == 'm' || kind() == 'M'; }

  std::string field() {
    if (once_in(60) && !is_time()) {
      return one_of({"",
                     "x",
                     "1.5",
                     "1e5",
                     "-1",
                     "1 2",
                     "日",
                     "\xc2\xa0"
                     "1",
                     "300",
                     "\"2\"",
                     "\"1\"\"",
                     "\"3\"4",
                     "1,2",
                     "e",
                     "+",
                     "1e",
                     "--1",
                     "1-2",
                     "(1",
                     "1 \x1c",
                     "9223372036854775808",
                     "#",
                     "%",
                     "//",
                     "1\v",
                     options_.encoding == text_encoding::latin1 ? "\x85" : "\u2003"});
    }
    const char kind = this->kind();
    std::string made = fitting(kind);
    if (!options_.delimiter.empty() && options_.delimiter != " " && !is_time()) {
      if (once_in(10)) made = one_of({" ", "  ", "\t"}) + made;
      if (once_in(10)) made += one_of({" ", "  "});
    }
    return made;
  }

  std::string end_of_line() {
    return ends_ == 0   ? "\n"
           : ends_ == 1 ? "\r\n"
           : ends_ == 2 ? "\r"
                        : one_of({"\n", "\r", "\r\n"});
  }

  std::string text() {
    ends_ = once_in(2) ? 0 : below(4);
    std::string made;
    const std::string comment = options_.comments.empty() ? "#" : one_of(options_.comments);
    for (auto rows = below(7); rows > 0; --rows) {
      if (once_in(6)) made += one_of({"", comment + " c", " ", comment}) + end_of_line();
      if (!is_time() && once_in(8)) made += " ";
      std::size_t n = columns_;
      if (once_in(40)) n += below(2) * 2 - 1;
      for (std::size_t i = 0; i < n; ++i) {
        if (i > 0)
          made += options_.delimiter.empty() ? one_of({" ", "\t", "  "}) : options_.delimiter;
        made += field();
      }
      const bool confuses = options_.delimiter.empty() && !options_.quote.empty();
      if (!is_time() && once_in(8)) made += one_of({" ", "\t"});
      while (confuses && (made.ends_with(' ') || made.ends_with('\t'))) made.pop_back();
      if (once_in(8)) made += comment + "end";
      if (rows > 1 || !once_in(3)) made += end_of_line();
    }
    return options_.encoding == text_encoding::utf8 ? made : to_latin1(made);
  }

  // What it lacks stays UTF-8: some other characters.
  static std::string to_latin1(const std::string& utf8) {
    std::string out;
    for (std::size_t i = 0; i < utf8.size(); ++i) {
      const auto c = static_cast<unsigned char>(utf8[i]);
      if ((c == 0xc2 || c == 0xc3) && i + 1 < utf8.size()) {
        out += static_cast<char>((c & 3) << 6 | (static_cast<unsigned char>(utf8[++i]) & 0x3f));
      } else {
        out += utf8[i];
      }
    }
    return out;
  }

  std::mt19937_64 random_;
  std::string path_;
  std::string descr_;
  load_text_options options_;
  std::string arguments_;
  std::size_t columns_ = 1;
  std::uint64_t ends_ = 0;
};

std::string bytes_of(const any_array& x) {
  return {reinterpret_cast<const char*>(x.data()), static_cast<std::size_t>(x.size_bytes())};
}

// NumPy takes a text whose last quote is not closed. Of rows that begin with a quote it refuses
// white space at their end, which elsewhere means nothing.
bool is_on_purpose(const std::string& message, const load_text_options& options) {
  if (message.empty()) {
    const bool is_half = descr(options.dtype) == "'<f2'";
    return is_half || (options.delimiter.empty() && !options.quote.empty());
  }
  return message.find("a closing quote") != std::string::npos;
}

void compare(const random_case& each, int& accepted) {
  INFO(each.arguments());
  INFO(quoted(read_file(each.path())));
  std::optional<any_array> found;
  std::string message;
  try {
    found = load_text(each.path(), each.options());
  } catch (const error& e) {
    message = e.what();
  }
  INFO(message);
  const std::string theirs = each.path() + ".npy";
  if (found.has_value() != std::filesystem::exists(theirs)) {
    if (is_on_purpose(message, each.options())) return;
    FAIL_CHECK((found ? "NumPy refuses" : "NumPy accepts"));
    return;
  }
  if (!found) return;
  ++accepted;
  const any_array expected = load(theirs);
  CHECK(found->shape() == expected.shape());
  CHECK(descr(found->dtype()) == descr(expected.dtype()));
  if (bytes_of(*found) != bytes_of(expected)) FAIL_CHECK("other elements");
  // And in small parts, to a file: the same bytes as NumPy's.
  load_text_options options = each.options();
  options.pass.budget_bytes = 1;
  const std::string ours = each.path() + ".ours";
  text_to_npy(each.path(), ours, options);
  if (read_file(ours) != read_file(theirs)) FAIL_CHECK("another file");
}

}  // namespace

TEST_CASE("text: random texts are what numpy.loadtxt takes them for", "[text]") {
  if (!have_numpy()) NPYMAP_SKIP("needs NumPy");
  const temp_folder folder;
  const std::uint64_t seed = random_seed();
  std::vector<random_case> cases;
  std::string script = R"(
import warnings
warnings.simplefilter('ignore')
warnings.simplefilter('error', DeprecationWarning)
def load(n, **how):
    path = os.path.join(sys.argv[1], str(n))
    try: x = np.loadtxt(path, **how)
    except (ValueError, TypeError, UnicodeError, DeprecationWarning, OverflowError): return
    np.save(path + '.npy', x)
)";
  constexpr int count = 4000;
  for (int n = 0; n < count; ++n) {
    cases.emplace_back(seed + std::uint64_t(n), folder / std::to_string(n));
    script += fmt::format("load({}, {})\n", n, cases.back().arguments());
  }
  python(script, {folder.path().string()});
  int accepted = 0;
  for (const random_case& each : cases) compare(each, accepted);
  CHECK(accepted > count / 3);
}

TEST_CASE("text: what numpy.savetxt writes comes back", "[text]") {
  if (!have_numpy()) NPYMAP_SKIP("needs NumPy");
  const temp_folder folder;
  python(R"(
r = np.random.default_rng(int(sys.argv[2]))
x = np.frombuffer(r.bytes(8 * 30000), 'f8').reshape(-1, 5)
c = (r.standard_normal(999) + 1j * r.standard_normal(999)).reshape(333, 3)
i = r.integers(-2**63, 2**63 - 1, (4000, 3))
g = r.standard_normal((2000, 4))
for name, a, how in [('x', x, {}), ('c', c, {}), ('i', i, dict(fmt='%d', delimiter=',')),
                     ('g', g, dict(fmt='%.6g', header='some words', footer='more'))]:
    np.savetxt(os.path.join(sys.argv[1], name + '.txt'), a, **how)
    np.savetxt(os.path.join(sys.argv[1], name + '.txt.gz'), a, **how)
    np.save(os.path.join(sys.argv[1], name + '.npy'), a if name != 'g' else np.loadtxt(os.path.join(sys.argv[1], 'g.txt')))
)",
         {folder.path().string(), std::to_string(random_seed())});
  for (const std::string name : {"x", "c", "i", "g"}) {
    INFO(name);
    const any_array expected = load(folder / (name + ".npy"));
    load_text_options options{.dtype = expected.dtype()};
    if (name == "i") options.delimiter = ",";
    for (const char* suffix : {".txt", ".txt.gz"}) {
      text_to_npy(folder / (name + suffix), folder / "ours.npy", options);
      const any_array found = load(folder / "ours.npy");
      CHECK(found.shape() == expected.shape());
      // A NaN keeps its sign in text, and loses its payload.
      if (name != "x") {
        CHECK(bytes_of(found) == bytes_of(expected));
      } else {
        const auto a = found.as<double>(), b = expected.as<double>();
        bool same = true;
        for (index_t n = 0; n < a.size(); ++n) {
          const double u = a.data()[n], v = b.data()[n];
          same = same && (u == v ? std::signbit(u) == std::signbit(v) : u != u && v != v);
        }
        CHECK(same);
      }
    }
  }
}
