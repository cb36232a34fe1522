/// \file
/// Where the pieces of a deflated member begin: an extra field of its own in the directory, which
/// all others ignore.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

namespace npymap::zip {

/// What is packed on its own.
inline constexpr std::size_t piece_bytes = std::size_t{1} << 20;

struct indexed_piece {
  std::uint64_t compressed_bytes = 0;
  std::uint32_t crc32 = 0;  ///< of what is in it
};

/// The extra field of a member: its head in stored blocks, then pieces of `piece_bytes` but for
/// the last, then the end of the stream. It has at most `most_bytes`: of more pieces than fit, some
/// are told as one. `find_own_index` reads it.
std::string index_extra(std::size_t head_bytes, std::vector<indexed_piece> pieces,
                        std::uint64_t uncompressed_bytes, std::size_t most_bytes);

}  // namespace npymap::zip
