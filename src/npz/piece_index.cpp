#include "npz/piece_index.hpp"

#include <algorithm>
#include <array>
#include <bit>
#include <limits>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <string_view>
#include <utility>

#include "deflate/crc32.hpp"
#include "deflate/deflate.hpp"
#include "deflate/piece_inflater.hpp"
#include "npz/indexed_member.hpp"
#include "npz/zip_reading.hpp"

namespace npymap::zip {
namespace {

constexpr std::uint16_t extra_index = 0x706e;  // "np", which nobody has in APPNOTE 4.5.2
constexpr std::uint8_t version = 1;
constexpr std::size_t header_bytes = 1 + 1 + 4;  // version, log2 of the bytes of a piece, head
constexpr std::size_t entry_bytes = 4 + 4;       // compressed bytes, CRC

std::uint64_t pieces_of(std::uint64_t bytes, std::uint64_t each) {
  return bytes / each + (bytes % each == 0 ? 0 : 1);
}

// Twos become one, and an odd last one stays.
void merge_neighbours(std::vector<indexed_piece>& pieces, std::uint64_t bytes, std::uint64_t each) {
  std::size_t kept = 0;
  for (std::size_t i = 0; i < pieces.size(); i += 2, ++kept) {
    indexed_piece joined = pieces[i];
    if (i + 1 < pieces.size()) {
      const std::uint64_t second = std::min(each, bytes - (i + 1) * each);
      joined.compressed_bytes += pieces[i + 1].compressed_bytes;
      joined.crc32 = deflate::crc32_combine(joined.crc32, pieces[i + 1].crc32, second);
    }
    pieces[kept] = joined;
  }
  pieces.resize(kept);
}

/// What follows the id and the length of a field of this id.
std::optional<std::span<const std::byte>> find_field(std::string_view extra, std::uint16_t id) {
  std::span<const std::byte> rest = std::as_bytes(std::span(extra));
  while (rest.size() >= 4) {
    const std::size_t n = read_number<std::uint16_t>(rest.subspan(2));
    if (n > rest.size() - 4) return std::nullopt;
    if (read_number<std::uint16_t>(rest) == id) return rest.subspan(4, n);
    rest = rest.subspan(4 + n);
  }
  return std::nullopt;
}

/// Of the bytes in the stored blocks with which a member of ours begins; nothing for others.
std::optional<std::uint32_t> crc_of_head(const io::file& archive, std::uint64_t offset,
                                         std::uint64_t head_bytes) {
  std::vector<std::byte> read(static_cast<std::size_t>(deflate::stored_blocks_bytes(head_bytes)));
  if (archive.read_at(read, offset) != read.size()) return std::nullopt;
  std::uint32_t crc = 0;
  for (std::span<const std::byte> rest = read; !rest.empty();) {
    const std::size_t n =
        std::min(rest.size() - deflate::stored_block(0).size(), deflate::most_stored_bytes);
    const auto block = deflate::stored_block(n);
    if (!std::equal(block.begin(), block.end(), rest.begin())) return std::nullopt;
    crc = deflate::crc32(crc, rest.subspan(block.size(), n));
    rest = rest.subspan(block.size() + n);
  }
  return crc;
}

/// As `npz_writer` makes them; the first is the head.
class packed_pieces final : public indexed_member {
 public:
  packed_pieces(const io::file& archive, const zip_entry& entry, std::uint64_t data_offset_bytes,
                std::vector<member_piece> pieces, std::vector<std::uint64_t> offsets)
      : indexed_member(archive, entry, data_offset_bytes, std::move(pieces), archive.path()),
        offsets_(std::move(offsets)) {}

 private:
  void inflate(std::size_t piece, std::span<std::byte> out) const override {
    const std::uint64_t at = offsets_[piece];
    auto machine = take_machine();
    read_packed(at, machine->packed(static_cast<std::size_t>(offsets_[piece + 1] - at)));
    if (!machine->inflate(out)) refuse_piece(out.size(), at);
    const std::lock_guard lock(changing_);
    idle_.push_back(std::move(machine));
  }

