/// \file
/// Decompression of what `deflater` makes, a piece at a time.
#pragma once

#include <cstddef>
#include <memory>
#include <span>
#include <vector>

struct libdeflate_decompressor;

namespace npymap::deflate {

/// Inflates pieces of a stream alone, by libdeflate, the fastest; memory for one in and out of it
/// is kept. For one thread at a time.
class piece_inflater {
 public:
  piece_inflater();

  /// Room for the packed bytes of the next piece, so many of them.
  std::span<std::byte> packed(std::size_t size_bytes);
  /// Fill `out` from them. False, or bytes that nobody could have foretold, unless they are a piece
  /// as `deflater` makes them: whole blocks up to the end of the last byte, none the last of the
  /// stream, which refer to nothing in front. Such a piece is within its stream what it is alone.
  bool inflate(std::span<std::byte> out);

 private:
  struct deleter {
    void operator()(libdeflate_decompressor* each) const noexcept;
  };

  std::unique_ptr<libdeflate_decompressor, deleter> machine_;
  std::vector<std::byte> in_, out_;
  std::size_t packed_bytes_ = 0;
};

}  // namespace npymap::deflate
