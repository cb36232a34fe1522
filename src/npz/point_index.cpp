#include <algorithm>
#include <cstdint>
#include <limits>
#include <memory>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include <npymap/array.hpp>
#include <npymap/error.hpp>
#include <npymap/guard.hpp>
#include <npymap/npz.hpp>
#include <npymap/npz_writer.hpp>

#include "deflate/crc32.hpp"
#include "deflate/inflate.hpp"
#include "npz/indexed_member.hpp"
#include "npz/npz_archive.hpp"
#include "npz/zip_reading.hpp"

// An index is an archive of arrays of its own, with three for each member `m.npy`:
//   m.npy/facts    uint64 (5,): version, CRC, compressed and uncompressed bytes, place of the data
//   m.npy/points   uint64 (n, 3): bits of the stream before a block, bytes of the member before it,
//                  CRC of those up to the next point
//   m.npy/windows  uint8 (n, 32768): the bytes in front of each point, zeros at the beginning

namespace npymap {
namespace {

using zip::member_piece;
using zip::zip_entry;

constexpr std::uint64_t version = 1;

std::string path_of_index(const std::string& archive) { return archive + ".index"; }

std::vector<std::uint64_t> facts_of(const zip_entry& entry, std::uint64_t data_offset_bytes) {
  return {version, entry.crc32, entry.compressed_bytes, entry.uncompressed_bytes,
          data_offset_bytes};
}

/// Pieces between points at which zlib's blocks begin.
class pieces_between_points final : public zip::indexed_member {
 public:
  pieces_between_points(const io::file& archive, const zip_entry& entry,
                        std::uint64_t data_offset_bytes, std::vector<member_piece> pieces,
                        std::vector<std::uint64_t> begin_bits, array<const std::uint8_t> windows)
      : indexed_member(archive, entry, data_offset_bytes, std::move(pieces),
                       path_of_index(archive.path())),
        compressed_bytes_(entry.compressed_bytes),
        begin_bits_(std::move(begin_bits)),
        windows_(std::move(windows)) {}

 private:
  void inflate(std::size_t piece, std::span<std::byte> out) const override {
    bytes window(piece == 0 ? 0 : deflate::window_bytes);
    if (piece > 0) {
      const auto row = windows_(static_cast<index_t>(piece), all);
      guarded(windows_, [&] {
        std::copy_n(reinterpret_cast<const std::byte*>(row.data()), window.size(), window.begin());
      });
    }
    deflate::inflater machine;
    machine.reset(window, static_cast<unsigned>(begin_bits_[piece] % 8));
    std::uint64_t at = begin_bits_[piece] / 8;
    bytes packed(256 << 10);
    for (auto rest = out; !rest.empty();) {
      const auto some = std::span(packed).first(
          static_cast<std::size_t>(std::min<std::uint64_t>(packed.size(), compressed_bytes_ - at)));
      read_packed(at, some);
      const deflate::inflated done = machine.inflate(some, rest);
      at += done.consumed_bytes;
      rest = rest.subspan(done.produced_bytes);
      const bool is_stuck = done.consumed_bytes == 0 && done.produced_bytes == 0;
      const bool is_over = done.state != deflate::inflate_state::more && !rest.empty();
      if (done.state == deflate::inflate_state::corrupt || is_stuck || is_over) {
        refuse_piece(out.size(), begin_bits_[piece] / 8);
      }
    }
  }

  const std::uint64_t compressed_bytes_;
  const std::vector<std::uint64_t> begin_bits_;
  const array<const std::uint8_t> windows_;
};

/// Takes note of points while all of a member goes by, and writes their windows.
class point_finder {
 public:
  point_finder(npz_writer& windows, std::uint64_t spacing_bytes)
      : windows_(windows), spacing_bytes_(spacing_bytes) {
    add_point(0);
  }

  void add(std::span<const std::byte> out, std::optional<std::uint64_t> block_begin_bits) {
    crc32_ = deflate::crc32(crc32_, out);
    out_bytes_ += out.size();
    remember(out);
    if (block_begin_bits && out_bytes_ - begin_bytes_ >= spacing_bytes_) {
      end_piece();
      add_point(*block_begin_bits);
    }
  }
  void end_piece() { points_.push_back(std::exchange(crc32_, 0)); }

