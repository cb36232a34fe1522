#include "io/aligned_buffer.hpp"

#include <cerrno>
#include <new>

#include <fmt/format.h>

#include <npymap/error.hpp>

#include "io/system.hpp"

namespace npymap::io {
namespace {

// Filling fresh memory is bound by page faults: huge pages have 512 times fewer, and are worth
// system calls of their own once there are some.
constexpr std::size_t large_bytes = 2 * sys::huge_page_bytes;

constexpr auto alignment = std::align_val_t{aligned_buffer::alignment_bytes};

}  // namespace

aligned_buffer::aligned_buffer(std::size_t size_bytes) : size_bytes_(size_bytes) {
  errno = ENOMEM;
  void* const memory = size_bytes < large_bytes
                           ? ::operator new(size_bytes, alignment, std::nothrow)
                           : sys::map_memory(size_bytes);
  if (memory == nullptr) {
    throw error(std::error_code(errno, std::system_category()),
                {.subject = fmt::format("allocate {} bytes", size_bytes)});
  }
  data_ = static_cast<std::byte*>(memory);
}

aligned_buffer::~aligned_buffer() {
  if (size_bytes_ < large_bytes) {
    ::operator delete(data_, alignment);
  } else {
    sys::unmap_memory(data_, size_bytes_);
  }
}

}  // namespace npymap::io
