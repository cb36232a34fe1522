#include "npz/indexed_member.hpp"

#include <algorithm>
#include <exception>

#include <fmt/format.h>

#include <npymap/error.hpp>

#include "deflate/crc32.hpp"
#include "npz/zip_reading.hpp"
#include "stream/threads.hpp"

namespace npymap::zip {
namespace {

constexpr std::size_t kept_pieces = 4;

}  // namespace

std::unique_ptr<indexed_member> indexed_member::find(const io::file& archive,
                                                     const zip_entry& entry) {
  if (entry.method != method_deflated) return nullptr;
  auto own = find_own_index(archive, entry);
  return own ? std::move(own) : find_index_beside(archive, entry);
}

std::uint32_t crc_of(std::span<const member_piece> pieces, std::uint64_t uncompressed_bytes) {
  std::uint32_t crc = 0;
  std::uint64_t combined_bytes = 0;
  deflate::crc32_combiner combine(0);  // most pieces are of one length
  for (std::size_t i = 0; i < pieces.size(); ++i) {
    const std::uint64_t end =
        i + 1 < pieces.size() ? pieces[i + 1].begin_bytes : uncompressed_bytes;
    const std::uint64_t bytes = end - pieces[i].begin_bytes;
    if (bytes != combined_bytes) combine = deflate::crc32_combiner(combined_bytes = bytes);
    crc = combine(crc, pieces[i].crc32);
  }
  return crc;
}

std::uint64_t indexed_member::end_of(std::size_t piece) const noexcept {
  return piece + 1 < pieces_.size() ? pieces_[piece + 1].begin_bytes : entry_.uncompressed_bytes;
}

void indexed_member::read_packed(std::uint64_t offset, std::span<std::byte> out) const {
  const std::uint64_t at = data_offset_bytes_ + offset;
  const std::size_t got = archive_.read_at(out, at);
  if (got == out.size()) return;
  throw error(errc::truncated, {.subject = "data of a member",
                                .expected = fmt::format("{} bytes", out.size()),
                                .found = fmt::format("{}", got),
                                .byte_offset = at});
}

void indexed_member::refuse_piece(std::size_t size, std::uint64_t offset) const {
  refuse("deflated data", fmt::format("a piece of {} bytes", size), "something else",
         data_offset_bytes_ + offset);
}

void indexed_member::inflate_checked(std::size_t piece, std::span<std::byte> out) const {
  inflate(piece, out);
  const std::uint32_t found = deflate::crc32(0, out);
  if (found == pieces_[piece].crc32) return;
  throw error(errc::checksum_mismatch,
              {.subject = fmt::format("CRC-32 of the {} bytes from byte {} of a member", out.size(),
                                      pieces_[piece].begin_bytes),
               .expected = fmt::format("{:08x}", pieces_[piece].crc32),
               .found = fmt::format("{:08x}", found)});
}

// Valid where somebody has it, or is at it; else `mine` is promised.
std::shared_future<indexed_member::shared_bytes> indexed_member::kept(
    std::size_t piece, std::promise<shared_bytes>& mine) const {
  const std::lock_guard lock(changing_);
  const auto found = std::ranges::find(kept_, piece, [](const auto& each) { return each.first; });
  if (found != kept_.end()) return found->second;
  kept_.emplace_back(piece, mine.get_future().share());
  if (kept_.size() > kept_pieces) kept_.pop_front();
  return {};
}

void indexed_member::forget(std::size_t piece) const {
  const std::lock_guard lock(changing_);
  std::erase_if(kept_, [piece](const auto& each) { return each.first == piece; });
}

indexed_member::shared_bytes indexed_member::inflated(std::size_t piece) const {
  std::promise<shared_bytes> mine;
  if (const auto theirs = kept(piece, mine); theirs.valid()) return theirs.get();
  try {
    const auto made = std::make_shared<bytes>(
        static_cast<std::size_t>(end_of(piece) - pieces_[piece].begin_bytes));
    inflate_checked(piece, *made);
    mine.set_value(made);
    return made;
  } catch (...) {
    forget(piece);
    mine.set_exception(std::current_exception());
    throw;
  }
}

void indexed_member::read(std::uint64_t offset, std::span<std::byte> out, int threads) const try {
  if (out.empty()) return;
  const auto piece_of = [this](std::uint64_t byte) {
    const auto behind = std::upper_bound(
        pieces_.begin(), pieces_.end(), byte,
        [](std::uint64_t at, const member_piece& piece) { return at < piece.begin_bytes; });
    return static_cast<std::size_t>(behind - pieces_.begin()) - 1;
  };
  const std::uint64_t end = offset + out.size();
  const std::size_t first = piece_of(offset), count = piece_of(end - 1) - first + 1;
  npymap::detail::in_parts(count, 1, threads, [&](std::size_t n, std::size_t) {
    const std::size_t piece = first + n;
    const std::uint64_t begin = pieces_[piece].begin_bytes;
    const std::uint64_t low = std::max(offset, begin), high = std::min(end, end_of(piece));
    const auto to =
        out.subspan(static_cast<std::size_t>(low - offset), static_cast<std::size_t>(high - low));
    if (to.size() == end_of(piece) - begin) return inflate_checked(piece, to);
    const auto whole = inflated(piece);
    std::copy_n(whole->begin() + static_cast<std::ptrdiff_t>(low - begin), to.size(), to.begin());
  });
} catch (const error& e) {
  if (!is_beside()) throw in_member(e, archive_.path(), entry_.name);
  throw error(e.code(), {.path = index_path_,
                         .member = entry_.name,
                         .subject = e.subject(),
                         .expected = e.expected(),
                         .found = e.found()});
}

}  // namespace npymap::zip
