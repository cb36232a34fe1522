#include "faults/operations.hpp"

#include <npymap/eigen_passes.hpp>

#include <algorithm>
#include <array>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <functional>
#include <iterator>
#include <stdexcept>
#include <string_view>
#include <utility>

#include <npymap/npymap.hpp>

#include "io/folder.hpp"
#include "npz/raw_archive.hpp"
#include "support/process.hpp"

namespace npymap_test {
namespace {

using npymap::index_t;
using npymap::open_mode;
using npymap::range;
using npymap::reading;
using npymap::source;

constexpr index_t rows = 2048, columns = 64;  // 1 MiB of double
constexpr std::uint64_t kib = 1024;

// So little that a pass has many pieces, and does not keep the file in memory.
const npymap::pass_options little{.budget_bytes = 512 * kib};

constexpr const char* parts[] = {"part0.npy", "part1.npy", "part2.npy"};
constexpr const char* inputs_of_all[] = {"x.npy",     "f.npy",     "big.npy",   "small.npy",
                                         "part0.npy", "part1.npy", "part2.npy", "square.npy",
                                         "all.npz",   "x.txt",     "x.txt.gz",  "x.pkl"};

std::string text(double value) { return std::to_string(value); }

std::string digest(const void* data, index_t n) {
  const std::string_view bytes(static_cast<const char*>(data), static_cast<std::size_t>(n));
  return std::to_string(std::hash<std::string_view>()(bytes));
}
template <class T>
std::string digest(const npymap::array<T>& dense) {
  return digest(dense.data(), dense.size_bytes());
}

source from(const workplace& place, reading how, const char* name = "x.npy") {
  return source(place / name, {.reading = how});
}
source joined(const workplace& place) {
  return npymap::concatenate({place / parts[0], place / parts[1], place / parts[2]});
}

struct removed_at_end {
  explicit removed_at_end(std::string given) : path(std::move(given)) {}
  removed_at_end(const removed_at_end&) = delete;
  removed_at_end& operator=(const removed_at_end&) = delete;
  ~removed_at_end() { std::remove(path.c_str()); }

