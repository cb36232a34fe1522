/// \file
/// What commands do that look at all of an archive.
#pragma once

#include <npymap/error.hpp>

#include "cli/commands.hpp"
#include "cli/input.hpp"

namespace npymap::cli {

/// `info` of an archive, or of the member that was asked for.
void info_of_archive(const input& from, const info_options& options);

/// `verify` of an archive that cannot be opened: tell of the defect, and throw it.
[[noreturn]] void refuse_archive(const error& defect, const verify_options& options);

/// `verify` of an archive, or of the member that was asked for.
void verify_archive(const input& from, const verify_options& options);

}  // namespace npymap::cli
