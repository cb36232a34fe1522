/// \file
/// What the tool writes, and how it ends when it cannot go on.
#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <string_view>

namespace npymap::cli {

/// Write to standard output, buffered. \throws error the system's
void write_output(std::string_view text);
void write_output(std::span<const std::byte> bytes);

/// Write out what is buffered: the last act of a command that has succeeded. \throws error
void flush_output();

/// Text from outside as one line that does a terminal no harm: what has no glyph is escaped.
std::string printable(std::string_view text);

/// End quietly, as other tools do, when nobody reads the output any more.
void die_of_broken_pipes();

}  // namespace npymap::cli
