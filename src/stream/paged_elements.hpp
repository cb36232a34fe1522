/// \file
/// The elements of an array, and the pages of a file that they lie in.
#pragma once

#include <cstddef>
#include <cstdint>

#include <npymap/blocks.hpp>
#include <npymap/detail/array_storage.hpp>
#include <npymap/detail/layout.hpp>
#include <npymap/dtype.hpp>
#include <npymap/shape.hpp>

namespace npymap::detail {

/// What is shorter is read sooner than a thread is started.
inline constexpr index_t worth_a_thread_bytes = 256 << 10;

/// Bytes of a map; none for elements that lie elsewhere.
struct page_range {
  std::size_t begin = 0;
  std::size_t end = 0;

  index_t size_bytes() const noexcept { return static_cast<index_t>(end - begin); }
};

/// Owns a share of the pages. Safe to use from any thread.
class paged_elements {
 public:
  /// What fits `budget_bytes` as a whole is never dropped.
  paged_elements(const array_storage& storage, const std::byte* data, const layout_ref& where,
                 std::uint64_t budget_bytes);

  layout_ref layout() const noexcept { return part(shape_); }
  layout_ref part(const shape& extents) const noexcept {
    return {extents, byte_strides_, itemsize_};
  }
  const std::byte* at(const index_vector& start) const noexcept;
  const strides& byte_strides() const noexcept { return byte_strides_; }

  bool is_mapped() const noexcept { return storage_.is_mapped(); }
  page_range pages_of(const block_box& box) const noexcept;

  /// Have the disk begin with pages that are wanted soon.
  void read_ahead(page_range pages) const noexcept;
  /// Read pages into memory, and return when they are there. \throws error when they cannot be read
  void populate(page_range pages) const;
  /// Take pages out of this process, where nothing is lost by that; but not those of `kept`.
  void drop(page_range pages, page_range kept = {}) const noexcept;

 private:
  void advise(advice hint, page_range pages) const noexcept;

  struct share : array_storage {  // whose constructors are for its kin
    explicit share(const array_storage& other) : array_storage(other) {}
  };

  share storage_;
  const std::byte* data_;
  shape shape_;
  strides byte_strides_;
  index_t itemsize_;
  bool fits_budget_;
};

/// True if elements must be decoded to be read as `wanted`. \throws error dtype_mismatch when they
/// cannot be by the rule same_kind; `what` is who asks
bool needs_decoding(const array_storage& storage, const dtype& type, const std::byte* data,
                    const layout_ref& where, const dtype& wanted, std::size_t alignment,
                    const char* what);

}  // namespace npymap::detail
