/// \file
/// Reading much at once, at the speed of the memory.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "io/file.hpp"

namespace npymap::io {

/// Read as `file::read_at`, but with several threads when it is much: one alone spends its time on
/// page faults and copying, at a fraction of the bandwidth of memory or of a fast disk. They go
/// through the file together, front to back. All have ended when this returns.
std::size_t read_large(const file& from, std::span<std::byte> out, std::uint64_t offset);

}  // namespace npymap::io
