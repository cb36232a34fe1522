/// \file
/// Long work on bytes, a piece at a time, in several threads.
#pragma once

#include <cstddef>
#include <functional>

namespace npymap::io {

/// Call `work(begin, size)` for each piece of `total` bytes, front to back, from up to `threads`
/// threads, this one included; fewer when no more are to be had. All have ended when this returns.
/// \throws what `work` throws, after which no piece is begun
void in_pieces(std::size_t total, std::size_t piece_bytes, std::size_t threads,
               const std::function<void(std::size_t begin, std::size_t size)>& work);

}  // namespace npymap::io
