#include "io/folder.hpp"

#include <cerrno>
#include <string_view>
#include <utility>

#include <fmt/format.h>

#include <npymap/error.hpp>

#include "io/file.hpp"

namespace npymap::io {
namespace {

std::string last_of(const std::string& name) { return name.substr(name.rfind('/') + 1); }

// The file under its temporary name, until it has another.
struct unfinished {
  const sys::descriptor& parent;
  std::string name;
  bool is_named = false;

  ~unfinished() {
    if (!is_named) sys::remove(parent.get(), name.c_str());
  }
};

// What failed under a temporary path is told of the path that was meant.
error told_of(const error& e, const std::string& temporary, const std::string& path) {
  if (e.path() != temporary) return e;
  return {e.code(),
          {.path = path,
           .member = e.member(),
           .subject = e.subject(),
           .expected = e.expected(),
           .found = e.found(),
           .byte_offset = e.byte_offset()}};
}

}  // namespace

folder folder::open_or_make(const std::string& path) {
  const char* const name = system_name(path);
  sys::descriptor opened(sys::open_folder(name));
  if (!opened && errno == ENOENT) {
    if (sys::make_folder(sys::current_folder, name) == -1 && errno != EEXIST) {
      throw_errno(path, "create folder");
    }
    opened = sys::descriptor(sys::open_folder(name));
  }
  if (!opened) throw_errno(path, "open folder");
  return {std::move(opened), path};
}

sys::descriptor folder::open_parent(const std::string& name) const {
  sys::descriptor now(sys::duplicate(opened_.get()));
  if (!now) throw_errno(path_, "open folder");
  std::size_t begin = 0;
  for (std::size_t slash = name.find('/'); slash != std::string::npos;
       slash = name.find('/', begin)) {
    const std::string component = name.substr(begin, slash - begin);
    now = sys::descriptor(sys::open_folder_in(now.get(), component.c_str()));
    if (!now) throw_errno(path_of(name.substr(0, slash)), "open folder");
    begin = slash + 1;
  }
  return now;
}

bool folder::contains(const std::string& name) const try {
  const sys::descriptor parent = open_parent(name);
  sys::file_status found;
  if (sys::status_in(parent.get(), last_of(name).c_str(), found) == 0) return true;
  if (errno != ENOENT) throw_errno(path_of(name), "read status");
  return false;
} catch (const error& e) {
  if (e.code() == std::errc::no_such_file_or_directory) return false;  // nor its folder
  throw;
}

void folder::make(const std::string& name) const {
  const sys::descriptor parent = open_parent(name);
  const std::string last = last_of(name);
  if (sys::make_folder(parent.get(), last.c_str()) == 0) return;
  if (errno != EEXIST) throw_errno(path_of(name), "create folder");
  const sys::descriptor present(sys::open_folder_in(parent.get(), last.c_str()));
  if (!present) throw_errno(path_of(name), "open folder");
}

void folder::write(const std::string& name, bool replace,
                   const std::function<void(const std::string& path)>& fill) const {
  const sys::descriptor parent = open_parent(name);
  unfinished file{parent, fmt::format(".npymap-{:016x}.tmp", sys::random_bits())};
  // A path that leads through an open folder, whatever becomes of that folder's name.
  const std::string temporary = fmt::format("/proc/self/fd/{}/{}", parent.get(), file.name);
  try {
    fill(temporary);
  } catch (const error& e) {
    throw told_of(e, temporary, path_of(name));
  }
  const std::string last = last_of(name);
  const auto rename = replace ? sys::rename : sys::rename_new;
  if (rename(parent.get(), file.name.c_str(), last.c_str()) == 0) {
    file.is_named = true;
    return;
  }
  // EINVAL: a file system that cannot but replace. A second name it may refuse.
  const bool can_refuse = replace || errno != EINVAL;
  if (can_refuse || sys::link(parent.get(), file.name.c_str(), last.c_str()) == -1) {
    throw_errno(path_of(name), "rename temporary file");
  }
}

}  // namespace npymap::io
