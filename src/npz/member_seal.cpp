#include "npz/member_seal.hpp"

#include <algorithm>
#include <string>
#include <vector>

#include <fmt/format.h>

#include <npymap/error.hpp>

#include "deflate/crc32.hpp"
#include "npz/zip_record.hpp"

namespace npymap::zip {
namespace {

std::uint32_t crc32_of_file(std::uint32_t so_far, const io::file& from, std::uint64_t begin,
                            std::uint64_t end) {
  constexpr std::uint64_t piece = 1 << 20;
  std::vector<std::byte> bytes(static_cast<std::size_t>(std::min(piece, end - begin)));
  while (begin < end) {
    const auto n = static_cast<std::size_t>(std::min<std::uint64_t>(bytes.size(), end - begin));
    const auto wanted = std::span(bytes).first(n);
    if (from.read_at(wanted, begin) != n) {
      throw error(errc::truncated, {.path = from.path(),
                                    .subject = "data of a member",
                                    .expected = fmt::format("{} bytes", n),
                                    .found = "an end before that",
                                    .byte_offset = begin});
    }
    so_far = deflate::crc32(so_far, wanted);
    begin += n;
  }
  return so_far;
}

}  // namespace

void member_seal::update(io::file& to, std::span<const std::byte> bytes) {
  std::uint32_t crc32 = crc32_of_file(0, to, place_.data_offset_bytes, begin_);
  crc32 = deflate::crc32(crc32, bytes);
  crc32 = crc32_of_file(crc32, to, begin_ + bytes.size(), end_);
  std::string number;
  append_number(crc32, number);
  for (const std::uint64_t at : place_.crc_offset_bytes) {
    if (at != 0) to.write_at(std::as_bytes(std::span(number)), at);
  }
}

}  // namespace npymap::zip
