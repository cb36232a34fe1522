/// \file
/// New archives of arrays, member by member.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>

#include <npymap/any_array.hpp>
#include <npymap/array.hpp>
#include <npymap/detail/array_like.hpp>
#include <npymap/detail/export.hpp>
#include <npymap/detail/layout.hpp>
#include <npymap/detail/shared.hpp>
#include <npymap/dtype.hpp>
#include <npymap/file_map.hpp>
#include <npymap/npy_writer.hpp>
#include <npymap/shape.hpp>
#include <npymap/view.hpp>

namespace npymap {

namespace detail {
class npz_output;
}

/// What becomes of the members of an archive that has the name already.
enum class older_members : char {
  drop,  ///< as NumPy's savez
  keep,  ///< all but those that are added anew, or removed; copied as they are, and told first
};

/// How to write an archive.
struct npz_writer_options {
  npymap::older_members older_members = npymap::older_members::drop;
  /// `full` has `commit` return only when file and folder have reached the disk.
  npymap::durability durability = durability::none;
  /// How many threads compress; left out, all that there are.
  std::optional<int> threads = {};
};

/// How to write a member.
struct npz_member_options {
  /// Deflate it: 1 is fast, 6 is about as small as NumPy makes it, 12 the least. Left out: stored
  /// as it is, to be mapped.
  std::optional<int> level = {};
  /// Of blocks: they are put together along the first axis in C order, along the last one in
  /// Fortran order.
  npymap::order order = order::c;
};

/// Writes a new `.npz`, which appears whole under its name with `commit`, or not at all.
///
/// Elements of a stored member begin at a multiple of 64 bytes, so that it maps like a `.npy`. A
/// deflated one is packed in pieces of a megabyte, on all cores; it says where they begin, so that
/// `npz_reader` unpacks a part of it alone. Both are plain zip to all others: NumPy, Python's
/// zipfile, Info-ZIP. Members and archives may be of any size. Memory: some megabytes for each
/// thread. After an exception in the middle of a member the writer takes no more, and has no
/// `commit`; what is refused before that, as a name, changes nothing. Move-only; not safe to use
/// from two threads. NumPy: `numpy.savez(path, x=x, y=y)`, `numpy.savez_compressed`.
class NPYMAP_EXPORT npz_writer {
 public:
  /// Begin an archive; `.npz` is not added to the name. Until `commit` an older one stays, and
  /// destroyed before that, as by an exception, the writer leaves nothing.
  /// \throws error not_regular_file, the system's; of `older_members::keep` as `npz_reader`
  explicit npz_writer(const std::string& path, const npz_writer_options& options = {});
  npz_writer(npz_writer&&) noexcept;
  npz_writer& operator=(npz_writer&&) noexcept;
  ~npz_writer();

  /// Add an array, of any layout, as `name`, which the file in the archive has with `.npy` behind.
  /// \throws error invalid_argument for a name that was added before, or that no zip can have, and
  /// for a level that there is not; object_dtype, bad_dtype; the system's; truncated, of rows in a
  /// map; closed
  void add(std::string_view name, const any_array& x, const npz_member_options& options = {}) {
    add(name, x.dtype(), x.data(), x.layout(), options, x.map());
  }
  template <element T>
  void add(std::string_view name, const array<T>& x, const npz_member_options& options = {}) {
    add(name, dtype_of<std::remove_const_t<T>>(), x.data(), x.layout(), options, x.map());
  }
  template <detail::written_element T, int Rank>
  void add(std::string_view name, const view<T, Rank>& x, const npz_member_options& options = {}) {
    add(name, detail::dtype_written<T>(), x.data(), x.layout(), options, {});
  }
  /// What is like an array: a vector or another contiguous range of elements is one of shape (n,);
  /// with `eigen.hpp` a matrix, a vector or an expression is what `save` makes of it.
  template <detail::array_like X>
  void add(std::string_view name, const X& x, const npz_member_options& options = {}) {
    add(name, detail::as_array(x), options);
  }
  /// A range of blocks, or with `eigen.hpp` of matrices, one behind the other, as `save` takes it.
  template <class Blocks>
  requires detail::block_sequence<Blocks>
  void add(std::string_view name, Blocks&& blocks, const npz_member_options& options = {});

  /// Begin an array of rows of `row` elements, `{}` for one each, of which nobody need know how
  /// many there will be. It ends where the next member begins, or with `commit`.
  /// \throws error as `add`
  void begin(std::string_view name, const dtype& type, const shape& row,
             const npz_member_options& options = {});
  /// Add a row to what `begin` began, or a block of rows, as `npy_writer::append`.
  /// \throws error layout_mismatch, dtype_mismatch; as `add`
  void append(const any_array& rows) {
    append(rows.dtype(), rows.data(), rows.layout(), rows.map());
  }
  template <element T>
  void append(const array<T>& rows) {
    append(dtype_of<std::remove_const_t<T>>(), rows.data(), rows.layout(), rows.map());
  }
  template <detail::written_element T, int Rank>
  void append(const view<T, Rank>& rows) {
    append(detail::dtype_written<T>(), rows.data(), rows.layout(), {});
  }
  template <detail::array_like X>
  void append(const X& rows) {
    append(detail::as_array(rows));
  }

  /// Add bytes that are no array, under a name to which nothing is added. \throws error as `add`
  void add_bytes(std::string_view file_name, std::span<const std::byte> bytes,
                 const npz_member_options& options = {});

  /// Leave a member of the older archive out; its name may have `.npy` behind. \throws error
  /// out_of_range where there is none
  void remove(std::string_view name);

  /// Finish the archive and give it its name.
  /// \throws error the system's, and the name stands for what it did before; closed
  void commit();

 private:
  void add(std::string_view name, const dtype& type, const void* data,
           const detail::layout_ref& where, const npz_member_options& options, const file_map& map);
  void append(const dtype& type, const void* data, const detail::layout_ref& where,
              const file_map& map);
  void abandon_member() noexcept;
  detail::npz_output& output() const;
  const std::string& path() const;

  detail::shared<detail::npz_output> output_;
};

template <class Blocks>
requires detail::block_sequence<Blocks>
void npz_writer::add(std::string_view name, Blocks&& blocks, const npz_member_options& options) {
  bool is_first = true;
  try {
    for (auto&& block : blocks) {
      const auto& elements = detail::view_of_block(block);
      if (is_first) {
        begin(name, detail::dtype_of_block(elements),
              detail::row_of_block(elements.layout(), options.order, path()), options);
        is_first = false;
      }
      append(elements);
    }
  } catch (...) {
    if (!is_first) abandon_member();
    throw;
  }
  if (is_first) detail::refuse_no_blocks(path());
}

}  // namespace npymap
