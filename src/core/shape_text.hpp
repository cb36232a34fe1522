#pragma once

#include <span>
#include <string>

#include <npymap/shape.hpp>

namespace npymap {

/// Extents or strides as Python writes a tuple, for messages: "()", "(3,)", "(3, 4)".
std::string shape_text(std::span<const index_t> values);

}  // namespace npymap
