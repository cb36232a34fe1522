#include "io/aligned_buffer.hpp"

#include <cstdlib>

#include <npymap/error.hpp>

#include "io/system.hpp"

#include <fmt/format.h>

namespace npymap::io {
namespace {

// Of x86-64 and of arm64 with 4 KiB pages. Filling fresh memory is bound by page faults; in huge
// pages there are 512 times fewer.
constexpr std::size_t huge_page_bytes = std::size_t{2} << 20;

}  // namespace

aligned_buffer::aligned_buffer(std::size_t size_bytes) : size_bytes_(size_bytes) {
  const std::size_t alignment =
      size_bytes < 2 * huge_page_bytes ? alignment_bytes : huge_page_bytes;
  void* memory = nullptr;
  const int reason = ::posix_memalign(&memory, alignment, size_bytes);
  if (reason != 0) {
    throw error(std::error_code(reason, std::system_category()),
                {.subject = fmt::format("allocate {} bytes", size_bytes)});
  }
  if (alignment == huge_page_bytes) sys::prefer_huge_pages(memory, size_bytes);
  data_ = static_cast<std::byte*>(memory);
}

aligned_buffer::~aligned_buffer() { std::free(data_); }

}  // namespace npymap::io
