/// \file
/// The header of an NPY file: bytes to values and back. Opens no file.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include <npymap/detail/export.hpp>
#include <npymap/dtype.hpp>
#include <npymap/shape.hpp>

namespace npymap {

/// The version bytes after the magic: 1.0, 2.0 or 3.0.
struct npy_version {
  std::uint8_t major = 1;
  std::uint8_t minor = 0;
  friend bool operator==(const npy_version&, const npy_version&) = default;
};

/// What the header of an NPY file says.
struct header {
  npymap::dtype dtype;
  npymap::shape shape;
  npymap::order order = npymap::order::c;
  npy_version version;
  std::uint64_t data_offset_bytes = 0;  ///< from the start of the magic to the first element
};

/// NumPy's default for `max_header_size`, in characters of header text.
inline constexpr std::size_t default_header_limit = 10'000;

/// The bytes of magic, version and length that `npy_prefix_bytes` looks at.
inline constexpr std::size_t npy_prefix_bytes = 12;

/// The bytes from the magic to the first element, as the first `npy_prefix_bytes` of a file declare
/// them: how much to read before `parse_header`. `start` may be shorter if the file is.
/// \throws error not_npy, unsupported_version, header_too_long, truncated
NPYMAP_EXPORT std::size_t declared_header_bytes(std::span<const std::byte> start,
                                                std::size_t header_limit = default_header_limit);

/// Read a header, as `numpy.lib.format.read_array_header_1_0` and its siblings.
///
/// `start` begins at the magic and may go on into the data. Nothing is evaluated; time and memory
/// are linear in the header, and nesting is bounded. Object dtype is parsed: refusing it is up to
/// those who would read elements. An error's byte counts from the magic. Where npymap differs from
/// NumPy, tests/format/difference_test.cpp says why.
/// \throws error as `declared_header_bytes`, and bad_header, bad_dtype, size_overflow
NPYMAP_EXPORT header parse_header(std::span<const std::byte> start,
                                  std::size_t header_limit = default_header_limit);

/// The bytes that `numpy.save` and `open_memmap` write before the elements; always a multiple
/// of 64.
///
/// The version is the lowest that can hold the text, `data_offset_bytes` is ignored. Following
/// NumPy, `fortran_order` is written False for an array that is also C-contiguous (rank 0 or 1, one
/// long axis); the elements are the same bytes either way.
/// \throws error object_dtype, bad_dtype (fields that overlap or run backwards, which NPY cannot
/// say; names that are not UTF-8), size_overflow, invalid_argument (a negative extent, or more than
/// `max_rank`)
NPYMAP_EXPORT std::string header_bytes(const npymap::dtype& type, std::span<const index_t> extents,
                                       npymap::order layout = npymap::order::c);

/// The dtype that `numpy.lib.format.descr_to_dtype` makes of a descr: a Python literal in UTF-8
/// such as `'<f8'`, whose quotes may be left out, or `[('x', '<f8'), ('', '|V4'), ('y', '<i4', (2,
/// 3))]`, where unnamed void data is padding. Sub-arrays of sub-arrays become one, with all their
/// axes; the elements lie the same. \throws error bad_dtype
NPYMAP_EXPORT dtype parse_descr(std::string_view python_literal);

/// The descr that NumPy writes for a dtype, as a Python literal: the inverse of `parse_descr`.
/// \throws error bad_dtype for fields that overlap or run backwards, and names that are not UTF-8
NPYMAP_EXPORT std::string descr(const dtype& type);

}  // namespace npymap
