#include <algorithm>
#include <cerrno>
#include <cstdint>
#include <map>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include <npymap/error.hpp>
#include <npymap/npz.hpp>

#include "cli/commands.hpp"
#include "cli/json.hpp"
#include "cli/terminal.hpp"
#include "cli/watched_pass.hpp"
#include "io/folder.hpp"

namespace npymap::cli {
namespace {

/// What is to be written: folders, and of each file the member whose bytes it gets.
struct unpacking {
  std::set<std::string> folders;  // all that are needed, those that contain others first
  std::map<std::string, const npz_member*> files;
};

[[noreturn]] void refuse_name(const npz_member& member, std::string expected) {
  throw error(errc::bad_archive, {.member = member.file_name,
                                  .subject = "name of a file to write",
                                  .expected = std::move(expected),
                                  .found = quoted(member.file_name)});
}

// A backslash separates folders for those who have drives, and a name must mean the same to all.
void require_safe(const npz_member& member, std::string_view name) {
  if (name.find('\0') != std::string_view::npos || name.find('\\') != std::string_view::npos) {
    refuse_name(member, "one without NUL and backslash");
  }
  for (std::size_t begin = 0; begin <= name.size();) {
    const std::size_t end = std::min(name.find('/', begin), name.size());
    const std::string_view component = name.substr(begin, end - begin);
    if (component.empty() || component == "." || component == "..") {
      refuse_name(member, "a path that stays below the folder");
    }
    begin = end + 1;
  }
}

void add_parents(const std::string& path, std::set<std::string>& folders) {
  for (std::size_t slash = path.find('/'); slash != std::string::npos;
       slash = path.find('/', slash + 1)) {
    folders.insert(path.substr(0, slash));
  }
}

// Every name is looked at before anything is written. Of one name the last member wins, as when
// NumPy reads it.
unpacking plan(const npz_reader& archive) {
  unpacking to;
  for (const npz_member& member : archive.members()) {
    std::string name = member.file_name;
    const bool is_folder = name.ends_with('/');
    if (is_folder) name.pop_back();
    require_safe(member, name);
    if (is_folder && member.uncompressed_bytes != 0) refuse_name(member, "a folder without bytes");
    add_parents(name, to.folders);
    if (is_folder) {
      to.folders.insert(name);
    } else {
      to.files[name] = &member;
    }
  }
  for (const auto& [name, member] : to.files) {
    if (to.folders.contains(name)) refuse_name(*member, "one that is no folder as well");
  }
  return to;
}

// Of the folders that there are already, so that nothing is written if one file cannot be.
void require_free(const io::folder& target, const unpacking& to) {
  for (const auto& [name, member] : to.files) {
    if (!target.contains(name)) continue;
    throw error(std::error_code(EEXIST, std::system_category()),
                {.path = target.path_of(name), .subject = "create (--force replaces files)"});
  }
}

void write_member(const npz_reader& archive, const npz_member& member, const io::folder& target,
                  const std::string& name, bool replace, const pass_options& watched) {
  target.write(name, replace,
               [&](const std::string& path) { archive.extract(member, path, {}, watched); });
}

std::string json_of(const std::string& path, const std::string& folder, const unpacking& to) {
  std::string list;
  for (const auto& [name, member] : to.files) {
    list += fmt::format(R"({}{{"file": {}, "bytes": {}}})", list.empty() ? "" : ", ",
                        json_string(name), member->uncompressed_bytes);
  }
  return fmt::format(R"({{"path": {}, "folder": {}, "files": [{}]}})"
                     "\n",
                     json_string(path), json_string(folder), list);
}

std::string text_of(const unpacking& to) {
  std::size_t width = 0;
  for (const auto& [name, member] : to.files) width = std::max(width, printable(name).size());
  std::string text;
  for (const auto& [name, member] : to.files) {
    text += fmt::format("{:<{}}  {} bytes\n", printable(name), width, member->uncompressed_bytes);
  }
  return text;
}

}  // namespace

void unpack(const unpack_options& options) {
  const npz_reader archive(options.source.path, {.header_limit = options.source.header_limit});
  const unpacking to = plan(archive);
  const io::folder target = io::folder::open_or_make(options.folder);
  if (!options.force) require_free(target, to);
  std::uint64_t total_bytes = 0;
  for (const auto& [name, member] : to.files) total_bytes += member->uncompressed_bytes;
  {
    watched_pass work({.progress = options.progress}, total_bytes);
    for (const std::string& name : to.folders) target.make(name);
    for (const auto& [name, member] : to.files) {
      write_member(archive, *member, target, name, options.force, work.options());
      work.end_part(member->uncompressed_bytes);
    }
  }
  write_output(options.json ? json_of(options.source.path, options.folder, to) : text_of(to));
}

}  // namespace npymap::cli
