/// \file
/// Indices, shapes, strides and storage order.
#pragma once

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <optional>
#include <span>
#include <string>
#include <utility>

#include <npymap/detail/export.hpp>

namespace npymap {

/// Every index, extent and stride: signed, as NumPy's npy_intp on a 64-bit machine.
using index_t = std::int64_t;

/// The largest number of axes: NPY_MAXDIMS of NumPy 2 (NumPy 1 stops at 32).
inline constexpr int max_rank = 64;

/// In a view's rank: known only at run time.
inline constexpr int dynamic_rank = -1;

/// Which axis varies fastest in the file: the last (`c`) or the first (`fortran`).
enum class order : char { c = 'C', fortran = 'F' };

namespace detail {

/// An index out of an integer of any type: braces would refuse a std::size_t as narrowing.
struct any_integer {
  template <std::integral Integer>
  constexpr any_integer(Integer given) noexcept : value(static_cast<index_t>(given)) {}

  index_t value;
};

}  // namespace detail

/// A short list of indices, one for each axis: a shape, strides, or an index of an element.
///
/// A value type. Up to eight axes live in the object itself; more are allocated. A default
/// constructed one has rank 0. Not safe to write from two threads.
class NPYMAP_EXPORT index_vector {
 public:
  index_vector() noexcept = default;
  index_vector(std::initializer_list<detail::any_integer> values);
  index_vector(std::span<const index_t> values);
  /// From a std::array, a std::vector, or what else lies in one piece.
  template <std::convertible_to<std::span<const index_t>> Values>
  index_vector(const Values& values) : index_vector(std::span<const index_t>(values)) {}
  /// `rank` times `value`. \throws error invalid_argument when rank is not in 0..max_rank
  explicit index_vector(int rank, index_t value = 0);

  index_vector(const index_vector& other) : index_vector(std::span<const index_t>(other)) {}
  index_vector(index_vector&& other) noexcept { swap(other); }
  index_vector& operator=(index_vector other) noexcept {
    swap(other);
    return *this;
  }
  ~index_vector() { delete[] heap_; }

  int rank() const noexcept { return rank_; }
  bool empty() const noexcept { return rank_ == 0; }
  index_t* data() noexcept { return heap_ ? heap_ : inline_; }
  const index_t* data() const noexcept { return heap_ ? heap_ : inline_; }
  index_t& operator[](int axis) noexcept { return data()[axis]; }
  index_t operator[](int axis) const noexcept { return data()[axis]; }
  index_t* begin() noexcept { return data(); }
  index_t* end() noexcept { return data() + rank_; }
  const index_t* begin() const noexcept { return data(); }
  const index_t* end() const noexcept { return data() + rank_; }

  /// Append one axis. \throws error invalid_argument beyond max_rank
  void push_back(index_t value);

  void swap(index_vector& other) noexcept {
    std::swap(rank_, other.rank_);
    std::swap(inline_, other.inline_);
    std::swap(heap_, other.heap_);
  }

  friend bool operator==(const index_vector& a, const index_vector& b) noexcept {
    if (a.rank_ != b.rank_) return false;
    for (int axis = 0; axis < a.rank_; ++axis) {
      if (a[axis] != b[axis]) return false;
    }
    return true;
  }

 private:
  static constexpr int inline_capacity = 8;  // beyond any array that people plot; 64 bytes

  int rank_ = 0;
  index_t inline_[inline_capacity] = {};
  index_t* heap_ = nullptr;  // owned; not a unique_ptr, for <memory> is heavy
};

/// Extents in NumPy's order of axes: elements along each.
using shape = index_vector;

/// Steps along each axis; the name of a variable says whether in bytes or in elements.
using strides = index_vector;

/// Indices as Python writes a tuple: "()", "(3,)", "(3, 4)".
NPYMAP_EXPORT std::string to_string(std::span<const index_t> values);

/// The number of elements, 1 for rank 0; nothing when it is negative in an axis or does not fit.
///
/// As in NumPy, the product of the axes that are not 0 must fit, even when another axis is 0.
NPYMAP_EXPORT std::optional<index_t> element_count(std::span<const index_t> extents) noexcept;

/// `element_count` times `itemsize`, with the same rule; nothing when it does not fit 63 bits.
NPYMAP_EXPORT std::optional<index_t> array_bytes(std::span<const index_t> extents,
                                                 index_t itemsize) noexcept;

/// Strides in bytes of a dense array, as NumPy lays them: axes of extent 0 count as 1.
/// `array_bytes` must hold for the arguments.
NPYMAP_EXPORT strides dense_byte_strides(std::span<const index_t> extents, index_t itemsize,
                                         order layout);

}  // namespace npymap
