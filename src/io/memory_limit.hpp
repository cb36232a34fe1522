/// \file
/// How much memory there is for this process, the kernel's cache included.
#pragma once

#include <cstdint>

namespace npymap::io {

/// The memory of the machine, or the least limit of the control groups that this process is in.
/// Reads a few small files; what cannot be read limits nothing.
std::uint64_t memory_limit_bytes();

}  // namespace npymap::io
