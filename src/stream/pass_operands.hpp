/// \file
/// The arrays of a pass: how they are cut alike, and how a piece of each comes and goes.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include <npymap/any_array.hpp>
#include <npymap/detail/piece_walk.hpp>
#include <npymap/dtype.hpp>
#include <npymap/shape.hpp>

#include "io/aligned_buffer.hpp"
#include "stream/block_plan.hpp"
#include "stream/element_source.hpp"

namespace npymap::detail {

/// Where a piece lies: in the array itself, or in scratch.
struct piece_memory {
  std::byte* data;
  shape extents;
  strides byte_strides;
  index_t itemsize;

  piece_part part() const noexcept { return {data, {extents, byte_strides, itemsize}}; }
};

/// How the pieces of one array follow from those of the one that is cut.
class cut_in_step {
 public:
  cut_in_step(const shape& whole, bool is_alike) : whole_(whole), is_alike_(is_alike) {}
  /// The same box, or the same rows.
  block_box box_of(const block_box& lead) const;

 private:
  shape whole_;
  bool is_alike_;
};

struct input_operand : cut_in_step {
  shared<element_source> elements;
  dtype wanted;
  bool decodes;

  /// Native, aligned elements of a piece, in `scratch` if need be; `fetched` is where those of
  /// files are.
  piece_memory read(const block_box& lead, const std::byte* fetched,
                    io::aligned_buffer& scratch) const;
  /// True if few of the pages that a piece spans hold elements of others.
  bool has_own_pages(const block_box& lead) const;
};

/// Pieces that each fill a large page of a file, but for the first and the last.
struct large_page_cut {
  index_t extent;    ///< of a piece, along the axis that is cut
  index_t short_of;  ///< of that, in the first piece
};

struct output_operand : cut_in_step {
  any_array elements;
  dtype given;
  bool converts;

  /// Where to write a piece.
  piece_memory offer(const block_box& lead, io::aligned_buffer& scratch) const;
  /// Nothing for what is not written to a file, or whose elements do not end where such pages do.
  std::optional<large_page_cut> cut_at_large_pages(int axis) const;
  /// What was written there goes to the array, if it is not there already.
  void write(const block_box& lead, const piece_memory& written, io::aligned_buffer& scratch) const;

 private:
  std::byte* at(const block_box& box) const;
  bool is_written_to_file(const block_box& box) const;
};

class pass_operands {
 public:
  /// \throws error as `piece_walk::over`
  pass_operands(std::span<const pass_input> inputs, std::span<const pass_output> outputs,
                pieces cut);

  const std::vector<input_operand>& inputs() const noexcept { return inputs_; }
  const std::vector<output_operand>& outputs() const noexcept { return outputs_; }

  /// Cut what leads; `limit` holds for a piece of all operands together, which may be larger to
  /// fill a large page of an output, if the budget has room.
  block_plan plan(block_limit limit) const;
  /// Of the elements that are read, or else written.
  std::uint64_t total_bytes() const noexcept { return total_bytes_; }
  /// Of one piece of them.
  std::uint64_t bytes_of(const block_box& lead) const;
  /// Of files and memory that the inputs span.
  std::uint64_t spanned_bytes() const noexcept;
  /// What an element of the plan stands for, of all operands together.
  index_t bytes_per_element() const noexcept;
  /// Of those that are mapped, to be `guarded`.
  std::span<const file_map> maps() const noexcept { return maps_; }
  /// True if any input has no address.
  bool fetches() const noexcept;

 private:
  std::optional<block_plan> plan_at_large_pages(const layout_ref& lead, block_limit limit) const;

  std::vector<input_operand> inputs_;
  std::vector<output_operand> outputs_;
  std::vector<file_map> maps_;
  layout lead_;  // of the operand that is cut
  index_t lead_itemsize_ = 0;
  bool is_alike_ = true;     // all have one shape
  index_t taken_bytes_ = 0;  // for each element of the lead, or each row where they are not alike
  std::uint64_t total_bytes_ = 0;
};

}  // namespace npymap::detail
