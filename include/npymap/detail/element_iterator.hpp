/// \file
/// Iterators over the elements of a view.
#pragma once

#include <array>
#include <compare>
#include <cstddef>
#include <span>
#include <type_traits>

#include <npymap/detail/axis_values.hpp>
#include <npymap/detail/export.hpp>
#include <npymap/shape.hpp>

namespace npymap::detail {

/// Join neighbouring axes that in C order run on without a gap, and drop those of extent 1; the
/// `return` axes that are left stand first. \pre no extent is 0
NPYMAP_EXPORT int join_axes(std::span<index_t> extents, std::span<index_t> byte_strides) noexcept;

/// Where the element at `position` in C order lies. \pre no extent is 0
NPYMAP_EXPORT index_t offset_bytes_at(index_t position, std::span<const index_t> extents,
                                      std::span<const index_t> byte_strides) noexcept;

/// Random access to the elements of a view in C order.
///
/// Holds its own copy of the layout, so that it outlives the view. A step costs an addition and two
/// comparisons; at the end of each run of evenly spaced elements, and for a jump, one division for
/// each axis that could not be joined with its neighbour.
template <class T, int Rank>
class element_iterator {
 public:
  using iterator_category = std::random_access_iterator_tag;
  using value_type = std::remove_cv_t<T>;
  using difference_type = index_t;
  using pointer = T*;
  using reference = T&;

  element_iterator() noexcept = default;

  /// The element at `position` of the `size` of a view, or its end.
  element_iterator(T* data, const axis_values<Rank>& shape, const axis_values<Rank>& byte_strides,
                   index_t size, index_t position)
      : data_(data), extents_(shape), byte_strides_(byte_strides), size_(size) {
    if (size > 0) rank_ = join_axes(extents_, byte_strides_);
    if (rank_ > 0) {
      run_ = std::span(extents_)[last_axis()];
      step_bytes_ = std::span(byte_strides_)[last_axis()];
    }
    seek(position);
  }

  T& operator*() const noexcept { return *current_; }
  T* operator->() const noexcept { return current_; }
  T& operator[](index_t distance) const noexcept { return *element(position_ + distance); }

  element_iterator& operator++() noexcept {
    if (++position_ == run_end_) {
      seek(position_);
    } else {
      current_ = displaced(current_, step_bytes_);
    }
    return *this;
  }
  element_iterator& operator--() noexcept {
    if (position_-- == run_end_ - run_) {
      seek(position_);
    } else {
      current_ = displaced(current_, -step_bytes_);
    }
    return *this;
  }
  element_iterator operator++(int) {
    element_iterator before = *this;
    ++*this;
    return before;
  }
  element_iterator operator--(int) {
    element_iterator before = *this;
    --*this;
    return before;
  }
  element_iterator& operator+=(index_t distance) noexcept {
    seek(position_ + distance);
    return *this;
  }
  element_iterator& operator-=(index_t distance) noexcept { return *this += -distance; }

  friend element_iterator operator+(element_iterator it, index_t distance) {
    return it += distance;
  }
  friend element_iterator operator+(index_t distance, element_iterator it) {
    return it += distance;
  }
  friend element_iterator operator-(element_iterator it, index_t distance) {
    return it -= distance;
  }
  friend index_t operator-(const element_iterator& a, const element_iterator& b) noexcept {
    return a.position_ - b.position_;
  }
  friend bool operator==(const element_iterator& a, const element_iterator& b) noexcept {
    return a.position_ == b.position_;
  }
  friend std::strong_ordering operator<=>(const element_iterator& a,
                                          const element_iterator& b) noexcept {
    return a.position_ <=> b.position_;
  }

 private:
  std::size_t last_axis() const noexcept { return static_cast<std::size_t>(rank_ - 1); }

  T* element(index_t position) const noexcept {
    const auto rank = static_cast<std::size_t>(rank_);
    return displaced(data_, offset_bytes_at(position, std::span(extents_).first(rank),
                                            std::span(byte_strides_).first(rank)));
  }

  void seek(index_t position) noexcept {
    position_ = position;
    run_end_ = (position / run_ + 1) * run_;
    if (position >= 0 && position < size_) current_ = element(position);
  }

  T* current_ = nullptr;
  index_t step_bytes_ = 0;
  index_t position_ = 0;
  index_t run_end_ =
      1;  // the position behind the run of evenly spaced elements that this one is in
  index_t run_ = 1;

  T* data_ = nullptr;
  axis_values<Rank> extents_{};  // joined: the first rank_ count
  axis_values<Rank> byte_strides_{};
  int rank_ = 0;
  index_t size_ = 0;
};

}  // namespace npymap::detail
