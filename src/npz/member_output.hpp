/// \file
/// Bytes on their way into a member of an archive: as they are, or packed on all cores.
#pragma once

#include <cstddef>
#include <cstdint>
#include <future>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "deflate/deflate.hpp"
#include "npz/piece_index.hpp"
#include "npz/zip_writer.hpp"

namespace npymap::zip {

/// A member that is being written. It has a head, such as the header of an NPY, that may say
/// something else when all is known; only its length stays.
class member_output {
 public:
  /// Begin a member; deflated if there is a level. Both outlive it.
  member_output(zip_writer& to, std::string_view name, std::string head, std::optional<int> level,
                int threads);
  member_output(const member_output&) = delete;
  member_output& operator=(const member_output&) = delete;

  /// Bytes behind those before.
  void write(std::span<const std::byte> bytes);
  /// The last of it: end the member, with this head.
  void finish(std::string_view head);

 private:
  /// What one thread packs at a time.
  struct piece {
    deflate::deflater machine;
    std::vector<std::byte> plain, packed;
    std::uint32_t crc32 = 0;
  };
  using batch = std::vector<piece>;

  void store(std::span<const std::byte> bytes);
  void gather(std::span<const std::byte> bytes);
  void pack_gathered();
  void write_packed();

  zip_writer& to_;
  const std::string first_head_;
  const int threads_;
  std::uint32_t crc32_ = 0;  // of what is behind the head
  std::uint64_t written_bytes_ = 0;

  // Of a deflated one: pieces are gathered while those before them are packed.
  batch gathering_, packing_;
  std::size_t gathered_ = 0;      // pieces that are full, or begun
  std::size_t packed_count_ = 0;  // of `packing_`
  std::vector<indexed_piece> index_;
  std::future<void> packer_;  // destroyed first, which waits
};

}  // namespace npymap::zip
