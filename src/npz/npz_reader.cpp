#include <algorithm>
#include <cstddef>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include <npymap/error.hpp>
#include <npymap/npz.hpp>

#include "array/array_access.hpp"
#include "array/native_order.hpp"
#include "array/npy_file.hpp"
#include "io/aligned_buffer.hpp"
#include "io/bounded_writes.hpp"
#include "io/file.hpp"
#include "io/map_seal.hpp"
#include "io/new_file.hpp"
#include "io/system.hpp"
#include "npz/member_array.hpp"
#include "npz/member_seal.hpp"
#include "npz/member_stream.hpp"
#include "npz/npz_archive.hpp"
#include "npz/streamed_elements.hpp"
#include "npz/zip_reading.hpp"
#include "stream/progress_meter.hpp"

namespace npymap {
namespace {

using detail::npz_archive;

[[noreturn]] void refuse_mapping() {
  throw error(errc::unsupported_member,
              {.subject = "mapping",
               .expected = "a stored member",
               .found = "a deflated one (source_of streams it, load and extract inflate it)"});
}

void require_mode(open_mode wanted, open_mode of_archive) {
  if (wanted == open_mode::create) {
    throw error(
        errc::invalid_argument,
        {.subject = "mode", .expected = "r, r+ or c for a member that exists", .found = "w+"});
  }
  if (wanted != open_mode::read_write || wanted == of_archive) return;
  throw error(errc::read_only, {.subject = "opening to write",
                                .expected = "an archive opened so (npz_options::mode)",
                                .found = "one opened to read"});
}

// Within the file from here on: the directory and the member's own header have been believed.
open_options options_in(const npz_archive& archive, const npz_member& member,
                        const zip::zip_place& place) {
  return {.header_limit = archive.options().header_limit,
          .offset_bytes = place.data_offset_bytes,
          .length_bytes = member.uncompressed_bytes};
}

/// A deflated array that goes on behind its elements is refused before it is inflated; what is no
/// array, or has a header that nobody can read, is bytes.
void require_no_more(const npz_archive& archive, const npz_member& member) {
  if (member.method == npz_method::stored || member.uncompressed_bytes == 0) return;
  header facts;
  try {
    facts = detail::array_header(archive, member);
  } catch (const error& e) {
    if (e.code().category() != error_category()) throw;
    return;
  }
  const bool is_short =
      facts.data_offset_bytes + detail::element_bytes(facts) >= member.uncompressed_bytes;
  if (!is_short && !facts.dtype.has_object()) detail::require_exact(facts, member);
}

/// All of a member, at the end of which it has been checked.
template <class F>
void for_each_piece(const npz_archive& archive, const npz_member& member, const pass_options& pass,
                    F&& use) {
  detail::require_expansion(archive, member);
  require_no_more(archive, member);
  zip::member_stream from(archive.file(), archive.entry(member));
  detail::progress_meter meter(pass, member.uncompressed_bytes);
  io::aligned_buffer buffer(std::size_t{1} << 20);
  for (std::uint64_t offset = 0;;) {
    meter.throw_if_stopped();
    const std::size_t n = from.read(buffer.bytes());
    use(buffer.bytes().first(n), offset);
    if (n < buffer.size_bytes()) return meter.finish();
    offset += n;
    meter.add(n);
  }
}

// With memory for what has come, and as much again, rather than for what is claimed.
std::vector<std::byte> read_growing(zip::member_stream& from, std::uint64_t size_bytes) {
  constexpr std::size_t least = 1 << 20;
  std::vector<std::byte> bytes;
  for (std::size_t got = 0;;) {
    bytes.resize(
        static_cast<std::size_t>(std::min<std::uint64_t>(size_bytes, got + std::max(got, least))));
    from.read(std::span(bytes).subspan(got));
    got = bytes.size();
    if (got == size_bytes) return bytes;
  }
}

}  // namespace

npz_reader::npz_reader(const std::string& path, const npz_options& options)
    : archive_(detail::shared<npz_archive>::adopt(new npz_archive(path, options))) {}

const std::string& npz_reader::path() const noexcept { return archive_->file().path(); }

std::span<const npz_member> npz_reader::members() const& noexcept { return archive_->members(); }

bool npz_reader::contains(const npz_key& key) const noexcept { return archive_->find(key); }

const npz_member& npz_reader::member(const npz_key& key) const {
  if (archive_) return archive_->member(key);
  throw error(errc::closed,
              {.subject = "archive", .expected = "a reader", .found = "one that was moved from"});
}

error npz_reader::in_member(const error& e, const npz_key& key) const {
  return zip::in_member(e, path(), member(key).file_name);
}

header npz_reader::info(const npz_key& key) const {
  const npz_member& wanted = member(key);
  try {
    return detail::array_header(*archive_, wanted);
  } catch (const error& e) {
    throw in_member(e, wanted);
  }
}

std::uint64_t npz_reader::data_offset_bytes(const npz_key& key) const {
  const npz_member& wanted = member(key);
  try {
    if (wanted.method != npz_method::stored) refuse_mapping();
    return zip::find_data(archive_->file(), archive_->entry(wanted)).data_offset_bytes;
  } catch (const error& e) {
    throw in_member(e, wanted);
  }
}

any_array npz_reader::open(const npz_key& key, open_mode mode) const {
  const npz_member& wanted = member(key);
  try {
    require_mode(mode, archive_->options().mode);
    detail::require_bytes(wanted);
    const zip::zip_entry entry = archive_->entry(wanted);
    const zip::zip_place place = zip::find_data(archive_->file(), entry);
    if (wanted.method != npz_method::stored) refuse_mapping();
    const detail::npy_elements found =
        detail::find_elements(archive_->file(), options_in(*archive_, wanted, place));
    file_map map =
        io::map_file(archive_->file().share(), mode, found.offset_bytes, found.size_bytes);
    if (mode == open_mode::read_write) {
      io::seal(map, detail::shared<io::map_seal>::adopt(
                        new zip::member_seal(entry, place, found.offset_bytes)));
    }
    return detail::array_access::over(std::move(map), found.facts);
  } catch (const error& e) {
    throw in_member(e, wanted);
  }
}

any_array npz_reader::load(const npz_key& key) const {
  const npz_member& wanted = member(key);
  try {
    return detail::load_array(*archive_, wanted, detail::array_header(*archive_, wanted));
  } catch (const error& e) {
    throw in_member(e, wanted);
  }
}

any_array npz_reader::load(const npz_key& key, const row_range& rows) const {
  const npz_member& wanted = member(key);
  try {
    return detail::load_rows(*archive_, wanted, detail::array_header(*archive_, wanted), rows);
  } catch (const error& e) {
    throw in_member(e, wanted);
  }
}

any_array npz_reader::load_native(const npz_key& key, const dtype& type,
                                  const std::optional<row_range>& rows) const {
  const npz_member& wanted = member(key);
  try {
    header facts = detail::array_header(*archive_, wanted);
    const dtype stored = facts.dtype;
    return detail::in_native_order(path(), stored, type, [&](const dtype& as) {
      facts.dtype = as;
      return rows ? detail::load_rows(*archive_, wanted, facts, *rows)
                  : detail::load_array(*archive_, wanted, facts);
    });
  } catch (const error& e) {
    throw in_member(e, wanted);
  }
}

source npz_reader::source_of(const npz_key& key) const {
  const npz_member& wanted = member(key);
  const io::file& file = archive_->file();
  if (wanted.method == npz_method::stored && io::sys::is_remote(file.native_handle()) != 1) {
    try {
      return open(wanted);
    } catch (const error& e) {
      if (!io::is_refused_map(e)) throw;
    }
  }
  try {
    return detail::source_access::over(detail::streamed_elements(archive_, wanted));
  } catch (const error& e) {
    throw in_member(e, wanted);
  }
}

std::vector<std::byte> npz_reader::read_bytes(const npz_key& key) const {
  const npz_member& wanted = member(key);
  try {
    detail::require_expansion(*archive_, wanted);
    zip::member_stream from(archive_->file(), archive_->entry(wanted));
    return read_growing(from, wanted.uncompressed_bytes);
  } catch (const error& e) {
    throw in_member(e, wanted);
  }
}

void npz_reader::extract(const npz_key& key, const std::string& path, const save_options& options,
                         const pass_options& pass) const {
  constexpr std::uint64_t most_unwritten_bytes = 32 << 20;
  const npz_member& wanted = member(key);
  io::new_file fresh(path, io::existing::replace);
  io::bounded_writes to(fresh.contents(), most_unwritten_bytes);
  for_each_piece(
      *archive_, wanted, pass,
      [&](std::span<const std::byte> piece, std::uint64_t offset) { to.write(piece, offset); });
  to.finish();
  std::move(fresh).commit(options.durability).close();
}

void npz_reader::verify(const npz_key& key, const pass_options& pass) const {
  const npz_member& wanted = member(key);
  try {
    bool is_array = false;
    for_each_piece(*archive_, wanted, pass,
                   [&](std::span<const std::byte> piece, std::uint64_t offset) {
                     if (offset == 0) is_array = detail::begins_as_array(piece);
                   });
    if (!is_array) return;
    const header facts = detail::array_header(*archive_, wanted);
    if (!facts.dtype.has_object()) detail::require_exact(facts, wanted);
  } catch (const error& e) {
    throw in_member(e, wanted);
  }
}

}  // namespace npymap
