#include "npz/member_array.hpp"

#include <algorithm>
#include <array>
#include <cstdint>
#include <string_view>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include <npymap/error.hpp>
#include <npymap/guard.hpp>

#include "array/array_access.hpp"
#include "array/npy_file.hpp"
#include "deflate/crc32.hpp"
#include "deflate/inflate.hpp"
#include "format/magic.hpp"
#include "io/aligned_buffer.hpp"
#include "io/read_large.hpp"
#include "io/touched_ahead.hpp"
#include "npz/indexed_member.hpp"
#include "npz/zip_reading.hpp"
#include "stream/threads.hpp"

namespace npymap::detail {
namespace {

void read_stored(const io::file& archive, std::span<std::byte> out, std::uint64_t offset) {
  const std::size_t got = io::read_large(archive, out, offset);
  if (got == out.size()) return;
  throw error(errc::truncated, {.subject = "data of a member",
                                .expected = fmt::format("{} bytes", out.size()),
                                .found = fmt::format("{}", got),
                                .byte_offset = offset});
}

void inflate_mapped(const file_map& packed, const zip::zip_entry& entry, std::span<std::byte> out) {
  const std::uint64_t offset = packed.offset_bytes();
  const auto done = guarded(packed, [&] {
    return deflate::inflate_whole({packed.data(), packed.size_bytes()}, out);
  });
  switch (done.state) {
    case deflate::inflate_state::ended:
      break;
    case deflate::inflate_state::corrupt:
      zip::refuse("deflated data", "a deflate stream", "something else", offset);
    case deflate::inflate_state::too_long:
      zip::refuse("deflated data", fmt::format("{} bytes", out.size()), "more", offset);
    case deflate::inflate_state::truncated:
    case deflate::inflate_state::more:
      zip::refuse("deflated data", fmt::format("{} bytes", out.size()),
                  "the end of the compressed ones before that", offset);
  }
  if (done.produced_bytes != out.size()) {
    zip::refuse("deflated data", fmt::format("{} bytes", out.size()),
                fmt::format("{}", done.produced_bytes), offset);
  }
  if (done.consumed_bytes != entry.compressed_bytes) {
    zip::refuse("compressed data", fmt::format("{} bytes", entry.compressed_bytes),
                fmt::format("an end after {}", done.consumed_bytes), offset + done.consumed_bytes);
  }
}

std::uint32_t crc_of(std::span<const std::byte> bytes) {
  constexpr std::size_t part_bytes = std::size_t{4} << 20;
  std::vector<std::uint32_t> crcs(bytes.size() / part_bytes + 1);
  in_parts(bytes.size(), part_bytes, checked_threads({}), [&](std::size_t begin, std::size_t n) {
    crcs[begin / part_bytes] = deflate::crc32(0, bytes.subspan(begin, n));
  });
  const deflate::crc32_combiner with_part(part_bytes);
  std::uint32_t crc = 0;
  for (std::size_t i = 0; i < bytes.size() / part_bytes; ++i) crc = with_part(crc, crcs[i]);
  return deflate::crc32_combine(crc, crcs.back(), bytes.size() % part_bytes);
}

/// What became of reading with an index. One that leads astray is none: the stream is the truth.
enum class indexed_read : char { no_index, done, led_astray };

// Checks the CRCs of what it reads.
indexed_read read_indexed(const io::file& archive, const zip::zip_entry& entry,
                          std::uint64_t offset, std::span<std::byte> out) {
  const auto indexed = zip::indexed_member::find(archive, entry);
  if (!indexed) return indexed_read::no_index;
  try {
    indexed->read(offset, out, checked_threads({}));
    return indexed_read::done;
  } catch (const error& e) {
    if (e.code().category() != error_category()) throw;
    return indexed_read::led_astray;
  }
}

// Fastest of what is in memory, which a map is; some file systems have none.
void read_deflated(const io::file& archive, const zip::zip_entry& entry, std::uint64_t offset,
                   std::span<std::byte> out) {
  file_map packed;
  try {
    packed = io::map_file(archive.share(), open_mode::read, offset, entry.compressed_bytes);
  } catch (const error& e) {
    if (!io::is_refused_map(e)) throw;
    zip::member_stream(archive, entry).read(out);
    return;
  }
  inflate_mapped(packed, entry, out);
}

}  // namespace

bool begins_as_array(std::span<const std::byte> start) noexcept {
  const std::string_view text(reinterpret_cast<const char*>(start.data()), start.size());
  return text.starts_with(magic);
}

header read_header(zip::member_stream& from, const npz_member& member, std::size_t limit) {
  std::vector<std::byte> bytes(npy_prefix_bytes);
  bytes.resize(from.read(bytes));
  const std::size_t declared = declared_header_bytes(bytes, limit);
  if (declared > bytes.size()) {
    const std::size_t got = bytes.size();
    bytes.resize(
        static_cast<std::size_t>(std::min<std::uint64_t>(declared, member.uncompressed_bytes)));
    from.read(std::span(bytes).subspan(got));
  }
  return parse_header(bytes, limit);
}

void require_bytes(const npz_member& member) {
  if (member.uncompressed_bytes > 0) return;
  throw error(errc::not_npy, {.subject = "member", .expected = "an array", .found = "no bytes"});
}

header array_header(const npz_archive& archive, const npz_member& member) {
  require_bytes(member);
  const std::size_t limit = archive.options().header_limit;
  if (member.method != npz_method::stored) {
    zip::member_stream from(archive.file(), archive.entry(member));
    return read_header(from, member, limit);
  }
  const std::uint64_t offset =
      zip::find_data(archive.file(), archive.entry(member)).data_offset_bytes;
  try {
    return read_header(archive.file(), offset, member.uncompressed_bytes, limit);
  } catch (const error& e) {
    throw e.in_file(archive.file().path(), offset);
  }
}

void require_expansion(const npz_archive& archive, const npz_member& member) {
  const auto limit = archive.options().expansion_limit_bytes;
  if (!limit || member.method == npz_method::stored || member.uncompressed_bytes <= *limit) return;
  throw error(errc::member_too_long, {.path = archive.file().path(),
                                      .member = member.file_name,
                                      .subject = "size of a member",
                                      .expected = fmt::format("at most {} bytes", *limit),
                                      .found = fmt::format("{}", member.uncompressed_bytes)});
}

void require_held(const header& facts, const npz_member& member) {
  if (member.method != npz_method::stored) return require_exact(facts, member);
  require_elements(facts, member.uncompressed_bytes);
}

void require_exact(const header& facts, const npz_member& member) {
  require_elements(facts, member.uncompressed_bytes);
  const std::uint64_t expected = facts.data_offset_bytes + element_bytes(facts);
  if (expected == member.uncompressed_bytes) return;
  throw error(errc::bad_archive, {.subject = "size of a member",
                                  .expected = fmt::format("{} bytes, as its header says", expected),
                                  .found = fmt::format("{}", member.uncompressed_bytes)});
}

any_array load_array(const npz_archive& archive, const npz_member& member, const header& facts) {
  const zip::zip_entry entry = archive.entry(member);
  const std::uint64_t offset = zip::find_data(archive.file(), entry).data_offset_bytes;
  require_expansion(archive, member);
  require_held(facts, member);
  // The header comes along, because the CRC counts it: in front of elements that are aligned.
  constexpr std::size_t alignment = io::aligned_buffer::alignment_bytes;
  const auto head = static_cast<std::size_t>(facts.data_offset_bytes);
  const std::size_t lead = (alignment - head % alignment) % alignment;
  io::aligned_buffer memory(lead + static_cast<std::size_t>(member.uncompressed_bytes));
  const auto bytes = memory.bytes().subspan(lead);
  if (read_indexed(archive.file(), entry, 0, bytes) != indexed_read::done) {
    if (member.method == npz_method::stored) {
      read_stored(archive.file(), bytes, offset);
    } else {
      const io::touched_ahead touched(memory);
      read_deflated(archive.file(), entry, offset, bytes);
    }
    zip::require_crc(entry, crc_of(bytes), offset);
  }
  return array_access::over(std::move(memory), archive.file().path(), facts, lead + head);
}

any_array load_rows(const npz_archive& archive, const npz_member& member, header facts,
                    const row_range& rows) {
  require_expansion(archive, member);
  require_held(facts, member);
  npy_elements found{.facts = std::move(facts)};
  found.offset_bytes = found.facts.data_offset_bytes;
  found.size_bytes = element_bytes(found.facts);
  place_window(found, rows);
  io::aligned_buffer memory(static_cast<std::size_t>(found.size_bytes));
  const zip::zip_entry entry = archive.entry(member);
  if (member.method == npz_method::stored) {
    const std::uint64_t data = zip::find_data(archive.file(), entry).data_offset_bytes;
    read_stored(archive.file(), memory.bytes(), data + found.offset_bytes);
  } else {
    const auto how = read_indexed(archive.file(), entry, found.offset_bytes, memory.bytes());
    if (how != indexed_read::done) {
      zip::member_stream from(archive.file(), entry);
      from.skip(found.offset_bytes);
      from.read(memory.bytes());
      // Somebody is wrong: the CRC of all says whether it is the stream.
      if (how == indexed_read::led_astray) from.skip(member.uncompressed_bytes);
    }
  }
  return array_access::over(std::move(memory), archive.file().path(), found.facts);
}

}  // namespace npymap::detail
