/// \file
/// Elements of a member that is no map, read or inflated as passes ask for them.
#pragma once

#include <npymap/detail/shared.hpp>
#include <npymap/npz.hpp>

#include "npz/npz_archive.hpp"
#include "stream/element_source.hpp"

namespace npymap::detail {

/// See `npz_reader::source_of`. Errors need not name the member.
shared<element_source> streamed_elements(const shared<npz_archive>& archive,
                                         const npz_member& member);

}  // namespace npymap::detail
