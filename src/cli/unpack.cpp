#include <algorithm>
#include <cerrno>
#include <cstdint>
#include <functional>
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
  std::set<std::string> folders;  // with those above them
  std::map<std::string, const npz_member*, std::less<>> files;
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
  constexpr std::size_t longest = 4095;  // PATH_MAX: Linux opens no longer path
  constexpr auto deepest = 128;          // each folder is opened on the way to those in it
  if (name.size() > longest || std::ranges::count(name, '/') > deepest) {
    refuse_name(member, fmt::format("a path of at most {} bytes and {} folders", longest, deepest));
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

// Calls `visit` with each of the folders above a file, the outermost first.
template <class F>
void for_each_parent(std::string_view path, const F& visit) {
  for (std::size_t slash = path.find('/'); slash != std::string_view::npos;
       slash = path.find('/', slash + 1)) {
    visit(path.substr(0, slash));
  }
}

void require_apart(const unpacking& to) {
  const auto require_folder = [&to](std::string_view folder) {
    const auto found = to.files.find(folder);
    if (found != to.files.end()) refuse_name(*found->second, "one that is no folder as well");
  };
  for (const std::string& folder : to.folders) {
    for_each_parent(folder, require_folder);
    require_folder(folder);
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
    if (is_folder) {
      to.folders.insert(name);
    } else {
      const std::size_t slash = name.rfind('/');
      if (slash != std::string::npos) to.folders.insert(name.substr(0, slash));
      to.files[name] = &member;
    }
  }
  require_apart(to);
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

// Sorted, folders come behind those that they have parents in common with.
void make_folders(const io::folder& target, const unpacking& to, watched_pass& work) {
  std::string_view before;
  const auto make = [&](std::string_view path) {
    const bool is_made =
        before.starts_with(path) && (before.size() == path.size() || before[path.size()] == '/');
    if (!is_made) target.make(std::string(path));
  };
  for (const std::string& folder : to.folders) {
    for_each_parent(folder, make);
    make(folder);
    before = folder;
    work.end_part(0);
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
    make_folders(target, to, work);
    for (const auto& [name, member] : to.files) {
      write_member(archive, *member, target, name, options.force, work.options());
      work.end_part(member->uncompressed_bytes);
    }
  }
  write_output(options.json ? json_of(options.source.path, options.folder, to) : text_of(to));
}

}  // namespace npymap::cli
