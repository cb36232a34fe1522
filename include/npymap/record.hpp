/// \file
/// C++ structs bound to structured dtypes, so that records are read and written in place.
#pragma once

#include <array>
#include <bit>
#include <cstddef>
#include <optional>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include <npymap/detail/export.hpp>
#include <npymap/dtype.hpp>
#include <npymap/shape.hpp>

namespace npymap {

namespace detail {

/// A member as NumPy sees it: an element, or a sub-array of elements.
template <class Member>
struct member_traits {
  static_assert(!std::is_same_v<Member, bool>,
                "a C++ bool cannot hold every byte of a file: make the member an npymap::bool8");
  static_assert(!std::is_pointer_v<Member>, "a pointer means nothing in a file");
  static_assert(element<Member> || std::is_same_v<Member, bool> || std::is_pointer_v<Member>,
                "a member has a type without a dtype: bind that with NPYMAP_RECORD first, or"
                " specialise npymap::dtype_traits");
  using element_type = Member;
  static void append_shape(shape&) {}
};

template <class Member, std::size_t Extent>
struct array_member_traits : member_traits<Member> {
  static_assert(Extent > 0, "an array of no elements takes a byte in C++, and none in a file");
  static void append_shape(shape& extents) {
    extents.push_back(Extent);
    member_traits<Member>::append_shape(extents);
  }
};

// Arrays of characters and of bytes are elements, and no sub-arrays.
template <class Member, std::size_t Extent>
requires(!element<std::array<Member, Extent>>) struct member_traits<std::array<Member, Extent>>
    : array_member_traits<Member, Extent> {
};
template <class Member, std::size_t Extent>
struct member_traits<Member[Extent]> : array_member_traits<Member, Extent> {};
template <class Member, std::size_t Extent>
requires(element<std::array<Member, Extent>>) struct member_traits<Member[Extent]>
    : member_traits<std::array<Member, Extent>> {
};

/// Of the elements of a member, without its sub-array.
template <class Member>
using member_element = typename member_traits<std::remove_cv_t<Member>>::element_type;

/// Of its sub-array; rank 0 when there is none.
template <class Member>
shape member_shape() {
  shape extents;
  member_traits<std::remove_cv_t<Member>>::append_shape(extents);
  return extents;
}

/// Where a member lies in its struct. offsetof wants a name, and the address of a packed member may
/// not be taken; the Itanium C++ ABI (2.3.1) has the offset itself for a pointer to a member.
template <class Struct, class Member>
index_t member_offset_bytes(Member Struct::*member) noexcept {
  return std::bit_cast<std::ptrdiff_t>(member);
}

/// A field that knows whose member it is.
template <class Struct>
struct field_in : field {};

/// The record of these fields, told in the order of their bytes.
NPYMAP_EXPORT dtype record_of_members(std::vector<field> fields, std::size_t size_bytes);

}  // namespace detail

/// The field that a member of a struct is, for `record_of`.
///
/// The member is of a type that has a dtype, or an array (`T[3]`, `std::array<T, 3>`, nested ones
/// too), which is a sub-array. Arrays of char, char32_t and std::byte are one item: 'S', 'U', 'V'.
template <class Struct, class Member>
detail::field_in<Struct> field_of(std::string name, Member Struct::*member,
                                  std::optional<std::string> title = {}) {
  field made;
  made.name = std::move(name);
  made.type = dtype_of<detail::member_element<Member>>();
  made.subshape = detail::member_shape<Member>();
  made.offset_bytes = detail::member_offset_bytes(member);
  made.title = std::move(title);
  return {std::move(made)};
}

/// The dtype of a struct with these members, for a `dtype_traits` that gives fields names of their
/// own, or titles:
///
///     template <>
///     struct npymap::dtype_traits<particle> {
///       static dtype value() {
///         return record_of<particle>(field_of("m", &particle::mass, "mass in kg"));
///       }
///     };
///
/// Bytes between the members, and behind them, are padding. \throws error bad_dtype for a name or
/// title used twice
template <class Struct, class... Owners>
dtype record_of(detail::field_in<Owners>... fields) {
  static_assert(std::is_trivially_copyable_v<Struct>,
                "a record is trivially copyable: nothing but its bytes");
  static_assert(std::is_standard_layout_v<Struct>,
                "a record has standard layout: its members stand where C says");
  static_assert((std::is_base_of_v<Owners, Struct> && ...), "a member of another struct");
  return detail::record_of_members({static_cast<field&&>(fields)...}, sizeof(Struct));
}

/// What NPYMAP_RECORD has bound, found by argument-dependent lookup.
template <class T>
requires requires { npymap_record(std::type_identity<T>()); }
struct dtype_traits<T> {
  static dtype value() { return npymap_record(std::type_identity<T>()); }
};

}  // namespace npymap

/// Bind a struct to the structured dtype of these members, by their names.
///
/// Stands in the namespace of the struct (or is global, as the struct), behind the struct and in
/// front of its first use. Then `open<Type>`, `create<Type>` and `any.as<Type>()` map records.
/// Members that are not named are padding. See `field_of` for what members may be, and `record_of`
/// for other names, titles, and more than 64 members. NumPy: `numpy.dtype({'names': ..., 'offsets':
/// ...})`
#define NPYMAP_RECORD(Type, ...)                                                      \
  [[maybe_unused]] inline ::npymap::dtype npymap_record(::std::type_identity<Type>) { \
    return ::npymap::record_of<Type>(                                                 \
        NPYMAP_DETAIL_EXPAND(NPYMAP_DETAIL_FIELDS(Type, __VA_ARGS__, )));             \
  }                                                                                   \
  static_assert(::npymap::element<Type>)

// Recursion as macros have it: one more field for each time that the preprocessor looks again.
#define NPYMAP_DETAIL_FIELDS(Type, member, ...) \
  ::npymap::field_of(#member, &Type::member)    \
      __VA_OPT__(, NPYMAP_DETAIL_AGAIN NPYMAP_DETAIL_PARENTHESES(Type, __VA_ARGS__))
#define NPYMAP_DETAIL_AGAIN() NPYMAP_DETAIL_FIELDS
#define NPYMAP_DETAIL_PARENTHESES ()
#define NPYMAP_DETAIL_EXPAND(...) \
  NPYMAP_DETAIL_EXPAND3(          \
      NPYMAP_DETAIL_EXPAND3(NPYMAP_DETAIL_EXPAND3(NPYMAP_DETAIL_EXPAND3(__VA_ARGS__))))
#define NPYMAP_DETAIL_EXPAND3(...) \
  NPYMAP_DETAIL_EXPAND2(           \
      NPYMAP_DETAIL_EXPAND2(NPYMAP_DETAIL_EXPAND2(NPYMAP_DETAIL_EXPAND2(__VA_ARGS__))))
#define NPYMAP_DETAIL_EXPAND2(...) \
  NPYMAP_DETAIL_EXPAND1(           \
      NPYMAP_DETAIL_EXPAND1(NPYMAP_DETAIL_EXPAND1(NPYMAP_DETAIL_EXPAND1(__VA_ARGS__))))
#define NPYMAP_DETAIL_EXPAND1(...) __VA_ARGS__
