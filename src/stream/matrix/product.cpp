// A tile of c is made of the products of a row of tiles of a and a column of tiles of b. While two
// tiles are multiplied on all cores, the next two are read into buffers of their own.

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <future>
#include <string>
#include <utility>

#include <fmt/format.h>

#include <npymap/array.hpp>
#include <npymap/convert.hpp>
#include <npymap/copy.hpp>
#include <npymap/detail/matrix_walk.hpp>
#include <npymap/error.hpp>
#include <npymap/guard.hpp>

#include "array/array_access.hpp"
#include "io/aligned_buffer.hpp"
#include "io/file.hpp"
#include "stream/element_source.hpp"
#include "stream/threads.hpp"
#include "view/wrapping.hpp"

namespace npymap::detail {
namespace {

constexpr index_t page_bytes = 4096;

// Below, tiles are so small that pages are read again and again for a part of each.
constexpr std::uint64_t least_budget_bytes = std::uint64_t{256} << 10;

/// An axis cut into tiles of one size, but for the first and the last.
struct tile_axis {
  index_t whole;
  index_t size;
  index_t skipped = 0;  ///< what the first tile lacks

  index_t count() const noexcept { return whole == 0 ? 0 : (whole + skipped - 1) / size + 1; }
  index_t begin(index_t n) const noexcept { return std::max<index_t>(n * size - skipped, 0); }
  index_t extent(index_t n) const noexcept {
    return std::min((n + 1) * size - skipped, whole) - begin(n);
  }
  /// Row and column of tile `n` of a matrix whose columns these are.
  std::pair<index_t, index_t> place_of(index_t n) const noexcept {
    const index_t columns = std::max<index_t>(count(), 1);
    return {n / columns, n % columns};
  }
};

/// Where the axes of a product are cut.
struct product_plan {
  tile_axis rows;
  tile_axis depth;
  tile_axis columns;

  /// One tile of c, two of a and two of b take seven eighths of the budget. Least is read for a
  /// large tile of c, but a run of a tile's row should not be short.
  product_plan(index_t m, index_t k, index_t n, index_t itemsize, std::uint64_t budget_bytes)
      : rows{m, 1}, depth{k, 1}, columns{n, 1} {
    const auto elements = static_cast<index_t>(std::min<std::uint64_t>(budget_bytes, INT64_MAX) /
                                               8 * 7 / static_cast<std::uint64_t>(itemsize));
    const auto side = static_cast<index_t>(std::sqrt(static_cast<double>(elements) / 2));
    const index_t in_page = page_bytes / itemsize;
    rows.size = round_down(std::clamp<index_t>(m, 1, side), m, in_page);
    columns.size = round_down(std::clamp<index_t>(n, 1, side), n, in_page);
    const index_t deep = (elements - rows.size * columns.size) / (2 * (rows.size + columns.size));
    depth.size = round_down(std::clamp<index_t>(k, 1, deep), k, in_page);
  }

  /// Have tiles of a target meet at borders of its pages, as far as its strides allow.
  void meet_at_pages(const any_array& c) {
    const index_t itemsize = c.itemsize();
    const auto beyond = reinterpret_cast<std::uintptr_t>(c.data()) % std::uintptr_t{page_bytes};
    const bool lies_in_rows = c.byte_strides()[1] == itemsize;
    if (lies_in_rows && columns.size < columns.whole &&
        columns.size % (page_bytes / itemsize) == 0) {
      columns.skipped = static_cast<index_t>(beyond) / itemsize;
    }
  }

 private:
  static index_t round_down(index_t size, index_t whole, index_t unit) {
    return size == whole || size < unit ? size : size / unit * unit;
  }
};

/// A box of a matrix, in its transpose.
block_box turned(const block_box& box) {
  return {{box.start[1], box.start[0]}, {box.extents[1], box.extents[0]}};
}

/// The tiles of one source, or of its transpose, decoded, in C order: one at hand, and one that is
/// read.
class tile_reader {
 public:
  tile_reader(const source& x, bool is_turned, const dtype& number, std::uint64_t budget_bytes)
      : elements_(x.elements()),
        is_turned_(is_turned),
        number_(number),
        strip_bytes_(static_cast<index_t>(std::min<std::uint64_t>(budget_bytes / 32, 1 << 20))),
        fits_budget_(elements_->spanned_bytes() <= budget_bytes / 8) {
    needs_decoding(*elements_, number, 1, "multiply");  // throws if it cannot be
  }

