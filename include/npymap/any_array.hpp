/// \file
/// Arrays whose dtype is known at run time, and the verbs that open, create, load and save them.
#pragma once

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include <npymap/detail/array_storage.hpp>
#include <npymap/detail/export.hpp>
#include <npymap/detail/layout.hpp>
#include <npymap/dtype.hpp>
#include <npymap/file_map.hpp>
#include <npymap/header.hpp>
#include <npymap/shape.hpp>
#include <npymap/slice.hpp>

namespace npymap {

template <element T>
class array;

/// An array of any dtype: strided elements of `itemsize` bytes, and a share of what they live in.
///
/// A handle: copies and slices share one mapping (or one buffer), which goes when the last of them
/// does. Const is shallow, as in std::span. Reading elements from several threads is safe; so is
/// copying handles, each thread its own. Caveats: an array over a file that someone truncates
/// meets SIGBUS when it is touched; a write is on disk only after `flush`.
/// NumPy: numpy.memmap, or numpy.ndarray after `load`.
class NPYMAP_EXPORT any_array : public detail::array_storage {
 public:
  /// Shape (0,), float64, no file.
  any_array() = default;
  any_array(const any_array&) = default;
  /// The same elements, forgetting their type. Needs <npymap/array.hpp>.
  template <element T>
  explicit any_array(const array<T>& x);
  /// What is moved from is left as after `close`.
  any_array(any_array&& other) noexcept { swap(other); }
  /// Share what `other` shares; moves no element, and so not for a temporary as `a(0) = b(0)`.
  any_array& operator=(any_array other) & noexcept {
    swap(other);
    return *this;
  }
  void swap(any_array& other) noexcept;

  const npymap::dtype& dtype() const noexcept { return dtype_; }
  int rank() const noexcept { return shape_.rank(); }
  const npymap::shape& shape() const noexcept { return shape_; }
  index_t extent(int axis) const noexcept { return shape_[axis]; }
  const strides& byte_strides() const noexcept { return byte_strides_; }
  index_t itemsize() const noexcept { return dtype_.itemsize(); }
  /// Elements in all; NumPy's `size`.
  index_t size() const noexcept;
  /// Elements times itemsize; NumPy's `nbytes`.
  index_t size_bytes() const noexcept { return size() * itemsize(); }
  bool is_c_contiguous() const noexcept { return detail::is_c_contiguous(layout()); }
  bool is_f_contiguous() const noexcept { return detail::is_f_contiguous(layout()); }
  bool is_contiguous() const noexcept { return is_c_contiguous() || is_f_contiguous(); }
  bool empty() const noexcept { return size() == 0; }

  /// The first element's bytes. Writing through it in mode r is a segmentation fault; nullptr
  /// when the array is empty.
  std::byte* data() const noexcept { return data_; }

  /// The same elements as C++ values: native byte order, aligned, of exactly this dtype.
  ///
  /// Costs nothing, copies nothing. `as<const T>` works in every mode, `as<T>` where writing does.
  /// Needs <npymap/array.hpp>. \throws error dtype_mismatch (which names what to call instead),
  /// layout_mismatch for elements that are not aligned for T, read_only
  template <element T>
  array<T> as() const;

  /// Call `f` once with this array as `array<const T>`, for the T of its dtype.
  ///
  /// T is bool8, an integer of 1 to 8 bytes, float16, float, double, long double, or a std::complex
  /// of these; `f` is a generic lambda that returns the same type for all. The dispatch is outside
  /// of every loop. Needs <npymap/array.hpp>. \throws error as `as`, for every other dtype
  template <class F>
  decltype(auto) visit(F&& f) const;

  /// As `visit`, with `array<T>`, to write. \throws error also read_only
  template <class F>
  decltype(auto) visit_writable(F&& f) const;

  /// The fields of a record, none for others; they live as long as this array.
  std::span<const npymap::field> fields() const noexcept { return dtype_.fields(); }
  /// One field of a record, by name or title: the same axes, then those of the field's sub-array.
  /// Shares the mapping; copies nothing. A field of a field: `x.field("a").field("b")`. NumPy:
  /// `a['name']`. \throws error dtype_mismatch when there is none, size_overflow and
  /// invalid_argument for more elements, or axes, than there can be
  any_array field(std::string_view name) const;

  /// NumPy's basic indexing; the result shares the mapping. `a(range(2, 6), 4)` or
  /// `a.slice("2:6, 4")`. An index on every axis gives rank 0.
  /// \throws error out_of_range, invalid_argument
  template <class... Items>
  requires(std::convertible_to<const Items&, slice_item>&&...) any_array operator()(
      const Items&... items) const {
    const slice_item list[] = {slice_item(items)..., ellipsis};
    return slice(std::span<const slice_item>(list, sizeof...(items)));
  }
  any_array slice(std::span<const slice_item> items) const;
  any_array slice(std::string_view numpy_text) const;

  /// The axes in reverse, or in the order given. NumPy: `a.T`, `numpy.transpose(a, axes)`.
  any_array transpose() const;
  any_array permute(const index_vector& axes) const;
  /// As NumPy's functions of these names, and as those of `array`, which has `broadcast_to` and
  /// `sliding_window_view` as well: their elements are read alone.
  /// \throws error out_of_range, invalid_argument
  any_array swapaxes(int axis1, int axis2) const;
  any_array moveaxis(int source, int destination) const;
  any_array flip() const;
  any_array flip(int axis) const;
  any_array squeeze() const;
  any_array squeeze(int axis) const;
  any_array expand_dims(int axis) const;
  any_array diagonal(index_t offset = 0, int axis1 = 0, int axis2 = 1) const;
  /// Another shape over the same elements, when that needs no copy; one extent may be -1.
  /// \throws error layout_mismatch when it would need one
  any_array reshape(const npymap::shape& extents, order fill = order::c) const;
  any_array ravel(order fill = order::c) const { return reshape({-1}, fill); }

