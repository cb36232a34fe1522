#include "npz/zip_writer.hpp"

#include <algorithm>
#include <limits>
#include <utility>

#include <fmt/format.h>

#include <npymap/error.hpp>

#include "format/unicode.hpp"
#include "npz/zip_reading.hpp"

namespace npymap::zip {
namespace {

constexpr std::uint16_t made_on_unix = 3 << 8;
constexpr std::uint16_t version_plain = 20, version_zip64 = 45;
constexpr std::uint32_t mode_of_file = 0100644u << 16;  // -rw-r--r--, as Info-ZIP keeps it

// Android's zipalign pads with it: a field of its own id, the alignment, and zeros.
constexpr std::uint16_t extra_alignment = 0xd935;
constexpr std::size_t least_alignment_extra = 6;
constexpr std::size_t extra_zip64_sizes = 2 + 2 + 8 + 8;

constexpr std::size_t most_16 = std::numeric_limits<std::uint16_t>::max();

bool fits(std::uint64_t value) noexcept { return value < in_zip64_32; }
std::uint32_t or_in_zip64(std::uint64_t value) noexcept {
  return fits(value) ? static_cast<std::uint32_t>(value) : in_zip64_32;
}

bool needs_zip64(const packed_size& size) noexcept {
  return !fits(size.compressed_bytes) || !fits(size.uncompressed_bytes);
}

// So long whatever the sizes will be, which only `end` knows: with room for them in zip64.
std::size_t local_extra_bytes(std::uint64_t header_bytes, std::size_t name_bytes) {
  const std::uint64_t least = header_bytes + record_bytes<local_header>() + name_bytes +
                              extra_zip64_sizes + least_alignment_extra;
  const std::uint64_t data =
      (least + data_alignment_bytes - 1) / data_alignment_bytes * data_alignment_bytes;
  return static_cast<std::size_t>(data - header_bytes) - record_bytes<local_header>() - name_bytes;
}

std::string local_extra(const packed_size& size, std::size_t bytes) {
  std::string extra;
  if (needs_zip64(size)) {
    append_number(extra_zip64, extra);
    append_number<std::uint16_t>(extra_zip64_sizes - 4, extra);
    append_number(size.uncompressed_bytes, extra);
    append_number(size.compressed_bytes, extra);
  }
  append_number(extra_alignment, extra);
  append_number(static_cast<std::uint16_t>(bytes - extra.size() - 2), extra);
  append_number(static_cast<std::uint16_t>(data_alignment_bytes), extra);
  extra.resize(bytes);
  return extra;
}

// As wide as the sizes in the local header.
std::string descriptor_of(const packed_size& size) {
  std::string bytes;
  append_number(descriptor_signature, bytes);
  append_number(size.crc32, bytes);
  for (const std::uint64_t value : {size.compressed_bytes, size.uncompressed_bytes}) {
    if (needs_zip64(size)) {
      append_number(value, bytes);
    } else {
      append_number(static_cast<std::uint32_t>(value), bytes);
    }
  }
  return bytes;
}

// Those of the values that do not fit, in the order that APPNOTE 4.5.3 gives.
std::string directory_zip64(const packed_size& size, std::uint64_t header_bytes) {
  std::string values;
  for (const std::uint64_t value : {size.uncompressed_bytes, size.compressed_bytes, header_bytes}) {
    if (!fits(value)) append_number(value, values);
  }
  if (values.empty()) return {};
  std::string extra;
  append_number(extra_zip64, extra);
  append_number(static_cast<std::uint16_t>(values.size()), extra);
  return extra + values;
}

// What is cut short is kept as it is: all there was to be said against it has been said.
std::string without_field(std::string_view extra, std::uint16_t id) {
  std::string rest;
  while (extra.size() >= 4) {
    const auto bytes = std::as_bytes(std::span(extra));
    const std::size_t n = 4 + std::size_t{read_number<std::uint16_t>(bytes.subspan(2))};
    if (n > extra.size()) break;
    if (read_number<std::uint16_t>(bytes) != id) rest += extra.substr(0, n);
    extra.remove_prefix(n);
  }
  return rest += extra;
}

bool is_ascii(std::string_view name) {
  return std::ranges::all_of(name, [](char c) { return static_cast<unsigned char>(c) < 0x80; });
}

}  // namespace

void require_name(std::string_view name, const std::string& path) {
  const bool is_text = npymap::detail::utf8_length(name).has_value();
  if (is_text && !name.empty() && name.size() <= most_16 &&
      name.find('\0') == std::string_view::npos) {
    return;
  }
  throw error(errc::invalid_argument, {.path = path,
                                       .subject = "name of a member",
                                       .expected = "1 to 65535 bytes of UTF-8 without NUL",
                                       .found = quoted(name)});
}

// Its header is written when its size is known, its data behind the room for that.
void zip_writer::place(member m) {
  m.header_bytes = end_bytes_;
  data_bytes_ = end_bytes_ + record_bytes<local_header>() + m.name.size() +
                local_extra_bytes(m.header_bytes, m.name.size());
  data_.move_to(data_bytes_);
  members_.push_back(std::move(m));
}

void zip_writer::begin(std::string_view name, std::uint16_t method) {
  member m{.name = std::string(name)};
  m.record.version_made_by = made_on_unix | version_plain;
  m.record.flags = is_ascii(name) ? 0 : flag_utf8;
  m.record.method = method;
  m.record.external_attributes = mode_of_file;
  place(std::move(m));
}

void zip_writer::write(std::span<const std::byte> packed) { data_.append(packed); }

void zip_writer::rewrite(std::span<const std::byte> packed, std::uint64_t offset) {
  data_.finish();
  to_.write_at(packed, data_bytes_ + offset);
}

void zip_writer::end_data() {
  data_.finish();
  end_bytes_ = data_.end_bytes();
}

void zip_writer::end(std::uint32_t crc32, std::uint64_t uncompressed_bytes,
                     std::string_view extra) {
  member& m = members_.back();
  m.size = {crc32, written_bytes(), uncompressed_bytes};
  m.extra = extra;
  end_data();
  write_header(m);
}

void zip_writer::copy(const io::file& archive, const zip_entry& entry) {
  const std::uint64_t data = find_packed_data(archive, entry).data_offset_bytes;
  raw_record raw = read_raw_record(archive, entry);
  member m{.record = raw.record,
           .size = {entry.crc32, entry.compressed_bytes, entry.uncompressed_bytes},
           .name = std::move(raw.name),
           .extra = without_field(raw.extra, extra_zip64),
           .comment = std::move(raw.comment),
           .is_copied = true};
  // The header will know the sizes. But whoever decrypts goes by the flag: with it a password is
  // held against the member's time, without it against its CRC.
  const bool keeps_descriptor =
      (entry.flags & flag_encrypted) != 0 && (entry.flags & flag_descriptor) != 0;
  if (!keeps_descriptor) m.record.flags &= static_cast<std::uint16_t>(~flag_descriptor);
  const std::string descriptor = keeps_descriptor ? descriptor_of(m.size) : std::string();
  place(std::move(m));
  copy_data(archive, data, entry);
  write(std::as_bytes(std::span(descriptor)));
  end_data();
  write_header(members_.back());
}

void zip_writer::copy_data(const io::file& archive, std::uint64_t offset, const zip_entry& entry) {
  std::vector<std::byte> piece(std::size_t{1} << 20);
  for (std::uint64_t left = entry.compressed_bytes; left > 0;) {
    const auto wanted = std::span(piece).first(
        static_cast<std::size_t>(std::min<std::uint64_t>(piece.size(), left)));
    const std::size_t got = archive.read_at(wanted, offset);
    if (got < wanted.size()) {
      throw error(errc::truncated, {.path = archive.path(),
                                    .member = entry.name,
                                    .subject = "data to copy",
                                    .expected = fmt::format("{} bytes", wanted.size()),
                                    .found = fmt::format("{}", got),
                                    .byte_offset = offset});
    }
    write(wanted);
    offset += got;
    left -= got;
  }
}

void zip_writer::write_header(const member& m) {
  const std::size_t extra_bytes = local_extra_bytes(m.header_bytes, m.name.size());
  const bool is_large = needs_zip64(m.size);
  local_header header{.version_needed = is_large ? version_zip64 : version_plain,
                      .flags = m.record.flags,
                      .method = m.record.method,
                      .time = m.record.time,
                      .date = m.record.date,
                      .crc32 = m.size.crc32,
                      .compressed_bytes = or_in_zip64(m.size.compressed_bytes),
                      .uncompressed_bytes = or_in_zip64(m.size.uncompressed_bytes),
                      .name_bytes = static_cast<std::uint16_t>(m.name.size()),
                      .extra_bytes = static_cast<std::uint16_t>(extra_bytes)};
  if (is_large) header.compressed_bytes = header.uncompressed_bytes = in_zip64_32;
  std::string bytes;
  append_record(header, bytes);
  bytes += m.name;
  bytes += local_extra(m.size, extra_bytes);
  to_.write_at(std::as_bytes(std::span(bytes)), m.header_bytes);
}

void zip_writer::finish(std::string_view comment) {
  const std::uint64_t directory = end_bytes_;
  std::string bytes;
  std::stable_partition(members_.begin(), members_.end(),
                        [](const member& m) { return m.is_copied; });
  for (const member& m : members_) {
    const std::string zip64 = directory_zip64(m.size, m.header_bytes);
    if (zip64.size() + m.extra.size() > most_16) {
      throw error(errc::size_overflow, {.path = to_.path(),
                                        .member = m.name,
                                        .subject = "extra field",
                                        .expected = "at most 65535 bytes",
                                        .found = fmt::format("{}", zip64.size() + m.extra.size())});
    }
    directory_record record = m.record;
    if (!zip64.empty()) {
      record.version_made_by = made_on_unix | version_zip64;
      record.version_needed = std::max(record.version_needed, version_zip64);
    }
    record.crc32 = m.size.crc32;
    record.compressed_bytes = or_in_zip64(m.size.compressed_bytes);
    record.uncompressed_bytes = or_in_zip64(m.size.uncompressed_bytes);
    record.name_bytes = static_cast<std::uint16_t>(m.name.size());
    record.extra_bytes = static_cast<std::uint16_t>(zip64.size() + m.extra.size());
    record.comment_bytes = static_cast<std::uint16_t>(m.comment.size());
    record.disk = 0;
    record.header_offset_bytes = or_in_zip64(m.header_bytes);
    append_record(record, bytes);
    bytes += m.name;
    bytes += zip64;
    bytes += m.extra;
    bytes += m.comment;
  }
  const std::uint64_t directory_bytes = bytes.size(), count = members_.size();
  if (count >= in_zip64_16 || !fits(directory_bytes) || !fits(directory)) {
    append_record(zip64_end_record{.version_made_by = made_on_unix | version_zip64,
                                   .entries_on_disk = count,
                                   .entries = count,
                                   .directory_bytes = directory_bytes,
                                   .directory_offset_bytes = directory},
                  bytes);
    append_record(zip64_locator{.end_record_offset_bytes = directory + directory_bytes}, bytes);
  }
  const auto entries = static_cast<std::uint16_t>(std::min<std::uint64_t>(count, in_zip64_16));
  append_record(end_record{.entries_on_disk = entries,
                           .entries = entries,
                           .directory_bytes = or_in_zip64(directory_bytes),
                           .directory_offset_bytes = or_in_zip64(directory),
                           .comment_bytes = static_cast<std::uint16_t>(comment.size())},
                bytes);
  bytes += comment;
  to_.write_at(std::as_bytes(std::span(bytes)), end_bytes_);
}

}  // namespace npymap::zip
