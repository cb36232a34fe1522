#include <npymap/append.hpp>

#include <algorithm>
#include <cstring>
#include <optional>
#include <span>
#include <system_error>
#include <utility>

#include <fmt/format.h>

#include <npymap/convert.hpp>
#include <npymap/error.hpp>

#include "array/convert/require_cast.hpp"
#include "array/growing_file.hpp"
#include "io/aligned_buffer.hpp"

namespace npymap {
namespace detail {

/// Rows on their way: into a buffer, from there to the file, and then into its header.
class row_writer final : public counted {
 public:
  row_writer(const std::string& path, const append_options& options)
      : file_(path, options.header_limit, options.order, options.locking),
        options_(options),
        written_(file_.rows()),
        shape_(file_.facts().shape) {
    require_no_tail();
  }
  ~row_writer() override {
    try {
      close();
    } catch (...) {  // who wants to know calls `close`
    }
  }

  const dtype& type() const noexcept { return file_.facts().dtype; }
  const shape& extents() const noexcept { return shape_; }
  int axis() const noexcept { return file_.axis(); }

  void append(const dtype& type, const void* data, const layout_ref& where) {
    require_usable();
    require_cast(type, this->type(), casting::same_kind);
    const layout block = block_of(where);
    const index_t count = block.shape[axis()];
    if (count == 0) return;
    make_room_for(count);
    whatever_fails([&] {
      add(type, static_cast<const std::byte*>(data), block, count);
      if (options_.durability == append_durability::each_block) publish();
    });
  }

  void flush() {
    require_usable();
    whatever_fails([&] { publish(); });
  }

  void close() {
    if (closed_ || failed_) return;
    whatever_fails([&] {
      closing_ = true;
      publish();
      if (options_.durability == append_durability::on_close) file_.file().sync();
      file_.file().close();
      closed_ = true;
    });
  }

 private:
  bool syncs() const noexcept { return options_.durability != append_durability::none; }

  void require_no_tail() {
    const std::uint64_t end = file_.offset_of(file_.rows()), found = file_.file().size_bytes();
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

  void require_usable() const {
    if (failed_) {
      throw error(*failed_,
                  {.path = file_.path(),
                   .subject = fmt::format("append, after it failed behind row {}", file_.rows())});
    }
    if (!closed_) return;
    throw error(errc::closed, {.path = file_.path(), .subject = "append"});
  }

  // A row gets the axis along which the file grows.
  layout block_of(const layout_ref& where) const {
    layout block{shape(where.shape), strides(where.byte_strides)};
    if (where.rank() + 1 == shape_.rank()) {
      shape extents(shape_.rank());
      strides steps(shape_.rank());
      for (int i = 0, from = 0; i < shape_.rank(); ++i) {
        extents[i] = i == axis() ? 1 : where.shape[static_cast<std::size_t>(from)];
        steps[i] = i == axis() ? 0 : where.byte_strides[static_cast<std::size_t>(from)];
        if (i != axis()) ++from;
      }
      block = {extents, steps};
    }
    shape wanted = shape_;
    if (block.shape.rank() == wanted.rank()) wanted[axis()] = block.shape[axis()];
    if (block.shape == wanted) return block;
    shape row;
    for (int i = 0; i < shape_.rank(); ++i) {
      if (i != axis()) row.push_back(shape_[i]);
    }
    throw error(errc::layout_mismatch,
                {.path = file_.path(),
                 .subject = "rows to append",
                 .expected = fmt::format("shape ({}), or some of these along axis {}",
                                         fmt::join(row, ", "), axis()),
                 .found = fmt::format("({})", fmt::join(where.shape, ", "))});
  }

  // Before anything is written.
  void make_room_for(index_t count) {
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
      file_.rewrite(written_, syncs() ? durability::full : durability::none);
    });
  }
  [[noreturn]] void refuse_size(index_t before, index_t count) const {
    throw error(errc::size_overflow, {.path = file_.path(),
                                      .subject = "rows to append",
                                      .expected = "fewer than 2**63 bytes in all",
                                      .found = fmt::format("{} behind {}", count, before)});
  }

