/// \file
/// What commands tell of pickles and of text.
#pragma once

#include "cli/commands.hpp"
#include "cli/input.hpp"

namespace npymap::cli {

/// `info` of a pickle: its arrays, or the one that was asked for.
void info_of_pickle(const input& from, const info_options& options);

/// `info` of text: what its first row tells. The rest is not read.
void info_of_text(const input& from, const info_options& options);

/// `verify` of either: all of it is read.
void verify_other(const input& from, const verify_options& options);

}  // namespace npymap::cli
