/// \file
/// Reading past the kernel's cache: what is read once and is larger than memory need not pass
/// through it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "io/file.hpp"

namespace npymap::io {

/// A file that is read from the disk itself, in whole blocks. Safe to use from any thread.
class direct_file {
 public:
  /// Takes the file over; where its file system cannot do without the cache, reads through it.
  explicit direct_file(file opened);

  /// The blocks that hold `n` bytes need no more than this, wherever they and the slot begin.
  static std::size_t slot_bytes(std::size_t n) noexcept;

  struct result {
    const std::byte* first;  ///< within the slot
    std::size_t read_bytes;  ///< fewer than asked for only at the end of the file
  };
  /// Read `n` bytes from `offset` into a slot of `slot_bytes(n)`, several requests at once when it
  /// is much. \throws error the system's
  result read(std::span<std::byte> slot, std::uint64_t offset, std::size_t n) const;

  const file& opened() const noexcept { return opened_; }

 private:
  file opened_;
};

}  // namespace npymap::io
