/// \file
/// What a gzip file has around its deflate stream (RFC 1952).
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

namespace npymap::deflate {

/// In front of the stream: magic, deflate; no name, no time, no system, so that equal bytes make
/// equal files. RFC 1952, 2.3.
inline constexpr std::array<std::byte, 10> gzip_head = {
    std::byte{0x1f}, std::byte{0x8b}, std::byte{8}, std::byte{0}, std::byte{0},
    std::byte{0},    std::byte{0},    std::byte{0}, std::byte{0}, std::byte{255}};

/// Behind the stream: what was packed. Of more than 4 GiB the length is told modulo 2**32.
std::array<std::byte, 8> gzip_tail(std::uint32_t crc32, std::uint64_t plain_bytes) noexcept;

}  // namespace npymap::deflate
