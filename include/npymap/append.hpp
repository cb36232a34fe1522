/// \file
/// Rows behind the last one of a file that exists.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>

#include <npymap/any_array.hpp>
#include <npymap/array.hpp>
#include <npymap/detail/array_like.hpp>
#include <npymap/detail/export.hpp>
#include <npymap/detail/layout.hpp>
#include <npymap/detail/shared.hpp>
#include <npymap/dtype.hpp>
#include <npymap/file_map.hpp>
#include <npymap/header.hpp>
#include <npymap/shape.hpp>
#include <npymap/view.hpp>

namespace npymap {

/// What appended rows have to survive, besides the end of this process.
enum class append_durability : char {
  none,        ///< no power cut: the kernel writes to the disk when it likes
  on_close,    ///< a power cut after `close`
  each_block,  ///< a power cut after each `append` and `flush`: each waits for the disk, twice
};

/// What to do when the header has no room for more digits: files of NumPy before 1.23, and others.
enum class full_header : char {
  rewrite,  ///< copy the file under a new name, which then replaces it; who has it open, or linked
            ///< by another name, keeps the old one
  refuse,   ///< throw, before anything is written
};

/// How to append. The defaults suit a log.
struct append_options {
  append_durability durability = append_durability::none;
  npymap::full_header full_header = npymap::full_header::rewrite;
  /// Along which axis the file grows: the first in C order, the last in Fortran order. When left
  /// out, as the file says; a file of one row or none says C.
  std::optional<npymap::order> order = {};
  /// Rows are gathered to so many bytes, or to one row, before they are written.
  std::size_t buffer_bytes = std::size_t{1} << 20;
  /// The longest header to accept, in characters.
  std::size_t header_limit = default_header_limit;
  /// To be the one writer among those who ask: see `locking`.
  npymap::locking locking = npymap::locking::none;
};

namespace detail {
class row_writer;
}

/// Adds rows to a `.npy` file: places along the first axis, or along the last one in Fortran order.
///
/// The rows go behind the last one, then the header is written anew in one go, of the same length:
/// whoever opens the file at any moment sees all of an earlier length, and arrays that are open
/// keep theirs. (Linux does not keep readers off the bytes that it is writing: `open` reads the
/// header twice; NumPy, in that instant, may find digits of both counts.) After kill -9 the file is
/// whole, of some earlier length; what was written behind that is `recover`ed. A new file is begun
/// by `create` with no rows. Move-only; not safe to use from two threads, and for one writer at a
/// time. NumPy has no equivalent but to load and save all.
class NPYMAP_EXPORT appender {
 public:
  /// Open an existing file. Nothing is written.
  /// \throws error as `open`; layout_mismatch for rank 0, and for bytes behind the last row, which
  /// `recover` makes rows or takes away; busy
  explicit appender(const std::string& path, const append_options& options = {});
  appender(appender&&) noexcept;
  appender& operator=(appender&&) noexcept;
  /// Writes what is left, if that is possible; `close` is the way to learn whether it was.
  ~appender();

  /// Add a row, of one axis less than the file, or a block of rows, of any layout. Other dtypes are
  /// cast by the rule `same_kind`, text and records by `safe`. What is buffered is seen by readers
  /// after `flush`. A call costs some microseconds more for rows of a mapped array, which it
  /// guards: append many of them.
  ///
  /// After a failure of the system the appender takes no more rows, and each further call throws
  /// the same. `close` and the destructor then leave those of earlier calls that had been written,
  /// or, if a sync has failed, those that readers had seen, as `discard` does. \throws error
  /// layout_mismatch, dtype_mismatch, size_overflow, header_too_long, and nothing is added; the
  /// system's, and truncated, also of rows in a map; closed
  void append(const any_array& rows) {
    append(rows.dtype(), rows.data(), rows.layout(), rows.map());
  }
  template <element T>
  void append(const array<T>& rows) {
    append(type_of<T>(), rows.data(), rows.layout(), rows.map());
  }
  template <detail::written_element T, int Rank>
  void append(const view<T, Rank>& rows) {
    append(type_of<T>(), rows.data(), rows.layout(), {});
  }
  /// What is like an array: a vector or another contiguous range of elements is one of shape (n,);
  /// with `eigen.hpp` a matrix, a vector or an expression is what `save` makes of it.
  template <detail::array_like X>
  void append(const X& rows) {
    append(detail::as_array(rows));
  }

  /// Of the file.
  const npymap::dtype& dtype() const;
  /// With the rows that were appended, also those that are buffered.
  const npymap::shape& shape() const;
  /// How many there are, with those that are buffered.
  index_t rows() const;
  /// Along which the file grows.
  int axis() const;

  /// Have readers see all rows. \throws error as `append`
  void flush();
  /// `flush`, and close the file. Doing it again does nothing. \throws error as `append`
  void close();
  /// Close without the rows that readers have not seen yet: all since `flush`, or since the last
  /// `append` with `each_block`. Where the system does not take their bytes away, `recover` does.
  void discard() noexcept;

 private:
  // Made once, not for each row.
  template <class T>
  static const npymap::dtype& type_of() {
    static const npymap::dtype type = detail::dtype_written<T>();
    return type;
  }
  void append(const npymap::dtype& type, const void* data, const detail::layout_ref& where,
              const file_map& map);
  detail::row_writer& writer() const;

  detail::shared<detail::row_writer> writer_;
};

/// What `recover` found, and did.
struct recovery {
  index_t rows_before = 0;          ///< that the header told of
  index_t rows = 0;                 ///< that it tells of now: all that are complete
  std::uint64_t removed_bytes = 0;  ///< of a last one that was not complete
};

/// How to recover.
struct recover_options {
  /// As of `append_options`.
  std::optional<npymap::order> order = {};
  std::size_t header_limit = default_header_limit;
  /// A writer that lives would lose rows: with a lock, `recover` keeps away from those who have
  /// one.
  npymap::locking locking = npymap::locking::none;
};

/// Make a file whole whose writer died, or which was cut: its header tells of all complete rows
/// that are there, and nothing is behind them.
///
/// A file that is whole is left alone. Rows whose bytes the disk had not got before a power cut may
/// be zeros. Brings all to the disk. \throws error as `appender`; layout_mismatch if what is behind
/// the rows is no row, but another NPY
NPYMAP_EXPORT recovery recover(const std::string& path, const recover_options& options = {});

}  // namespace npymap
