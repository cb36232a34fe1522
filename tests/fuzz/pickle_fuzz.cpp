// Any bytes are a pickle of arrays or an npymap::error, within bounds.

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include <npymap/pickle.hpp>

#include "fuzz/scratch_file.hpp"

namespace {

using namespace npymap;

void require(bool holds) {
  if (!holds) std::abort();
}

template <class F>
void tried(F&& f) {
  try {
    f();
  } catch (const error& e) {
    require(std::string_view(e.what()).size() < 4000 && !e.path().empty());
  }
}

void check_array(const std::string& path, const pickled_array& told) {
  const any_array x = read_pickled_array(path, told.name);
  require(x.dtype() == told.dtype && x.shape() == told.shape);
  unsigned sum = 0;  // so that a sanitizer sees each byte
  for (std::size_t i = 0; i < static_cast<std::size_t>(x.size_bytes()); ++i) {
    sum += static_cast<unsigned>(x.data()[i]);
  }
  require(sum < ~0u);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const npymap_test::scratch_file file("pickle_fuzz");
  file.write(data, size);
  const std::string& path = file.path();
  tried([&] {
    for (const pickled_array& each : pickled_arrays(path)) {
      tried([&] {
        if (each.dtype.kind() == dtype_kind::object) {
          require(read_pickled_objects(path, each.name).size() ==
                  static_cast<std::size_t>(element_count(each.shape).value_or(0)));
        } else {
          check_array(path, each);
        }
      });
    }
  });
  is_pickle(std::as_bytes(std::span(data, size)));
  return 0;
}
