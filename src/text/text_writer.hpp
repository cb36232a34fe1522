/// \file
/// All elements of an array on their way to text: read in blocks, written in parts on all cores.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

#include <npymap/detail/shared.hpp>
#include <npymap/file_map.hpp>
#include <npymap/pass.hpp>
#include <npymap/shape.hpp>

#include "stream/element_source.hpp"
#include "stream/progress_meter.hpp"
#include "text/text_block.hpp"
#include "text/text_output.hpp"

namespace npymap::text {

class text_writer {
 public:
  /// All but `options` is to outlive it. \throws error invalid_argument for fewer than one thread
  text_writer(const line_format& format, text_output& to, std::optional<int> level,
              const pass_options& options, std::uint64_t total_bytes);

  /// Write all elements, which lie at `outer` of the array along its first axes. \throws error
  /// `stopped`, as a pass, as `text_block::write`
  void write(const detail::shared<detail::element_source>& elements, const index_vector& outer);
  /// Say that all is done.
  void finish() const { meter_.finish(); }

 private:
  struct part_slot {
    text_piece piece;
    index_t next = 0;  // the first step that is not in it, and the end of the part
    index_t end = 0;
  };

  void write_rows(const detail::shared<detail::element_source>& elements,
                  const index_vector& outer);
  void write_block(const text_block& block, const file_map& map, index_t bytes);
  void make_part(const text_block& block, const file_map& map, part_slot& slot,
                 text_packer& packer) const;
  void write_part(const text_block& block, const file_map& map, part_slot& slot);

  const line_format& format_;
  text_output& to_;
  const pass_options options_;
  const int threads_;
  std::vector<part_slot> slots_;
  std::vector<text_packer> packers_;  // of each thread, and of whoever writes
  detail::progress_meter meter_;
};

}  // namespace npymap::text
