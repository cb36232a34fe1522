/// \file
/// What a file says of mapped bytes in another place, as a checksum.
#pragma once

#include <cstddef>
#include <span>

#include <npymap/detail/shared.hpp>
#include <npymap/file_map.hpp>

#include "io/file.hpp"

namespace npymap::io {

/// Brought up to date by each flush of a map, and by its close: in between it may be wrong.
class map_seal : public detail::counted {
 public:
  /// Write to the file what has to be said of `bytes`, which are all of the map. Pages that cannot
  /// be read are caught by the caller. \throws error the system's
  virtual void update(file& to, std::span<const std::byte> bytes) = 0;
};

/// Give a map its seal, before anybody else has the map. \throws error closed
void seal(const file_map& map, detail::shared<map_seal> with);

}  // namespace npymap::io
