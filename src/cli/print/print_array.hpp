/// \file
/// An array as text, as NumPy's print shows it.
#pragma once

#include <cstddef>
#include <functional>
#include <span>
#include <string_view>

#include <npymap/dtype.hpp>
#include <npymap/pickle.hpp>
#include <npymap/shape.hpp>

namespace npymap::cli {

/// Takes the text piece by piece.
using text_sink = std::function<void(std::string_view)>;

/// Write what `print(a)` of NumPy 1.24 writes with its default options, in UTF-8 and without the
/// last newline.
///
/// `origin` is the first element; any strides, alignment and byte order will do. Only the elements
/// that are shown are touched, and one line of text is held at a time.
/// \throws error object_dtype, invalid_argument for more than ten million values, or an item of
/// more than 16 MiB
void print_array(const text_sink& out, const dtype& type, const std::byte* origin,
                 std::span<const index_t> extents, std::span<const index_t> byte_strides);

/// The same of an array of Python objects, whose elements these are, in C order.
void print_objects(const text_sink& out, std::span<const pickled_value> values,
                   std::span<const index_t> extents);

}  // namespace npymap::cli
