// Any bytes in a file are an array or an npymap::error, whoever reads them: maps, memory, passes.
// What `recover` makes of them is a file of at least as many rows, to which can be appended.

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>
#include <vector>

#include <npymap/npymap.hpp>

#include "fuzz/scratch_file.hpp"

namespace {

using namespace npymap;

void require(bool holds) {
  if (!holds) std::abort();
}

// What a person waits for, of arrays whose items have no bytes.
constexpr index_t most_elements = 100'000;

const npymap_test::scratch_file& file() {
  static const npymap_test::scratch_file only("file_fuzz");
  return only;
}

const std::string& path() { return file().path(); }

template <class F>
void tried(F&& f) {
  try {
    f();
  } catch (const error& e) {
    require(std::string_view(e.what()).size() < 2000);
  }
}

void check_bytes(const any_array& x) {
  const any_array again = load(path());
  require(again.dtype() == x.dtype() && again.shape() == x.shape());
  unsigned sum = 0;  // so that a sanitizer sees each byte
  for (std::size_t i = 0; i < static_cast<std::size_t>(x.size_bytes()); ++i) {
    sum += static_cast<unsigned>(x.data()[i]) ^ static_cast<unsigned>(again.data()[i]);
  }
  require(sum == 0);
}

// Twice over, and both ways agree: through the map, and read from the file.
void check_passes(const source& mapped) {
  const source read(path(), {.reading = reading::buffered});
  const auto a = summarize<double>(mapped);
  const auto b = summarize<double>(read);
  require(a.count == mapped.size() && a.nan_count == b.nan_count && a.min == b.min);
  index_t seen = 0;
  for (const auto& block : blocks<double>(mapped, {.budget_bytes = 1 << 20})) seen += block.size();
  require(seen == mapped.size());
}

void check_array() {
  const any_array x = open(path(), open_mode::copy_on_write);
  require(element_count(x.shape()) == x.size());
  if (x.size() > most_elements) return;
  check_bytes(x);
  tried([&] { x.visit([&](const auto& numbers) { require(numbers.size() == x.size()); }); });
  tried([&] { convert<double>(x, casting::unsafe); });
  tried([&] { check_passes(x); });
  tried([&] {
    for (const auto text : as_strings<char>(x)) require(text.size() <= std::size_t(x.itemsize()));
  });
  tried([&] {
    for (const auto text : as_strings<char32_t>(x)) to_utf8(text);
  });
  if (x.size() > 0) tried([&] { text_at(x, index_vector(x.rank())); });
  for (const auto& field : x.fields()) {
    tried([&] { convert<std::int64_t>(x.field(field.name), casting::unsafe); });
  }
  if (x.rank() > 0) tried([&] { open(path(), open_mode::read, {.rows = row_range{0, 1}}); });
}

void check_recovered() {
  const recovery done = recover(path());
  require(done.rows >= 0);
  const any_array x = open(path());
  if (x.size() > most_elements || x.size_bytes() == 0) return;
  appender to(path());
  const bool is_either = detail::is_c_contiguous(x.layout()) && detail::is_f_contiguous(x.layout());
  require(to.rows() == done.rows || is_either);  // of which nobody knows the order
  shape row = x.shape();
  row[to.axis()] = 1;
  std::vector<slice_item> first(static_cast<std::size_t>(to.axis()), all);
  first.push_back(range(0, 1));
  first.emplace_back(ellipsis);
  to.append(x.slice(first));
  to.close();
  require(open(path()).size() / x.size() <= 2);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  file().write(data, size);
  tried(check_array);
  tried(check_recovered);
  return 0;
}
