/// \file
/// Elements of files that are read, not mapped.
#pragma once

#include <string>
#include <vector>

#include <npymap/detail/shared.hpp>
#include <npymap/source.hpp>

#include "stream/element_source.hpp"

namespace npymap::detail {

/// See `concatenate`; one file is a sequence, too.
shared<element_source> file_elements(std::vector<std::string> paths, const read_options& options);

}  // namespace npymap::detail