  std::unique_ptr<deflate::piece_inflater> take_machine() const {
    const std::lock_guard lock(changing_);
    if (idle_.empty()) return std::make_unique<deflate::piece_inflater>();
    auto machine = std::move(idle_.back());
    idle_.pop_back();
    return machine;
  }

  const std::vector<std::uint64_t> offsets_;  // of each in the packed data, and of the end

  mutable std::mutex changing_;
  mutable std::vector<std::unique_ptr<deflate::piece_inflater>> idle_;  // one a thread, at most
};

}  // namespace

std::string index_extra(std::size_t head_bytes, std::vector<indexed_piece> pieces,
                        std::uint64_t uncompressed_bytes, std::size_t most_bytes) {
  const std::uint64_t bytes = uncompressed_bytes - head_bytes;
  const std::size_t most_entries = (most_bytes - 4 - header_bytes) / entry_bytes;
  std::uint64_t each = piece_bytes;
  for (; pieces.size() > most_entries; each *= 2) merge_neighbours(pieces, bytes, each);
  std::string extra;
  append_number(extra_index, extra);
  append_number(static_cast<std::uint16_t>(header_bytes + pieces.size() * entry_bytes), extra);
  append_number(version, extra);
  append_number(static_cast<std::uint8_t>(std::countr_zero(each)), extra);
  append_number(static_cast<std::uint32_t>(head_bytes), extra);
  for (const indexed_piece& piece : pieces) {
    if (piece.compressed_bytes > std::numeric_limits<std::uint32_t>::max()) return {};
    append_number(static_cast<std::uint32_t>(piece.compressed_bytes), extra);
    append_number(piece.crc32, extra);
  }
  return extra;
}

std::unique_ptr<indexed_member> find_own_index(const io::file& archive, const zip_entry& entry) {
  const std::string extra = read_raw_record(archive, entry).extra;
  const auto field = find_field(extra, extra_index);
  if (!field || field->size() < header_bytes || (*field)[0] != std::byte{version}) return nullptr;
  const auto log2 = std::to_integer<unsigned>((*field)[1]);
  const std::uint64_t head_bytes = read_number<std::uint32_t>(field->subspan(2));
  std::span<const std::byte> entries = field->subspan(header_bytes);
  if (log2 > 62 || head_bytes > entry.uncompressed_bytes) return nullptr;
  const std::uint64_t each = std::uint64_t{1} << log2;
  if (std::min(each, entry.uncompressed_bytes) > indexed_member::most_piece_bytes) return nullptr;
  const std::uint64_t count = pieces_of(entry.uncompressed_bytes - head_bytes, each);
  if (entries.size() % entry_bytes != 0 || entries.size() / entry_bytes != count) return nullptr;

  const std::uint64_t packed_head_bytes = deflate::stored_blocks_bytes(head_bytes);
  if (packed_head_bytes > std::min(entry.compressed_bytes, indexed_member::most_piece_bytes)) {
    return nullptr;
  }

  const std::uint64_t data = find_data(archive, entry).data_offset_bytes;
  const auto head_crc = crc_of_head(archive, data, head_bytes);
  if (!head_crc) return nullptr;
  std::vector<member_piece> pieces = {{0, *head_crc}};
  std::vector<std::uint64_t> offsets = {0, packed_head_bytes};
  for (std::uint64_t at = head_bytes; !entries.empty(); at += each) {
    pieces.push_back({at, read_number<std::uint32_t>(entries.subspan(4))});
    offsets.push_back(offsets.back() + read_number<std::uint32_t>(entries));
    entries = entries.subspan(entry_bytes);
  }
  if (offsets.back() + deflate::stream_end.size() != entry.compressed_bytes) return nullptr;
  std::array<std::byte, deflate::stream_end.size()> end;
  if (archive.read_at(end, data + offsets.back()) != end.size() || end != deflate::stream_end) {
    return nullptr;
  }
  if (crc_of(pieces, entry.uncompressed_bytes) != entry.crc32) return nullptr;
  return std::make_unique<packed_pieces>(archive, entry, data, std::move(pieces),
                                         std::move(offsets));
}

}  // namespace npymap::zip
