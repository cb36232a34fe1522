/// \file
/// Archives put together byte by byte, with one thing wrong where a test wants that.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "deflate/deflate.hpp"
#include "npz/zip_record.hpp"

namespace npymap_test {

/// CRC-32, bit by bit: an oracle for those that are fast.
inline std::uint32_t slow_crc32(std::string_view bytes) {
  std::uint32_t crc = ~std::uint32_t{0};
  for (const char c : bytes) {
    crc ^= static_cast<unsigned char>(c);
    for (int i = 0; i < 8; ++i) crc = (crc >> 1) ^ (crc & 1 ? 0xedb88320 : 0);
  }
  return ~crc;
}

/// One member: its bytes as they stand in the archive, and both of its headers, to be bent.
struct raw_member {
  std::string name;
  std::string local_name;
  std::string data;
  std::string descriptor = {};  ///< behind the data
  std::string local_extra = {};
  std::string extra = {};
  npymap::zip::local_header local = {};
  npymap::zip::directory_record record = {};
  bool keeps_offset = false;  ///< of the record as it is, rather than the true one
};

inline raw_member stored_member(const std::string& name, const std::string& data) {
  raw_member m{.name = name, .local_name = name, .data = data};
  m.record.crc32 = m.local.crc32 = slow_crc32(data);
  m.record.compressed_bytes = m.local.compressed_bytes = static_cast<std::uint32_t>(data.size());
  m.record.uncompressed_bytes = m.local.uncompressed_bytes = m.record.compressed_bytes;
  return m;
}

inline std::string deflated(const std::string& data) {
  std::vector<std::byte> out;
  npymap::deflate::deflater(6).piece(std::as_bytes(std::span(data)), out);
  out.insert(out.end(), npymap::deflate::stream_end.begin(), npymap::deflate::stream_end.end());
  return {reinterpret_cast<const char*>(out.data()), out.size()};
}

inline raw_member deflated_member(const std::string& name, const std::string& data) {
  raw_member m = stored_member(name, data);
  m.data = deflated(data);
  m.local.method = m.record.method = npymap::zip::method_deflated;
  m.local.compressed_bytes = m.record.compressed_bytes = static_cast<std::uint32_t>(m.data.size());
  return m;
}

/// What is wrong with an archive, if anything, besides its members.
struct raw_archive {
  std::vector<raw_member> members = {};
  std::string front = {};  ///< of something else; offsets do not count it
  std::string comment = {};
  std::string behind = {};
  bool has_zip64 = false;
  std::function<void(npymap::zip::end_record&)> bend_end = [](auto&) {};
  std::function<void(npymap::zip::zip64_end_record&)> bend_zip64 = [](auto&) {};
  std::function<void(npymap::zip::zip64_locator&)> bend_locator = [](auto&) {};

  std::string bytes() const {
    using namespace npymap::zip;
    std::string out, directory;
    for (const raw_member& m : members) {
      directory_record record = m.record;
      if (!m.keeps_offset) record.header_offset_bytes = static_cast<std::uint32_t>(out.size());
      record.name_bytes = static_cast<std::uint16_t>(m.name.size());
      record.extra_bytes = static_cast<std::uint16_t>(m.extra.size());
      append_record(record, directory);
      directory += m.name + m.extra;
      local_header local = m.local;
      local.name_bytes = static_cast<std::uint16_t>(m.local_name.size());
      local.extra_bytes = static_cast<std::uint16_t>(m.local_extra.size());
      append_record(local, out);
      out += m.local_name + m.local_extra + m.data + m.descriptor;
    }
    end_record end;
    end.entries = end.entries_on_disk = static_cast<std::uint16_t>(members.size());
    end.directory_bytes = static_cast<std::uint32_t>(directory.size());
    end.directory_offset_bytes = static_cast<std::uint32_t>(out.size());
    end.comment_bytes = static_cast<std::uint16_t>(comment.size());
    zip64_end_record wide;
    wide.entries = wide.entries_on_disk = members.size();
    wide.directory_bytes = directory.size();
    wide.directory_offset_bytes = out.size();
    out += directory;
    if (has_zip64) {
      zip64_locator locator{.end_record_offset_bytes = out.size()};
      bend_zip64(wide);
      bend_locator(locator);
      append_record(wide, out);
      append_record(locator, out);
    }
    bend_end(end);
    append_record(end, out);
    return front + out + comment + behind;
  }
};

/// An extra field.
inline std::string extra_field(std::uint16_t id, const std::string& data) {
  std::string out;
  npymap::zip::append_number(id, out);
  npymap::zip::append_number(static_cast<std::uint16_t>(data.size()), out);
  return out + data;
}

template <class... Numbers>
std::string numbers(Numbers... each) {
  std::string out;
  (npymap::zip::append_number(each, out), ...);
  return out;
}

}  // namespace npymap_test
