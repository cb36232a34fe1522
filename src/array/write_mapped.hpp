/// \file
/// Bytes of one file straight into another.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include <npymap/file_map.hpp>

namespace npymap::io {
class file;
}

namespace npymap::detail {

/// Write bytes to byte `offset` of a file, which may be those of a map, or, of none, others.
/// \throws error as `io::file::write_at`; of the map's file, what cannot be read of it
void write_mapped(io::file& to, std::span<const std::byte> bytes, std::uint64_t offset,
                  const file_map& map);

}  // namespace npymap::detail
