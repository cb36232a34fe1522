#include <npymap/copy.hpp>

#include <cstdint>
#include <span>
#include <string>
#include <utility>

#include <npymap/array.hpp>
#include <npymap/error.hpp>
#include <npymap/guard.hpp>
#include <npymap/header.hpp>

#include "array/convert/require_cast.hpp"
#include "io/file.hpp"
#include "io/new_file.hpp"
#include "stream/copy/overlap.hpp"
#include "stream/copy/tiled_copy.hpp"

namespace npymap {
namespace {

std::uint64_t mapped_bytes(const any_array& x) {
  if (!x.is_mapped()) return 0;
  const detail::byte_reach reached = detail::reach(x.layout()).value_or(detail::byte_reach{});
  return static_cast<std::uint64_t>(reached.end - reached.begin);
}

// Through the map what is small, and what would be read in order to be written in part.
detail::tile_target target_of(const any_array& from, const any_array& to,
                              const pass_options& options) {
  detail::tile_target target{.type = to.dtype(), .where = to.layout(), .data = to.data()};
  if (to.is_mapped()) target.pages = &to.map();
  const std::uint64_t size = mapped_bytes(to);
  if (size == 0 || size + mapped_bytes(from) <= options.budget_bytes) return target;
  target.map = &to.map();
  if (to.mode() == open_mode::copy_on_write || !detail::lie_side_by_side(to.layout())) {
    return target;
  }
  target.file = &io::file_of(to.map());
  target.offset_bytes =
      to.map().offset_bytes() + static_cast<std::uint64_t>(to.data() - to.map().data());
  target.data = nullptr;
  target.pages = nullptr;
  target.map = nullptr;
  return target;
}

// As if all had been read before any is written.
void copy_overlapping(const any_array& from, const any_array& to, casting rule,
                      const pass_options& options) {
  const auto size = static_cast<std::uint64_t>(to.size_bytes());
  if (size > options.budget_bytes) {
    throw error(errc::invalid_argument,
                {.path = to.path(),
                 .subject = "copy between elements that overlap",
                 .expected = "no more than the budget of " + std::to_string(options.budget_bytes) +
                             " bytes",
                 .found = std::to_string(size)});
  }
  const any_array between = guarded(from, [&] { return convert(from, to.dtype(), rule); });
  detail::copy_tiles(between, target_of(between, to, options), options);
}

}  // namespace

void copy(const any_array& from, const any_array& to, casting rule,
          const pass_options& options) try {
  detail::require_element(to, to.dtype(), 1, true);
  detail::require_same_shape(from.layout(), to.layout());
  detail::require_cast(from.dtype(), to.dtype(), rule);
  if (detail::may_overlap(from, to)) return copy_overlapping(from, to, rule, options);
  detail::copy_tiles(from, target_of(from, to, options), options);
} catch (const error& e) {
  throw e.in_file(e.code() == errc::layout_mismatch ? to.path() : from.path());
}

namespace {

void write_as(const std::string& path, const any_array& elements, const dtype& type,
              const save_as_options& how, const pass_options& options) {
  const detail::layout dense = detail::dense(elements.shape(), type.itemsize(), how.order);
  const detail::layout_ref where{dense.shape, dense.byte_strides, type.itemsize()};
  // As NumPy calls what is dense in both orders.
  const order told = detail::is_c_contiguous(where) ? order::c : how.order;
  const std::string head = header_bytes(type, elements.shape(), told);
  const auto bytes = static_cast<std::uint64_t>(*array_bytes(dense.shape, type.itemsize()));

  io::new_file fresh(path, io::existing::replace);
  // Tiles are written here and there: without this the file would lie on the disk in as many parts.
  fresh.contents().reserve(0, head.size() + bytes);
  fresh.contents().write_at(std::as_bytes(std::span(head)), 0);
  detail::copy_tiles(
      elements,
      {.type = type, .where = where, .file = &fresh.contents(), .offset_bytes = head.size()},
      options);
  std::move(fresh).commit(how.durability).close();
}

}  // namespace

void save_as(const std::string& path, const any_array& elements, const save_as_options& how,
             const pass_options& options) {
  const dtype type = how.dtype.value_or(elements.dtype());
  try {
    detail::require_cast(elements.dtype(), type, how.casting);
  } catch (const error& e) {
    throw e.in_file(elements.path());
  }
  try {
    write_as(path, elements, type, how, options);
  } catch (const error& e) {
    throw e.in_file(path);
  }
}

}  // namespace npymap
