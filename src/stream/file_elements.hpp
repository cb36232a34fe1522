/// \file
/// Elements of files that are read, not mapped.
#pragma once

#include <string>
#include <vector>

#include <npymap/detail/shared.hpp>
#include <npymap/source.hpp>

#include "stream/element_source.hpp"

namespace npymap::detail {

/// Along which axis files are one array: the first that they have, or a new one in front.
enum class joining : bool { concatenate, stack };

/// See `concatenate` and `stack`; one file is a sequence, too.
shared<element_source> file_elements(std::vector<std::string> paths, const read_options& options,
                                     joining how = joining::concatenate);

}  // namespace npymap::detail
