/// \file
/// What a user does with npymap, each with a result to compare: the things that faults are injected
/// into.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "support/temp_folder.hpp"

namespace npymap_test {

/// What a failure may leave of the file that an operation writes.
enum class leaves : char {
  no_file,  ///< it writes none
  whole,    ///< the old file, or the new one
  in_part,  ///< elements of the old file, of the new one, and zeros; its header says the truth
};

/// A folder with files to read, and one that operations write.
class workplace {
 public:
  workplace();

  std::string operator/(const char* name) const { return folder_ / name; }
  std::string folder() const { return folder_.path().string(); }
  std::string out() const { return folder_ / "out.npy"; }

  /// Make `out` hold these bytes; none for no such file.
  void put_out(const std::string& bytes) const;
  /// What it holds: empty where there is no such file.
  std::string out_bytes() const;
  /// The names of all other files but those to read.
  std::vector<std::string> left_over() const;
  /// How many maps of this process are of files in this folder.
  int maps() const;

 private:
  void make_inputs() const;

  temp_folder folder_;
};

struct operation {
  const char* name;
  leaves left;
  /// What `out` holds before; nothing for no such file. `old` is an array of -1.
  enum class begins : char { without, old, input, cut } with;
  /// Do it, and tell what came of it, but for what is in `out`.
  std::function<std::string(const workplace&)> run;
};

const std::vector<operation>& operations();

/// What is in `out` when an operation begins.
std::string bytes_before(const operation& each, const workplace& place);

/// True if a failed operation may leave these bytes.
bool may_be_left(const operation& each, const std::string& bytes, const std::string& before,
                 const std::string& after);

}  // namespace npymap_test
