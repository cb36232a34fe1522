/// \file
/// An open archive, as the reader of it and the sources over its members share it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include <npymap/detail/shared.hpp>
#include <npymap/header.hpp>
#include <npymap/npz.hpp>

#include "io/file.hpp"
#include "npz/zip_directory.hpp"

namespace npymap::detail {

/// A file, its directory, and NumPy's names in it. Nothing changes after the constructor.
class npz_archive final : public counted {
 public:
  npz_archive(const std::string& path, const npz_options& options);

  const io::file& file() const noexcept { return file_; }
  const npz_options& options() const noexcept { return options_; }
  const std::vector<npz_member>& members() const noexcept { return members_; }
  const std::string& comment() const noexcept { return directory_.comment; }

  /// As NumPy's NpzFile: the file name itself, then that without `.npy`; the last of each. Null
  /// where there is none.
  const npz_member* find(const npz_key& key) const noexcept;
  /// \throws error out_of_range
  const npz_member& member(const npz_key& key) const;
  /// Of an archive that is written to, with the CRC that it has by now.
  zip::zip_entry entry(const npz_member& member) const;

 private:
  const npz_member* find_file(std::string_view name) const noexcept;
  const npz_member* find_array(std::string_view name) const noexcept;

  io::file file_;
  npz_options options_;
  zip::zip_directory directory_;
  std::vector<npz_member> members_;
  std::vector<std::size_t> by_name_;  // places, sorted by file name and then by place
};

}  // namespace npymap::detail
