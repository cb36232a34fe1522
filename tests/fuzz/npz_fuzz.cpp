// Any bytes are an archive of members or an npymap::error, and all ways to read a member agree.

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <string>
#include <string_view>
#include <vector>

#include <npymap/npymap.hpp>

#include "fuzz/scratch_file.hpp"

namespace {

using namespace npymap;

constexpr std::uint64_t most_bytes = 1 << 20;

void require(bool holds) {
  if (!holds) std::abort();
}

template <class F>
bool tried(F&& f) {
  try {
    f();
    return true;
  } catch (const error& e) {
    require(std::string_view(e.what()).size() < 2000 && !e.path().empty());
    return false;
  }
}

bool is_same(const std::byte* a, const std::byte* b, std::size_t n) {
  return n == 0 || std::memcmp(a, b, n) == 0;
}

void check_array(const npz_reader& z, const npz_member& m, const std::vector<std::byte>& bytes) {
  const any_array x = z.load(m);
  const header facts = z.info(m);
  require(facts.dtype == x.dtype() && facts.shape == x.shape());
  const auto n = static_cast<std::size_t>(x.size_bytes());
  require(facts.data_offset_bytes + n <= bytes.size());
  require(is_same(bytes.data() + facts.data_offset_bytes, x.data(), n));
  if (m.method == npz_method::stored) require(is_same(z.open(m).data(), x.data(), n));
  if (x.size() > index_t{1} << 16) return;
  const source streamed = z.source_of(m);
  tried([&] {
    index_t seen = 0;
    for (const auto& block : blocks<double>(streamed, {.budget_bytes = 1 << 20})) {
      seen += block.size();
    }
    require(seen == x.size());
  });
}

void check_member(const npz_reader& z, const npz_member& m, const std::string& to) {
  std::vector<std::byte> bytes;
  const bool is_read = tried([&] { bytes = z.read_bytes(m); });
  require(!is_read || bytes.size() == m.uncompressed_bytes);
  require(tried([&] { z.extract(m, to); }) == is_read);
  require(is_read || !tried([&] { z.verify(m); }));
  require(is_read || !tried([&] { z.load(m); }));
  if (is_read) tried([&] { check_array(z, m, bytes); });
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const npymap_test::scratch_file file("npz_fuzz"), extracted("npz_fuzz_extracted");
  file.write(data, size);
  tried([&] {
    const npz_reader z(file.path(), {.expansion_limit_bytes = most_bytes});
    for (const npz_member& m : z.members()) {
      require(z.contains(m.name) && z.contains(m.file_name));
      check_member(z, m, extracted.path());
    }
  });
  return 0;
}
