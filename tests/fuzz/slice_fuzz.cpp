// Any text is a slice or an npymap::error; a slice of an array shows elements of that array alone,
// as many as its shape says.

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <numeric>
#include <string_view>
#include <vector>

#include <npymap/error.hpp>
#include <npymap/slice.hpp>
#include <npymap/view.hpp>

namespace {

using namespace npymap;

void require(bool holds) {
  if (!holds) std::abort();
}

constexpr int whole_size = 3 * 5 * 4;

void check_slice(const view<const int>& x, std::string_view text) {
  const view<const int> part = x.slice(text);
  const auto count = element_count(part.shape());
  require(count && *count == part.size());
  index_t seen = 0;
  for_each(
      [&](int value) {
        require(value >= 0 && value < whole_size);
        ++seen;
      },
      part);
  require(seen == part.size());
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const std::vector<int> memory = [] {
    std::vector<int> numbers(whole_size);
    std::iota(numbers.begin(), numbers.end(), 0);
    return numbers;
  }();
  const view<const int> x(memory.data(), {3, 5, 4});
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  for (const view<const int>& each :
       {x, x.transpose(), x(all, range(_, _, -2)), x(0, 0, range(0, 1)), x(range(0))}) {
    try {
      check_slice(each, text);
    } catch (const error& e) {
      require(std::string_view(e.what()).size() < 1000);
      require(e.code() == errc::invalid_argument || e.code() == errc::out_of_range);
    }
  }
  return 0;
}
