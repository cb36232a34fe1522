/// \file
/// A deflated member of which any part is unpacked without what is before it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <future>
#include <memory>
#include <mutex>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "io/file.hpp"
#include "npz/zip_directory.hpp"

namespace npymap::zip {

/// What is unpacked on its own.
struct member_piece {
  std::uint64_t begin_bytes = 0;  ///< among the bytes of the member
  std::uint32_t crc32 = 0;
};

/// Reads bytes of a member, wherever, in as many pieces as they touch, and holds each piece against
/// its CRC. The archive outlives it. Safe to use from any thread.
class indexed_member {
 public:
  /// Null unless the member has an index of its own or one beside the archive, which agrees with
  /// its sizes and, all of its CRCs taken together, with its CRC: others are read from front to
  /// back. \throws error as `find_data`
  static std::unique_ptr<indexed_member> find(const io::file& archive, const zip_entry& entry);
  virtual ~indexed_member() = default;

  /// Pieces stay whole in memory, some of them at a time: an index of longer ones is none. Those of
  /// `npz_writer` are as long in members of 256 GiB.
  static constexpr std::uint64_t most_piece_bytes = std::uint64_t{32} << 20;

  /// True if the index is no part of the archive: it may be damaged where that is not.
  bool is_beside() const noexcept { return index_path_ != archive_.path(); }

  /// Fill `out` with the bytes from `offset`, all of which the member has; pieces that are wanted
  /// whole in so many threads. \throws error bad_archive, checksum_mismatch, truncated, the
  /// system's; they name file and member
  void read(std::uint64_t offset, std::span<std::byte> out, int threads) const;

 protected:
  using bytes = std::vector<std::byte>;
  using shared_bytes = std::shared_ptr<const bytes>;

  /// Pieces begin at 0, and each where the one before ends. Errors name the file `index`.
  indexed_member(const io::file& archive, const zip_entry& entry, std::uint64_t data_offset_bytes,
                 std::vector<member_piece> pieces, std::string index)
      : archive_(archive),
        entry_(entry),
        data_offset_bytes_(data_offset_bytes),
        pieces_(std::move(pieces)),
        index_path_(std::move(index)) {}

  /// Unpack a piece, which fills `out`. \throws error
  virtual void inflate(std::size_t piece, std::span<std::byte> out) const = 0;
  /// Bytes of the packed data. \throws error truncated
  void read_packed(std::uint64_t offset, std::span<std::byte> out) const;
  /// \throws error bad_archive
  [[noreturn]] void refuse_piece(std::size_t size, std::uint64_t offset) const;

 private:
  std::uint64_t end_of(std::size_t piece) const noexcept;
  void inflate_checked(std::size_t piece, std::span<std::byte> out) const;
  shared_bytes inflated(std::size_t piece) const;
  std::shared_future<shared_bytes> kept(std::size_t piece, std::promise<shared_bytes>& mine) const;
  void forget(std::size_t piece) const;

  const io::file& archive_;
  const zip_entry entry_;
  const std::uint64_t data_offset_bytes_;
  const std::vector<member_piece> pieces_;
  const std::string index_path_;

  // Pieces of which only a part was wanted: soon the rest will be, by other threads perhaps now.
  mutable std::mutex changing_;
  mutable std::deque<std::pair<std::size_t, std::shared_future<shared_bytes>>> kept_;
};

/// The CRC of the whole, from those of the pieces.
std::uint32_t crc_of(std::span<const member_piece> pieces, std::uint64_t uncompressed_bytes);

// Where an index may be; each null where there is none that agrees.
/// Among the extra fields, where `npz_writer` puts it.
std::unique_ptr<indexed_member> find_own_index(const io::file& archive, const zip_entry& entry);
/// Beside the archive, where `build_npz_index` puts it.
std::unique_ptr<indexed_member> find_index_beside(const io::file& archive, const zip_entry& entry);

}  // namespace npymap::zip
