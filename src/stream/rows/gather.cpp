#include <npymap/gather.hpp>

#include <algorithm>
#include <cstdlib>
#include <string>
#include <utility>
#include <vector>

#include <fmt/format.h>
#include <oneapi/tbb/task_arena.h>

#include <npymap/convert.hpp>
#include <npymap/error.hpp>
#include <npymap/file_map.hpp>
#include <npymap/guard.hpp>

#include "array/array_access.hpp"
#include "core/time_step.hpp"
#include "io/aligned_buffer.hpp"
#include "stream/rows/row_fetch.hpp"
#include "stream/threads.hpp"

namespace npymap::detail {
namespace {

// So many rows are sorted, and told of, at once.
constexpr std::uint64_t most_at_once = 1 << 18;
constexpr std::uint64_t most_bytes_at_once = std::uint64_t{64} << 20;
// Elements of a row that lie farther apart are read one by one, not with what lies between.
constexpr index_t worth_splitting_bytes = 64 << 10;

shape shape_of_rows(const row_source& from, std::size_t count) {
  if (from.where.rank() == 0) {
    throw error(errc::layout_mismatch, {.path = from.storage.path(),
                                        .subject = "rank of an array of rows",
                                        .expected = "1 or more",
                                        .found = "0"});
  }
  shape extents = from.where.shape;
  extents[0] = static_cast<index_t>(count);
  return extents;
}

void require_rows(const row_source& from, std::span<const index_t> rows) {
  const index_t count = from.where.shape[0];
  const auto bad = std::ranges::find_if(rows, [&](index_t r) { return r < -count || r >= count; });
  if (bad == rows.end()) return;
  throw error(errc::out_of_range,
              {.path = from.storage.path(),
               .subject = fmt::format("row {} of those to gather", bad - rows.begin()),
               .expected = count == 0 ? "none, in an array without rows"
                                      : fmt::format("{} to {}", -count, count - 1),
               .found = fmt::format("{}", *bad)});
}

void require_cast(const row_source& from, const dtype& wanted) {
  if (can_cast(from.type, wanted)) return;
  throw error(errc::dtype_mismatch,
              {.path = from.storage.path(),
               .subject = "gather",
               .expected = "what becomes " + descr(wanted) + " by the rule same_kind",
               .found = descr(from.type)});
}

// Of the elements that a row has, which keep their strides.
layout_ref row_of(const layout_ref& where) noexcept {
  return {where.shape.subspan(1), where.byte_strides.subspan(1), where.itemsize};
}

index_t bytes_of(const byte_reach& reached) noexcept { return reached.end - reached.begin; }

/// One call of `gather`, slab by slab of the rows, and box by box of what each of them has.
///
/// The bytes of a box, with the gaps between its elements, are fetched for all rows of a slab: to
/// where they belong if nothing else need be done about them, else to scratch, from which they are
/// converted together.
class row_gather {
 public:
  row_gather(const row_source& from, const dtype& wanted, const row_target& to,
             const pass_options& options)
      : from_(from),
        source_(from.storage),
        row_(row_of(from.where)),
        wanted_(wanted),
        to_(static_cast<std::byte*>(to.data)),
        to_layout_(to.where),
        to_map_(to.map),
        options_(options),
        in_place_(same_meaning(from.type, wanted) && is_c_contiguous(row_) &&
                  is_c_contiguous(row_of(to_layout_))),
        limit_{checked_threads(options.threads),
               in_place_ ? options.budget_bytes : options.budget_bytes / 2, options.stop} {
    progress_.total_bytes =
        static_cast<std::uint64_t>(array_bytes(to_layout_.shape, 1).value_or(0)) *
        static_cast<std::uint64_t>(from.where.itemsize);
  }

  void run(std::span<const index_t> rows) {
    const std::uint64_t box_bytes = largest_box_bytes();
    // A megabyte of scratch is beside any budget: columns of a file in Fortran order would else be
    // read element by element.
    const std::uint64_t room =
        in_place_ ? most_bytes_at_once
                  : std::max<std::uint64_t>(options_.budget_bytes / 2, longest_read_bytes);
    const auto at_once =
        static_cast<std::size_t>(std::clamp<std::uint64_t>(room / box_bytes, 1, most_at_once));
    std::byte* to = to_;
    while (!rows.empty()) {
      const auto slab = rows.first(std::min(at_once, rows.size()));
      place(slab);
      gather_box(from_.data, to, row_.shape);
      to += static_cast<index_t>(slab.size()) * to_layout_.byte_strides[0];
      rows = rows.subspan(slab.size());
    }
  }

 private:
  // Of those that a row is split into.
  std::uint64_t largest_box_bytes() const {
    shape extents = row_.shape;
    for (;;) {
      const index_t bytes = bytes_of(reach(part_of_row(extents)).value_or(byte_reach{}));
      const int axis = axis_to_split(part_of_row(extents), bytes);
      if (axis < 0) return static_cast<std::uint64_t>(std::max<index_t>(bytes, 1));
      extents[axis] -= extents[axis] / 2;
    }
  }

  void place(std::span<const index_t> slab) {
    places_.resize(slab.size());
    for (std::size_t i = 0; i < slab.size(); ++i) {
      const index_t row = slab[i] < 0 ? slab[i] + from_.where.shape[0] : slab[i];
      places_[i] = {row * from_.where.byte_strides[0], static_cast<index_t>(i)};
    }
  }

  layout_ref part_of_row(const shape& extents) const noexcept {
    return {extents, row_.byte_strides, row_.itemsize};
  }

