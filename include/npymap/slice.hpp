/// \file
/// NumPy's basic slicing as values: ranges, newaxis, ellipsis, and their text form.
#pragma once

#include <concepts>
#include <cstdint>
#include <limits>
#include <string_view>
#include <vector>

#include <npymap/detail/export.hpp>
#include <npymap/shape.hpp>

namespace npymap {

/// The type of `_`: a part of a range that is left out.
struct missing_t {};

/// NumPy's empty place between colons: `range(_, _, -1)` is `::-1`.
inline constexpr missing_t _{};

/// The type of `newaxis`.
struct newaxis_t {};

/// An axis of extent 1 where there was none: numpy.newaxis, or None.
inline constexpr newaxis_t newaxis{};

/// The type of `ellipsis`.
struct ellipsis_t {};

/// All the axes that the other items leave over, perhaps none: Python's `...`.
inline constexpr ellipsis_t ellipsis{};

namespace detail {

/// bool is an integer to C++, and a mask to NumPy.
template <class T>
concept index_like = std::integral<T> && !std::same_as<T, bool>;

/// An unsigned value that no axis can reach stays out of reach, instead of turning negative.
template <index_like I>
constexpr index_t saturated(I value) noexcept {
  constexpr index_t most = std::numeric_limits<index_t>::max();
  if constexpr (sizeof(I) >= sizeof(index_t) && std::unsigned_integral<I>) {
    return value > static_cast<I>(most) ? most : static_cast<index_t>(value);
  } else {
    return static_cast<index_t>(value);
  }
}

}  // namespace detail

/// Python's `slice(start, stop, step)`: some places along one axis.
///
/// Negative starts and stops count from the end, and places outside the axis are clipped, as in
/// Python. One argument alone is the stop. Two ranges are equal when they are spelled the same.
class range {
 public:
  /// A start, stop or step: an integer, or `_`.
  class bound {
   public:
    constexpr bound(missing_t) noexcept {}
    constexpr bound(detail::index_like auto value) noexcept
        : value_(detail::saturated(value)), given_(true) {}

    constexpr bool given() const noexcept { return given_; }
    constexpr index_t value_or(index_t otherwise) const noexcept {
      return given_ ? value_ : otherwise;
    }
    friend constexpr bool operator==(bound, bound) noexcept = default;

   private:
    index_t value_ = 0;
    bool given_ = false;
  };

  constexpr explicit range(bound stop) noexcept : stop_(stop) {}
  constexpr range(bound start, bound stop, bound step = _) noexcept
      : start_(start), stop_(stop), step_(step) {}

  constexpr bound start() const noexcept { return start_; }
  constexpr bound stop() const noexcept { return stop_; }
  constexpr bound step() const noexcept { return step_; }
  friend constexpr bool operator==(range, range) noexcept = default;

 private:
  bound start_ = _;
  bound stop_ = _;
  bound step_ = _;
};

/// A whole axis: Python's `:`.
inline constexpr range all{_};

/// What stands between two commas of a subscript, known at run time.
class slice_item {
 public:
  constexpr slice_item(detail::index_like auto index) noexcept
      : range_(detail::saturated(index), _), kind_(kind::integer) {}
  constexpr slice_item(npymap::range places) noexcept : range_(places), kind_(kind::places) {}
  constexpr slice_item(newaxis_t) noexcept : range_(_), kind_(kind::new_axis) {}
  constexpr slice_item(ellipsis_t) noexcept : range_(_), kind_(kind::rest) {}

  constexpr bool is_index() const noexcept { return kind_ == kind::integer; }
  constexpr bool is_range() const noexcept { return kind_ == kind::places; }
  constexpr bool is_newaxis() const noexcept { return kind_ == kind::new_axis; }
  constexpr bool is_ellipsis() const noexcept { return kind_ == kind::rest; }

  /// Of an index; negative counts from the end.
  constexpr index_t index() const noexcept { return range_.start().value_or(0); }
  /// Of a range.
  constexpr npymap::range range() const noexcept { return range_; }
  friend constexpr bool operator==(const slice_item&, const slice_item&) noexcept = default;

 private:
  enum class kind : char { integer, places, new_axis, rest };

  npymap::range range_;  // of an index: its start
  kind kind_;
};

/// Read what stands between the brackets of a NumPy subscript: "2:6, 4, ::-1, ..., None".
///
/// Integers, ranges of integers, `...` or `Ellipsis`, and `None`, `newaxis` or `np.newaxis`;
/// white space and one trailing comma as Python allows them. Numbers beyond 64 bits are cut to the
/// largest, which no axis reaches. Linear in the text, and evaluates nothing.
/// \throws error invalid_argument with the text that is no item, and its place
NPYMAP_EXPORT std::vector<slice_item> parse_slice(std::string_view text);

}  // namespace npymap
