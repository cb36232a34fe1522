/// \file
/// Arrays of a C++ element type over a file, and the typed verbs to open, create and load them.
#pragma once

#include <array>
#include <complex>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>

#include <npymap/any_array.hpp>
#include <npymap/detail/array_like.hpp>
#include <npymap/detail/array_storage.hpp>
#include <npymap/detail/layout.hpp>
#include <npymap/dtype.hpp>
#include <npymap/float16.hpp>
#include <npymap/record.hpp>
#include <npymap/shape.hpp>
#include <npymap/slice.hpp>
#include <npymap/stored.hpp>
#include <npymap/view.hpp>

namespace npymap {

namespace detail {

template <class Member>
inline constexpr bool has_const_elements = std::is_const_v<std::remove_all_extents_t<Member>>;
template <class Member, std::size_t Extent>
inline constexpr bool has_const_elements<std::array<Member, Extent>> = has_const_elements<Member>;

/// What an array of T shows of a member: const as T, and at the alignment that T promises.
template <class T, class Member>
struct member_in {
  using bare = member_element<Member>;
  using placed = std::conditional_t<(alignof(T) < alignof(bare)), stored<bare>, bare>;
  static_assert(!std::is_volatile_v<Member>, "a volatile member has no array");
  static constexpr bool is_const = std::is_const_v<T> || has_const_elements<Member>;
  using type = std::conditional_t<is_const, std::add_const_t<placed>, placed>;
};

}  // namespace detail

/// A view that owns a share of what it looks at: elements of type T in a mapped file or in memory.
///
/// `array<const T>` reads, `array<T>` also writes. Whatever takes a `view<T>` takes an array, but a
/// view made of a temporary array dangles. Operations that keep the elements and change the
/// layout return arrays, which share the mapping. See `any_array` for ownership, threads and
/// caveats. NumPy: numpy.memmap with one dtype.
template <element T>
class array : public view<T>, public detail::array_storage {
 public:
  /// Shape (0,), no file.
  array() = default;
  array(const array&) = default;
  /// What is moved from is left as after `close`.
  array(array&& other) noexcept { swap(other); }
  /// Share what `other` shares; `copy` moves elements. Not for a temporary: `x(0, all) = y(0, all)`
  /// would change nothing, and does not compile.
  array& operator=(array other) & noexcept {
    swap(other);
    return *this;
  }
  void swap(array& other) noexcept {
    view<T>::swap(other);
    swap_storage(other);
  }

  /// Writable arrays read, too.
  template <class U>
  requires(std::is_const_v<T>&& std::same_as<U, std::remove_const_t<T>>)
      array(const array<U>& other)
      : view<T>(other), detail::array_storage(other) {}

  static npymap::dtype dtype() { return dtype_of<T>(); }

  /// An element, unchecked but asserted, for an index on every axis; else an array, by NumPy's
  /// basic indexing: `x(range(2, 6), 4, range(_, _, -1))`. \throws error out_of_range, in slices
  template <detail::subscript... Items>
  decltype(auto) operator()(const Items&... items) const {
    if constexpr ((detail::index_like<Items> && ...)) {
      return static_cast<const view<T>&>(*this)(items...);
    } else {
      const slice_item list[] = {slice_item(items)...};
      return slice(std::span<const slice_item>(list));
    }
  }

  array slice(std::span<const slice_item> items) const { return with(view<T>::slice(items)); }
  /// NumPy's text: `x.slice("2:6, 4, ::-1")`.
  array slice(std::string_view numpy_text) const { return with(view<T>::slice(numpy_text)); }

  // As those of view, which has their documentation; these give arrays.
  array transpose() const { return with(view<T>::transpose()); }
  array permute(const index_vector& axes) const { return with(view<T>::permute(axes)); }
  array swapaxes(int axis1, int axis2) const { return with(view<T>::swapaxes(axis1, axis2)); }
  array moveaxis(int source, int destination) const {
    return with(view<T>::moveaxis(source, destination));
  }
  array flip() const { return with(view<T>::flip()); }
  array flip(int axis) const { return with(view<T>::flip(axis)); }
  array squeeze() const { return with(view<T>::squeeze()); }
  array squeeze(int axis) const { return with(view<T>::squeeze(axis)); }
  array expand_dims(int axis) const { return with(view<T>::expand_dims(axis)); }
  array diagonal(index_t offset = 0, int axis1 = 0, int axis2 = 1) const {
    return with(view<T>::diagonal(offset, axis1, axis2));
  }
  array reshape(const npymap::shape& extents, order fill = order::c) const {
    return with(view<T>::reshape(extents, fill));
  }
  array ravel(order fill = order::c) const { return with(view<T>::ravel(fill)); }
  array<const T> broadcast_to(const npymap::shape& extents) const {
    return array<const T>(*this, view<T>::broadcast_to(extents));
  }
  array<const T> sliding_window_view(const npymap::shape& window) const {
    return array<const T>(*this, view<T>::sliding_window_view(window));
  }
  array<const T> sliding_window_view(const npymap::shape& window, const index_vector& axes) const {
    return array<const T>(*this, view<T>::sliding_window_view(window, axes));
  }

