/// \file
/// The names of members: bytes of the archive to UTF-8.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>

namespace npymap::zip {

/// What Python's zipfile makes of the bytes of a name: UTF-8 where the flags say so, else code page
/// 437. Nothing for what is no UTF-8, and for a NUL, at which some readers would cut.
std::optional<std::string> decode_name(std::span<const std::byte> bytes, std::uint16_t flags);

}  // namespace npymap::zip
