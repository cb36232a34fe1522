/// \file
/// Strided views of elements that live elsewhere, with NumPy's basic slicing.
#pragma once

#include <array>
#include <cassert>
#include <cstddef>
#include <span>
#include <string_view>
#include <type_traits>

#include <npymap/detail/axis_values.hpp>
#include <npymap/detail/element_iterator.hpp>
#include <npymap/detail/export.hpp>
#include <npymap/detail/layout.hpp>
#include <npymap/detail/loop_nest.hpp>
#include <npymap/shape.hpp>
#include <npymap/slice.hpp>

namespace npymap {

namespace detail {

/// What may stand between two commas of a subscript.
template <class T>
concept subscript = std::convertible_to<const T&, slice_item>;

template <class T>
inline constexpr bool takes_axis = index_like<T> || std::same_as<T, range>;

/// The rank that a subscript leaves of a known one, as NumPy counts.
template <class... Items>
constexpr int subscript_rank(int rank) noexcept {
  if ((std::same_as<Items, slice_item> || ...) || rank == dynamic_rank) return dynamic_rank;
  return rank - (0 + ... + int{index_like<Items>}) +
         (0 + ... + int{std::same_as<Items, newaxis_t>});
}

constexpr int rank_plus(int rank, int more) noexcept {
  return rank == dynamic_rank ? dynamic_rank : rank + more;
}

inline index_t last_or_zero(std::span<const index_t> values) noexcept {
  return values.empty() ? 0 : values.back();
}

template <int Rank>
axis_values<Rank> to_axis_values(std::span<const index_t> values) {
  if constexpr (Rank == dynamic_rank) {
    return values;
  } else {
    if (values.size() != Rank) refuse_rank(Rank, values.size());
    axis_values<Rank> copy{};
    for (std::size_t axis = 0; axis < values.size(); ++axis) copy[axis] = values[axis];
    return copy;
  }
}

}  // namespace detail

/// Elements of type T that live elsewhere, spread over memory by a stride for each axis.
///
/// Borrows: the elements must outlive it, and copying or destroying it does not touch them. As with
/// std::span a const view still writes, and `view<const T>` does not. `Rank` is the number of axes,
/// or `dynamic_rank`; a static one makes indexing and copying cheaper. Strides are in bytes,
/// signed, and may be 0. As safe for threads as the elements are. NumPy: numpy.ndarray, without
/// its memory.
template <class T, int Rank = dynamic_rank>
class view {
  static_assert(Rank == dynamic_rank || (Rank >= 0 && Rank <= max_rank));

 public:
  using element_type = T;
  using value_type = std::remove_cv_t<T>;
  using size_type = index_t;
  using difference_type = index_t;
  using reference = T&;
  using pointer = T*;
  using iterator = detail::element_iterator<T>;

  /// No elements: extents of 0, on one axis when the rank is dynamic.
  view() noexcept requires(Rank != 0) {
    if constexpr (Rank == dynamic_rank) shape_ = byte_strides_ = index_vector(1);
  }

  /// Dense elements from `data` on. \throws error invalid_argument, size_overflow, layout_mismatch
  view(T* data, const npymap::shape& extents, order storage = order::c)
      : view(data, extents, detail::dense(extents, sizeof(T), storage).byte_strides) {}

  /// Elements at any strides, 0 and negative ones too; `data` is element (0, ..., 0).
  /// numpy.lib.stride_tricks.as_strided.
  /// \throws error invalid_argument, size_overflow, layout_mismatch (rank, or alignment)
  view(T* data, const npymap::shape& extents, const npymap::strides& byte_strides)
      : data_(data),
        shape_(detail::to_axis_values<Rank>(extents)),
        byte_strides_(detail::to_axis_values<Rank>(byte_strides)) {
    detail::check(layout(), data, alignof(T));
  }

  view(const view&) = default;
  /// Look at what `other` looks at; `copy` moves elements. Not for a temporary: `x(0, all) = y(0,
  /// all)` would change nothing, and does not compile.
  view& operator=(const view&) & = default;
  void swap(view& other) noexcept {
    std::swap(data_, other.data_);
    shape_.swap(other.shape_);
    byte_strides_.swap(other.byte_strides_);
    std::swap(last_step_, other.last_step_);
  }

