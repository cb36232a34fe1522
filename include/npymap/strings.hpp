/// \file
/// Arrays of text and of raw items, whose length is known at run time; and UTF-8 for NumPy's
/// UTF-32.
#pragma once

#include <array>
#include <cassert>
#include <concepts>
#include <cstddef>
#include <initializer_list>
#include <iterator>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>

#include <npymap/any_array.hpp>
#include <npymap/detail/axis_values.hpp>
#include <npymap/detail/element_iterator.hpp>
#include <npymap/detail/export.hpp>
#include <npymap/dtype.hpp>
#include <npymap/shape.hpp>
#include <npymap/slice.hpp>
#include <npymap/view.hpp>

namespace npymap {

/// What an item is made of: char for 'S', char32_t for 'U', std::byte for 'V'.
template <class T>
concept string_unit =
    std::same_as<T, char> || std::same_as<T, char32_t> || std::same_as<T, std::byte>;

namespace detail {

template <string_unit Char>
struct string_of {
  using type = std::basic_string_view<Char>;
  static constexpr dtype_kind kind =
      std::same_as<Char, char> ? dtype_kind::bytes : dtype_kind::unicode;
};
template <>
struct string_of<std::byte> {
  using type = std::span<const std::byte>;
  static constexpr dtype_kind kind = dtype_kind::raw;
};

/// Text without the NULs behind it, which NumPy takes for padding.
template <class Char>
constexpr std::basic_string_view<Char> stripped(std::basic_string_view<Char> text) noexcept {
  while (!text.empty() && text.back() == Char{}) text.remove_suffix(1);
  return text;
}

/// \throws error dtype_mismatch, layout_mismatch
NPYMAP_EXPORT void require_strings(const any_array& items, dtype_kind wanted);
NPYMAP_EXPORT void assign_string(const any_array& items, std::span<const index_t> index,
                                 std::span<const std::byte> text);

}  // namespace detail

/// Text, or raw items, of a length that only the file knows: elements are views into it.
///
/// An element of 'S' is a std::string_view and one of 'U' a std::u32string_view, both without the
/// NULs at their end, as in NumPy; one of 'V' is a std::span of all its bytes. Nothing is copied:
/// the views live as long as an array that shares the mapping, and a character of a file may be
/// any 32-bit number. Made by `as_strings`; see `any_array` for ownership and threads.
template <string_unit Char>
class string_array {
 public:
  using value_type = typename detail::string_of<Char>::type;
  class iterator;

  const npymap::dtype& dtype() const noexcept { return items_.dtype(); }
  int rank() const noexcept { return items_.rank(); }
  const npymap::shape& shape() const noexcept { return items_.shape(); }
  index_t extent(int axis) const noexcept { return items_.extent(axis); }
  index_t size() const noexcept { return items_.size(); }
  bool empty() const noexcept { return size() == 0; }
  /// The longest text that an element has room for, in characters.
  index_t max_length() const noexcept { return items_.itemsize() / index_t{sizeof(Char)}; }
  /// The same elements without their meaning: path, bytes, flush.
  const any_array& items() const noexcept { return items_; }

  /// An element, unchecked but asserted, for an index on every axis; else NumPy's basic indexing,
  /// as of `array`. \throws error out_of_range, in slices
  template <detail::subscript... Items>
  auto operator()(const Items&... items) const {
    if constexpr ((detail::index_like<Items> && ...)) {
      assert(rank() == static_cast<int>(sizeof...(Items)));
      index_t offset_bytes = 0;
      int axis = 0;
      for (const index_t index : std::initializer_list<index_t>{static_cast<index_t>(items)...}) {
        assert(0 <= index && index < extent(axis));
        offset_bytes += index * items_.byte_strides()[axis++];
      }
      return element(detail::displaced(items_.data(), offset_bytes));
    } else {
      const slice_item list[] = {slice_item(items)...};
      return slice(std::span<const slice_item>(list));
    }
  }
  /// The element at an index; negative integers count from the end. \throws error out_of_range
  template <detail::index_like... Index>
  value_type at(Index... index) const {
    const index_vector place = {detail::saturated(index)...};
    return element(
        detail::displaced(items_.data(), detail::element_offset_bytes(items_.layout(), place)));
  }