  /// Read a tile, unless it is the one at hand; in any thread.
  void read(const block_box& box) {
    slot& spare = slots_[1];
    spare.box = box;
    is_at_hand_ = slots_[0].box.start == box.start && slots_[0].box.extents == box.extents;
    if (is_at_hand_) return;
    const index_t bytes = *array_bytes(box.extents, number_.itemsize());
    if (static_cast<index_t>(spare.buffer.size_bytes()) < bytes) {
      spare.buffer = {};  // before there are two
      spare.buffer = io::aligned_buffer(static_cast<std::size_t>(bytes));
    }
    strides steps = dense_byte_strides(box.extents, number_.itemsize(), order::c);
    if (is_turned_) std::swap(steps[0], steps[1]);
    const block_box place = is_turned_ ? turned(box) : box;
    elements_->read_ahead_of(place);
    read_strips(place, spare.buffer.data(), steps);
  }

  /// What was read is at hand now. Returns how many bytes of the source were read for it.
  std::uint64_t turn() {
    if (is_at_hand_) return 0;
    std::swap(slots_[0], slots_[1]);
    return static_cast<std::uint64_t>(
        *array_bytes(slots_[0].box.extents, elements_->type().itemsize()));
  }

  const std::byte* data() const noexcept { return slots_[0].buffer.data(); }
  const shape& extents() const noexcept { return slots_[0].box.extents; }

 private:
  struct slot {
    block_box box;
    io::aligned_buffer buffer;
  };

  // Few of the source's pages, or of its bytes, are in memory beside the tile.
  void read_strips(const block_box& box, std::byte* to, const strides& steps) {
    const index_t itemsize = elements_->type().itemsize();
    const index_t bytes = *array_bytes(box.extents, itemsize);
    if (bytes == 0) return;
    const auto halves = bytes > strip_bytes_ ? elements_->halves_of(box) : std::nullopt;
    if (halves) {
      const auto& [first, second] = *halves;
      read_strips(first, to, steps);
      const index_vector way{second.start[0] - first.start[0], second.start[1] - first.start[1]};
      return read_strips(second, to + byte_offset(way, steps), steps);
    }
    const layout_ref there{box.extents, steps, number_.itemsize()};
    if (elements_->is_addressable()) {
      elements_->make_present(box);
      guarded(elements_->map(), [&] {
        convert_elements(elements_->type(), elements_->at(box.start), elements_->part(box.extents),
                         number_, to, there);
      });
      if (!fits_budget_) elements_->drop(elements_->pages_of(box));
      return;
    }
    const std::size_t needed = elements_->slot_bytes(bytes);
    if (fetched_.size_bytes() < needed) fetched_ = io::aligned_buffer(needed);
    const std::byte* const got = elements_->fetch(box, fetched_.bytes());
    const strides as_read = elements_->packed(box.extents, itemsize);
    convert_elements(elements_->type(), got, {box.extents, as_read, itemsize}, number_, to, there);
  }

  const shared<element_source> elements_;
  const bool is_turned_;
  const dtype number_;
  const index_t strip_bytes_;
  const bool fits_budget_;
  bool is_at_hand_ = false;
  std::array<slot, 2> slots_;
  io::aligned_buffer fetched_;
};

/// A factor: a matrix, or its transpose.
struct factor {
  const source& elements;
  bool is_turned;

