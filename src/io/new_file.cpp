#include "io/new_file.hpp"

#include <cerrno>
#include <utility>

#include <fmt/format.h>

#include <npymap/error.hpp>

namespace npymap::io {
namespace {

constexpr int most_links = 40;  // as the kernel: path_resolution(7)
constexpr int most_names = 100;

std::string folder_of(const std::string& path) {
  const auto slash = path.rfind('/');
  return slash == std::string::npos ? "./" : path.substr(0, slash + 1);
}

std::string name_of(const std::string& path) { return path.substr(path.rfind('/') + 1); }

std::string random_name() { return fmt::format(".npymap-{:016x}.tmp", sys::random_bits()); }

}  // namespace

new_file::new_file(std::string path, existing policy) : path_(std::move(path)), policy_(policy) {
  locate();
  inspect_existing();
  begin();
}

new_file::~new_file() {
  if (!temporary_.empty()) sys::remove(folder_.get(), temporary_.c_str());
}

// Renaming replaces a link, where writing would have gone through it: so follow it first.
std::string new_file::place_of_target() const {
  std::string place = system_name(path_);
  if (policy_ == existing::refuse) return place;
  std::string link;
  int hops = 0;
  for (; sys::read_link(place.c_str(), link) == 0; ++hops) {
    errno = ELOOP;
    if (hops == most_links) fail("follow link");
    if (!link.starts_with('/')) link.insert(0, folder_of(place));
    place.swap(link);
  }
  // No link, or nothing at all, is where links end.
  if (errno != EINVAL && errno != ENOENT) fail("follow link");
  // Those of /proc lead to files, not to names: /dev/stdout to a pipe, others to what was removed.
  sys::file_status by_link, by_name;
  if (hops != 0 && sys::status(path_.c_str(), by_link) == 0) {
    require_regular(by_link.kind, path_);
    if (sys::status(place.c_str(), by_name) == -1) fail("follow link");
  }
  return place;
}

void new_file::locate() {
  const std::string place = place_of_target();
  target_ = name_of(place);
  errno = place.empty() ? ENOENT : EISDIR;
  if (target_.empty()) fail("open");
  folder_ = sys::descriptor(sys::open_folder(folder_of(place).c_str()));
  if (!folder_) fail("open folder");
}

void new_file::inspect_existing() {
  if (sys::status_in(folder_.get(), target_.c_str(), replaced_) == -1) {
    if (errno != ENOENT) fail("read status");
    return;
  }
  if (policy_ == existing::refuse) {
    errno = EEXIST;
    fail("create");
  }
  require_regular(replaced_.kind, path_);
  // A rename would not ask.
  if (sys::may_write(folder_.get(), target_.c_str()) == -1) fail("replace");
  replaces_ = true;
}

void new_file::begin() {
  // Nobody else may look into it before it has the permissions of the file that it replaces.
  const unsigned permissions = replaces_ ? 0600 : 0666;
  sys::descriptor opened(sys::open_unnamed(folder_.get(), permissions));
  if (!opened && errno != EOPNOTSUPP) fail("create temporary file");
  for (int tries = 0; !opened && tries < most_names; ++tries) {
    std::string name = random_name();
    opened = sys::descriptor(sys::open_fresh(folder_.get(), name.c_str(), permissions));
    if (opened) temporary_ = std::move(name);
    if (!opened && errno != EEXIST) break;
  }
  if (!opened) fail("create temporary file");
  contents_ = file(std::move(opened), path_);
}

void new_file::hand_down() {
  const int descriptor = contents_.native_handle();
  unsigned permissions = replaced_.permissions;
  // Only root gives files away, but members of a group may hand them on to it. If even that fails,
  // the group is another one, and may do what anybody may.
  if (sys::set_owner(descriptor, replaced_.owner, replaced_.group) == -1 &&
      sys::set_group(descriptor, replaced_.group) == -1) {
    permissions &= 0707 | ((permissions & 07) << 3);
  }
  if (sys::set_permissions(descriptor, permissions) == -1) fail("set permissions");
}

file new_file::commit(durability how_safe) && {
  if (replaces_) hand_down();
  // First the contents, then the name: it must not outlive a power cut that they do not.
  if (how_safe == durability::full) contents_.sync();
  publish();
  temporary_.clear();
  contents_.fresh_folder_ = std::move(folder_);
  if (how_safe == durability::full) sync_published();
  return std::move(contents_);
}

// The name is given, and the file that had it before may be gone: there is no way back.
void new_file::sync_published() {
  try {
    contents_.sync();
  } catch (const error& e) {
    const char* done = replaces_ ? "replaced" : "created";
    throw error(
        e.code(),
        {.path = path_, .subject = fmt::format("{}: {}, durability unknown", e.subject(), done)});
  }
}

void new_file::publish() {
  if (temporary_.empty()) return publish_unnamed();
  const int folder = folder_.get();
  const char* from = temporary_.c_str();
  const char* to = target_.c_str();
  if (policy_ == existing::replace || replaces_) {
    if (sys::rename(folder, from, to) == -1) fail("rename temporary file");
  } else if (sys::rename_new(folder, from, to) == -1) {
    if (errno != EINVAL && errno != ENOSYS) fail_to_create();
    // A file system that cannot refuse in a rename; a link never replaces.
    if (sys::link(folder, from, to) == -1) fail_to_create();
    sys::remove(folder, from);
  }
}

void new_file::fail_to_create() const {
  if (errno == EEXIST && policy_ == existing::replace_seen) refuse_other_creator(path_);
  fail("create");
}

void new_file::publish_unnamed() {
  const int folder = folder_.get();
  if (!replaces_) {
    if (sys::link_unnamed(contents_.native_handle(), folder, target_.c_str()) == 0) return;
    if (errno != EEXIST || policy_ != existing::replace) fail_to_create();
  }
  give_temporary_name();
  if (sys::rename(folder, temporary_.c_str(), target_.c_str()) == -1) {
    fail("rename temporary file");
  }
}

void new_file::give_temporary_name() {
  for (int tries = 0; tries < most_names; ++tries) {
    std::string name = random_name();
    if (sys::link_unnamed(contents_.native_handle(), folder_.get(), name.c_str()) == 0) {
      temporary_ = std::move(name);
      return;
    }
    if (errno != EEXIST) break;
  }
  fail("name temporary file");
}

void refuse_other_creator(const std::string& path) {
  throw error(errc::busy, {.path = path,
                           .subject = "name of the new file",
                           .expected = "one that nobody else gives to a file at the same time",
                           .found = "that somebody did"});
}

}  // namespace npymap::io
