/// \file
/// One place along the first axis of what a pass reads.
#pragma once

#include <npymap/detail/shared.hpp>

#include "stream/element_source.hpp"

namespace npymap::text {

/// The elements `x[n]` of elements `x`, read as these are.
detail::shared<detail::element_source> outer_slice(detail::shared<detail::element_source> x,
                                                   index_t n);

}  // namespace npymap::text