  const std::string path;
};

std::string summary_of(const source& x) {
  const auto found = npymap::summarize<double>(x, little);
  return text(found.mean) + text(found.variance) + text(*found.min) + text(*found.max);
}
std::string sums_along(const source& x) {
  return digest(npymap::sum<double>(x, npymap::along{0}, little));
}
std::string bins_of(const source& x) {
  std::string all;
  for (const auto count : npymap::histogram<double>(x, {}, little).counts)
    all += text(double(count));
  return all;
}
std::string blocks_of(const source& x,
                      const npymap::block_options& how = {.budget_bytes = 700 * kib}) {
  double total = 0;
  for (const auto& block : npymap::blocks<double>(x, how)) {
    npymap::for_each([&](double value) { total += value; }, block);
  }
  return text(total);
}
std::string reduced(const source& x) {
  const auto count = [](const npymap::view<const double>& piece) { return double(piece.size()); };
  return text(npymap::reduce<double>(x, 0.0, count, std::plus<>(), little));
}

const std::array<index_t, 5> some_rows = {5, -1, 1000, 5, 700};

std::vector<operation> reads() {
  using o = operation;
  constexpr auto none = leaves::no_file;
  constexpr auto without = o::begins::without;
  std::vector<operation> all = {
      {"open r", none, without,
       [](const workplace& at) {
         auto x = npymap::open<double>(at / "x.npy");
         const std::string found = digest(x);
         x.close();
         return found;
       }},
      {"open c", none, without,
       [](const workplace& at) {
         auto x = npymap::open<double, open_mode::copy_on_write>(at / "x.npy");
         x(1, 1) = 77;
         return digest(x);
       }},
      {"open some rows, locked", none, without,
       [](const workplace& at) {
         return digest(npymap::open<double>(at / "x.npy", {.rows = npymap::row_range{1000, 10},
                                                           .locking = npymap::locking::advisory}));
       }},
      {"load", none, without,
       [](const workplace& at) { return digest(npymap::load(at / "x.npy").as<const double>()); }},
      {"load native", none, without,
       [](const workplace& at) { return digest(npymap::load<double>(at / "big.npy")); }},
      {"load rows", none, without,
       [](const workplace& at) {
         return digest(npymap::load<double>(at / "x.npy", {.rows = npymap::row_range{7, 9}}));
       }},
      {"convert", none, without,
       [](const workplace& at) {
         return digest(npymap::convert<double>(npymap::open(at / "small.npy")));
       }},
      {"reduce in step", none, without,
       [](const workplace& at) {
         const auto product = [](const npymap::view<const double>& a,
                                 const npymap::view<const double>& b) {
           double total = 0;
           npymap::for_each([&](double p, double q) { total += p * q; }, a, b);
           return total;
         };
         return text(npymap::reduce(
             npymap::inputs(npymap::open<double>(at / "x.npy"),
                            npymap::typed_source<double>(from(at, reading::buffered, "small.npy"))),
             0.0, product, std::plus<>(), little));
       }},
      {"blocks in step", none, without,
       [](const workplace& at) {
         double total = 0;
         for (const auto& [a, b] : npymap::blocks(
                  npymap::inputs(npymap::open<double>(at / "x.npy"),
                                 npymap::typed_source<double>(npymap::open(at / "big.npy"))),
                  {.budget_bytes = 1500 * kib})) {
           npymap::for_each([&](double p, double q) { total += p * q; }, a, b);
         }
         return text(total);
       }},
      {"tiles", none, without,
       [](const workplace& at) {
         return blocks_of(npymap::open(at / "f.npy"), {.tile = {1000, 40}, .halo = 1});
       }},
      {"gather", none, without,
       [](const workplace& at) {
         return digest(npymap::gather(npymap::open<double>(at / "x.npy"), some_rows, little));
       }},
      {"gather and convert", none, without,
       [](const workplace& at) {
         return digest(npymap::gather<double>(npymap::open(at / "big.npy"), some_rows, little));
       }},
      {"batches", none, without,
       [](const workplace& at) {
         std::string found;
         for (const auto& batch :
              npymap::batches(npymap::open<double>(at / "x.npy"),
                              {.batch_size = 500, .budget_bytes = 2048 * kib})) {
           found += digest(batch.data(), batch.size_bytes());
         }
         return found;
       }},
      {"gram", none, without,
       [](const workplace& at) {
         return text(npymap::gram(from(at, reading::buffered), little).sum());
       }},
      {"covariance", none, without,
       [](const workplace& at) {
         return text(npymap::covariance(npymap::open(at / "f.npy").slice(":, :4"), {}, little)
                         .covariance.sum());
       }},
  };
  const operation archives[] = {
      {"open a member", none, without,
       [](const workplace& at) {
         const npymap::npz_reader z(at / "all.npz", {.locking = npymap::locking::advisory});
         auto x = z.open<npymap::stored<double>>("stored");
         const std::string found = digest(x.data(), x.size_bytes());
         x.close();
         return found + npymap::descr(z.info("deflated").dtype);
       }},
      {"load members", none, without,
       [](const workplace& at) {
         const npymap::npz_reader z(at / "all.npz");
         return digest(z.load<double>("stored")) + digest(z.load<double>("deflated"));
       }},
      {"verify and read members", none, without,
       [](const workplace& at) {
         const npymap::npz_reader z(at / "all.npz");
         z.verify("stored");
         z.verify("deflated");
         return std::to_string(z.read_bytes("deflated").size());
       }},
  };
  all.insert(all.end(), std::begin(archives), std::end(archives));
  const operation others[] = {
      {"load text", none, without,
       [](const workplace& at) {
         const auto x = npymap::load_text<double>(at / "x.txt", {.pass = little});
         return digest(x.data(), x.size_bytes());
       }},
      {"load packed text", none, without,
       [](const workplace& at) {
         const auto x = npymap::load_text<float>(at / "x.txt.gz", {.pass = little});
         return digest(x.data(), x.size_bytes());
       }},
      {"pickled arrays", none, without,
       [](const workplace& at) {
         const std::string name = npymap::pickled_arrays(at / "x.pkl").front().name;
         const auto x = npymap::read_pickled_array(at / "x.pkl", name);
         return name + digest(x.data(), x.size_bytes());
       }},
  };
  all.insert(all.end(), std::begin(others), std::end(others));
  struct kind {
    const char* name;
    std::function<source(const workplace&)> make;
  };
  const kind kinds[] = {
      {"mapped", [](const workplace& at) { return from(at, reading::mapped); }},
      {"by file system", [](const workplace& at) { return from(at, reading::by_file_system); }},
      {"buffered", [](const workplace& at) { return from(at, reading::buffered); }},
      {"direct", [](const workplace& at) { return from(at, reading::direct); }},
      {"concatenated", joined},
      {"deflated",
       [](const workplace& at) {
         return npymap::npz_reader(at / "all.npz").source_of("deflated");
       }},
      {"mapped, to decode",
       [](const workplace& at) { return source(npymap::open(at / "big.npy")); }},
  };
  struct pass {
    const char* name;
    std::string (*run)(const source&);
  };
  const pass passes[] = {
      {"summarize", summary_of}, {"sum along", sums_along},
      {"histogram", bins_of},    {"blocks", [](const source& x) { return blocks_of(x); }},
      {"reduce", reduced},
  };
  static std::vector<std::string> names;
  names.reserve(std::size(kinds) * std::size(passes));  // which the table points to
  for (const pass& p : passes) {
    for (const kind& k : kinds) {
      names.push_back(std::string(p.name) + ", " + k.name);
      all.push_back({names.back().c_str(), none, without,
                     [make = k.make, run = p.run](const workplace& at) { return run(make(at)); }});
    }
  }
  return all;
}

std::vector<operation> writes() {
  using o = operation;
  constexpr auto without = o::begins::without, old = o::begins::old, input = o::begins::input;
  const auto nothing = std::string();
  const auto write_all = [](npymap::array<double> y) {
    npymap::fill(y, 3.0);
    y.flush(npymap::flush_mode::async);
    y.flush();
    y.close();
    return std::string();
  };
  return {
      {"save a view", leaves::whole, without,
       [=](const workplace& at) {
         const auto x = npymap::open<double>(at / "x.npy");
         npymap::save(at.out(), npymap::view<const double>(x));
         return nothing;
       }},
      {"save with strides", leaves::whole, old,
       [=](const workplace& at) {
         npymap::save(at.out(), npymap::open(at / "x.npy").slice("::3, ::-2"));
         return nothing;
       }},
      {"save to the disk", leaves::whole, old,
       [=](const workplace& at) {
         npymap::save(at.out(), npymap::open(at / "x.npy"),
                      {.durability = npymap::durability::full});
         return nothing;
       }},
      {"save over what is mapped", leaves::whole, input,
       [=](const workplace& at) {
         npymap::save(at.out(), npymap::open<double>(at.out()).flip());
         return nothing;
       }},
      {"save text", leaves::whole, old,
       [=](const workplace& at) {
         npymap::save_text(at.out(), npymap::open(at / "x.npy"),
                           {.header = "numbers",
                            .durability = npymap::durability::full,
                            .pass = {.budget_bytes = 64 * kib}});
         return nothing;
       }},
      {"text to npy", leaves::whole, old,
       [=](const workplace& at) {
         npymap::text_to_npy(at / "x.txt", at.out(), {.pass = little},
                             {.durability = npymap::durability::full});
         return nothing;
       }},
      {"extract a member", leaves::whole, old,
       [=](const workplace& at) {
         npymap::npz_reader(at / "all.npz").extract("deflated", at.out());
         return nothing;
       }},
      {"write into a folder", leaves::whole, old,
       [=](const workplace& at) {
         const std::string made = at.folder() + "/made";
         const removed_at_end folder(made), below(made + "/below"), x(made + "/below/x.npy");
         const auto to = npymap::io::folder::open_or_make(made);
         to.make("below");
         const auto fill = [&](const std::string& path) {
           npymap::save(path, npymap::open(at / "x.npy"));
         };
         to.write("below/x.npy", false, fill);
         to.write("below/x.npy", true, fill);
         npymap::save(at.out(), npymap::open(made + "/below/x.npy"));
         return nothing;
       }},
      {"write an archive", leaves::whole, old,
       [=](const workplace& at) {
         npymap::npz_writer to(at.out(), {.durability = npymap::durability::full});
         const auto x = npymap::open<double>(at / "x.npy");
         to.add("x", x);
         to.add("t", x.transpose(), {.level = 1});
         to.add("blocks", npymap::blocks(x, {.budget_bytes = 64 * kib}), {.level = 2});
         to.commit();
         return nothing;
       }},
      {"index an archive", leaves::whole, without,
       [=](const workplace& at) {
         const removed_at_end index(at / "all.npz.index");
         npymap::build_npz_index(at / "all.npz", {.spacing_bytes = 64 * kib});
         const npymap::npz_reader z(at / "all.npz");
         return digest(z.load("deflated", {1000, 10}).as<const double>());
       }},
      {"save_as", leaves::whole, old,
       [=](const workplace& at) {
         npymap::save_as(at.out(), npymap::open(at / "x.npy"),
                         {.order = npymap::order::fortran, .dtype = npymap::dtype_of<float>()},
                         little);
         return nothing;
       }},
      {"save_as to the disk", leaves::whole, without,
       [=](const workplace& at) {
         npymap::save_as(
             at.out(), npymap::open(at / "big.npy").slice(":300"),
             {.dtype = npymap::dtype_of<double>(), .durability = npymap::durability::full}, little);
         return nothing;
       }},
      {"create", leaves::in_part, old,
       [=](const workplace& at) {
         return write_all(npymap::create<double>(at.out(), {rows, columns}));
       }},
      {"create sparse", leaves::in_part, old,
       [=](const workplace& at) {
         return write_all(npymap::create<double>(
             at.out(), {rows, columns},
             {.space = npymap::space::sparse, .locking = npymap::locking::advisory}));
       }},
      {"create_new", leaves::in_part, without,
       [=](const workplace& at) {
         return write_all(npymap::create_new<double>(at.out(), {rows, columns}));
       }},
      {"open r+", leaves::in_part, input,
       [=](const workplace& at) {
         return write_all(npymap::open<double, open_mode::read_write>(at.out()));
       }},
      {"copy", leaves::in_part, old,
       [=](const workplace& at) {
         npymap::copy(npymap::open(at / "x.npy"), npymap::open(at.out(), open_mode::read_write),
                      npymap::casting::same_kind, little);
         return nothing;
       }},
      {"copy across", leaves::in_part, old,
       [=](const workplace& at) {
         npymap::copy(npymap::open(at / "f.npy").slice(":20, :50"),
                      npymap::open(at.out(), open_mode::read_write).slice("3:23, 14:"),
                      npymap::casting::same_kind, {.budget_bytes = 64 * kib});
         return nothing;
       }},
      {"copy and convert", leaves::in_part, old,
       [=](const workplace& at) {
         npymap::copy(npymap::open(at / "small.npy"), npymap::open(at.out(), open_mode::read_write),
                      npymap::casting::same_kind, little);
         return nothing;
       }},
      {"transform to a new file", leaves::in_part, old,
       [=](const workplace& at) {
         const auto y = npymap::create<double>(at.out(), {rows, columns});
         npymap::transform(
             npymap::open<double>(at / "x.npy"), y,
             [](const npymap::view<const double>& a, const npymap::view<double>& b) {
               npymap::for_each([](double p, double& q) { q = 2 * p; }, a, b);
             },
             little);
         return nothing;
       }},
      {"transform files", leaves::in_part, old,
       [=](const workplace& at) {
         npymap::transform(
             npymap::inputs(npymap::typed_source<double>(joined(at)),
                            npymap::typed_source<double>(from(at, reading::direct))),
             npymap::outputs(npymap::open<double, open_mode::read_write>(at.out())),
             [](const npymap::view<const double>& a, const npymap::view<const double>& b,
                const npymap::view<double>& c) {
               npymap::for_each([](double p, double q, double& r) { r = p + q; }, a, b, c);
             },
             little);
         return nothing;
       }},
      {"multiply", leaves::in_part, old,
       [=](const workplace& at) {
         const auto some = [](const auto& all_rows) { return all_rows.slice(":20"); };
         npymap::multiply(some(npymap::open<double>(at / "x.npy")),
                          from(at, reading::buffered, "square.npy"),
                          some(npymap::open<double, open_mode::read_write>(at.out())), little);
         return nothing;
       }},
      {"recover", leaves::in_part, o::begins::cut,
       [=](const workplace& at) {
         npymap::recover(at.out());
         return nothing;
       }},
  };
}

// A file as its elements in words; what does not divide counts for itself.
bool is_mix(std::string_view bytes, std::string_view before, std::string_view after) {
  constexpr std::size_t word = 8, header = 128;
  if (bytes.size() != before.size() && bytes.size() != after.size()) return false;
  const auto agrees = [&](std::string_view with, std::size_t at, std::size_t n) {
    return with.size() >= at + n && bytes.compare(at, n, with, at, n) == 0;
  };
  if (!agrees(before, 0, header) && !agrees(after, 0, header)) return false;
  for (std::size_t at = header; at < bytes.size(); at += word) {
    const std::size_t n = std::min(word, bytes.size() - at);
    const bool is_zero = bytes.substr(at, n).find_first_not_of('\0') == std::string_view::npos;
    if (!is_zero && !agrees(before, at, n) && !agrees(after, at, n)) return false;
  }
  return true;
}

// {'x': array of float64, rows by columns}, as pickle.dump of protocol 3 has it.
std::string pickle_of(std::string_view elements) {
  const auto little_endian = [](std::uint64_t value, int bytes) {
    std::string text;
    for (int n = 0; n < bytes; ++n) text += static_cast<char>(value >> (8 * n));
    return text;
  };
  const auto text = [&](std::string_view x) {
    return "X" + little_endian(x.size(), 4) + std::string(x);
  };
  const std::string zero(1, '\0');
  const std::string dtype = "cnumpy\ndtype\n" + text("f8") + "\x89\x88\x87R(K\x03" + text("<") +
                            "NNNJ\xff\xff\xff\xffJ\xff\xff\xff\xffK" + zero + "tb";
  return "\x80\x03}" + text("x") + "cnumpy.core.multiarray\n_reconstruct\ncnumpy\nndarray\nK" +
         zero + "\x85" + "C\x01" + "b\x87R(K\x01M" + little_endian(rows, 2) + "M" +
         little_endian(columns, 2) + "\x86" + dtype + "\x89" + "B" +
         little_endian(elements.size(), 4) + std::string(elements) + "tbs.";
}

}  // namespace

void workplace::make_inputs() const {
  const auto whole = npymap::create<double>(*this / "x.npy", {rows, columns});
  for (index_t i = 0; i < whole.size(); ++i) whole.data()[i] = double(i * 37 % 1009);
  npymap::save_as(*this / "f.npy", whole, {.order = npymap::order::fortran});
  npymap::save_as(*this / "big.npy", whole,
                  {.dtype = npymap::dtype_of<double>().with_byte_order(npymap::byte_order::big)});
  npymap::save_as(*this / "small.npy", whole, {.dtype = npymap::dtype_of<float>()});
  npymap::save(*this / "square.npy", whole(range(0, columns), npymap::all));
  for (index_t n = 0; n < 3; ++n) {
    npymap::save(*this / parts[n],
                 whole(range(n * 700, std::min((n + 1) * 700, rows)), npymap::all));
  }
  const std::string npy = read_file(*this / "x.npy");
  raw_archive archive{
      .members = {stored_member("stored.npy", npy), deflated_member("deflated.npy", npy)}};
  write_file(*this / "all.npz", archive.bytes());
  write_file(*this / "x.pkl", pickle_of(std::string_view(npy).substr(128)));
  const auto some = whole(range(0, 400), npymap::all);
  npymap::save_text(*this / "x.txt", some, {.format = "%r"});
  npymap::save_text(*this / "x.txt.gz", some, {.format = "%.3f"});
}

// In a child, so that this process may fork others and have no threads of oneTBB yet.
workplace::workplace() {
  if (in_child([this] { return make_inputs(), 0; }) != 0) throw std::runtime_error("no inputs");
}

void workplace::put_out(const std::string& bytes) const {
  if (bytes.empty()) {
    std::filesystem::remove(out());
  } else {
    write_file(out(), bytes);
  }
}

std::string workplace::out_bytes() const {
  std::ifstream in(out(), std::ios::binary);
  if (!in) return {};
  std::string bytes(std::filesystem::file_size(out()), '\0');
  in.read(bytes.data(), static_cast<std::streamsize>(bytes.size()));
  return bytes;
}

std::vector<std::string> workplace::left_over() const {
  std::vector<std::string> found;
  for (const auto& entry : std::filesystem::directory_iterator(folder_.path())) {
    const std::string name = entry.path().filename();
    const auto* const end = std::end(inputs_of_all);
    if (name != "out.npy" && std::find(std::begin(inputs_of_all), end, name) == end) {
      found.push_back(name);
    }
  }
  return found;
}

int workplace::maps() const {
  std::ifstream all("/proc/self/maps");
  int found = 0;
  for (std::string line; std::getline(all, line);) found += line.find(folder()) != line.npos;
  return found;
}

const std::vector<operation>& operations() {
  static const std::vector<operation> all = [] {
    std::vector<operation> every = reads();
    for (operation& each : writes()) every.push_back(std::move(each));
    return every;
  }();
  return all;
}

std::string bytes_before(const operation& each, const workplace& place) {
  using begins = operation::begins;
  if (each.with == begins::without) return {};
  std::string bytes = read_file(place / "x.npy");
  if (each.with == begins::old) {
    const double old = -1;
    for (std::size_t at = 128; at < bytes.size(); at += sizeof old) {
      std::memcpy(&bytes[at], &old, sizeof old);
    }
  }
  // As an append leaves it that was killed: rows that no header tells of, the last one not whole.
  if (each.with == begins::cut) bytes.append(3 * columns * sizeof(double) + 5, '\x01');
  return bytes;
}

bool may_be_left(const operation& each, const std::string& bytes, const std::string& before,
                 const std::string& after) {
  if (bytes == before || bytes == after) return true;
  return each.left == leaves::in_part && is_mix(bytes, before, after);
}

}  // namespace npymap_test
