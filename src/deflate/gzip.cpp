#include "deflate/gzip.hpp"

namespace npymap::deflate {

std::array<std::byte, 8> gzip_tail(std::uint32_t crc32, std::uint64_t plain_bytes) noexcept {
  std::array<std::byte, 8> tail;
  const std::uint64_t fields = crc32 | plain_bytes << 32;  // both little-endian
  for (std::size_t i = 0; i < tail.size(); ++i) tail[i] = static_cast<std::byte>(fields >> 8 * i);
  return tail;
}

}  // namespace npymap::deflate
