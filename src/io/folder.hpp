/// \file
/// A folder, below which files are written and never elsewhere. Not part of the library; the tool
/// compiles it.
#pragma once

#include <functional>
#include <string>

#include "io/system.hpp"

namespace npymap::io {

/// An open folder. Names are paths below it, without empty components, `.` and `..`. Each folder on
/// the way is opened by itself, and no symbolic link is followed, whoever puts one there meanwhile.
class folder {
 public:
  /// Open a folder, through links if need be; or make it, in one that exists.
  /// \throws error the system's
  static folder open_or_make(const std::string& path);

  /// As it is told in messages.
  std::string path_of(const std::string& name) const { return path_ + '/' + name; }

  /// True if something has the name, be it a link. \throws error the system's, ENOTDIR for a link
  /// on the way
  bool contains(const std::string& name) const;

  /// Make a folder, if there is none. \throws error the system's, EEXIST and ENOTDIR for what is
  /// something else
  void make(const std::string& name) const;

  /// Have `fill` write a file under a temporary path, and give it its name when it is whole. It
  /// replaces what has the name, links and all, or refuses it. \throws error EEXIST, the system's
  void write(const std::string& name, bool replace,
             const std::function<void(const std::string& path)>& fill) const;

 private:
  folder(sys::descriptor opened, std::string path)
      : opened_(std::move(opened)), path_(std::move(path)) {}
  sys::descriptor open_parent(const std::string& name) const;

  sys::descriptor opened_;
  std::string path_;
};

}  // namespace npymap::io
