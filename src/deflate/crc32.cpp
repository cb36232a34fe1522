#include "deflate/crc32.hpp"

#include <isa-l/crc.h>
#include <zlib.h>

namespace npymap::deflate {

std::uint32_t crc32(std::uint32_t so_far, std::span<const std::byte> bytes) noexcept {
  return ::crc32_gzip_refl(so_far, reinterpret_cast<const unsigned char*>(bytes.data()),
                           bytes.size());
}

std::uint32_t crc32_combine(std::uint32_t first, std::uint32_t second,
                            std::uint64_t second_bytes) noexcept {
  return static_cast<std::uint32_t>(
      ::crc32_combine(first, second, static_cast<z_off_t>(second_bytes)));
}

crc32_combiner::crc32_combiner(std::uint64_t second_bytes) noexcept
    : factor_(static_cast<std::uint32_t>(::crc32_combine_gen(static_cast<z_off_t>(second_bytes)))) {
}

std::uint32_t crc32_combiner::operator()(std::uint32_t first, std::uint32_t second) const noexcept {
  return static_cast<std::uint32_t>(::crc32_combine_op(first, second, factor_));
}

}  // namespace npymap::deflate