  std::uint64_t out_bytes() const noexcept { return out_bytes_; }
  index_t count() const noexcept { return static_cast<index_t>(points_.size() / 3); }
  const std::vector<std::uint64_t>& points() const noexcept { return points_; }

 private:
  void add_point(std::uint64_t bits) {
    points_.push_back(bits);
    points_.push_back(out_bytes_);
    begin_bytes_ = out_bytes_;
    std::vector<std::uint8_t> window(deflate::window_bytes - last_.size());
    const auto* const first = reinterpret_cast<const std::uint8_t*>(last_.data());
    window.insert(window.end(), first, first + last_.size());
    windows_.append(view<const std::uint8_t, 1>(window.data(), {window.size()}));
  }
  void remember(std::span<const std::byte> out) {
    constexpr std::size_t most = deflate::window_bytes;
    const auto tail = out.last(std::min(most, out.size()));
    const std::size_t kept = std::min(last_.size(), most - tail.size());
    last_.erase(last_.begin(), last_.end() - static_cast<std::ptrdiff_t>(kept));
    last_.insert(last_.end(), tail.begin(), tail.end());
  }

  npz_writer& windows_;
  const std::uint64_t spacing_bytes_;
  std::uint64_t out_bytes_ = 0, begin_bytes_ = 0;
  std::uint32_t crc32_ = 0;
  std::vector<std::byte> last_;  // of what went by
  std::vector<std::uint64_t> points_;
};

void find_points(const io::file& archive, const zip_entry& entry, std::uint64_t data,
                 point_finder& found) {
  deflate::block_inflater machine;
  std::vector<std::byte> packed(256 << 10), out(256 << 10);
  std::uint64_t at = 0;
  for (deflate::inflated done; done.state == deflate::inflate_state::more;
       at += done.consumed_bytes) {
    const auto some = std::span(packed).first(static_cast<std::size_t>(
        std::min<std::uint64_t>(packed.size(), entry.compressed_bytes - at)));
    const std::size_t got = archive.read_at(some, data + at);
    done = machine.inflate(some.first(got), out);
    found.add(std::span(out).first(done.produced_bytes), machine.block_begin_bits());
    const bool is_stuck = done.state == deflate::inflate_state::more && done.consumed_bytes == 0 &&
                          done.produced_bytes == 0 && !machine.block_begin_bits();
    if (done.state == deflate::inflate_state::corrupt || is_stuck ||
        found.out_bytes() > entry.uncompressed_bytes) {
      zip::refuse("deflated data", "a deflate stream of the size that the directory says",
                  "something else", data + at);
    }
  }
  found.end_piece();
}

std::vector<member_piece> pieces_of(const view<const std::uint64_t>& points) {
  std::vector<member_piece> pieces;
  for (index_t i = 0; i < points.extent(0); ++i) {
    pieces.push_back({points(i, 1), static_cast<std::uint32_t>(points(i, 2))});
  }
  return pieces;
}

/// What has been read of a file that anybody may have written.
bool is_sound(const view<const std::uint64_t>& points, const zip_entry& entry) {
  if (points.rank() != 2 || points.extent(0) < 1 || points.extent(1) != 3) return false;
  if (points(0, 0) != 0 || points(0, 1) != 0) return false;
  for (index_t i = 0; i < points.extent(0); ++i) {
    const std::uint64_t end =
        i + 1 < points.extent(0) ? points(i + 1, 1) : entry.uncompressed_bytes;
    if (end > points(i, 1) && end - points(i, 1) > zip::indexed_member::most_piece_bytes) {
      return false;
    }
    if (points(i, 0) / 8 >= entry.compressed_bytes || points(i, 1) > entry.uncompressed_bytes ||
        points(i, 2) > std::numeric_limits<std::uint32_t>::max()) {
      return false;
    }
    if (i > 0 && (points(i, 0) <= points(i - 1, 0) || points(i, 1) <= points(i - 1, 1))) {
      return false;
    }
  }
  return true;
}

std::unique_ptr<zip::indexed_member> read_index(const io::file& archive, const zip_entry& entry) {
  const npz_reader index(path_of_index(archive.path()));
  const std::string facts_name = entry.name + "/facts";
  if (!index.contains(facts_name)) return nullptr;
  const std::uint64_t data = zip::find_data(archive, entry).data_offset_bytes;
  const std::vector<std::uint64_t> expected = facts_of(entry, data);
  // Nothing is read that is longer than what it could say.
  if (index.info(facts_name).shape != shape{static_cast<index_t>(expected.size())}) return nullptr;
  const auto facts = index.load<std::uint64_t>(facts_name);
  if (!std::ranges::equal(facts, expected)) return nullptr;
  const std::string points_name = entry.name + "/points";
  const std::uint64_t most_points = entry.uncompressed_bytes / deflate::window_bytes + 1;
  const shape extents = index.info(points_name).shape;
  if (extents.empty() || static_cast<std::uint64_t>(extents[0]) > most_points) return nullptr;
  const auto points = index.load<std::uint64_t>(points_name);
  const auto windows = index.open<std::uint8_t>(entry.name + "/windows");
  if (!is_sound(points, entry) ||
      windows.shape() != shape{points.extent(0), deflate::window_bytes}) {
    return nullptr;
  }
  std::vector<member_piece> pieces = pieces_of(points);
  if (zip::crc_of(pieces, entry.uncompressed_bytes) != entry.crc32) return nullptr;
  std::vector<std::uint64_t> begin_bits;
  for (index_t i = 0; i < points.extent(0); ++i) begin_bits.push_back(points(i, 0));
  return std::make_unique<pieces_between_points>(archive, entry, data, std::move(pieces),
                                                 std::move(begin_bits), windows);
}

void add_index(npz_writer& to, const io::file& archive, const zip_entry& entry,
               std::uint64_t spacing_bytes) {
  const std::uint64_t data = zip::find_data(archive, entry).data_offset_bytes;
  to.begin(entry.name + "/windows", dtype_of<std::uint8_t>(), {deflate::window_bytes});
  point_finder found(to, spacing_bytes);
  find_points(archive, entry, data, found);
  const view<const std::uint64_t, 2> points(found.points().data(), {found.count(), 3});
  if (zip::crc_of(pieces_of(points), entry.uncompressed_bytes) != entry.crc32 ||
      found.out_bytes() != entry.uncompressed_bytes) {
    throw error(errc::checksum_mismatch, {.subject = "CRC-32 of a member", .byte_offset = data});
  }
  to.add(entry.name + "/points", points);
  const std::vector<std::uint64_t> facts = facts_of(entry, data);
  to.add(entry.name + "/facts", view<const std::uint64_t, 1>(facts.data(), {facts.size()}));
}

void require_spacing(const std::string& path, std::uint64_t bytes) {
  constexpr std::uint64_t most = zip::indexed_member::most_piece_bytes / 2;
  if (bytes >= deflate::window_bytes && bytes <= most) return;
  throw error(errc::invalid_argument,
              {.path = path,
               .subject = "spacing of an index",
               .expected = fmt::format("{} to {} bytes", deflate::window_bytes, most),
               .found = fmt::format("{}", bytes)});
}

}  // namespace

// An index that is not there, or may not be read, or says nothing of use, is none.
std::unique_ptr<zip::indexed_member> zip::find_index_beside(const io::file& archive,
                                                            const zip_entry& entry) try {
  return read_index(archive, entry);
} catch (const error& e) {
  constexpr std::errc none[] = {std::errc::no_such_file_or_directory, std::errc::not_a_directory,
                                std::errc::permission_denied, std::errc::filename_too_long,
                                std::errc::too_many_symbolic_link_levels};
  const bool is_none = e.code().category() == error_category() ||
                       std::ranges::any_of(none, [&](std::errc each) { return e.code() == each; });
  if (!is_none) throw;
  return nullptr;
}

void build_npz_index(const std::string& path, const npz_index_options& options) {
  require_spacing(path, options.spacing_bytes);
  const detail::npz_archive archive(path, {});
  npz_writer to(path_of_index(path));
  bool is_of_use = false;
  for (const npz_member& member : archive.members()) {
    const zip_entry entry = archive.entry(member);
    if (archive.find(member.file_name) != &member || member.method != npz_method::deflated)
      continue;
    if (zip::find_own_index(archive.file(), entry)) continue;
    try {
      add_index(to, archive.file(), entry, options.spacing_bytes);
      is_of_use = true;
    } catch (const error& e) {
      throw zip::in_member(e, path, member.file_name);
    }
  }
  if (is_of_use) to.commit();
}

}  // namespace npymap
