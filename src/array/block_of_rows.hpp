/// \file
/// What may be put behind the rows of a file.
#pragma once

#include <string>

#include <npymap/detail/layout.hpp>
#include <npymap/dtype.hpp>
#include <npymap/shape.hpp>

namespace npymap::detail {

/// A row, of one axis less than `whole`, or a block of rows, as a block: rows lie along `axis`.
/// \throws error layout_mismatch, of the file `path`
layout block_of_rows(const layout_ref& where, const shape& whole, int axis,
                     const std::string& path);

/// \throws error dtype_mismatch unless rows of a dtype may become rows of another: by `same_kind`,
/// or by `safe` where text is, which the former would cut
void require_appendable(const dtype& from, const dtype& to);

}  // namespace npymap::detail
