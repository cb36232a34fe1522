/// \file
/// Elements of any layout as the bytes that a file of them holds.
#pragma once

#include <cstddef>
#include <functional>
#include <span>

#include <npymap/detail/layout.hpp>
#include <npymap/dtype.hpp>

namespace npymap::detail {

/// Whoever takes bytes, some at a time; they are gone when it returns.
using byte_sink = std::function<void(std::span<const std::byte>)>;

/// Hand over elements as dense bytes in C order, converted where the dtypes differ: all of them at
/// once where they lie so, else in pieces of some megabytes. Costs a buffer of that size.
void for_dense_bytes(const dtype& from, const std::byte* data, const layout_ref& where,
                     const dtype& to, const byte_sink& take);

}  // namespace npymap::detail
