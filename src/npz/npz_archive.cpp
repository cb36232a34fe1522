#include "npz/npz_archive.hpp"

#include <algorithm>
#include <array>
#include <numeric>
#include <utility>

#include <fmt/format.h>

#include <npymap/error.hpp>

#include "npz/zip_record.hpp"

namespace npymap::detail {
namespace {

constexpr std::string_view suffix = ".npy";

// Python's removesuffix: once, and not of all that there is but that.
std::string_view key_of(std::string_view file_name) noexcept {
  if (file_name.ends_with(suffix)) file_name.remove_suffix(suffix.size());
  return file_name;
}

}  // namespace

npz_archive::npz_archive(const std::string& path, const npz_options& options)
    : file_(io::file::open(path, options.mode, options.locking)), options_(options) {
  directory_ = zip::read_directory(file_);
  members_.reserve(directory_.entries.size());
  for (const zip::zip_entry& entry : directory_.entries) {
    members_.push_back({.name = std::string(key_of(entry.name)),
                        .file_name = entry.name,
                        .method = static_cast<npz_method>(entry.method),
                        .compressed_bytes = entry.compressed_bytes,
                        .uncompressed_bytes = entry.uncompressed_bytes,
                        .crc32 = entry.crc32,
                        .offset_bytes = entry.header_offset_bytes,
                        .place = members_.size()});
  }
  by_name_.resize(members_.size());
  std::iota(by_name_.begin(), by_name_.end(), std::size_t{0});
  std::sort(by_name_.begin(), by_name_.end(), [this](std::size_t a, std::size_t b) {
    const int order = members_[a].file_name.compare(members_[b].file_name);
    return order != 0 ? order < 0 : a < b;
  });
}

const npz_member* npz_archive::find_file(std::string_view name) const noexcept {
  const auto behind = std::upper_bound(by_name_.begin(), by_name_.end(), name,
                                       [this](std::string_view wanted, std::size_t place) {
                                         return wanted < members_[place].file_name;
                                       });
  if (behind == by_name_.begin()) return nullptr;
  const npz_member& last = members_[*std::prev(behind)];
  return last.file_name == name ? &last : nullptr;
}

// By comparing with each name in two parts, so that no longer one has to be made.
const npz_member* npz_archive::find_array(std::string_view name) const noexcept {
  const auto is_before = [](std::string_view wanted, std::string_view file_name) {
    const int order = wanted.compare(file_name.substr(0, wanted.size()));
    return order != 0 ? order < 0 : suffix < file_name.substr(wanted.size());
  };
  const auto behind = std::upper_bound(by_name_.begin(), by_name_.end(), name,
                                       [&](std::string_view wanted, std::size_t place) {
                                         return is_before(wanted, members_[place].file_name);
                                       });
  if (behind == by_name_.begin()) return nullptr;
  const npz_member& last = members_[*std::prev(behind)];
  return last.file_name.ends_with(suffix) && last.name == name ? &last : nullptr;
}

const npz_member* npz_archive::find(const npz_key& key) const noexcept {
  if (const auto place = key.place()) {
    const bool is_ours = *place < members_.size() && members_[*place].file_name == key.name();
    return is_ours ? &members_[*place] : nullptr;
  }
  const npz_member* const found = find_file(key.name());
  return found ? found : find_array(key.name());
}

const npz_member& npz_archive::member(const npz_key& key) const {
  if (const npz_member* const found = find(key)) return *found;
  constexpr std::size_t most_told = 5;
  std::string names;
  for (std::size_t i = 0; i < std::min(most_told, members_.size()); ++i) {
    names += (i == 0 ? "" : ", ") + quoted(members_[i].name);
  }
  if (members_.size() > most_told)
    names += fmt::format(" and {} more", members_.size() - most_told);
  throw error(errc::out_of_range,
              {.path = file_.path(),
               .subject = "member",
               .expected = members_.empty() ? "none, of an empty archive" : "one of " + names,
               .found = quoted(key.name())});
}

zip::zip_entry npz_archive::entry(const npz_member& member) const {
  zip::zip_entry entry = directory_.entries[member.place];
  std::array<std::byte, sizeof entry.crc32> crc32;
  if (options_.mode == open_mode::read_write &&
      file_.read_at(crc32, entry.record_offset_bytes + zip::crc_in_directory) == crc32.size()) {
    entry.crc32 = zip::read_number<std::uint32_t>(crc32);
  }
  return entry;
}

}  // namespace npymap::detail
