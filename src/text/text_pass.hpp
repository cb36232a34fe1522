/// \file
/// One pass over a text, on all cores.
#pragma once

#include <cstddef>
#include <cstdint>
#include <exception>
#include <mutex>
#include <optional>

#include <npymap/error.hpp>
#include <npymap/load_text.hpp>
#include <npymap/shape.hpp>

#include "io/aligned_buffer.hpp"
#include "stream/piece_order.hpp"
#include "stream/progress_meter.hpp"
#include "text/column_plan.hpp"
#include "text/field_cursor.hpp"
#include "text/line_chunks.hpp"
#include "text/row_parser.hpp"
#include "text/row_sink.hpp"
#include "text/text_dialect.hpp"
#include "text/text_source.hpp"

namespace npymap::text {

/// Reads rows, a part of the lines in each thread, and puts them where they belong.
///
/// Whoever has a part knows where its rows go when those before it have been counted, so parts take
/// turns: nobody waits for one that has not begun. The first fault of the text is the one that
/// is told.
class text_pass {
 public:
  /// At the first byte of `from`. \throws error invalid_argument
  text_pass(text_source& from, const text_dialect& dialect, column_plan& plan,
            const load_text_options& options);

  /// Go to the first row, which tells how many columns there are. \throws error as `load_text`
  void find_first_row();
  /// What the first line said that the shape is, if it did. Behind `find_first_row`.
  const std::optional<shape>& told_shape() const noexcept { return told_shape_; }
  /// Read all rows. \throws error as `load_text`
  void run(row_sink& to);
  /// How many there were.
  index_t rows() const noexcept { return rows_; }

 private:
  struct worker;

  void require_room_for_rows();
  bool is_first_row_in(const text_chunk& chunk);
  void read_told_shape(const text_chunk& chunk);
  std::optional<std::uint64_t> expected_rows();
  bool take_chunk(worker& w);
  bool parse_chunk(worker& w);
  bool has_all_rows() const noexcept { return options_.max_rows && rows_ >= *options_.max_rows; }
  [[noreturn]] void refuse(const text_fault& fault, std::uint64_t offset_bytes) const;

  text_source& from_;
  const text_dialect& dialect_;
  column_plan& plan_;
  const load_text_options& options_;
  std::optional<shape> told_shape_;
  int threads_;
  std::size_t buffer_bytes_;  // of rows, in each thread
  detail::piece_order turns_;
  detail::progress_meter meter_;

  std::mutex reading_;
  line_chunks chunks_;               // of whoever reads
  std::optional<text_chunk> first_;  // which holds the first row
  index_t next_chunk_ = 0;
  bool is_over_ = false;

  index_t rows_ = 0;   // of whoever has the turn
  index_t lines_ = 0;  // before its part
  row_sink* to_ = nullptr;
};

}  // namespace npymap::text
