/// \file
/// Whole pages of a file in memory: Boost.Interprocess, without its traps.
#pragma once

#include <boost/interprocess/mapped_region.hpp>
#include <cstddef>
#include <cstdint>
#include <span>

#include "io/file.hpp"

namespace npymap::io {

/// A mapped range that begins anywhere; the pages around it are mapped with it. Move-only.
class region {
 public:
  /// Map nothing, as for a range of zero bytes: Boost would take that for the whole file, and the
  /// system refuses it.
  region() noexcept = default;
  /// The caller has checked that the file goes as far as the range.
  /// \throws error the system's, naming the file
  region(const file& source, open_mode mode, std::uint64_t offset_bytes, std::size_t size_bytes);

  std::byte* data() const noexcept;
  /// All that is mapped: whole pages.
  std::span<std::byte> pages() const noexcept;
  /// msync the pages that hold the range; -1 and errno if the system will not.
  int sync(std::size_t offset, std::size_t n, flush_mode how) noexcept;
  int advise(std::size_t offset, std::size_t n, advice hint) noexcept;

 private:
  struct page_range {
    std::size_t begin;  // from the first mapped byte; a multiple of the page size
    std::size_t size;
  };
  page_range pages_of(std::size_t offset, std::size_t n) const noexcept;

  boost::interprocess::mapped_region mapped_;
  std::size_t lead_bytes_ = 0;  // of the first page, in front of the range
};

}  // namespace npymap::io