  /// Const elements from mutable ones, any rank from a static one, and a static rank from a dynamic
  /// one, which is explicit. \throws error layout_mismatch when that rank is another
  template <class U, int OtherRank>
  requires(std::is_convertible_v<U (*)[], T (*)[]> &&
           (Rank == OtherRank || Rank == dynamic_rank ||
            OtherRank == dynamic_rank)) explicit(Rank != dynamic_rank && OtherRank == dynamic_rank)
      view(const view<U, OtherRank>& other)
      : data_(other.data()),
        shape_(detail::to_axis_values<Rank>(other.shape())),
        byte_strides_(detail::to_axis_values<Rank>(other.byte_strides())) {}

  /// Element (0, ..., 0), if there are any.
  T* data() const noexcept { return data_; }
  int rank() const noexcept {
    if constexpr (Rank == dynamic_rank) return shape_.rank();
    return Rank;
  }
  /// Extents: a std::array for static rank, else an index_vector.
  const detail::axis_values<Rank>& shape() const noexcept { return shape_; }
  const detail::axis_values<Rank>& byte_strides() const noexcept { return byte_strides_; }
  /// \pre axis is in 0..rank()-1
  index_t extent(int axis) const noexcept { return shape_.data()[axis]; }
  index_t byte_stride(int axis) const noexcept { return byte_strides_.data()[axis]; }
  /// Strides in elements. \throws error layout_mismatch when one is no whole number
  npymap::strides strides() const { return detail::element_strides(layout()); }

  /// The number of elements.
  index_t size() const noexcept {
    index_t count = 1;
    for (const index_t extent : shape_) count *= extent;
    return count;
  }
  bool empty() const noexcept { return size() == 0; }
  static constexpr index_t itemsize() noexcept { return sizeof(T); }
  /// What the elements would take if they were dense.
  index_t size_bytes() const noexcept { return size() * itemsize(); }

  bool is_c_contiguous() const noexcept { return detail::is_c_contiguous(layout()); }
  bool is_f_contiguous() const noexcept { return detail::is_f_contiguous(layout()); }
  /// Dense, in either order.
  bool is_contiguous() const noexcept { return is_c_contiguous() || is_f_contiguous(); }

  /// The elements of a dense view, in the order of memory. \throws error layout_mismatch
  std::span<T> span() const {
    detail::require_contiguous(layout());
    return {data_, static_cast<std::size_t>(size())};
  }

  /// The element at an index: as many integers as axes, from 0, asserted and not checked.
  template <detail::index_like... Index>
  T& operator()(Index... index) const noexcept {
    static_assert(Rank == dynamic_rank || Rank == static_cast<int>(sizeof...(Index)),
                  "an element needs one integer for each axis; x(1, ellipsis) is a view");
    assert(rank() == static_cast<int>(sizeof...(Index)));
    return element(std::make_integer_sequence<int, sizeof...(Index)>(),
                   static_cast<index_t>(index)...);
  }

  /// The element at an index; negative integers count from the end. \throws error out_of_range
  template <detail::index_like... Index>
  T& at(Index... index) const {
    const std::array<index_t, sizeof...(Index)> place = {detail::saturated(index)...};
    return at(std::span<const index_t>(place));
  }
  T& at(std::span<const index_t> index) const {
    return *detail::displaced(data_, detail::element_offset_bytes(layout(), index));
  }

  /// NumPy's basic slicing: `x(range(2, 6), -4, range(_, _, -1))` is x[2:6, -4, ::-1]. Integers
  /// take their axis away, newaxis adds one; axes that are not named stay whole.
  /// \throws error out_of_range, invalid_argument (a step of 0)
  template <detail::subscript... Items>
  requires(!(detail::index_like<Items> && ...)) auto operator()(const Items&... items) const {
    constexpr int named = (0 + ... + int{detail::takes_axis<Items>});
    static_assert(Rank == dynamic_rank || named <= Rank, "more subscripts than axes");
    static_assert((0 + ... + int{std::same_as<Items, ellipsis_t>}) <= 1, "more than one ellipsis");
    const slice_item list[] = {items...};
    return moved<detail::subscript_rank<Items...>(Rank)>(detail::slice(layout(), list));
  }
  view<T> slice(std::span<const slice_item> items) const {
    return moved<dynamic_rank>(detail::slice(layout(), items));
  }
  /// The same, spelled as in NumPy: `x.slice("2:6, -4, ::-1")`. \throws error as `parse_slice` too
  view<T> slice(std::string_view numpy_text) const {
    return moved<dynamic_rank>(detail::slice(layout(), numpy_text));
  }

