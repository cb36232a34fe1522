// The header in front of a member, which only repeats the directory, and must.

#include <algorithm>
#include <array>
#include <cstddef>
#include <span>
#include <string>
#include <vector>

#include <fmt/format.h>

#include <npymap/error.hpp>

#include "npz/zip_directory.hpp"
#include "npz/zip_name.hpp"
#include "npz/zip_reading.hpp"
#include "npz/zip_record.hpp"

namespace npymap::zip {
namespace {

constexpr std::uint16_t encrypted = flag_encrypted | flag_strongly_encrypted | flag_masked;
/// The others are hints of the packer, or unused.
constexpr std::uint16_t telling_flags = encrypted | flag_descriptor | flag_patch | flag_utf8;

std::string text_of_method(std::uint16_t method) {
  switch (method) {
    case 9:
      return "deflate64";
    case 12:
      return "bzip2";
    case 14:
      return "lzma";
    case 93:
      return "zstandard";
    case 95:
      return "xz";
    default:
      return fmt::format("method {}", method);
  }
}

void require_supported(const zip_entry& entry) {
  const auto unsupported = [&entry](const char* expected, std::string found) {
    throw error(errc::unsupported_member, {.subject = "compression",
                                           .expected = expected,
                                           .found = std::move(found),
                                           .byte_offset = entry.record_offset_bytes});
  };
  if ((entry.flags & encrypted) != 0) unsupported("a member in the clear", "an encrypted one");
  if ((entry.flags & flag_patch) != 0) unsupported("a member", "a patch");
  if (entry.method != method_stored && entry.method != method_deflated) {
    unsupported("stored or deflated", text_of_method(entry.method));
  }
  // No code of deflate is shorter than two bits, nor is longer than 258 bytes what it stands for.
  constexpr std::uint64_t most_for_a_byte = 1032;
  if (entry.method == method_deflated &&
      entry.uncompressed_bytes / most_for_a_byte > entry.compressed_bytes) {
    refuse("size of a member",
           fmt::format("at most {} times its {} compressed bytes", most_for_a_byte,
                       entry.compressed_bytes),
           fmt::format("{}", entry.uncompressed_bytes), entry.record_offset_bytes);
  }
}

// A writer that cannot go back leaves zeros where it does not know yet; others leave ones where
// only a reader of zip64 would look.
void require_same_sizes(const zip_entry& entry, const local_header& header,
                        std::span<const std::byte> extra) {
  const std::uint64_t at = entry.header_offset_bytes;
  const bool is_streamed = (header.flags & flag_descriptor) != 0;
  const auto require = [&](const char* subject, std::uint64_t said, std::uint64_t known) {
    if (said == known || (is_streamed && said == 0)) return;
    refuse(subject, fmt::format("{}, as in the central directory", known), fmt::format("{}", said),
           at);
  };
  require("CRC-32 in the local header", header.crc32, entry.crc32);
  zip64_values values(extra, at);
  const auto uncompressed = values.value_of(header.uncompressed_bytes, "size in the local header");
  const auto compressed =
      values.value_of(header.compressed_bytes, "compressed size in the local header");
  if (uncompressed != in_zip64_32) {
    require("size in the local header", uncompressed, entry.uncompressed_bytes);
  }
  if (compressed != in_zip64_32) {
    require("compressed size in the local header", compressed, entry.compressed_bytes);
  }
}

// With or without a signature, with sizes of 64 or 32 bits: APPNOTE 4.3.9 leaves all four open.
std::uint64_t find_descriptor(const io::file& archive, const zip_entry& entry, std::uint64_t at) {
  std::array<std::byte, 24> bytes{};
  const std::uint64_t room = entry.end_offset_bytes - at;
  const auto got = std::span<const std::byte>(bytes).first(archive.read_at(
      std::span(bytes).first(static_cast<std::size_t>(std::min<std::uint64_t>(24, room))), at));
  const auto expected = [&entry](bool is_signed, bool is_wide) {
    std::string text;
    if (is_signed) append_number(descriptor_signature, text);
    append_number(entry.crc32, text);
    for (const std::uint64_t size : {entry.compressed_bytes, entry.uncompressed_bytes}) {
      if (is_wide) {
        append_number(size, text);
      } else {
        append_number(static_cast<std::uint32_t>(size), text);
      }
    }
    return text;
  };
  for (const bool is_wide : {true, false}) {
    for (const bool is_signed : {true, false}) {
      const std::string text = expected(is_signed, is_wide);
      const auto wanted = std::as_bytes(std::span(text));
      if (wanted.size() > got.size()) continue;
      if (std::equal(wanted.begin(), wanted.end(), got.begin())) return at + (is_signed ? 4 : 0);
    }
  }
  refuse("data descriptor", "the CRC-32 and sizes of the central directory", "others", at);
}

zip_place find_now(const io::file& archive, const zip_entry& entry) {
  const std::uint64_t at = entry.header_offset_bytes;
  const auto header = record_at<local_header>(archive, at);
  if (!header) {
    const std::uint64_t file_bytes = archive.size_bytes();
    if (file_bytes >= at + record_bytes<local_header>()) {
      refuse("local header", "its signature", "something else", at);
    }
    throw error(errc::truncated, {.subject = "local header",
                                  .expected = fmt::format("{} bytes", record_bytes<local_header>()),
                                  .found = fmt::format("a file of {}", file_bytes),
                                  .byte_offset = at});
  }
  const auto require = [at](bool holds, const char* subject, std::string expected,
                            std::string found) {
    if (!holds) refuse(subject, std::move(expected), std::move(found), at);
  };
  std::vector<std::byte> rest(std::size_t{header->name_bytes} + header->extra_bytes);
  const std::uint64_t behind = at + record_bytes<local_header>();
  const std::uint64_t data = behind + rest.size();
  require(data <= entry.end_offset_bytes && entry.compressed_bytes <= entry.end_offset_bytes - data,
          "place of a member", fmt::format("{} bytes before the next", entry.compressed_bytes),
          fmt::format("{}", entry.end_offset_bytes - std::min(data, entry.end_offset_bytes)));
  require(archive.read_at(rest, behind) == rest.size(), "local header", "all of it", "a part");
  const auto name = std::span<const std::byte>(rest).first(header->name_bytes);
  require(((header->flags ^ entry.flags) & telling_flags) == 0, "flags in the local header",
          fmt::format("{:#06x}, as in the central directory", entry.flags),
          fmt::format("{:#06x}", header->flags));
  require(header->method == entry.method, "method in the local header",
          fmt::format("{}, as in the central directory", entry.method),
          fmt::format("{}", header->method));
  require(decode_name(name, header->flags) == entry.name, "name in the local header",
          quoted(entry.name) + ", as in the central directory",
          quoted({reinterpret_cast<const char*>(name.data()), name.size()}));
  require_same_sizes(entry, *header, std::span(rest).subspan(name.size()));
  zip_place place{.data_offset_bytes = data};
  auto& [in_header, in_descriptor, in_directory] = place.crc_offset_bytes;
  const bool is_streamed = (entry.flags & flag_descriptor) != 0;
  if (is_streamed) in_descriptor = find_descriptor(archive, entry, data + entry.compressed_bytes);
  if (!is_streamed || header->crc32 != 0) in_header = at + crc_in_local_header;
  in_directory = entry.record_offset_bytes + crc_in_directory;
  return place;
}

}  // namespace

zip_place find_packed_data(const io::file& archive, const zip_entry& entry) try {
  return find_now(archive, entry);
} catch (const error& e) {
  throw in_member(e, archive.path(), entry.name);
}

zip_place find_data(const io::file& archive, const zip_entry& entry) try {
  require_supported(entry);
  return find_now(archive, entry);
} catch (const error& e) {
  throw in_member(e, archive.path(), entry.name);
}

}  // namespace npymap::zip
