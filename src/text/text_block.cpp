#include "text/text_block.hpp"

#include <algorithm>
#include <string_view>

#include <fmt/format.h>

#include <npymap/error.hpp>

namespace npymap::text {
namespace {

// What NumPy does to each line of complex numbers: "(1+-2j)" becomes "(1-2j)".
void drop_plus_before_minus(text_buffer& text, std::size_t begin) {
  const std::string_view line(text.data() + begin, text.size() - begin);
  std::size_t at = line.find("+-");
  if (at == std::string_view::npos) return;
  char* to = text.data() + begin + at;
  for (std::size_t next; at < line.size(); at = next) {
    next = std::min(line.find("+-", at + 1), line.size());
    to = std::copy(line.data() + at + 1, line.data() + next, to);
  }
  text.end_at(to);
}

}  // namespace

text_block::text_block(const line_format& format, const index_vector& start, const shape& extents,
                       const strides& byte_strides, const std::byte* data)
    : format_(format),
      start_(start),
      extents_(extents),
      byte_strides_(byte_strides),
      data_(data),
      row_axes_(std::max(extents.rank() - 1, 1)),
      cells_(format.rows.cells()) {
  for (int axis = 0; axis < row_axes_; ++axis) rows_ *= extents_[axis];
  if (extents_.rank() > 1) {
    const int last = extents_.rank() - 1;
    first_cell_ = start_[last] * format_.rows.cells_per_column();
    cells_ = extents_[last] * format_.rows.cells_per_column();
    column_step_ = byte_strides_[last];
  }
  steps_per_row_ = std::max<index_t>(cells_, 1);
}

text_block::row_place text_block::place_of(index_t row) const {
  row_place found{index_vector(row_axes_), data_};
  for (int axis = row_axes_; axis-- > 0;) {
    found.index[axis] = row % extents_[axis];
    found.data += found.index[axis] * byte_strides_[axis];
    row /= extents_[axis];
  }
  return found;
}

void text_block::go_to_next(row_place& row) const {
  for (int axis = row_axes_; axis-- > 0;) {
    row.data += byte_strides_[axis];
    if (++row.index[axis] < extents_[axis] || axis == 0) return;
    row.data -= extents_[axis] * byte_strides_[axis];
    row.index[axis] = 0;
  }
}

void text_block::write_slice_note(text_buffer& to, const index_vector& index) const {
  index_vector slice(row_axes_ - 1);
  for (int axis = 0; axis < slice.rank(); ++axis) slice[axis] = start_[axis] + index[axis];
  to.append(format_.slice_note);
  to.append(to_string(slice));
  to.append(format_.note_end);
}

index_t text_block::write(text_buffer& to, index_t from, index_t end,
                          std::size_t most_bytes) const {
  const bool begins_lines = first_cell_ == 0;
  const bool ends_lines = first_cell_ + cells_ == format_.rows.cells();
  const bool has_notes = begins_lines && !format_.slice_note.empty();
  row_place row = place_of(from / steps_per_row_);
  for (index_t step = from % steps_per_row_; from < end;) {
    if (step == 0 && has_notes && start_[row_axes_ - 1] + row.index[row_axes_ - 1] == 0) {
      write_slice_note(to, row.index);
    }
    const std::size_t line = to.size();
    const index_t stop = std::min(steps_per_row_, step + (end - from));
    const index_t done = cells_ == 0 ? stop : write_values(to, row, step, stop, most_bytes);
    if (done == steps_per_row_ && ends_lines) to.append(format_.rows.line_end());
    if (format_.rows.drops_plus()) drop_plus_before_minus(to, line);
    from += done - step;
    step = done;
    if (to.size() > most_bytes) break;
    if (step < steps_per_row_) continue;
    step = 0;
    go_to_next(row);
  }
  return from;
}

// Complex numbers are not parted: their signs belong together.
index_t text_block::write_values(text_buffer& to, const row_place& row, index_t from, index_t end,
                                 std::size_t most_bytes) const {
  text_target target{to, format_.encoding};
  const index_t per_column = format_.rows.cells_per_column();
  index_t step = from;
  try {
    for (; step < end; ++step) {
      const row_cell& cell = format_.rows.at(first_cell_ + step);
      const index_t column = per_column == 1 ? step : step / per_column;
      to.append(cell.before);
      const std::size_t begin = to.size();
      cell.put(target, cell.how, cell.type, row.data + column * column_step_ + cell.offset_bytes);
      if (cell.may_want_quotes) format_.rows.quotes().put_around(to, begin);
      if (to.size() > most_bytes && (step + 1) % per_column == 0) return step + 1;
    }
  } catch (const unfit_value& value) {
    refuse(value, row.index, first_cell_ + step);
  }
  return end;
}

void text_block::refuse(const unfit_value& value, const index_vector& index, index_t cell) const {
  const index_t column = cell / format_.rows.cells_per_column();
  std::string place;
  if (extents_.rank() > 2) {
    index_vector whole(extents_.rank());
    for (int axis = 0; axis < row_axes_; ++axis) whole[axis] = start_[axis] + index[axis];
    whole[row_axes_] = column;
    place = "element " + to_string(whole);
  } else {
    place = fmt::format("row {}, column {}", start_[0] + index[0], column);
  }
  throw error(errc::invalid_argument,
              {.subject = place, .expected = value.expected, .found = value.found});
}

}  // namespace npymap::text