  /// One member of each struct: `x.field(&particle::mass)`. The axes of a member that is an array
  /// come last; what T is not aligned for, as members of a packed struct, comes as `stored`. NumPy:
  /// `x['mass']`. \throws error layout_mismatch when it lies askew all the same (packed, aligned)
  template <class Struct, class Member>
  requires std::derived_from<std::remove_const_t<T>, Struct>
  auto field(Member Struct::*member) const {
    static_assert(std::is_standard_layout_v<T>, "only there is a member where its pointer says");
    using part = typename detail::member_in<T, Member>::type;
    const detail::layout moved = detail::part(this->layout(), detail::member_offset_bytes(member),
                                              detail::member_shape<Member>(), sizeof(part));
    auto* const first = detail::displaced(this->data(), moved.offset_bytes);
    return array<part>(*this,
                       view<part>(reinterpret_cast<part*>(first), moved.shape, moved.byte_strides));
  }

  /// Unmap now, and report what a destructor could not. The array is empty afterwards.
  /// \throws error busy while another array shares the map; a system error when writing back failed
  void close() {
    require_sole_owner();
    array(std::move(*this)).close_storage();
  }

 private:
  template <element U>
  friend class array;
  friend struct detail::array_access;
  friend class any_array;

  array(const detail::array_storage& source, const view<T>& elements)
      : view<T>(elements), detail::array_storage(source, elements.data(), elements.layout()) {}

