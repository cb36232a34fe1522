/// \file
/// The CRC of a stored member that is written to through a map of its elements.
#pragma once

#include <array>
#include <cstdint>

#include "io/file.hpp"
#include "io/map_seal.hpp"
#include "npz/zip_directory.hpp"

namespace npymap::zip {

/// Writes the CRC wherever the archive has it. What is in front of the elements, and behind them,
/// is read each time.
class member_seal final : public io::map_seal {
 public:
  /// `elements_offset_bytes` is where the map begins, in the file.
  member_seal(const zip_entry& entry, const zip_place& place, std::uint64_t elements_offset_bytes)
      : place_(place),
        begin_(elements_offset_bytes),
        end_(place.data_offset_bytes + entry.uncompressed_bytes) {}

  void update(io::file& to, std::span<const std::byte> bytes) override;

 private:
  const zip_place place_;
  const std::uint64_t begin_;  // of the elements
  const std::uint64_t end_;    // of the member
};

}  // namespace npymap::zip
