/// \file
/// Arrays larger than memory, a block at a time: read ahead, decoded, dropped behind.
#pragma once

#include <cstddef>
#include <cstdint>
#include <iterator>
#include <optional>
#include <span>
#include <tuple>
#include <utility>
#include <vector>

#include <npymap/array.hpp>
#include <npymap/detail/export.hpp>
#include <npymap/detail/layout.hpp>
#include <npymap/detail/shared.hpp>
#include <npymap/dtype.hpp>
#include <npymap/shape.hpp>
#include <npymap/source.hpp>
#include <npymap/view.hpp>

namespace npymap {

/// How to cut an array into blocks. The defaults suit a pass over a whole file.
struct block_options {
  /// What stays in memory at most: the block at hand, the one that is read ahead, and scratch.
  std::uint64_t budget_bytes = std::uint64_t{256} << 20;
  /// The axis to cut, from 0 or from the end; when left out, the one that is outermost in the file.
  std::optional<int> axis = {};
  /// How many elements a block has along that axis, the last one perhaps fewer; when left out, as
  /// many as fit. Then, and only then, other axes are cut too where even one does not fit.
  std::optional<index_t> extent = {};
  /// Tiles instead: how many elements a block has along each axis, as `{512, 512}`, those at the
  /// ends perhaps fewer. Then `axis` and `extent` are left out.
  shape tile = {};
  /// How many elements along that axis, or along every axis of a tile, a block sees of each
  /// neighbour, as a stencil needs; fewer at the ends of the array.
  index_t halo = 0;
};

namespace detail {

/// One block among others: a box of an array.
struct block_box {
  index_vector start;                                     ///< of its first element in the array
  shape extents;                                          ///< halo included
  index_vector halo_before = index_vector(start.rank());  ///< along each axis
  index_vector halo_after = index_vector(start.rank());
};

/// The engine: cuts, reads ahead in a thread of its own, decodes what is not native, and drops what
/// has been passed. Asked for one block after another, from one thread at a time.
class NPYMAP_EXPORT block_stream : public counted {
 public:
  /// Over the elements of `x` as elements of `wanted`. \throws error as `blocks`
  static shared<block_stream> over(const source& x, const dtype& wanted, std::size_t alignment,
                                   const block_options& options);

  /// Over several arrays, cut alike along one axis. \throws error as `blocks` of them
  static std::vector<shared<block_stream>> in_step(std::span<const pass_input> xs,
                                                   const block_options& options);

  virtual index_t count() const noexcept = 0;
  virtual int axis() const noexcept = 0;
  /// Make block `n` the one at hand: its place, and where its elements lie. Those of the block
  /// before are gone. \throws error of the system, when it cannot be read
  virtual const block_box& go_to(index_t n) = 0;
  /// The block at hand is done with. \throws error if some of it could not be read while it was at
  /// hand; so does `go_to`
  virtual void finish() {}
  virtual const std::byte* data() const noexcept = 0;
  virtual const strides& byte_strides() const noexcept = 0;
};

/// Walks what a range makes one after another: going on makes the one before invalid.
template <class Range>
class block_iterator {
 public:
  using iterator_concept = std::input_iterator_tag;
  using value_type = typename Range::value_type;
  using difference_type = index_t;

  block_iterator() = default;
  block_iterator(Range& blocks, index_t position) : blocks_(&blocks), position_(position) {
    if (position < blocks.size()) now_ = blocks.go_to(position);
  }

  const value_type& operator*() const noexcept { return now_; }
  const value_type* operator->() const noexcept { return &now_; }
  block_iterator& operator++() {
    if (++position_ < blocks_->size()) {
      now_ = blocks_->go_to(position_);
    } else {
      blocks_->finish();
    }
    return *this;
  }
  void operator++(int) { ++*this; }
  friend bool operator==(const block_iterator& it, std::default_sentinel_t) noexcept {
    return it.position_ >= it.blocks_->size();
  }

 private:
  Range* blocks_ = nullptr;
  index_t position_ = 0;
  value_type now_;
};

}  // namespace detail

/// A block: native, aligned elements of a part of an array, until the next block is asked for.
///
/// Whole rows of an array in C order are dense, and `as_matrix` takes them; tiles, halos and parts
/// of rows may have gaps between their rows: `as_strided_matrix` takes any.
template <element T>
class block : public view<const T> {
 public:
  block() = default;

  /// Where the block's element (0, ..., 0) is in the array: with a halo, the first one seen.
  const index_vector& start() const noexcept { return box_->start; }
  /// Where the block begins along the axis that is cut, without its halo.
  index_t first() const noexcept {
    return this->rank() == 0 ? 0 : box_->start[axis_] + halo_before();
  }
  /// How many elements along that axis, or along another, belong to the neighbours.
  index_t halo_before() const noexcept { return this->rank() == 0 ? 0 : halo_before(axis_); }
  index_t halo_after() const noexcept { return this->rank() == 0 ? 0 : halo_after(axis_); }
  index_t halo_before(int axis) const noexcept { return box_->halo_before[axis]; }
  index_t halo_after(int axis) const noexcept { return box_->halo_after[axis]; }
  /// The elements that no other block has: the block without its halo.
  view<const T> interior() const {
    view<const T> own = *this;
    for (int axis = 0; axis < this->rank(); ++axis) {
      const range kept(halo_before(axis), this->extent(axis) - halo_after(axis));
      own = own.swapaxes(0, axis)(kept, ellipsis).swapaxes(0, axis);
    }
    return own;
  }
  /// Where `interior()(0, ..., 0)` is in the array.
  index_vector interior_start() const {
    index_vector own = start();
    for (int axis = 0; axis < this->rank(); ++axis) own[axis] += halo_before(axis);
    return own;
  }

