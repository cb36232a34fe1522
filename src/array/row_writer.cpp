#include "array/row_writer.hpp"

#include <algorithm>
#include <cstring>
#include <utility>

#include <fmt/format.h>

#include <npymap/convert.hpp>
#include <npymap/error.hpp>
#include <npymap/guard.hpp>

#include "array/block_of_rows.hpp"
#include "array/write_mapped.hpp"

namespace npymap::detail {
namespace {

constexpr index_t max_extent = INT64_MAX;

}  // namespace

row_writer::row_writer(growing_file file, const append_options& options)
    : file_(std::move(file)),
      path_(file_.path()),
      options_(options),
      written_(file_.rows()),
      reached_(file_.rows()),
      shape_(file_.facts().shape) {
  require_end_at(file_.rows());
}

row_writer::~row_writer() {
  if (file_.is_fresh()) return;
  try {
    close();
  } catch (...) {  // who wants to know calls `close`
  }
}

// Of the rows of a call that fails, none are kept; those of earlier ones are, as far as they have
// been written, until `close` has the header tell of them.
template <class F>
void row_writer::whatever_fails(const F& f) {
  const index_t rows_before = shape_[axis()];
  try {
    f();
  } catch (const error& e) {
    failed_ = e;
    written_ = in_doubt_ ? file_.rows() : std::min(written_, rows_before);
    shape_ = file_.shape_of(written_);
    cut_behind(written_);
    throw;
  }
}

void row_writer::append(const dtype& type, const void* data, const layout_ref& where,
                        const file_map& map) {
  require_usable();
  const bool is_cast = type != this->type();
  try {
    require_appendable(type, this->type());
  } catch (const error& e) {
    throw e.in_file(path_);
  }
  const layout block = block_of_rows(where, shape_, axis(), file_.path());
  const index_t count = block.shape[axis()];
  if (count == 0) return;
  make_room_for(count);
  whatever_fails([&] {
    const auto* const from = static_cast<const std::byte*>(data);
    guarded(map, [&] { add(type, is_cast, from, block, count, map); });
    if (options_.durability == append_durability::each_block) publish();
  });
}

void row_writer::flush() {
  require_usable();
  whatever_fails([&] { publish(); });
}

void row_writer::close() {
  if (closed_) return;
  if (failed_) {
    keep_written();
    throw_failed();
  }
  whatever_fails([&] {
    closing_ = true;
    publish();
    if (options_.durability == append_durability::on_close) file_.file().sync();
    file_.file().close();
    closed_ = true;
  });
}

void row_writer::commit(durability how_safe) {
  require_usable();
  whatever_fails([&] {
    publish();
    file_.commit(how_safe);
    closed_ = true;
  });
}

void row_writer::discard() noexcept {
  if (!closed_) cut_behind(file_.rows());
  closed_ = true;
}

// What is there when it is opened, and what is still there when rows are written behind it, or told
// of: of a file that somebody else cut, or appended to, they would be another's.
void row_writer::require_end_at(index_t rows) const {
  const std::uint64_t end = file_.offset_of(rows), found = file_.file().size_bytes();
  if (found == end) return;
  if (found < end) {
    throw error(errc::truncated,
                {.path = file_.path(),
                 .subject = "array data",
                 .expected = fmt::format("{} bytes", end),
                 .found = fmt::format("{} (recover keeps the complete rows)", found)});
  }
  throw error(errc::layout_mismatch,
              {.path = file_.path(),
               .subject = "end of the file",
               .expected = "nothing behind the last row",
               .found = fmt::format("{} bytes (recover makes rows of them)", found - end),
               .byte_offset = end});
}

void row_writer::require_usable() const {
  if (closed_) {
    throw error(errc::closed, {.path = path_,
                               .subject = "append",
                               .expected = "a file that is being written",
                               .found = "one that was finished"});
  }
  if (failed_) throw_failed();
}
void row_writer::throw_failed() const {
  throw error(failed_->code(),
              {.path = file_.path(),
               .subject = fmt::format("append, after it failed behind row {}", written_),
               .found = failed_->what()});
}

// Before anything is written.
void row_writer::make_room_for(index_t count) {
  const index_t before = shape_[axis()];
  shape after = shape_;
  if (count > max_extent - before) refuse_size(before, count);
  after[axis()] = before + count;
  if (!array_bytes(after, type().itemsize())) refuse_size(before, count);
  if (file_.has_room_for(before + count)) return;
  if (options_.full_header == full_header::refuse) {
    throw error(errc::header_too_long,
                {.path = file_.path(),
                 .subject = "header",
                 .expected = fmt::format("room to tell of {} rows", before + count),
                 .found = fmt::format("{} bytes", file_.facts().data_offset_bytes)});
  }
  whatever_fails([&] {
    write_buffered();
    file_.rewrite(file_.rows(), written_, syncs() ? durability::full : durability::none);
  });
}
void row_writer::refuse_size(index_t before, index_t count) const {
  throw error(errc::size_overflow, {.path = file_.path(),
                                    .subject = "rows to append",
                                    .expected = "fewer than 2**63 bytes in all",
                                    .found = fmt::format("{} behind {}", count, before)});
}

void row_writer::add(const dtype& type, bool is_cast, const std::byte* data, const layout& block,
                     index_t count, const file_map& map) {
  const index_t row_bytes = file_.row_bytes();
  const auto in_buffer = static_cast<index_t>(options_.buffer_bytes);
  const index_t at_once = row_bytes == 0 ? count : std::max<index_t>(in_buffer / row_bytes, 1);
  const bool is_dense = !is_cast && lies_as_in_file(block);
  for (index_t first = 0; first < count;) {
    index_t now = std::min(count - first, at_once - buffered_);
    if (is_dense && buffered_ == 0 && count - first >= at_once) now = count - first;
    shape extents = block.shape;
    extents[axis()] = now;
    const std::byte* const from = data + first * block.byte_strides[axis()];
    if (is_dense && now >= at_once) {
      write({from, static_cast<std::size_t>(now * row_bytes)}, now, map);
    } else {
      gather(type, from, {extents, block.byte_strides, type.itemsize()}, now, at_once, is_dense);
      if (buffered_ == at_once) write_buffered();
    }
    first += now;
    shape_[axis()] += now;
  }
}
bool row_writer::lies_as_in_file(const layout& block) const {
  const layout_ref where{block.shape, block.byte_strides, type().itemsize()};
  return file_.facts().order == order::c ? is_c_contiguous(where) : is_f_contiguous(where);
}

void row_writer::gather(const dtype& type, const std::byte* from, const layout_ref& where,
                        index_t count, index_t at_once, bool is_dense) {
  const index_t row_bytes = file_.row_bytes();
  if (buffer_.size_bytes() == 0 && row_bytes > 0) {
    buffer_ = io::aligned_buffer(static_cast<std::size_t>(at_once * row_bytes));
  }
  std::byte* const to = buffer_.data() + buffered_ * row_bytes;
  if (is_dense) {
    if (row_bytes > 0) std::memcpy(to, from, static_cast<std::size_t>(count * row_bytes));
  } else {
    const strides packed =
        dense_byte_strides(where.shape, this->type().itemsize(), file_.facts().order);
    convert_elements(type, from, where, this->type(), to,
                     {where.shape, packed, this->type().itemsize()});
  }
  buffered_ += count;
}

void row_writer::write_buffered() {
  if (buffered_ == 0) return;
  const auto bytes = static_cast<std::size_t>(buffered_ * file_.row_bytes());
  write(buffer_.bytes().first(bytes), std::exchange(buffered_, 0), {});
}
void row_writer::write(std::span<const std::byte> bytes, index_t count, const file_map& map) {
  require_end_at(written_);
  reached_ = written_ + count;
  write_mapped(file_.file(), bytes, file_.offset_of(written_), map);
  written_ += count;
}

// First the rows, then the header: it must not outlive a power cut that they do not.
void row_writer::publish() {
  write_buffered();
  if (written_ == file_.rows()) return;
  const bool waits = options_.durability == append_durability::each_block ||
                     (options_.durability == append_durability::on_close && closing_);
  in_doubt_ = waits;
  if (waits) file_.file().sync();
  require_end_at(written_);
  file_.publish(written_);
  if (waits) file_.file().sync();
  in_doubt_ = false;
}

void row_writer::keep_written() noexcept {
  try {
    if (written_ == file_.rows()) return;
    require_end_at(written_);
    file_.publish(written_);
  } catch (const error&) {  // then `recover` finds them
  }
}
// Only what this one wrote: a file that ends elsewhere was cut, or grown, by somebody else.
void row_writer::cut_behind(index_t rows) noexcept {
  buffered_ = 0;
  try {
    const std::uint64_t end = file_.offset_of(rows), found = file_.file().size_bytes();
    if (found > end && found <= file_.offset_of(reached_)) file_.file().set_size(end);
  } catch (const error&) {  // then `recover` finds what is there
  }
}

}  // namespace npymap::detail
