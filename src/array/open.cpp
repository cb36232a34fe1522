#include <npymap/any_array.hpp>
#include <npymap/error.hpp>

#include "array/array_access.hpp"
#include "array/npy_file.hpp"
#include "io/file.hpp"

namespace npymap {

any_array open(const std::string& path, open_mode mode, const open_options& options) {
  if (mode == open_mode::create) {
    throw error(errc::invalid_argument, {.path = path,
                                         .subject = "mode",
                                         .expected = "r, r+ or c for an existing file",
                                         .found = "w+ (create makes files)"});
  }
  io::file opened = io::file::open(path, mode, options.locking);
  opened.watch(options.check);
  const detail::npy_elements found = detail::find_elements(opened, options);
  return detail::array_access::over(
      io::map_file(std::move(opened), mode, found.offset_bytes, found.size_bytes), found.facts);
}

}  // namespace npymap