  /// The axes in reverse.
  view transpose() const { return moved<Rank>(detail::transpose(layout())); }
  /// The axes in another order: numpy.transpose(x, axes). \throws error invalid_argument
  view permute(const index_vector& axes) const {
    return moved<Rank>(detail::permute(layout(), axes));
  }
  view swapaxes(int axis1, int axis2) const {
    return moved<Rank>(detail::swapaxes(layout(), axis1, axis2));
  }
  view moveaxis(int source, int destination) const {
    return moved<Rank>(detail::moveaxis(layout(), source, destination));
  }
  /// Back to front, along every axis or one. \throws error out_of_range
  view flip() const { return moved<Rank>(detail::flip(layout())); }
  view flip(int axis) const { return moved<Rank>(detail::flip(layout(), axis)); }

  /// Without the axes of extent 1, or without the one named.
  /// \throws error out_of_range, layout_mismatch when its extent is another
  view<T> squeeze() const { return moved<dynamic_rank>(detail::squeeze(layout())); }
  auto squeeze(int axis) const {
    return moved<detail::rank_plus(Rank, -1)>(detail::squeeze(layout(), axis));
  }
  /// With a new axis of extent 1 at `axis` of the result. \throws error out_of_range
  auto expand_dims(int axis) const {
    return moved<detail::rank_plus(Rank, 1)>(detail::expand_dims(layout(), axis));
  }
  /// The diagonal of two axes, as the last axis of what is left. \throws error out_of_range,
  /// invalid_argument (one axis twice), layout_mismatch (rank below 2)
  auto diagonal(index_t offset = 0, int axis1 = 0, int axis2 = 1) const {
    static_assert(Rank == dynamic_rank || Rank >= 2, "a diagonal needs two axes");
    return moved<detail::rank_plus(Rank, -1)>(detail::diagonal(layout(), offset, axis1, axis2));
  }

  /// The same elements under another shape; one extent may be -1, for what is left over. Never
  /// copies. \throws error invalid_argument (another number of elements), layout_mismatch where
  /// NumPy would copy: `copy` to a dense view first
  view<T> reshape(const npymap::shape& extents, order read_order = order::c) const {
    return moved<dynamic_rank>(detail::reshape(layout(), extents, read_order));
  }
  /// All elements on one axis, as reshape({-1}); NumPy's ravel copies more often.
  view<T, 1> ravel(order read_order = order::c) const {
    return moved<1>(detail::reshape(layout(), index_vector{-1}, read_order));
  }
  /// Elements repeated along axes that are new, or had extent 1. \throws error layout_mismatch
  view<const T> broadcast_to(const npymap::shape& extents) const {
    return view<const T>(*this).template moved<dynamic_rank>(
        detail::broadcast_to(layout(), extents));
  }
  /// Every place of a window that slides along `axes`, or along all; the window's own axes come
  /// last. \throws error layout_mismatch (larger than its axis), invalid_argument, out_of_range
  view<const T> sliding_window_view(const npymap::shape& window) const {
    return view<const T>(*this).template moved<dynamic_rank>(
        detail::sliding_window_view(layout(), window));
  }
  view<const T> sliding_window_view(const npymap::shape& window, const index_vector& axes) const {
    return view<const T>(*this).template moved<dynamic_rank>(
        detail::sliding_window_view(layout(), window, axes));
  }

  /// The elements in C order, as a random access range. `for_each` is faster.
  iterator begin() const { return iterator(data_, detail::element_runs::of(layout()), 0); }
  iterator end() const { return iterator(data_, detail::element_runs::of(layout()), size()); }

  /// Where the elements lie, without their type; lives as long as this view.
  detail::layout_ref layout() const noexcept { return {shape_, byte_strides_, itemsize()}; }

 private:
  template <class U, int OtherRank>
  friend class view;

  view(const detail::layout& where, T* from)
      : data_(detail::displaced(from, where.offset_bytes)),
        shape_(detail::to_axis_values<Rank>(where.shape)),
        byte_strides_(detail::to_axis_values<Rank>(where.byte_strides)) {}

  template <int NewRank>
  view<T, NewRank> moved(const detail::layout& where) const {
    return view<T, NewRank>(where, data_);
  }

