/// \file
/// Rows on their way: into a buffer, from there to a file, and then into its header.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>

#include <npymap/append.hpp>
#include <npymap/detail/layout.hpp>
#include <npymap/detail/shared.hpp>
#include <npymap/dtype.hpp>
#include <npymap/error.hpp>
#include <npymap/file_map.hpp>
#include <npymap/shape.hpp>

#include "array/growing_file.hpp"
#include "io/aligned_buffer.hpp"

namespace npymap::detail {

/// What `appender` does with a file that exists, and `npy_writer` with a new one.
class row_writer final : public counted {
 public:
  /// \throws error layout_mismatch, truncated for a file that does not end with its last row
  row_writer(growing_file file, const append_options& options);
  /// Closes, but for a new file: that is nobody's, unless it has been committed.
  ~row_writer() override;

  const dtype& type() const noexcept { return file_.facts().dtype; }
  const shape& extents() const noexcept { return shape_; }
  int axis() const noexcept { return file_.axis(); }
  index_t rows() const noexcept { return shape_[axis()]; }

  /// See `appender`.
  void append(const dtype& type, const void* data, const layout_ref& where, const file_map& map);
  void flush();
  void close();
  void discard() noexcept;

  /// Of a new file: `flush`, and give it its name.
  void commit(durability how_safe);

 private:
  bool syncs() const noexcept { return options_.durability != append_durability::none; }
  void require_end_at(index_t rows) const;
  void require_usable() const;
  [[noreturn]] void throw_failed() const;

  bool lies_as_in_file(const layout& block) const;

  void make_room_for(index_t count);
  [[noreturn]] void refuse_size(index_t before, index_t count) const;
  void add(const dtype& type, bool is_cast, const std::byte* data, const layout& block,
           index_t count, const file_map& map);
  void gather(const dtype& type, const std::byte* from, const layout_ref& where, index_t count,
              index_t at_once, bool is_dense);
  void write_buffered();
  void write(std::span<const std::byte> bytes, index_t count, const file_map& map);
  void publish();

  template <class F>
  void whatever_fails(const F& f);
  void keep_written() noexcept;
  void cut_behind(index_t rows) noexcept;

  growing_file file_;
  const std::string path_;
  const append_options options_;
  io::aligned_buffer buffer_;
  index_t buffered_ = 0;  // rows
  index_t written_;       // to the file, and perhaps not in its header
  index_t reached_;       // as far as this one may have written, be it in vain
  shape shape_;           // of all of them
  std::optional<error> failed_;
  bool closed_ = false;
  bool closing_ = false;
  bool in_doubt_ = false;  // whether the disk has what was written
};

}  // namespace npymap::detail
