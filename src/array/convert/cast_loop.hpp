/// \file
/// Casting many numbers at once.
#pragma once

#include <cstddef>

namespace npymap::detail {

/// Cast `count` adjacent, aligned, native elements.
using cast_loop = void (*)(const void* from, void* to, std::size_t count);

/// The loop between two of `numbers`, by their places in it.
cast_loop number_loop(std::size_t from, std::size_t to) noexcept;

/// With the machine's instructions, where it has any; else nullptr. Rounds and quiets NaNs as
/// `float16` does.
cast_loop half_to_float_instructions() noexcept;
cast_loop float_to_half_instructions() noexcept;

}  // namespace npymap::detail
