/// \file
/// What an array has of the file or memory that its elements live in.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

#include <npymap/detail/export.hpp>
#include <npymap/detail/layout.hpp>
#include <npymap/detail/shared.hpp>
#include <npymap/file_map.hpp>

namespace npymap::detail {

struct array_access;
class memory;

/// The base of `array<T>` and `any_array`: a share of a mapping or of memory, and which of its
/// bytes the elements span.
class NPYMAP_EXPORT array_storage {
 public:
  /// The file that was opened, created or loaded; empty for a default constructed array.
  const std::string& path() const noexcept;
  /// How it is mapped; copy_on_write for memory, whose changes reach no file either.
  open_mode mode() const noexcept;
  /// True if the elements lie in a map of the file; false for memory and for no elements at all.
  bool is_mapped() const noexcept { return map_.is_open(); }
  /// The mapping, for what bytes alone can say; it may be wider than this array.
  const file_map& map() const noexcept { return map_; }

  /// Bring this array's changes to the file: of a slice, the pages that it spans.
  ///
  /// `sync` returns when they are on the disk, `async` when the kernel has been told. Does nothing
  /// in modes r and c, whose changes have no file to go to. Safe from any thread.
  /// \throws error with the system's code; after a failure every later flush and close of the
  /// same map throws too. NumPy: `memmap.flush()`
  void flush(flush_mode how = flush_mode::sync) const;

  /// Tell the kernel how the pages that this array spans will be used. Never loses an edit.
  /// \throws error with the system's code
  void advise(advice hint) const;

 protected:
  array_storage() noexcept = default;
  /// The same share as `other`, for the elements that `where` places around `data`.
  array_storage(const array_storage& other, const void* data, const layout_ref& where) noexcept;

  void swap_storage(array_storage& other) noexcept;
  /// \throws error busy while another array has a share
  void require_sole_owner() const;
  /// Unmap. \throws error the system's, when a write was lost; the map is gone even then
  void close_storage() { map_.close(); }

 private:
  friend struct array_access;

  file_map map_;
  shared<memory> memory_;             // instead of a map, after `load`
  const std::byte* first_ = nullptr;  // the bytes that the elements span
  std::size_t spanned_bytes_ = 0;
};

}  // namespace npymap::detail