  // Of each row of the slab; `from` is in row 0 of the array, `to` in the first of the slab.
  void gather_box(const std::byte* from, std::byte* to, const shape& extents) {
    const layout_ref box = part_of_row(extents);
    const byte_reach reached = *reach(box);
    const int axis = axis_to_split(box, bytes_of(reached));
    if (axis >= 0) return gather_halves(from, to, extents, axis);

    const auto box_bytes = static_cast<std::size_t>(bytes_of(reached));
    if (in_place_) {
      fetch_rows(source_,
                 {from + reached.begin, 0, box_bytes, to, to_layout_.byte_strides[0], to_map_},
                 places_, limit_);
    } else {
      if (scratch_.size_bytes() < box_bytes * places_.size()) {
        scratch_ = io::aligned_buffer(box_bytes * places_.size());
      }
      fetch_rows(source_,
                 {from + reached.begin, 0, box_bytes, scratch_.data(), bytes_of(reached), {}},
                 places_, limit_);
      convert_scratch(scratch_.data() - reached.begin, bytes_of(reached), box, to);
    }
    tell(*array_bytes(extents, from_.where.itemsize));
  }

  // The outermost one, if the box is longer than a read, or mostly gaps; else -1.
  static int axis_to_split(const layout_ref& box, index_t box_bytes) noexcept {
    const index_t own_bytes = *array_bytes(box.shape, box.itemsize);
    const bool is_long = box_bytes > static_cast<index_t>(longest_read_bytes);
    const bool is_sparse = box_bytes > worth_splitting_bytes && box_bytes / 4 > own_bytes;
    int outermost = -1;
    index_t longest = 0;
    for (int axis = 0; (is_long || is_sparse) && axis < box.rank(); ++axis) {
      const auto at = static_cast<std::size_t>(axis);
      const index_t length = box.shape[at] > 1 ? std::abs(box.byte_strides[at]) : 0;
      if (length > longest) {
        longest = length;
        outermost = axis;
      }
    }
    return outermost;
  }

  void gather_halves(const std::byte* from, std::byte* to, const shape& extents, int axis) {
    const auto at = static_cast<std::size_t>(axis);
    const index_t first = extents[axis] / 2;
    shape half = extents;
    half[axis] = first;
    gather_box(from, to, half);
    half[axis] = extents[axis] - first;
    gather_box(from + first * row_.byte_strides[at], to + first * to_layout_.byte_strides[at + 1],
               half);
  }

  void convert_scratch(const std::byte* scratch, index_t step_bytes, const layout_ref& box,
                       std::byte* to) const {
    shape extents(box.rank() + 1);
    strides steps(box.rank() + 1);
    std::ranges::copy(box.shape, extents.begin() + 1);
    std::ranges::copy(box.byte_strides, steps.begin() + 1);
    steps[0] = step_bytes;
    const auto part = static_cast<std::size_t>(
        std::max<index_t>(worth_splitting_bytes / std::max<index_t>(step_bytes, 1), 1));
    in_parts(places_.size(), part, limit_.threads, [&](std::size_t begin, std::size_t count) {
      shape some = extents;
      some[0] = static_cast<index_t>(count);
      const auto first = static_cast<index_t>(begin);
      guarded(to_map_, [&] {
        convert_elements(from_.type, scratch + first * step_bytes,
                         {some, steps, from_.where.itemsize}, wanted_,
                         to + first * to_layout_.byte_strides[0],
                         {some, to_layout_.byte_strides, to_layout_.itemsize});
      });
    });
  }

  void tell(index_t bytes_of_row) {
    progress_.done_bytes += places_.size() * static_cast<std::uint64_t>(bytes_of_row);
    options_.progress(progress_);
  }

  const row_source& from_;
  const byte_source source_;
  const layout_ref row_;
  const dtype& wanted_;
  std::byte* const to_;
  const layout_ref to_layout_;
  const file_map to_map_;
  const pass_options& options_;
  const bool in_place_;
  const fetch_limit limit_;
  pass_progress progress_;
  std::vector<row_place> places_;
  io::aligned_buffer scratch_;
};

}  // namespace

void gather_rows(const row_source& from, std::span<const index_t> rows, const dtype& wanted,
                 const row_target& to, const pass_options& options) {
  const shape extents = shape_of_rows(from, rows.size());
  if (!std::ranges::equal(extents, to.where.shape)) {
    throw error(errc::layout_mismatch, {.path = from.storage.path(),
                                        .subject = "shape of what rows are gathered into",
                                        .expected = to_string(extents),
                                        .found = to_string(to.where.shape)});
  }
  require_cast(from, wanted);
  require_rows(from, rows);
  row_gather work(from, wanted, to, options);
  // Without bytes there may be more elements than anyone could walk.
  const bool has_bytes = array_bytes(extents, from.where.itemsize).value_or(1) > 0 &&
                         array_bytes(extents, to.where.itemsize).value_or(1) > 0;
  if (has_bytes) work.run(rows);
}

any_array gather_rows(const row_source& from, std::span<const index_t> rows, const dtype& wanted,
                      const pass_options& options) {
  const shape extents = shape_of_rows(from, rows.size());
  require_cast(from, wanted);
  require_rows(from, rows);
  const strides steps = dense(extents, wanted.itemsize(), order::c).byte_strides;
  io::aligned_buffer bytes(static_cast<std::size_t>(*array_bytes(extents, wanted.itemsize())));
  std::byte* const to = bytes.data();
  any_array result =
      array_access::over(std::move(bytes), from.storage.path(),
                         {.dtype = wanted, .shape = extents, .order = order::c, .version = {}});
  gather_rows(from, rows, wanted, {to, {extents, steps, wanted.itemsize()}}, options);
  return result;
}

}  // namespace npymap::detail
