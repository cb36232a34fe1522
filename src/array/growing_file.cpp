#include "array/growing_file.hpp"

#include <algorithm>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include <npymap/error.hpp>

#include "array/npy_file.hpp"
#include "format/header_room.hpp"

namespace npymap::detail {

growing_file::growing_file(const std::string& path, std::size_t header_limit,
                           std::optional<order> wanted, locking how) try
    : file_(io::file::open(path, open_mode::read_write, how)), locking_(how) {
  facts_ = read_header(file_, 0, file_.size_bytes(), header_limit);
  if (facts_.dtype.has_object()) {
    throw error(errc::object_dtype, {.subject = "dtype",
                                     .expected = "elements that are stored as bytes",
                                     .found = descr(facts_.dtype) + ", Python objects"});
  }
  if (facts_.shape.empty()) {
    throw error(errc::layout_mismatch,
                {.subject = "shape", .expected = "an axis that can grow", .found = "()"});
  }
  // Where all is one row, or none, the bytes are those of either order.
  const strides steps = dense_byte_strides(facts_.shape, facts_.dtype.itemsize(), facts_.order);
  const layout_ref where{facts_.shape, steps, facts_.dtype.itemsize()};
  if (wanted && *wanted != facts_.order) {
    const bool is_both = is_c_contiguous(where) && is_f_contiguous(where);
    if (!is_both) {
      throw error(errc::layout_mismatch, {.subject = "order",
                                          .expected = *wanted == order::c ? "C" : "Fortran",
                                          .found = facts_.order == order::c ? "C" : "Fortran"});
    }
    facts_.order = *wanted;
  }
  row_bytes_ = *array_bytes(shape_of(1), facts_.dtype.itemsize());
} catch (const error& e) {
  throw e.in_file(path);
}

growing_file::growing_file(const std::string& path, const dtype& type, const shape& row,
                           order layout) try {
  shape none;
  if (layout == order::c) none.push_back(0);
  for (const index_t extent : row) none.push_back(extent);
  if (layout == order::fortran) none.push_back(0);
  const std::string head = header_bytes(type, none, layout);
  fresh_ = std::make_unique<io::new_file>(path, io::existing::replace);
  file().write_at(std::as_bytes(std::span(head)), 0);
  facts_ = read_header(file(), 0, head.size(), head.size());
  facts_.order = layout;  // of no rows, NumPy says C
  row_bytes_ = *array_bytes(shape_of(1), type.itemsize());
} catch (const error& e) {
  throw e.in_file(path);
}

void growing_file::commit(durability how_safe) { std::move(*fresh_).commit(how_safe).close(); }

shape growing_file::shape_of(index_t rows) const {
  shape extents = facts_.shape;
  extents[axis()] = rows;
  return extents;
}

std::optional<std::string> growing_file::header_of(index_t rows) const {
  return header_bytes_of_length(facts_.dtype, shape_of(rows), facts_.order, facts_.version,
                                static_cast<std::size_t>(facts_.data_offset_bytes));
}

// All numbers of so many digits take the same room: of most rows, nobody need ask.
bool growing_file::has_room_for(index_t rows) {
  if (rows <= room_) return true;
  if (!header_of(rows)) return false;
  for (room_ = 9; room_ < rows && room_ <= INT64_MAX / 10 - 9;) room_ = room_ * 10 + 9;
  room_ = std::max(room_, rows);
  return true;
}

void growing_file::publish(index_t rows) {
  const std::string head = header_of(rows).value();
  file().write_at(std::as_bytes(std::span(head)), 0);
  facts_.shape = shape_of(rows);
}

void growing_file::rewrite(index_t rows_told, index_t rows_copied, durability how_safe) {
  const std::string head = header_bytes(facts_.dtype, shape_of(rows_told), facts_.order);
  io::new_file fresh(path(), io::existing::replace);
  if (locking_ == locking::advisory) fresh.contents().lock(open_mode::create);
  fresh.contents().write_at(std::as_bytes(std::span(head)), 0);
  std::vector<std::byte> piece(std::size_t{1} << 20);
  const std::uint64_t end = offset_of(rows_copied);
  std::uint64_t to = head.size();
  for (std::uint64_t from = facts_.data_offset_bytes; from < end;) {
    const auto n = static_cast<std::size_t>(std::min<std::uint64_t>(piece.size(), end - from));
    const std::size_t got = file_.read_at(std::span(piece).first(n), from);
    if (got < n) {
      throw error(errc::truncated, {.path = path(),
                                    .subject = "rows to copy",
                                    .expected = fmt::format("{} bytes", n),
                                    .found = fmt::format("{}", got),
                                    .byte_offset = from});
    }
    fresh.contents().write_at(std::span(piece).first(n), to);
    from += n;
    to += n;
  }
  file_ = std::move(fresh).commit(how_safe);
  const order grows = facts_.order;  // one row in Fortran order says C
  facts_ = read_header(file_, 0, file_.size_bytes(), head.size());
  facts_.order = grows;
  room_ = -1;
}

}  // namespace npymap::detail
