// Any bytes are an archive, whose members lie apart and within the file, or an npymap::error.

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string_view>
#include <utility>
#include <vector>

#include <npymap/error.hpp>

#include "fuzz/scratch_file.hpp"
#include "io/file.hpp"
#include "npz/zip_directory.hpp"

namespace {

using namespace npymap;

void require(bool holds) {
  if (!holds) std::abort();
}

void check_directory(const io::file& archive) {
  const zip::zip_directory found = zip::read_directory(archive);
  require(found.front_bytes <= found.offset_bytes);
  require(found.offset_bytes + found.size_bytes <= archive.size_bytes());
  require(found.entries.size() <= found.size_bytes / 46);
  std::vector<std::pair<std::uint64_t, std::uint64_t>> ranges;
  for (const zip::zip_entry& entry : found.entries) {
    require(entry.name.find('\0') == std::string::npos);
    try {
      const zip::zip_place place = zip::find_data(archive, entry);
      const std::uint64_t end = place.data_offset_bytes + entry.compressed_bytes;
      require(end <= entry.end_offset_bytes && end <= found.offset_bytes);
      ranges.emplace_back(entry.header_offset_bytes, end);
    } catch (const error& e) {
      require(!e.path().empty() && e.member() == entry.name);
    }
  }
  std::sort(ranges.begin(), ranges.end());
  for (std::size_t i = 1; i < ranges.size(); ++i) {
    require(ranges[i - 1].second <= ranges[i].first);
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const npymap_test::scratch_file file("zip_directory_fuzz");
  file.write(data, size);
  try {
    check_directory(io::file::open(file.path(), open_mode::read));
  } catch (const error& e) {
    require(std::string_view(e.what()).size() < 2000 && e.path() == file.path());
  }
  return 0;
}
