#include <npymap/detail/array_storage.hpp>

#include <string>
#include <utility>

#include <npymap/error.hpp>

#include "array/memory.hpp"

namespace npymap::detail {

array_storage::array_storage(const array_storage& other, const void* data,
                             const layout_ref& where) noexcept
    : map_(other.map_), memory_(other.memory_) {
  // Elements lie in a mapping or a buffer, so that their reach fits.
  const byte_reach spanned = reach(where).value_or(byte_reach{});
  if (spanned.begin == spanned.end) return;
  first_ = static_cast<const std::byte*>(data) + spanned.begin;
  spanned_bytes_ = static_cast<std::size_t>(spanned.end - spanned.begin);
}

const std::string& array_storage::path() const noexcept {
  return memory_ ? memory_->path() : map_.path();
}

open_mode array_storage::mode() const noexcept {
  return memory_ ? open_mode::copy_on_write : map_.mode();
}

void array_storage::flush(flush_mode how) const {
  if (spanned_bytes_ == 0 || !map_.is_open()) return;
  map_.flush(static_cast<std::size_t>(first_ - map_.data()), spanned_bytes_, how);
}

void array_storage::advise(advice hint) const {
  if (spanned_bytes_ == 0 || !map_.is_open()) return;
  map_.advise(hint, static_cast<std::size_t>(first_ - map_.data()), spanned_bytes_);
}

void array_storage::swap_storage(array_storage& other) noexcept { std::swap(*this, other); }

void array_storage::require_sole_owner() const {
  const std::int64_t owners = memory_ ? memory_.owners() : map_.owners();
  if (owners <= 1) return;
  throw error(errc::busy, {.path = path(),
                           .subject = "close",
                           .expected = "no other array over the same elements",
                           .found = std::to_string(owners - 1)});
}

}  // namespace npymap::detail