  array with(const view<T>& moved) const { return array(*this, moved); }
};

namespace detail {

/// Check that the elements may be touched as T, as `any_array::as` promises.
NPYMAP_EXPORT void require_element(const any_array& elements, const dtype& wanted,
                                   std::size_t alignment, bool to_write);
[[noreturn]] NPYMAP_EXPORT void refuse_visit(const any_array& elements);

}  // namespace detail

template <element T>
any_array::any_array(const array<T>& x)
    : any_array(x, dtype_of<T>(),
                reinterpret_cast<std::byte*>(const_cast<std::remove_const_t<T>*>(x.data())),
                x.layout()) {}

template <element T>
array<T> any_array::as() const {
  detail::require_element(*this, dtype_of<T>(), alignof(T), !std::is_const_v<T>);
  return array<T>(*this, view<T>(reinterpret_cast<T*>(data_), shape_, byte_strides_));
}

namespace detail {

// The one switch from a run-time dtype to a C++ type. Access is std::add_const to read, or
// std::type_identity to write.
template <template <class> class Access, class F>
decltype(auto) visit_element(const any_array& a, F&& given) {
  using result = decltype(given(a.as<typename Access<bool8>::type>()));
  const auto f = [&](const auto& typed) -> result {
    static_assert(std::is_same_v<decltype(given(typed)), result>,
                  "visit: f returns another type for another dtype; give it one: -> double");
    return given(typed);
  };
  const index_t size = a.itemsize();
  switch (a.dtype().kind()) {
    case dtype_kind::boolean:
      return f(a.as<typename Access<bool8>::type>());
    case dtype_kind::signed_integer:
      if (size == 1) return f(a.as<typename Access<std::int8_t>::type>());
      if (size == 2) return f(a.as<typename Access<std::int16_t>::type>());
      if (size == 4) return f(a.as<typename Access<std::int32_t>::type>());
      return f(a.as<typename Access<std::int64_t>::type>());
    case dtype_kind::unsigned_integer:
      if (size == 1) return f(a.as<typename Access<std::uint8_t>::type>());
      if (size == 2) return f(a.as<typename Access<std::uint16_t>::type>());
      if (size == 4) return f(a.as<typename Access<std::uint32_t>::type>());
      return f(a.as<typename Access<std::uint64_t>::type>());
    case dtype_kind::floating:
      if (size == 2) return f(a.as<typename Access<float16>::type>());
      if (size == 4) return f(a.as<typename Access<float>::type>());
      if (size == 8) return f(a.as<typename Access<double>::type>());
      return f(a.as<typename Access<long double>::type>());
    case dtype_kind::complex_floating:
      if (size == 8) return f(a.as<typename Access<std::complex<float>>::type>());
      if (size == 16) return f(a.as<typename Access<std::complex<double>>::type>());
      return f(a.as<typename Access<std::complex<long double>>::type>());
    default:
      break;
  }
  refuse_visit(a);
}

}  // namespace detail

template <class F>
decltype(auto) any_array::visit(F&& f) const {
  return detail::visit_element<std::add_const>(*this, std::forward<F>(f));
}

template <class F>
decltype(auto) any_array::visit_writable(F&& f) const {
  return detail::visit_element<std::type_identity>(*this, std::forward<F>(f));
}

/// The element type of an array opened in that mode: read-only maps have const elements, so that
/// writing through one does not compile.
template <element T, open_mode Mode>
using element_in_mode =
    std::conditional_t<Mode == open_mode::read, std::add_const_t<T>, std::remove_const_t<T>>;

/// Open an existing `.npy` file as elements of type T; see the untyped `open`.
///
/// `open<double>(path)` gives `array<const double>`; `open<double, open_mode::read_write>(path)`
/// and `copy_on_write` give `array<double>`. Nothing is converted: `load<T>` turns foreign byte
/// order. \throws error as the untyped `open` and as `any_array::as`
template <element T, open_mode Mode = open_mode::read>
array<element_in_mode<T, Mode>> open(const std::string& path, const open_options& options = {}) {
  static_assert(Mode != open_mode::create, "create<T>(path, shape) makes files; open opens them");
  return open(path, Mode, options).template as<element_in_mode<T, Mode>>();
}

/// The mode is a template argument, because it decides whether elements are const.
template <element T>
void open(const std::string&, open_mode, const open_options& = {}) {
  static_assert(sizeof(T) == 0,
                "write open<T, open_mode::read_write>(path): the mode is an "
                "argument of the template");
}

/// Make an array of zeros in memory, aligned to 64 bytes. NumPy: `numpy.zeros(shape, T, order)`.
/// \throws error invalid_argument, size_overflow, ENOMEM
template <element T>
requires(!std::is_const_v<T>) array<T> zeros(const npymap::shape& extents,
                                             order layout = order::c) {
  return zeros(dtype_of<T>(), extents, layout).template as<T>();
}

/// Create a file of zeros of type T and map it for writing; see the untyped `create`.
/// Example: `auto y = npymap::create<float>("out.npy", {x.extent(0), 64});`
template <element T>
requires(!std::is_const_v<T>) array<T> create(const std::string& path, const npymap::shape& extents,
                                              const create_options& options = {}) {
  return create(path, dtype_of<T>(), extents, options).template as<T>();
}

/// As `create<T>`, but refuses a name that exists. \throws error also EEXIST
template <element T>
requires(!std::is_const_v<T>) array<T> create_new(const std::string& path,
                                                  const npymap::shape& extents,
                                                  const create_options& options = {}) {
  return create_new(path, dtype_of<T>(), extents, options).template as<T>();
}

namespace detail {

NPYMAP_EXPORT any_array load_native(const std::string& path, const dtype& wanted,
                                    const open_options& options);
NPYMAP_EXPORT void save_elements(const std::string& path, const dtype& type, const void* data,
                                 const layout_ref& where, const save_options& options,
                                 const file_map& map = {});

}  // namespace detail

/// Read a file into aligned memory as elements of type T, in native byte order whatever the file's.
/// \throws error as the untyped `load`, and dtype_mismatch
template <element T>
array<std::remove_const_t<T>> load(const std::string& path, const open_options& options = {}) {
  return detail::load_native(path, dtype_of<T>(), options).template as<std::remove_const_t<T>>();
}

/// Write a view or an array to `path`, byte for byte as `numpy.save`; see the untyped `save`.
template <detail::written_element T, int Rank>
void save(const std::string& path, const view<T, Rank>& elements,
          const save_options& options = {}) {
  detail::save_elements(path, detail::dtype_written<T>(), elements.data(), elements.layout(),
                        options);
}

template <element T>
void save(const std::string& path, const array<T>& elements, const save_options& options = {}) {
  save(path, any_array(elements), options);
}

/// Write a vector, or another contiguous range of elements, as an array of shape (n,); with
/// `eigen.hpp` a matrix, a vector or the value of an expression too.
///
/// Example: `npymap::save("v.npy", std::vector{1.0, 2.0});` \throws error as the untyped `save`
template <detail::array_like X>
void save(const std::string& path, const X& elements, const save_options& options = {}) {
  save(path, detail::as_array(elements), options);
}

}  // namespace npymap
