#include <limits>
#include <utility>

#include <npymap/any_array.hpp>
#include <npymap/error.hpp>

#include "array/array_access.hpp"
#include "io/new_file.hpp"

namespace npymap {
namespace {

/// Nothing where there is no such file.
io::file lock_existing(const std::string& path) {
  try {
    return io::file::open(path, open_mode::read_write, locking::advisory);
  } catch (const error& e) {
    if (e.code() == std::errc::no_such_file_or_directory) return {};
    throw;
  }
}

any_array create_as(const std::string& path, const dtype& type, const shape& extents,
                    const create_options& options, io::existing policy) try {
  // Every argument is checked before the file system is touched.
  const std::string head = header_bytes(type, extents, options.order);
  const auto data_bytes = static_cast<std::uint64_t>(*array_bytes(extents, type.itemsize()));
  const header facts{.dtype = type,
                     .shape = extents,
                     .order = options.order,
                     .version = {},
                     .data_offset_bytes = head.size()};

  const bool locks = options.locking == locking::advisory;
  const bool replaces = policy == io::existing::replace;
  io::new_file fresh(path, locks && replaces ? io::existing::replace_seen : policy);
  io::file older;  // locked until the new one has its name
  if (locks) {
    older = lock_existing(path);
    if (older.is_open() != fresh.replaces()) io::refuse_other_creator(path);
    fresh.contents().lock(open_mode::create);
  }
  const std::uint64_t file_bytes = head.size() + data_bytes;  // two signed 63-bit numbers: no wrap
  if (options.space == space::reserved) {
    fresh.contents().reserve(0, file_bytes);
  } else {
    fresh.contents().set_size(file_bytes);
  }
  fresh.contents().write_at(std::as_bytes(std::span(head)), 0);
  return detail::array_access::over(
      io::map_file(std::move(fresh), durability::none, head.size(), data_bytes), facts);
} catch (const error& e) {
  throw e.in_file(path);
}

}  // namespace

any_array create(const std::string& path, const dtype& type, const shape& extents,
                 const create_options& options) {
  return create_as(path, type, extents, options, io::existing::replace);
}

any_array create_new(const std::string& path, const dtype& type, const shape& extents,
                     const create_options& options) {
  return create_as(path, type, extents, options, io::existing::refuse);
}

}  // namespace npymap
