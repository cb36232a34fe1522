/// \file
/// Where the elements of a pass come from: pages of a map, memory, or files that are read.
#pragma once

#include <array>
#include <cstddef>
#include <optional>
#include <span>
#include <string>
#include <utility>

#include <npymap/any_array.hpp>
#include <npymap/blocks.hpp>
#include <npymap/detail/array_storage.hpp>
#include <npymap/detail/layout.hpp>
#include <npymap/detail/shared.hpp>
#include <npymap/dtype.hpp>
#include <npymap/file_map.hpp>
#include <npymap/shape.hpp>
#include <npymap/source.hpp>

namespace npymap::detail {

/// What is shorter is read sooner than a thread is started.
inline constexpr index_t worth_a_thread_bytes = 256 << 10;

/// Bytes of a map; none for elements that lie elsewhere.
struct page_range {
  std::size_t begin = 0;
  std::size_t end = 0;

  index_t size_bytes() const noexcept { return static_cast<index_t>(end - begin); }
};

/// From an array's first element to another.
inline index_t byte_offset(const index_vector& place, std::span<const index_t> byte_strides) {
  index_t offset = 0;
  for (int axis = 0; axis < place.rank(); ++axis) {
    offset += place[axis] * byte_strides[static_cast<std::size_t>(axis)];
  }
  return offset;
}

/// Strides of a box that is dense; `outward` names its axes from the one with the longest.
strides packed_strides(const shape& extents, const index_vector& outward, index_t itemsize);

/// Elements of one dtype that lie in memory or in a map, where `at` finds them, or in files, from
/// where boxes of them are fetched. Safe to use from any thread.
class element_source : public counted {
 public:
  element_source(std::string path, dtype type, const layout_ref& where);

  /// In messages.
  const std::string& path() const noexcept { return path_; }
  const dtype& type() const noexcept { return type_; }
  const npymap::shape& shape() const noexcept { return shape_; }
  const strides& byte_strides() const noexcept { return byte_strides_; }
  layout_ref layout() const noexcept { return part(shape_); }
  layout_ref part(const npymap::shape& extents) const noexcept {
    return {extents, byte_strides_, type_.itemsize()};
  }
  /// From the first byte of an element to the last.
  std::uint64_t spanned_bytes() const noexcept { return spanned_bytes_; }

  /// An element; null where elements must be fetched.
  virtual const std::byte* at(const index_vector&) const noexcept { return nullptr; }
  virtual bool is_addressable() const noexcept { return false; }
  /// The map in which they lie, to be `guarded`; none for others.
  virtual const file_map& map() const noexcept;

  /// Read a box into the kernel's cache at least, and little else; nothing to do for what is no
  /// map. \throws error when it cannot be read
  void make_present(const block_box& box) const;
  /// Have the disk begin with a box, and little else.
  void read_ahead_of(const block_box& box) const noexcept;
  /// A box cut across the axis whose elements lie furthest apart; nothing for a single element.
  std::optional<std::array<block_box, 2>> halves_of(const block_box& box) const;

  /// True unless it is certain that no element is a part of the array `y`.
  virtual bool may_overlap(const any_array& y) const = 0;

  // Of a map; all else has no pages, and nothing to do.
  virtual page_range pages_of(const block_box&) const noexcept { return {}; }
  /// Whether pages are in the kernel's cache, most likely.
  virtual bool is_cached(page_range) const noexcept { return true; }
  /// Have the disk begin with pages that are wanted soon.
  virtual void read_ahead(page_range) const noexcept {}
  /// Read pages into memory, and return when they are in the tables of this process. \throws error
  /// when they cannot be read
  virtual void populate_pages(page_range) const {}
  /// Tell the kernel how all pages will be used.
  virtual void expect(advice) const noexcept {}
  /// Take pages out of this process, where nothing is lost by that; but not those of `kept`.
  virtual void drop(page_range, page_range = {}) const noexcept {}

  // Of files.
  /// What a slot needs to hold a box of so many bytes of elements.
  virtual std::size_t slot_bytes(index_t box_bytes) const noexcept {
    return static_cast<std::size_t>(box_bytes);
  }
  /// Read a box into a slot, dense in the order of `packed`; returns where it begins there.
  /// \throws error truncated, the system's
  virtual const std::byte* fetch(const block_box& box, std::span<std::byte>) const {
    return at(box.start);
  }

  /// The axes, from the one whose elements lie furthest apart.
  const index_vector& outward() const noexcept { return outward_; }
  /// Strides of a box that is dense, in the order in which the elements lie.
  strides packed(const npymap::shape& extents, index_t itemsize) const {
    return packed_strides(extents, outward_, itemsize);
  }

 private:
  /// Of the pages of a box, about.
  double touched_bytes(const npymap::shape& extents) const;
  /// Call `visit` with the pages of parts of a box that have most of these to themselves.
  template <class Visit>
  void for_own_pages(const block_box& box, const Visit& visit) const;

  std::string path_;
  dtype type_;
  npymap::shape shape_;
  strides byte_strides_;
  std::uint64_t spanned_bytes_;
  index_vector outward_;
};

/// While it lives, the kernel takes the pages of a map to be read once and in their order. In
/// little memory that is a fourth faster: what has been passed is not held to be wanted again.
class reading_in_order {
 public:
  explicit reading_in_order(shared<element_source> from) : from_(std::move(from)) {
    from_->expect(advice::sequential);
  }
  reading_in_order(reading_in_order&&) noexcept = default;
  reading_in_order& operator=(reading_in_order&&) = delete;
  ~reading_in_order() {
    if (from_) from_->expect(advice::normal);
  }

 private:
  shared<element_source> from_;
};

/// The way into `source` for elements that come from elsewhere.
struct source_access {
  static source over(shared<element_source> elements) { return source(std::move(elements)); }
};

/// Elements of an array, whose storage is shared.
shared<element_source> array_elements(const array_storage& storage, const dtype& type,
                                      const std::byte* data, const layout_ref& where);

/// True if elements must be decoded to be read as `wanted`. \throws error dtype_mismatch when they
/// cannot be by the rule same_kind; `what` is who asks
bool needs_decoding(const element_source& from, const dtype& wanted, std::size_t alignment,
                    const char* what);

}  // namespace npymap::detail
