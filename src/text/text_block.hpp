/// \file
/// Elements in memory as lines of text.
#pragma once

#include <cstddef>
#include <string>

#include <npymap/shape.hpp>
#include <npymap/text_encoding.hpp>

#include "text/row_format.hpp"
#include "text/text_buffer.hpp"

namespace npymap::text {

/// How the lines of an array are written.
struct line_format {
  row_format rows;
  text_encoding encoding;
  std::string slice_note;  ///< begins the line in front of a slice; where empty, none has one
  std::string note_end;
};

/// Some rows of an array, or parts of some, as native elements in memory.
///
/// Rows lie along all axes but the last, and of rank 1 along that. Each is made of steps: its
/// values in the block, or one where it has none. Safe to use from several threads.
class text_block {
 public:
  /// Elements of the box at `start`, of the rank of the array.
  text_block(const line_format& format, const index_vector& start, const shape& extents,
             const strides& byte_strides, const std::byte* data);

  index_t steps_per_row() const noexcept { return steps_per_row_; }
  index_t steps() const noexcept { return rows_ * steps_per_row_; }

  /// Append the text of the steps from `from` to `end`, but no more when it is longer than
  /// `most_bytes`. Returns the first step that is left. \throws error invalid_argument for values
  /// that do not suit their format, with their place
  index_t write(text_buffer& to, index_t from, index_t end, std::size_t most_bytes) const;

 private:
  struct row_place {
    index_vector index;  // along the axes of rows, in the block
    const std::byte* data;
  };
  row_place place_of(index_t row) const;
  void go_to_next(row_place& row) const;
  void write_slice_note(text_buffer& to, const index_vector& index) const;
  index_t write_values(text_buffer& to, const row_place& row, index_t from, index_t end,
                       std::size_t most_bytes) const;
  [[noreturn]] void refuse(const unfit_value& value, const index_vector& index, index_t cell) const;

  const line_format& format_;
  const index_vector start_;
  const shape extents_;
  const strides byte_strides_;
  const std::byte* const data_;
  const int row_axes_;
  index_t rows_ = 1;
  index_t first_cell_ = 0;
  index_t cells_;  // of each row
  index_t steps_per_row_;
  index_t column_step_ = 0;
};

}  // namespace npymap::text
