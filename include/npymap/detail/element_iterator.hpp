/// \file
/// Iterators over the elements of a view.
#pragma once

#include <compare>
#include <cstddef>
#include <type_traits>
#include <utility>

#include <npymap/detail/axis_values.hpp>
#include <npymap/detail/export.hpp>
#include <npymap/detail/layout.hpp>
#include <npymap/detail/shared.hpp>
#include <npymap/shape.hpp>

namespace npymap::detail {

/// The elements of a view in C order, as runs of evenly spaced ones, which are as long as can be.
struct element_runs {
  /// Where the runs begin, when there is more than one.
  struct NPYMAP_EXPORT table final : counted {
    ~table() override;

    index_vector extents;  // of axes that could not be joined, slowest first; the last is a run
    index_vector byte_strides;
  };

  index_t length = 0;  ///< of a run
  index_t step_bytes = 0;
  shared<table> starts;

  NPYMAP_EXPORT static element_runs of(const layout_ref& view);
};

/// How far the element at `position` in C order lies from the first.
NPYMAP_EXPORT index_t offset_bytes_at(index_t position, const element_runs::table& starts) noexcept;

/// Random access to the elements of a view in C order, which may outlive the view.
///
/// A step costs an addition and two comparisons, and one division for each axis at the end of a run
/// of evenly spaced elements. A view that is one such run (dense, or of rank 1) has no such end;
/// for others, `begin` allocates, and copies share.
template <class T>
class element_iterator {
 public:
  using iterator_category = std::random_access_iterator_tag;
  using value_type = std::remove_cv_t<T>;
  using difference_type = index_t;
  using pointer = T*;
  using reference = T&;

  element_iterator() noexcept = default;
  element_iterator(T* data, element_runs runs, index_t position) noexcept
      : data_(data), runs_(std::move(runs)) {
    seek(position);
  }

  T& operator*() const noexcept { return *displaced(data_, offset_bytes_); }
  T* operator->() const noexcept { return &**this; }
  T& operator[](index_t distance) const noexcept {
    return *displaced(data_, offset_bytes_at(position_ + distance));
  }

  element_iterator& operator++() noexcept {
    offset_bytes_ += runs_.step_bytes;
    if (++position_ == run_end_ && runs_.starts) seek(position_);
    return *this;
  }
  element_iterator& operator--() noexcept {
    offset_bytes_ -= runs_.step_bytes;
    if (position_-- == run_end_ - runs_.length && runs_.starts) seek(position_);
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
  index_t offset_bytes_at(index_t position) const noexcept {
    return runs_.starts ? detail::offset_bytes_at(position, *runs_.starts)
                        : position * runs_.step_bytes;
  }

  void seek(index_t position) noexcept {
    position_ = position;
    offset_bytes_ = offset_bytes_at(position);
    run_end_ = runs_.starts ? (position / runs_.length + 1) * runs_.length : runs_.length;
  }

  T* data_ = nullptr;
  index_t offset_bytes_ = 0;  // of the element from data_; an offset may lead past the end
  index_t position_ = 0;      // of the element in C order
  index_t run_end_ = 0;       // the position behind the run that the element is in
  element_runs runs_;
};

}  // namespace npymap::detail
