/// \file
/// One element as text, the way numpy.core.arrayprint writes it.
#pragma once

#include <cstddef>
#include <functional>
#include <string>
#include <string_view>

#include <npymap/dtype.hpp>
#include <npymap/pickle.hpp>

#include "cli/print/elements.hpp"

namespace npymap::cli {

/// Append the text of the element at these bytes, in UTF-8.
using element_format = std::function<void(std::string& out, const std::byte* at)>;

/// How the elements are written inside an array: padded to the width that all of them need, for
/// which each printed one is looked at. Copies what it needs of both arguments.
/// \throws error object_dtype
element_format format_of(const dtype& type, const printed_elements& elements);

/// How an array of rank 0 is written: `str(a[()])`, with as many digits as it takes, and no quotes
/// around text and dates. \throws error object_dtype
std::string scalar_text(const dtype& type, const std::byte* at);

// By kind. Each is `format_of` or `scalar_text` for the kinds that it names.
element_format bool_format(const printed_elements& elements);
element_format integer_format(const dtype& type, const printed_elements& elements);
element_format float_format(const dtype& type, const printed_elements& elements);
element_format complex_format(const dtype& type, const printed_elements& elements);
element_format datetime_format(const dtype& type, const printed_elements& elements);
element_format timedelta_format(const dtype& type, const printed_elements& elements);
element_format bytes_format(const dtype& type);
element_format unicode_format(const dtype& type);
element_format raw_format(const dtype& type);
/// Of Python objects, where the bytes are those of a `pickled_value`.
element_format object_format();

std::string integer_text(const dtype& type, const std::byte* at);
std::string float_text(const dtype& type, const std::byte* at);
std::string complex_text(const dtype& type, const std::byte* at);
std::string datetime_text(const dtype& type, const std::byte* at);
std::string timedelta_text(const dtype& type, const std::byte* at);
std::string unicode_text(const dtype& type, const std::byte* at);
std::string object_text(const pickled_value& value);

/// Append `repr(text)` of a bytes.
void append_bytes_repr(std::string& out, std::string_view text);

}  // namespace npymap::cli