  index_t extent(int axis) const noexcept { return elements.extent(is_turned ? 1 - axis : axis); }
};

class tiled_product {
 public:
  tiled_product(const factor& a, const factor& b, const any_array& c, const dtype& number,
                void (*multiply_add)(const product_part&), const pass_options& options)
      : plan_(a.extent(0), a.extent(1), b.extent(1), number.itemsize(), options.budget_bytes),
        a_(a.elements, a.is_turned, number, options.budget_bytes),
        b_(b.elements, b.is_turned, number, options.budget_bytes),
        c_(c),
        itemsize_(number.itemsize()),
        multiply_add_(multiply_add),
        options_(options) {
    plan_.meet_at_pages(c);
    const index_t tile_bytes = plan_.rows.size * plan_.columns.size * itemsize_;
    sum_ = array_access::over(io::aligned_buffer(static_cast<std::size_t>(tile_bytes)), "",
                              {.dtype = number,
                               .shape = {plan_.rows.size, plan_.columns.size},
                               .order = order::c,
                               .version = {}});
    now_.total_bytes = bytes_to_read(a.elements, b.elements);
  }

  void run() {
    const index_t deep = std::max<index_t>(plan_.depth.count(), 1);  // none of it gives zeros
    const index_t steps = plan_.rows.count() * plan_.columns.count() * deep;
    if (steps == 0) return options_.progress({now_.total_bytes, now_.total_bytes});
    read(0, deep);
    for (index_t n = 0; n < steps; ++n) {
      now_.done_bytes += a_.turn() + b_.turn();
      std::future<void> ahead;
      if (n + 1 < steps) ahead = std::async(in_a_thread_if_any, [=, this] { read(n + 1, deep); });
      if (n % deep == 0) std::memset(sum_.data(), 0, static_cast<std::size_t>(sum_.size_bytes()));
      multiply();
      if (n % deep == deep - 1) write(n / deep);
      if (now_.done_bytes < now_.total_bytes) options_.progress(now_);
      if (ahead.valid()) ahead.get();
    }
    options_.progress({now_.total_bytes, now_.total_bytes});
  }

 private:
  // Tiles of c go row by row; for each, those of the sources from front to back.
  void read(index_t step, index_t deep) {
    const index_t p = step % deep, tile = step / deep;
    const auto [i, j] = plan_.columns.place_of(tile);
    a_.read(box_of(plan_.rows, i, plan_.depth, p));
    b_.read(box_of(plan_.depth, p, plan_.columns, j));
  }
  static block_box box_of(const tile_axis& first, index_t i, const tile_axis& second, index_t j) {
    return {{first.begin(i), second.begin(j)}, {first.extent(i), second.extent(j)}};
  }

  void multiply() {
    const index_t rows = a_.extents()[0], depth = a_.extents()[1], columns = b_.extents()[1];
    // Enough for a few cores, and each so large that packing it is nothing beside multiplying.
    const auto wanted = static_cast<index_t>(std::sqrt(static_cast<double>(rows * columns) / 16));
    const index_t side = std::clamp<index_t>(wanted, 64, 512) / 16 * 16;
    const tile_axis down{rows, side}, across{columns, side};
    if (depth == 0) return;
    run_tasks(down.count() * across.count(), options_, nullptr, [&](index_t n) {
      const auto [i, j] = across.place_of(n);
      const index_t c_step = plan_.columns.size;
      multiply_add_({.a = a_.data() + down.begin(i) * depth * itemsize_,
                     .b = b_.data() + across.begin(j) * itemsize_,
                     .c = sum_.data() + (down.begin(i) * c_step + across.begin(j)) * itemsize_,
                     .a_step = depth,
                     .b_step = columns,
                     .c_step = c_step,
                     .rows = down.extent(i),
                     .depth = depth,
                     .columns = across.extent(j)});
    });
  }

  void write(index_t tile) {
    const auto [i, j] = plan_.columns.place_of(tile);
    const range rows(plan_.rows.begin(i), plan_.rows.begin(i) + plan_.rows.extent(i));
    const range columns(plan_.columns.begin(j), plan_.columns.begin(j) + plan_.columns.extent(j));
    const any_array from = sum_(range(0, plan_.rows.extent(i)), range(0, plan_.columns.extent(j)));
    const any_array to = c_(rows, columns);
    const bool lies_in_rows = to.byte_strides()[1] == itemsize_ || to.extent(1) == 1;
    if (to.is_mapped() && to.mode() != open_mode::copy_on_write && lies_in_rows) {
      return write_rows(from, to);
    }
    copy(from, to, casting::same_kind,
         {.budget_bytes = options_.budget_bytes / 16,
          .threads = options_.threads,
          .stop = options_.stop});
  }