  void add(const dtype& type, const std::byte* data, const layout& block, index_t count) {
    const index_t row_bytes = file_.row_bytes(), itemsize = this->type().itemsize();
    const auto in_buffer = static_cast<index_t>(options_.buffer_bytes);
    const index_t at_once = row_bytes == 0 ? count : std::max<index_t>(in_buffer / row_bytes, 1);
    const bool is_dense = type == this->type() && lies_as_in_file(block, itemsize);
    for (index_t first = 0; first < count;) {
      index_t now = std::min(count - first, at_once - buffered_);
      if (is_dense && buffered_ == 0 && count - first >= at_once) now = count - first;
      shape extents = block.shape;
      extents[axis()] = now;
      const std::byte* const from = data + first * block.byte_strides[axis()];
      if (is_dense && now >= at_once) {
        write({from, static_cast<std::size_t>(now * row_bytes)}, now);
      } else {
        gather(type, from, {extents, block.byte_strides, type.itemsize()}, now, at_once, is_dense);
        if (buffered_ == at_once) write_buffered();
      }
      first += now;
      shape_[axis()] += now;
    }
  }
  bool lies_as_in_file(const layout& block, index_t itemsize) const {
    const layout_ref where{block.shape, block.byte_strides, itemsize};
    return file_.facts().order == order::c ? is_c_contiguous(where) : is_f_contiguous(where);
  }

  void gather(const dtype& type, const std::byte* from, const layout_ref& where, index_t count,
              index_t at_once, bool is_dense) {
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

  void write_buffered() {
    if (buffered_ == 0) return;
    const auto bytes = static_cast<std::size_t>(buffered_ * file_.row_bytes());
    write(buffer_.bytes().first(bytes), std::exchange(buffered_, 0));
  }
  void write(std::span<const std::byte> bytes, index_t count) {
    file_.file().write_at(bytes, file_.offset_of(written_));
    written_ += count;
  }

  // First the rows, then the header: it must not outlive a power cut that they do not.
  void publish() {
    write_buffered();
    if (written_ == file_.rows()) return;
    const bool waits = options_.durability == append_durability::each_block ||
                       (options_.durability == append_durability::on_close && closing_);
    if (waits) file_.file().sync();
    file_.publish(written_);
    if (waits) file_.file().sync();
  }

  // What is behind the rows that the header tells of is nobody's.
  template <class F>
  void whatever_fails(const F& f) {
    try {
      f();
    } catch (const error& e) {
      failed_ = e.code();
      buffered_ = 0;
      try {
        file_.file().set_size(file_.offset_of(file_.rows()));
      } catch (const error&) {  // then `recover` finds it
      }
      throw;
    }
  }

  static constexpr index_t max_extent = INT64_MAX;

  growing_file file_;
  const append_options options_;
  io::aligned_buffer buffer_;
  index_t buffered_ = 0;  // rows
  index_t written_;       // to the file, and perhaps not in its header
  shape shape_;           // of all of them
  std::optional<std::error_code> failed_;
  bool closed_ = false;
  bool closing_ = false;
};

}  // namespace detail

appender::appender(const std::string& path, const append_options& options)
    : writer_(detail::shared<detail::row_writer>::adopt(new detail::row_writer(path, options))) {}
appender::appender(appender&&) noexcept = default;
appender& appender::operator=(appender&&) noexcept = default;
appender::~appender() = default;

detail::row_writer& appender::writer() const {
  if (!writer_) throw error(errc::closed, {.subject = "append"});
  return *writer_;
}

void appender::append(const npymap::dtype& type, const void* data,
                      const detail::layout_ref& where) {
  writer().append(type, data, where);
}

const dtype& appender::dtype() const { return writer().type(); }
const shape& appender::shape() const { return writer().extents(); }
index_t appender::rows() const { return writer().extents()[writer().axis()]; }
void appender::flush() { writer().flush(); }
void appender::close() {
  if (writer_) writer().close();
}

}  // namespace npymap