  /// Where the elements lie; borrows from this array.
  detail::layout_ref layout() const noexcept { return {shape_, byte_strides_, itemsize()}; }

  /// Unmap now, and report what a destructor could not. The array is empty afterwards.
  /// \throws error busy while another array shares the map; a system error when writing back failed
  void close();

 private:
  friend struct detail::array_access;
  any_array(const detail::array_storage& source, const npymap::dtype& type, std::byte* data,
            const detail::layout_ref& where);
  any_array with(const detail::layout& moved) const;

  npymap::dtype dtype_;
  std::byte* data_ = nullptr;
  npymap::shape shape_ = {0};
  strides byte_strides_ = {8};
};

/// A range of rows: of the axis that is outermost in the file, which is the first in C order and
/// the last in Fortran order.
struct row_range {
  index_t first = 0;  ///< 0 to the number of rows
  index_t count = 0;  ///< first + count is at most the number of rows
};

/// How to open; the defaults open all of a plain file.
struct open_options {
  /// Map and show only these rows. Nothing else of the file is mapped or needs to fit memory.
  std::optional<row_range> rows = {};
  /// The longest header to accept, in characters. Larger ones cost that much memory.
  std::size_t header_limit = default_header_limit;
  /// Where the NPY magic is, in bytes from the start of the file: an NPY within a larger file.
  std::uint64_t offset_bytes = 0;
  /// How many bytes from there belong to the NPY; all that follow when left out.
  std::optional<std::uint64_t> length_bytes = {};
  /// To share the file with other users of locks; held as long as the mapping, by `load` while it
  /// reads. \throws error busy
  npymap::locking locking = npymap::locking::none;
  /// What passes, blocks and guards ask of the file.
  npymap::file_check check = npymap::file_check::none;
};

/// How to create; the defaults reserve all of the space.
struct create_options {
  npymap::order order = npymap::order::c;
  /// `sparse` takes disk space only where something is written; a full disk is then SIGBUS.
  npymap::space space = npymap::space::reserved;
  /// Have no other writer or reader with a lock, neither of the new file nor of one that it
  /// replaces. \throws error busy
  npymap::locking locking = npymap::locking::none;
};

/// How to save.
struct save_options {
  /// `full` returns only when file and folder have reached the disk. If the folder then fails to,
  /// the error says "replaced, durability unknown".
  npymap::durability durability = npymap::durability::none;
};

/// Open an existing `.npy` file of any dtype but object, and map it.
///
/// Costs two small reads and one map, whatever the size; touches no page of data. All is validated
/// before it is mapped: header, dtype, sizes, and that the file holds every byte. No mode changes
/// the file by opening it. NumPy: `numpy.load(path, mmap_mode=...)`.
/// \throws error not_npy, unsupported_version, header_too_long, bad_header, bad_dtype,
/// object_dtype, size_overflow, truncated, out_of_range (rows), not_regular_file, invalid_argument
/// (mode create), or the system's
NPYMAP_EXPORT any_array open(const std::string& path, open_mode mode = open_mode::read,
                             const open_options& options = {});

/// Create a `.npy` file of zeros and map it for writing, replacing what had this name.
///
/// The file is prepared under a temporary name in the same folder and renamed when it is ready, so
/// that on any failure the old file is as it was; those who have the old file open keep it. kill -9
/// may leave a `.npymap-*.tmp` behind. Space is reserved, so that a full disk is an error here and
/// not a bus error later. The header is byte for byte NumPy's. NumPy:
/// `numpy.lib.format.open_memmap(path, 'w+', ...)`.
/// \throws error object_dtype, bad_dtype, size_overflow, not_regular_file, or the system's (ENOSPC,
/// EFBIG)
NPYMAP_EXPORT any_array create(const std::string& path, const dtype& type,
                               const npymap::shape& extents, const create_options& options = {});

/// As `create`, but refuses a name that exists, whoever made it first. \throws error also EEXIST
NPYMAP_EXPORT any_array create_new(const std::string& path, const dtype& type,
                                   const npymap::shape& extents,
                                   const create_options& options = {});

/// Make an array of zeros in memory, aligned to 64 bytes. NumPy: `numpy.zeros(shape, dtype,
/// order)`. \throws error object_dtype, invalid_argument (a negative extent), size_overflow, ENOMEM
NPYMAP_EXPORT any_array zeros(const dtype& type, const npymap::shape& extents,
                              order layout = order::c);

/// Read a `.npy` file (or the rows asked for) into memory of its own, aligned to 64 bytes.
///
/// Elements stay as they are stored; `load<T>` brings them to native order. The file is closed
/// when this returns. NumPy: `numpy.load(path)`. \throws error as `open`, and ENOMEM
NPYMAP_EXPORT any_array load(const std::string& path, const open_options& options = {});

/// Write all elements to `path`, byte for byte as `numpy.save`, whole or not at all.
///
/// Written under a temporary name, then renamed: a failure leaves the old file and no other, and
/// saving over the very file that is mapped is right. Dense arrays are written in the order they
/// have, others in C order, in bounded memory. \throws error as `create`; of elements in a map,
/// truncated and EIO
NPYMAP_EXPORT void save(const std::string& path, const any_array& elements,
                        const save_options& options = {});

}  // namespace npymap
