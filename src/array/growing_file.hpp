/// \file
/// A `.npy` file whose header and rows are written apart, so that it is whole at any moment.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>

#include <npymap/file_map.hpp>
#include <npymap/header.hpp>
#include <npymap/shape.hpp>

#include "io/file.hpp"
#include "io/new_file.hpp"

namespace npymap::detail {

/// An open file, what its header says, and where its rows are.
class growing_file {
 public:
  /// \throws error as `open`; layout_mismatch for rank 0; busy
  growing_file(const std::string& path, std::size_t header_limit, std::optional<order> wanted,
               locking how);
  /// A new file of rows of `row` elements, and none of them yet. \throws error as `create`
  growing_file(const std::string& path, const dtype& type, const shape& row, order layout);

  const std::string& path() const noexcept { return file().path(); }
  const header& facts() const noexcept { return facts_; }
  /// The axis that grows.
  int axis() const noexcept { return facts_.order == order::c ? 0 : facts_.shape.rank() - 1; }
  index_t rows() const noexcept { return facts_.shape[axis()]; }
  index_t row_bytes() const noexcept { return row_bytes_; }
  std::uint64_t offset_of(index_t row) const noexcept {
    return facts_.data_offset_bytes + static_cast<std::uint64_t>(row * row_bytes_);
  }
  shape shape_of(index_t rows) const;
  io::file& file() noexcept { return fresh_ ? fresh_->contents() : file_; }
  const io::file& file() const noexcept { return fresh_ ? fresh_->contents() : file_; }
  /// Whether it is a new file, which nobody sees before it is committed.
  bool is_fresh() const noexcept { return fresh_ != nullptr; }
  /// See `io::new_file::commit`.
  void commit(durability how_safe);

  /// Whether the header has room for so many rows. \throws error size_overflow
  bool has_room_for(index_t rows);
  /// Have the header tell of so many rows, which are in the file. \throws error the system's
  void publish(index_t rows);
  /// Copy so many rows to a new file, whose header tells of some of them and has room for more, and
  /// give it this one's name.
  void rewrite(index_t rows_told, index_t rows_copied, durability how_safe);

 private:
  std::optional<std::string> header_of(index_t rows) const;

  io::file file_;
  std::unique_ptr<io::new_file> fresh_;
  header facts_;
  index_t row_bytes_ = 0;
  locking locking_ = locking::none;
  index_t room_ = -1;  // as many rows, at least, can the header tell of
};

}  // namespace npymap::detail