 private:
  template <element U>
  friend class block_range;

  block(const view<const T>& elements, const detail::block_box& box, int axis)
      : view<const T>(elements), box_(&box), axis_(axis) {}

  const detail::block_box* box_ = nullptr;
  int axis_ = 0;
};

/// The blocks of an array, to be walked from front to back, again if need be: see `blocks`.
///
/// Owns a share of the array's mapping, the scratch and a thread, until it is destroyed. Not safe
/// to use from two threads.
template <element T>
class block_range {
 public:
  using value_type = block<T>;
  using iterator = detail::block_iterator<block_range>;

  /// How many blocks there are.
  index_t size() const noexcept { return stream_->count(); }
  /// The axis that is cut, from 0; the first one cut, where that is not enough.
  int axis() const noexcept { return stream_->axis(); }
  bool empty() const noexcept { return size() == 0; }
  /// Reads the first block. \throws error of the system, when it cannot be read
  iterator begin() { return {*this, 0}; }
  std::default_sentinel_t end() const noexcept { return {}; }

 private:
  friend iterator;
  template <element... Us>
  friend class block_range_in_step;
  template <element U>
  friend block_range<U> make_blocks(detail::shared<detail::block_stream> stream);

  explicit block_range(detail::shared<detail::block_stream> stream) : stream_(std::move(stream)) {}

  block<T> go_to(index_t n) {
    const detail::block_box& box = stream_->go_to(n);
    return {view<const T>(reinterpret_cast<const T*>(stream_->data()), box.extents,
                          stream_->byte_strides()),
            box, stream_->axis()};
  }
  void finish() { stream_->finish(); }

  detail::shared<detail::block_stream> stream_;
};

template <element T>
block_range<T> make_blocks(detail::shared<detail::block_stream> stream) {
  return block_range<T>(std::move(stream));
}

/// Cut an array into blocks that fit a budget of memory, and walk them in the order of the file.
///
/// Each block has native, aligned elements: those of the map itself where they are that already
/// (nothing is copied), else decoded into scratch. The next block is read while the caller works on
/// this one. What has been passed leaves this process's memory, except in mode c, or where the
/// whole array fits the budget. Blocks along an axis that is not outermost in the file, and tiles,
/// are gathered where that spares pages, and touch each page once a block. A block that could not
/// be read, of a file that was cut meanwhile, reads as zeros to this thread, and going on throws.
/// Example: `for (const auto& block : npymap::blocks(x)) total += npymap::as_matrix(block).sum();`
/// \throws error invalid_argument for a budget below what one block takes, which it names; a halo
/// or an extent below its least; out_of_range for the axis; later truncated, and the system's
template <element T>
block_range<std::remove_const_t<T>> blocks(const array<T>& x, const block_options& options = {}) {
  using plain = std::remove_const_t<T>;
  return make_blocks<plain>(
      detail::block_stream::over(x, dtype_of<plain>(), alignof(plain), options));
}

/// The same over an array, or unmapped files, of any dtype that `convert` makes a T of by the rule
/// `same_kind`. \throws error also dtype_mismatch
template <element T>
block_range<std::remove_const_t<T>> blocks(const source& x, const block_options& options = {}) {
  using plain = std::remove_const_t<T>;
  return make_blocks<plain>(
      detail::block_stream::over(x, dtype_of<plain>(), alignof(plain), options));
}

/// The blocks of several arrays in step, each a tuple of blocks: see `blocks` of `inputs`.
template <element... Ts>
class block_range_in_step {
 public:
  using value_type = std::tuple<block<Ts>...>;
  using iterator = detail::block_iterator<block_range_in_step>;

  index_t size() const noexcept {
    index_t least = std::get<0>(ranges_).size();  // or 0, of what has no elements
    std::apply([&](const auto&... each) { ((least = each.size() == 0 ? 0 : least), ...); },
               ranges_);
    return least;
  }
  /// The axis that is cut, from 0.
  int axis() const noexcept { return std::get<0>(ranges_).axis(); }
  bool empty() const noexcept { return size() == 0; }
  iterator begin() { return {*this, 0}; }
  std::default_sentinel_t end() const noexcept { return {}; }

 private:
  friend iterator;
  template <element... Us>
  friend block_range_in_step<Us...> blocks(const input_list<Us...>& xs,
                                           const block_options& options);

  using streams = std::vector<detail::shared<detail::block_stream>>;
  template <std::size_t... I>
  block_range_in_step(const streams& each, std::index_sequence<I...>)
      : ranges_(make_blocks<Ts>(each[I])...) {}

  value_type go_to(index_t n) {
    return std::apply([n](auto&... each) { return value_type{each.go_to(n)...}; }, ranges_);
  }
  void finish() {
    std::apply([](auto&... each) { (each.finish(), ...); }, ranges_);
  }

  std::tuple<block_range<Ts>...> ranges_;
};

/// Cut several arrays along the same axis, at the same places, and walk them in step.
///
/// The axis is the first when left out; along it all have one extent. The blocks that belong
/// together fit the budget together. Where one array has no elements there are no blocks.
/// Example: `for (const auto& [a, b] : npymap::blocks(npymap::inputs(x, y))) dot += ...;`
/// \throws error as `blocks` of one; layout_mismatch for unequal extents, invalid_argument for
/// tiles
template <element... Ts>
block_range_in_step<Ts...> blocks(const input_list<Ts...>& xs, const block_options& options = {}) {
  static_assert(sizeof...(Ts) > 0);
  return std::apply(
      [&](const auto&... x) {
        const detail::pass_input list[] = {detail::input_of(x)...};
        return block_range_in_step<Ts...>(detail::block_stream::in_step(list, options),
                                          std::index_sequence_for<Ts...>());
      },
      xs);
}

}  // namespace npymap
