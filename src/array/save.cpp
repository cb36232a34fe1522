#include <cstdint>
#include <span>
#include <utility>

#include <npymap/any_array.hpp>
#include <npymap/array.hpp>
#include <npymap/error.hpp>
#include <npymap/guard.hpp>

#include "array/dense_bytes.hpp"
#include "array/write_mapped.hpp"
#include "io/dense_writes.hpp"
#include "io/new_file.hpp"

namespace npymap::detail {
namespace {

void write_elements(io::file& to, const std::string& head, const dtype& type,
                    const std::byte* elements, const layout_ref& where, const file_map& map) {
  to.write_at(std::as_bytes(std::span(head)), 0);
  const std::uint64_t offset = head.size();
  if (is_c_contiguous(where) || is_f_contiguous(where)) {
    const auto bytes = static_cast<std::size_t>(*array_bytes(where.shape, where.itemsize));
    return write_mapped(to, {elements, bytes}, offset, map);
  }
  io::dense_writes writes(to, offset);
  for_dense_bytes(type, elements, where, type,
                  [&](std::span<const std::byte> bytes) { writes.append(bytes); });
  writes.finish();
}

}  // namespace

void save_elements(const std::string& path, const dtype& type, const void* data,
                   const layout_ref& where, const save_options& options, const file_map& map) try {
  const bool is_fortran = is_f_contiguous(where) && !is_c_contiguous(where);
  const std::string head = header_bytes(type, where.shape, is_fortran ? order::fortran : order::c);

  io::new_file fresh(path, io::existing::replace);
  // What is missing of the map is told before the file has its name.
  guarded(map, [&] {
    write_elements(fresh.contents(), head, type, static_cast<const std::byte*>(data), where, map);
  });
  std::move(fresh).commit(options.durability).close();
} catch (const error& e) {
  throw e.in_file(path);
}

}  // namespace npymap::detail

namespace npymap {

void save(const std::string& path, const any_array& elements, const save_options& options) {
  detail::save_elements(path, elements.dtype(), elements.data(), elements.layout(), options,
                        elements.map());
}

}  // namespace npymap
