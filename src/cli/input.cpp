#include "cli/input.hpp"

#include <array>
#include <cstdlib>
#include <set>
#include <span>
#include <string_view>
#include <utility>

#include <fmt/format.h>

#include <npymap/error.hpp>

#include "cli/watched_pass.hpp"
#include "io/file.hpp"
#include "io/system.hpp"

namespace npymap::cli {
namespace {

bool is_there(const std::string& path) {
  io::sys::file_status found;
  return io::sys::status(path.c_str(), found) == 0;
}

// Of all the ways to cut at a colon the one with the longest path that is there.
void split_member(input& typed) {
  if (is_there(typed.path)) return;
  for (std::size_t colon = typed.path.rfind(':'); colon != std::string::npos && colon > 0;
       colon = typed.path.rfind(':', colon - 1)) {
    std::string path = typed.path.substr(0, colon);
    if (!is_there(path)) continue;
    typed.member = typed.path.substr(colon + 1);
    typed.path = std::move(path);
    return;
  }
}

// As APPNOTE 4.3.7 and 4.3.16 have the first record: of a member, or of an archive without any.
bool begins_as_archive(const std::string& path) {
  std::array<std::byte, 4> start{};
  if (io::file::open(path, open_mode::read).read_at(start, 0) < start.size()) return false;
  const std::string_view text(reinterpret_cast<const char*>(start.data()), start.size());
  return text == "PK\3\4" || text == "PK\5\6";
}

std::set<std::string_view> names_of_arrays(const npz_reader& archive) {
  std::set<std::string_view> names;
  for (const npz_member& member : archive.members()) {
    if (is_array(archive, member)) names.insert(member.file_name);
  }
  return names;
}

[[noreturn]] void refuse_choice(const npz_reader& archive,
                                const std::set<std::string_view>& names) {
  constexpr std::size_t most_told = 5;
  std::string list;
  std::size_t told = 0;
  for (const npz_member& member : archive.members()) {
    if (told == most_told) break;
    if (!names.contains(member.file_name)) continue;
    list += (told++ == 0 ? "" : ", ") + quoted(member.name);
  }
  if (names.size() > most_told) list += fmt::format(" and {} more", names.size() - most_told);
  throw error(errc::out_of_range,
              {.path = archive.path(),
               .subject = "--member",
               .expected = names.empty() ? "an archive with an array" : "one of " + list,
               .found = names.empty() ? "one without" : "none"});
}

std::string temporary_path() {
  const char* const folder = std::getenv("TMPDIR");
  return fmt::format("{}/.npymap-{:016x}.tmp",
                     folder == nullptr || *folder == '\0' ? "/tmp" : folder,
                     io::sys::random_bits());
}

// A name is removed as soon as it is not needed: what has no other goes with its last user.
class temporary_name {
 public:
  temporary_name() : path_(temporary_path()) {}
  temporary_name(const temporary_name&) = delete;
  temporary_name& operator=(const temporary_name&) = delete;
  ~temporary_name() {
    const std::size_t slash = path_.rfind('/');
    const io::sys::descriptor folder(io::sys::open_folder(path_.substr(0, slash + 1).c_str()));
    if (folder) io::sys::remove(folder.get(), path_.c_str() + slash + 1);
  }

  const std::string& path() const noexcept { return path_; }

 private:
  std::string path_;
};

}  // namespace

input locate(const source_options& source, named where) {
  input found{.path = source.path, .member = source.member, .archive = {}};
  if (!found.member) split_member(found);
  found.is_archive = begins_as_archive(found.path);
  const bool is_for_output = where == named::in_either && source.member;
  if (found.is_archive || !found.member || is_for_output) return found;
  throw error(errc::not_npz, {.path = found.path,
                              .member = *found.member,
                              .subject = "file",
                              .expected = "an archive, of which this would be a member"});
}

void open_archive(input& found, std::size_t header_limit) {
  found.archive.emplace(found.path, npz_options{.header_limit = header_limit});
}

input find_input(const source_options& source, named where) {
  input found = locate(source, where);
  if (found.is_archive) open_archive(found, source.header_limit);
  return found;
}

bool is_array(const npz_reader& archive, const npz_member& member) try {
  archive.info(member);
  return true;
} catch (const error& e) {
  return e.code() != errc::not_npy && e.code() != errc::unsupported_member;
}

const npz_member& meant_member(const input& from) {
  const npz_reader& archive = from.archive.value();
  if (from.member) return archive.member(*from.member);
  const std::set<std::string_view> names = names_of_arrays(archive);
  if (names.size() != 1) refuse_choice(archive, names);
  return archive.member(*names.begin());
}

any_array temporary_array(const std::function<void(const std::string& path)>& make) {
  const temporary_name name;
  make(name.path());
  return open(name.path());
}

any_array elements_of(const input& from, std::size_t header_limit) {
  if (!from.archive) return open(from.path, open_mode::read, {.header_limit = header_limit});
  const npz_member& member = meant_member(from);
  if (member.method == npz_method::stored) return from.archive->open(member);
  if (member.uncompressed_bytes <= most_in_memory) return from.archive->load(member);
  from.archive->info(member);  // what is no array need not be inflated to find that out
  const watched_pass inflating({.progress = progress_display::never});
  return temporary_array([&](const std::string& path) {
    from.archive->extract(member, path, {}, inflating.options());
  });
}

npymap::source source_of(const input& from, std::size_t header_limit) {
  if (from.archive) return from.archive->source_of(meant_member(from));
  return source(from.path, read_options{.reading = reading::once, .header_limit = header_limit});
}

}  // namespace npymap::cli
