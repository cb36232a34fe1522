/// \file
/// Files that come into being all at once, or not at all.
#pragma once

#include <string>

#include "io/file.hpp"

namespace npymap::io {

/// What to do about a file that has the name already.
enum class existing : char {
  replace,
  replace_seen,  ///< one that is there already, but none that comes into being before `commit`
  refuse,
};

/// A file that has no name until it is finished.
///
/// Its bytes go where the system can keep them without a name, so that even kill -9 leaves
/// nothing behind; else under a temporary name in the target's folder, which the destructor
/// removes. `commit` gives it its name in one step: there is never a half-written file under it,
/// and an older one is replaced only then. Only a name can replace a name, so `commit` may need a
/// `.npymap-*.tmp` for an instant, which kill -9 in that instant leaves.
///
/// A replaced file hands down its permissions and, if the system allows, its owner and group;
/// not its hard links, access lists and extended attributes. A fresh one gets 0666 & ~umask.
class new_file {
 public:
  /// Begin a file that is to be called `path`. Symbolic links at its end are followed by
  /// `existing::replace`, even to a name that does not exist yet, and count as existing for
  /// `existing::refuse`.
  /// \throws error EEXIST; not_regular_file; EACCES, EROFS, EPERM, also when the existing file is
  /// write-protected; the system's
  new_file(std::string path, existing policy);
  new_file(const new_file&) = delete;
  new_file& operator=(const new_file&) = delete;
  ~new_file();

  /// Whether there was a file when this one was begun.
  bool replaces() const noexcept { return replaces_; }

  /// The file, to fill. Its errors name the path that it will have.
  file& contents() noexcept { return contents_; }

  /// Give the file its name; it is then the caller's, open to read and write.
  ///
  /// With `durability::none`, the first `file::sync` also makes the name durable.
  /// \throws error EEXIST when policy is refuse and somebody was quicker, busy when it is
  /// replace_seen; the system's. The name
  /// then stands for what it did before, but after a sync that fails with the file in place:
  /// "replaced, durability unknown".
  file commit(durability how_safe) &&;

 private:
  std::string place_of_target() const;
  void locate();
  void inspect_existing();
  void begin();
  void hand_down();
  void publish();
  void publish_unnamed();
  void sync_published();
  void give_temporary_name();
  [[noreturn]] void fail_to_create() const;
  [[noreturn]] void fail(const char* operation) const { throw_errno(path_, operation); }

  std::string path_;    // as given
  std::string target_;  // its last component, links followed, in folder_
  existing policy_;
  sys::descriptor folder_;
  sys::file_status replaced_;
  bool replaces_ = false;
  std::string temporary_;  // name in folder_; empty while there is none
  file contents_;
};

/// \throws error busy always: somebody else gave a file the name that ours was to have
[[noreturn]] void refuse_other_creator(const std::string& path);

/// Map a new file and then commit it: if it cannot be mapped, nothing has happened.
/// \throws error as `map_file` and `new_file::commit`
file_map map_file(new_file&& fresh, durability how_safe, std::uint64_t offset_bytes,
                  std::uint64_t length_bytes);

}  // namespace npymap::io
