/// \file
/// Members that are arrays: their headers, and all of their elements in memory.
#pragma once

#include <cstddef>
#include <span>

#include <npymap/any_array.hpp>
#include <npymap/header.hpp>
#include <npymap/npz.hpp>

#include "npz/member_stream.hpp"
#include "npz/npz_archive.hpp"

namespace npymap::detail {

// Errors need not name the file or the member.

/// Whether a member that begins so is meant to be an array: with the NPY magic, as NumPy asks.
bool begins_as_array(std::span<const std::byte> start) noexcept;

/// \throws error not_npy for a folder, or a file that is empty
void require_bytes(const npz_member& member);
/// The header alone. \throws error as `npz_reader::info`
header array_header(const npz_archive& archive, const npz_member& member);
/// The same of a stream at its beginning, which goes on at the first element.
header read_header(zip::member_stream& from, const npz_member& member, std::size_t limit);

/// All elements, with their CRC checked. `facts` are those of its header, but may have another
/// dtype of that itemsize. \throws error as `npz_reader::load`
any_array load_array(const npz_archive& archive, const npz_member& member, const header& facts);

/// Some rows, unpacking as little else as can be; what is not all of the member has no CRC that
/// could be checked, but for pieces of ours. \throws error as `npz_reader::load`
any_array load_rows(const npz_archive& archive, const npz_member& member, header facts,
                    const row_range& rows);

/// \throws error member_too_long for a deflated member past the caller's limit
void require_expansion(const npz_archive& archive, const npz_member& member);

/// \throws error object_dtype; truncated unless the member holds all elements; bad_archive for a
/// deflated one that would become longer than that
void require_held(const header& facts, const npz_member& member);
/// \throws error object_dtype; truncated and bad_archive unless header and elements are all of the
/// member
void require_exact(const header& facts, const npz_member& member);

}  // namespace npymap::detail
