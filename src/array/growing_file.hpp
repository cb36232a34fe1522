/// \file
/// A `.npy` file whose header and rows are written apart, so that it is whole at any moment.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>

#include <npymap/file_map.hpp>
#include <npymap/header.hpp>
#include <npymap/shape.hpp>

#include "io/file.hpp"

namespace npymap::detail {

/// An open file, what its header says, and where its rows are.
class growing_file {
 public:
  /// \throws error as `open`; layout_mismatch for rank 0; busy
  growing_file(const std::string& path, std::size_t header_limit, std::optional<order> wanted,
               locking how);

  const std::string& path() const noexcept { return file_.path(); }
  const header& facts() const noexcept { return facts_; }
  /// The axis that grows.
  int axis() const noexcept { return facts_.order == order::c ? 0 : facts_.shape.rank() - 1; }
  index_t rows() const noexcept { return facts_.shape[axis()]; }
  index_t row_bytes() const noexcept { return row_bytes_; }
  std::uint64_t offset_of(index_t row) const noexcept {
    return facts_.data_offset_bytes + static_cast<std::uint64_t>(row * row_bytes_);
  }
  shape shape_of(index_t rows) const;
  io::file& file() noexcept { return file_; }

  /// Whether the header has room for so many rows. \throws error size_overflow
  bool has_room_for(index_t rows) const;
  /// Have the header tell of so many rows, which are in the file. \throws error the system's
  void publish(index_t rows);
  /// Copy header and rows to a new file, whose header has room for more, and give it this one's
  /// name.
  void rewrite(index_t rows, durability how_safe);

 private:
  std::optional<std::string> header_of(index_t rows) const;

  io::file file_;
  header facts_;
  index_t row_bytes_;
  locking locking_;
};

}  // namespace npymap::detail
