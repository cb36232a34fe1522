/// \file
/// Elements of one dtype as elements of another: byte order, alignment, numbers, times, records.
#pragma once

#include <concepts>
#include <type_traits>

#include <npymap/any_array.hpp>
#include <npymap/array.hpp>
#include <npymap/detail/export.hpp>
#include <npymap/detail/layout.hpp>
#include <npymap/dtype.hpp>
#include <npymap/view.hpp>

namespace npymap {

/// What a conversion may lose; NumPy's rules of these names.
enum class casting : char {
  safe,       ///< nothing: as int16 to int32, and int64 to float64, which NumPy calls safe too
  same_kind,  ///< also range and precision within a kind, or towards a wider one: float64 to
              ///< float32
  unsafe,     ///< also fractions, signs and imaginary parts: float64 to int32
};

/// True if `rule` lets elements of `from` become elements of `to`. Byte order never matters.
///
/// NumPy: `numpy.can_cast(from, to, casting)`, for numbers among themselves, and dates, spans, text
/// and raw bytes each among their own. Records must have the same field names, in any order, and
/// their fields pass one by one (NumPy goes by place). What else NumPy casts, as text to numbers or
/// numbers to times, is refused, but for int64 and the ticks of times by `unsafe`.
NPYMAP_EXPORT bool can_cast(const dtype& from, const dtype& to,
                            casting rule = casting::same_kind) noexcept;

/// Copy elements into memory as elements of another dtype: native or not, aligned to 64 bytes.
///
/// Dense, in Fortran order where `from` is, else in C order; shape (0,) or () as it is. Reads every
/// element once. Integers wrap where they do not fit, as NumPy's do; a float that no integer of
/// that size equals becomes the nearest one, and NaN 0, where NumPy's answer is the machine's.
/// float16 is rounded once. NaT stays NaT. Fields of records go by name; padding becomes 0.
/// NumPy: `from.astype(to)`.
/// \throws error dtype_mismatch when `rule` forbids it, out_of_range for a time that does not fit,
/// ENOMEM
NPYMAP_EXPORT any_array convert(const any_array& from, const dtype& to,
                                casting rule = casting::same_kind);

/// The same elements in this machine's byte order, aligned: `x` itself where they are that already,
/// else a copy in memory. Then `as<T>`, `visit` and `as_strings` take them. \throws error ENOMEM
NPYMAP_EXPORT any_array to_native(const any_array& x);

namespace detail {

/// What copies and conversions do, wherever the elements lie; the rule has been asked.
NPYMAP_EXPORT void convert_elements(const dtype& from_type, const void* from,
                                    const layout_ref& from_layout, const dtype& to_type, void* to,
                                    const layout_ref& to_layout);

NPYMAP_EXPORT void copy_view(const dtype& from_type, const void* from,
                             const layout_ref& from_layout, const dtype& to_type, void* to,
                             const layout_ref& to_layout, casting rule);

NPYMAP_EXPORT any_array convert_view(const dtype& from_type, const void* from,
                                     const layout_ref& from_layout, const dtype& to, casting rule);

}  // namespace detail

/// As the `copy` of arrays, between views of elements whose types differ; they must not overlap.
template <element T, element U, int FromRank, int ToRank>
requires(!std::same_as<std::remove_const_t<T>, U> &&
         !std::is_const_v<U>) void copy(const view<T, FromRank>& from, const view<U, ToRank>& to,
                                        casting rule = casting::same_kind) {
  detail::copy_view(dtype_of<T>(), from.data(), from.layout(), dtype_of<U>(), to.data(),
                    to.layout(), rule);
}

/// The same, to elements of type T: `auto y = npymap::convert<float>(x);`
template <element T>
array<std::remove_const_t<T>> convert(const any_array& from, casting rule = casting::same_kind) {
  return convert(from, dtype_of<T>(), rule).template as<std::remove_const_t<T>>();
}

/// The same, from a view or an array whose type is known.
template <element T, element U, int Rank>
array<std::remove_const_t<T>> convert(const view<U, Rank>& from,
                                      casting rule = casting::same_kind) {
  return detail::convert_view(dtype_of<U>(), from.data(), from.layout(), dtype_of<T>(), rule)
      .template as<std::remove_const_t<T>>();
}

}  // namespace npymap