  template <int... Axis>
  T& element(std::integer_sequence<int, Axis...>, auto... index) const noexcept {
    assert(((0 <= index && index < extent(Axis)) && ...));
    const index_t place[] = {index..., 0};
    index_t offset_bytes = 0;
    constexpr int last = int{sizeof...(Axis)} - 1;
    if constexpr (last >= 0 && strides_are_whole) {
      ((offset_bytes += Axis == last ? 0 : place[Axis] * byte_stride(Axis)), ...);
      return detail::displaced(data_, offset_bytes)[place[last] * last_step_];
    } else {
      ((offset_bytes += place[Axis] * byte_stride(Axis)), ...);
      return *detail::displaced(data_, offset_bytes);
    }
  }

  // Every stride is a multiple of the alignment.
  static constexpr bool strides_are_whole = sizeof(T) == alignof(T);

  T* data_ = nullptr;
  detail::axis_values<Rank> shape_{};
  detail::axis_values<Rank> byte_strides_{};
  // The last stride in elements: where it is 1, compilers vectorise a loop over the last index.
  // They see no such thing in bytes, and lose half the speed.
  index_t last_step_ = detail::last_or_zero(byte_strides_) / itemsize();
};

/// Call `f(element, ...)` for the elements at each index of views of one shape.
///
/// The order of the calls is the one that suits memory best, not C order; dense views cost what a
/// raw loop costs, and transposed ones are taken tile by tile. Views that are written should come
/// last. Compiled into its caller, so that what `f` refers to stays in registers.
/// \throws error layout_mismatch when the shapes differ, and what `f` throws
template <class F, class... Ts, int... Ranks>
[[gnu::always_inline]] inline void for_each(F&& f, const view<Ts, Ranks>&... views) {
  static_assert(sizeof...(Ts) >= 1 && sizeof...(Ts) <= detail::loop_block::max_operands);
  const detail::layout_ref layouts[] = {views.layout()...};
  detail::loop_nest nest(layouts);
  detail::visit_runs(
      nest,
      [&f](index_t count, auto... run) __attribute__((always_inline)) {
        constexpr index_t short_run = 16;  // not worth what a vectorised loop costs before it runs
        if (count < short_run) {
          for (index_t i = 0; i < count; ++i, (run.advance(), ...)) f(*run.first...);
        } else if ((run.is_dense() && ...)) {  // what compilers vectorise
          for (index_t i = 0; i < count; ++i) f(run.first[i]...);
        } else {
          for (index_t i = 0; i < count; ++i) f(run[i]...);
        }
        return true;
      },
      views.data()...);
}

/// Copy the elements of one view to another of the same shape; they must not overlap. Dense views
/// are copied as one block, transposed ones tile by tile, so that pages and cache lines are taken
/// up once. numpy.copyto. \throws error layout_mismatch when the shapes differ
template <class T, class U, int FromRank, int ToRank>
requires std::same_as<std::remove_const_t<T>, U>
void copy(const view<T, FromRank>& from, const view<U, ToRank>& to) {
  static_assert(std::is_trivially_copyable_v<T>);
  detail::copy_elements(from.data(), from.layout(), to.data(), to.layout());
}

/// Set every element. numpy.ndarray.fill.
template <class T, int Rank>
requires(!std::is_const_v<T>) void fill(const view<T, Rank>& to,
                                        const std::type_identity_t<T>& value) {
  for_each([value](T& element) { element = value; }, to);
}

/// True if the shapes are equal, and all elements by `==`: a NaN is not. numpy.array_equal.
template <class T, class U, int Rank, int OtherRank>
bool equal(const view<T, Rank>& a, const view<U, OtherRank>& b) {
  const detail::layout_ref layouts[] = {a.layout(), b.layout()};
  if (!detail::same_shape(layouts[0], layouts[1])) return false;
  detail::loop_nest nest(layouts);
  return detail::visit_runs(
      nest,
      [](index_t count, auto x, auto y) {
        for (index_t i = 0; i < count; ++i) {
          if (!(x[i] == y[i])) return false;
        }
        return true;
      },
      a.data(), b.data());
}

}  // namespace npymap

// A view owns nothing, and its iterators keep the layout: ranges may outlive it, as a std::span.
template <class T, int Rank>
inline constexpr bool std::ranges::enable_view<npymap::view<T, Rank>> = true;
template <class T, int Rank>
inline constexpr bool std::ranges::enable_borrowed_range<npymap::view<T, Rank>> = true;