  string_array slice(std::span<const slice_item> items) const { return items_.slice(items); }
  string_array slice(std::string_view numpy_text) const { return items_.slice(numpy_text); }

  /// Write one element, which is padded with NULs: `names.assign({3, 0}, "Vega")`. NumPy cuts what
  /// is too long without a word; this refuses it, and code points above U+10FFFF, which NumPy
  /// could not read. NULs at the end of `text` are lost.
  /// \throws error out_of_range, invalid_argument (too long, no code point), read_only
  void assign(const index_vector& index, value_type text) const {
    detail::assign_string(items_, index, std::as_bytes(std::span(text.data(), text.size())));
  }

  /// The elements in C order.
  iterator begin() const { return {*this, 0}; }
  iterator end() const { return {*this, size()}; }

 private:
  template <string_unit T>
  friend string_array<T> as_strings(const any_array& items);

  string_array(any_array items) noexcept : items_(std::move(items)) {}

  value_type element(const std::byte* at) const noexcept { return element(at, max_length()); }
  static value_type element(const std::byte* at, index_t length) noexcept {
    const value_type whole(reinterpret_cast<const Char*>(at), static_cast<std::size_t>(length));
    if constexpr (std::same_as<Char, std::byte>) {
      return whole;
    } else {
      return detail::stripped(whole);
    }
  }

  any_array items_;
};

/// Forward, by value; may outlive the array, though not the last share of its mapping.
template <string_unit Char>
class string_array<Char>::iterator {
 public:
  using iterator_concept = std::forward_iterator_tag;
  using iterator_category = std::input_iterator_tag;  // C++17's forward ones refer to an object
  using value_type = typename string_array::value_type;
  using difference_type = index_t;
  using pointer = void;
  using reference = value_type;

  iterator() noexcept = default;

  value_type operator*() const noexcept {
    if (length_ == 0) return {};  // no bytes, perhaps at no address
    return element(&*at_, length_);
  }
  iterator& operator++() noexcept {
    ++at_;
    return *this;
  }
  iterator operator++(int) {
    iterator before = *this;
    ++*this;
    return before;
  }
  friend bool operator==(const iterator& a, const iterator& b) noexcept { return a.at_ == b.at_; }

 private:
  friend class string_array;

  iterator(const string_array& from, index_t position)
      : at_(from.items_.data(), detail::element_runs::of(from.items_.layout()), position),
        length_(from.max_length()) {}

  detail::element_iterator<const std::byte> at_;  // the first byte of an item
  index_t length_ = 0;
};

/// The same elements as text: `as_strings<char>(npymap::open("names.npy"))` for 'S', char32_t for
/// 'U', std::byte for 'V'.
///
/// Costs nothing, copies nothing. `text_at` reads the elements that this refuses. A length known
/// to the compiler is an element type: `open<std::array<char, 8>>` is for 'S8' alone.
/// \throws error dtype_mismatch (another kind, or text of foreign byte order), layout_mismatch
/// (unaligned char32_t)
template <string_unit Char>
string_array<Char> as_strings(const any_array& items) {
  detail::require_strings(items, detail::string_of<Char>::kind);
  return items;
}

/// One element of 'S' or 'U' in either byte order, at any address, as a copy: the bytes of an 'S',
/// a 'U' in UTF-8; without the NULs at its end. An index may be negative.
/// \throws error dtype_mismatch, out_of_range, invalid_argument as `to_utf8`
NPYMAP_EXPORT std::string text_at(const any_array& items, const index_vector& index);

/// The text in a fixed number of characters, as a member of a record: without the NULs at its end.
template <class Char, std::size_t N>
requires(std::same_as<Char, char> || std::same_as<Char, char32_t>) constexpr std::basic_string_view<
    Char> text_of(const std::array<Char, N>& item) noexcept {
  return detail::stripped(std::basic_string_view<Char>(item.data(), N));
}
/// The text would not outlive the array.
template <class Char, std::size_t N>
void text_of(const std::array<Char, N>&& item) = delete;

/// The same text in UTF-8. \throws error invalid_argument for surrogates and numbers above
/// 0x10FFFF
NPYMAP_EXPORT std::string to_utf8(std::u32string_view text);

/// UTF-8 as NumPy keeps text. \throws error invalid_argument where it is not strict UTF-8
NPYMAP_EXPORT std::u32string to_utf32(std::string_view utf8);

}  // namespace npymap
