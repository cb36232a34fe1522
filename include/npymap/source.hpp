/// \file
/// What passes read from: arrays, or files that are read without being mapped, one or many.
#pragma once

#include <cstddef>
#include <string>
#include <tuple>
#include <type_traits>
#include <utility>
#include <vector>

#include <npymap/any_array.hpp>
#include <npymap/array.hpp>
#include <npymap/detail/export.hpp>
#include <npymap/detail/layout.hpp>
#include <npymap/detail/shared.hpp>
#include <npymap/dtype.hpp>
#include <npymap/file_map.hpp>
#include <npymap/header.hpp>
#include <npymap/shape.hpp>

namespace npymap {

namespace detail {
class element_source;
struct source_access;
}  // namespace detail

/// How the bytes of a file come into memory.
enum class reading : char {
  by_file_system,  ///< mapped where that is safe and fast; buffered on networks and FUSE, and where
                   ///< the file system maps nothing
  mapped,
  buffered,  ///< copied from the kernel's cache
  direct,    ///< past the kernel's cache, many reads at once: for what is larger than memory and
             ///< read once, in the order of the file: columns of rows take a read for each row.
             ///< Buffered where the file system knows no such thing
  once,      ///< direct for what is larger than the memory there is, which no cache would keep from
             ///< one pass to the next; else as by_file_system
};

/// How to open the files of a source.
struct read_options {
  npymap::reading reading = npymap::reading::by_file_system;
  /// The longest header to accept, in characters.
  std::size_t header_limit = default_header_limit;
  /// Whether to ask before and behind each block if the files are still what they were.
  npymap::file_check check = npymap::file_check::none;
};

/// Elements of any dtype that a pass can go over: an array, or files that need no map.
///
/// A handle; copies share the open files. Takes any array where a source is asked for. What it
/// reads is cut into boxes by the pass, and memory is bounded by that. Safe to use from several
/// threads. NumPy: `numpy.load(path, mmap_mode='r')`, but for the map.
class NPYMAP_EXPORT source {
 public:
  source(const any_array& x);
  template <element T>
  source(const array<T>& x)
      : source(x, dtype_of<T>(), reinterpret_cast<const std::byte*>(x.data()), x.layout()) {}

  /// Open a file. \throws error as `open`
  explicit source(const std::string& path, const read_options& options = {});
  /// Moving copies: there is no source of nothing.
  source(const source&) = default;
  source& operator=(const source&) = default;

  const npymap::dtype& dtype() const noexcept;
  int rank() const noexcept { return shape().rank(); }
  const npymap::shape& shape() const noexcept;
  index_t extent(int axis) const noexcept { return shape()[axis]; }
  /// Elements in all.
  index_t size() const noexcept;
  index_t size_bytes() const noexcept { return size() * dtype().itemsize(); }

  const detail::shared<detail::element_source>& elements() const noexcept { return elements_; }

 private:
  friend struct detail::source_access;

  source(const detail::array_storage& storage, const npymap::dtype& type, const std::byte* data,
         const detail::layout_ref& where);
  explicit source(detail::shared<detail::element_source> elements);

  detail::shared<detail::element_source> elements_;
};

/// What a pass reads as elements of T, decoded where it is another dtype. An array of T is one
/// without further words; of others say `typed_source<double>(x)`. T must be what `convert` makes
/// of the dtype by the rule `same_kind`.
template <element T>
class typed_source : public source {
 public:
  static_assert(!std::is_const_v<T>);

  explicit typed_source(source elements) : source(std::move(elements)) {}
  typed_source(const array<T>& x) : source(x) {}
  typed_source(const array<const T>& x) : source(x) {}
};
template <element T>
typed_source(const array<T>& x) -> typed_source<std::remove_const_t<T>>;

/// What is read in step, `inputs(a, b)`: arrays, or `typed_source`s.
template <element... Ts>
using input_list = std::tuple<typed_source<Ts>...>;

template <class... Arrays>
auto inputs(const Arrays&... xs) {
  return std::make_tuple(typed_source(xs)...);
}

namespace detail {

/// A range of what a path can be made of, that is not what `concatenate` takes as it is.
template <class Paths>
concept paths_of_files = !std::is_convertible_v<const Paths&, std::vector<std::string>> &&
                         requires(const Paths& paths, std::string path) {
  path = *paths.begin();
  paths.end();
};

template <class Paths>
std::vector<std::string> strings_of(const Paths& paths) {
  std::vector<std::string> strings;
  for (const auto& path : paths) strings.push_back(path);
  return strings;
}

/// What is read, and as what.
struct pass_input {
  source elements;
  npymap::dtype wanted;
  std::size_t alignment;
};

template <element T>
pass_input input_of(const typed_source<T>& x) {
  return {x, dtype_of<T>(), alignof(T)};
}

}  // namespace detail

/// Files one behind the other along the first axis, as one array: `step_0001.npy` and so on.
///
/// All have the dtype, order and shape of the first, but the last may have fewer rows. Opens the
/// first and the last now; each other one is opened, and checked, when a pass comes to it, and few
/// are open at a time. Never mapped. In Fortran order each column is spread over all files: slow,
/// where these are many. Memory: the names. NumPy: `numpy.concatenate([numpy.load(p) for p in
/// paths])`. \throws error as `open`; invalid_argument for no files; dtype_mismatch and
/// layout_mismatch, now or in the pass
NPYMAP_EXPORT source concatenate(const std::vector<std::string>& paths,
                                 const read_options& options = {});

/// Files of one shape as one array with an axis in front, along which each is a place:
/// `mean<double>(stack(paths), along{0})` is what their elements are on average.
///
/// Else as `concatenate`; no file may have fewer rows. NumPy: `numpy.stack([numpy.load(p) for p in
/// paths])`. \throws error as `concatenate`
NPYMAP_EXPORT source stack(const std::vector<std::string>& paths, const read_options& options = {});

/// The same of paths of another type, such as std::filesystem::path.
template <detail::paths_of_files Paths>
source concatenate(const Paths& paths, const read_options& options = {}) {
  return concatenate(detail::strings_of(paths), options);
}
template <detail::paths_of_files Paths>
source stack(const Paths& paths, const read_options& options = {}) {
  return stack(detail::strings_of(paths), options);
}

}  // namespace npymap
