#include "io/region.hpp"

#include <sys/mman.h>

#include <cerrno>

namespace npymap::io {
namespace bip = boost::interprocess;
namespace {

// All that mapped_region wants of a file. Boost's own file_mapping opens without O_CLOEXEC, hangs
// on a FIFO, and cannot open for copy_on_write.
class mappable {
 public:
  explicit mappable(int descriptor) noexcept : handle_{descriptor, false} {}
  bip::mapping_handle_t get_mapping_handle() const noexcept { return handle_; }

 private:
  bip::mapping_handle_t handle_;
};

bip::mode_t boost_mode(open_mode mode) noexcept {
  switch (mode) {
    case open_mode::read:
      // Private to this process, which writes nothing: the same bytes as read_only gives, also on
      // file systems that share no pages (FUSE without its cache).
      return bip::read_private;
    case open_mode::copy_on_write:
      return bip::copy_on_write;
    case open_mode::read_write:
    case open_mode::create:
      break;
  }
  return bip::read_write;
}

}  // namespace

region::region(const file& source, open_mode mode, std::uint64_t offset_bytes,
               std::size_t size_bytes)
    : lead_bytes_(static_cast<std::size_t>(offset_bytes % sys::page_bytes())) {
  // A private map promises memory for all its pages, which a file larger than memory cannot have;
  // without the promise it is only the pages that are written to.
  const bip::map_options_t options =
      mode == open_mode::copy_on_write ? MAP_NORESERVE : bip::default_map_options;
  try {
    if (sys::refused(sys::call::map)) throw bip::interprocess_exception(bip::error_info(errno));
    // From a page's start: Boost's flush counts from there, whatever the offset, and refuses the
    // last page of a map that begins inside a page.
    mapped_ = bip::mapped_region(mappable(source.native_handle()), boost_mode(mode),
                                 static_cast<bip::offset_t>(offset_bytes - lead_bytes_),
                                 lead_bytes_ + size_bytes, nullptr, options);
  } catch (const bip::interprocess_exception& e) {
    errno = e.get_native_error();
    source.fail("map", size_bytes, offset_bytes);
  }
}

std::byte* region::data() const noexcept {
  return static_cast<std::byte*>(mapped_.get_address()) + lead_bytes_;
}

std::span<std::byte> region::pages() const noexcept {
  const std::size_t page = sys::page_bytes();
  return {static_cast<std::byte*>(mapped_.get_address()),
          (mapped_.get_size() + page - 1) / page * page};
}

region::page_range region::pages_of(std::size_t offset, std::size_t n) const noexcept {
  const std::size_t first = lead_bytes_ + offset;
  const std::size_t begin = first - first % sys::page_bytes();
  return {begin, first + n - begin};
}

int region::sync(std::size_t offset, std::size_t n, flush_mode how) noexcept {
  if (n == 0) return 0;  // Boost would flush all
  const page_range pages = pages_of(offset, n);
  do {
    errno = EINVAL;  // of what Boost refuses itself
    if (!sys::refused(sys::call::sync_map) &&
        mapped_.flush(pages.begin, pages.size, how == flush_mode::async)) {
      return 0;
    }
  } while (errno == EINTR);
  return -1;
}

int region::advise(std::size_t offset, std::size_t n, advice hint) noexcept {
  if (n == 0) return 0;
  // Not Boost's advise: it knows no range, and for dont_need asks glibc, which does nothing.
  const page_range pages = pages_of(offset, n);
  return sys::advise(static_cast<std::byte*>(mapped_.get_address()) + pages.begin, pages.size,
                     hint);
}

}  // namespace npymap::io