  // To the file, not through the map. The disk has the time of a tile to be done with it: else
  // the kernel would let us fill all memory with what waits for it.
  void write_rows(const any_array& from, const any_array& to) const {
    const file_map& map = to.map();
    io::file& file = io::file_of(map);
    file.wait_for_writing();
    const auto row_bytes = static_cast<std::size_t>(to.extent(1) * itemsize_);
    for (index_t row = 0; row < to.extent(0); ++row) {
      const std::byte* const there = to.data() + row * to.byte_strides()[0];
      map.write(static_cast<std::size_t>(there - map.data()),
                {from.data() + row * from.byte_strides()[0], row_bytes});
    }
    const byte_reach reached = reach(to.layout()).value_or(byte_reach{});
    const index_t first = to.data() - map.data() + reached.begin;
    file.start_writing(map.offset_bytes() + static_cast<std::uint64_t>(first),
                       static_cast<std::uint64_t>(reached.end - reached.begin));
  }

  // What is at hand is not read again.
  std::uint64_t bytes_to_read(const source& a, const source& b) const {
    const bool is_shallow = plan_.depth.count() <= 1;
    const index_t across = plan_.columns.count(), down = plan_.rows.count();
    if (across * down == 0) return 0;
    return static_cast<std::uint64_t>(a.size_bytes()) *
               static_cast<std::uint64_t>(is_shallow ? 1 : across) +
           static_cast<std::uint64_t>(b.size_bytes()) *
               static_cast<std::uint64_t>(is_shallow && across == 1 ? 1 : down);
  }

  product_plan plan_;
  tile_reader a_;
  tile_reader b_;
  const any_array c_;
  const index_t itemsize_;
  void (*const multiply_add_)(const product_part&);
  const pass_options& options_;
  any_array sum_;
  pass_progress now_;
};

void require_shapes(const source& a, const source& b, const any_array& c) {
  const bool are_matrices = a.rank() == 2 && b.rank() == 2 && c.rank() == 2;
  if (are_matrices && a.extent(1) == b.extent(0) && c.extent(0) == a.extent(0) &&
      c.extent(1) == b.extent(1)) {
    return;
  }
  throw error(errc::layout_mismatch,
              {.path = c.path(),
               .subject = "shapes of a matrix product",
               .expected = "(m, k) by (k, n) into (m, n)",
               .found = to_string(a.shape()) + " by " + to_string(b.shape()) + " into " +
                        to_string(c.shape())});
}

void require_apart(const source& from, const any_array& to) {
  if (!from.elements()->may_overlap(to)) return;
  throw error(errc::invalid_argument, {.path = to.path(),
                                       .subject = "target of a matrix product",
                                       .expected = "an array that shares no bytes with a source",
                                       .found = "bytes of " + quoted(from.elements()->path())});
}

}  // namespace

void multiply_tiles(const source& a, const source& b, const any_array& c, const dtype& number,
                    void (*multiply_add)(const product_part&), const pass_options& options) {
  require_shapes(a, b, c);
  require_element(c, number, 1, true);
  require_apart(a, c);
  require_apart(b, c);
  checked_threads(options.threads);
  if (options.budget_bytes < least_budget_bytes) {
    throw error(errc::invalid_argument, {.subject = "budget_bytes of a matrix product",
                                         .expected = fmt::format("at least {}", least_budget_bytes),
                                         .found = fmt::format("{}", options.budget_bytes)});
  }
  // As c is written in rows, that of Fortran order is the transpose of the turned product.
  if (step_length(c.byte_strides()[0]) < step_length(c.byte_strides()[1])) {
    tiled_product({b, true}, {a, true}, c.transpose(), number, multiply_add, options).run();
  } else {
    tiled_product({a, false}, {b, false}, c, number, multiply_add, options).run();
  }
}

}  // namespace npymap::detail
