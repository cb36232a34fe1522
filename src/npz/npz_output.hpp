/// \file
/// An archive that is being written: what `npz_writer` is made of.
#pragma once

#include <cstddef>
#include <optional>
#include <set>
#include <string>
#include <string_view>

#include <npymap/detail/layout.hpp>
#include <npymap/detail/shared.hpp>
#include <npymap/file_map.hpp>
#include <npymap/header.hpp>
#include <npymap/npz_writer.hpp>

#include "io/new_file.hpp"
#include "npz/member_output.hpp"
#include "npz/npz_archive.hpp"
#include "npz/zip_writer.hpp"

namespace npymap::detail {

class npz_output final : public counted {
 public:
  npz_output(const std::string& path, const npz_writer_options& options);

  const std::string& path() const noexcept { return path_; }

  // As in `npz_writer`.
  void add(std::string_view name, const dtype& type, const void* data, const layout_ref& where,
           const npz_member_options& options, const file_map& map);
  void begin(std::string_view name, const dtype& type, const shape& row,
             const npz_member_options& options);
  void append(const dtype& type, const void* data, const layout_ref& where, const file_map& map);
  void add_bytes(std::string_view file_name, std::span<const std::byte> bytes,
                 const npz_member_options& options);
  /// Of a member that `begin` began not all rows will come.
  void abandon_member() noexcept { failed_ = failed_ || growing_.has_value(); }
  void remove(std::string_view name);
  void commit();

 private:
  /// An array that grows by rows.
  struct growing {
    header facts;
    int axis = 0;
    std::size_t head_bytes = 0;
  };

  template <class F>
  void in_member(const std::string& file_name, const F& f);
  void require_usable() const;
  void require_reachable(const std::string& file_name) const;
  void start(const std::string& file_name, std::string head, const npz_member_options& options);
  void end_member();
  void copy_kept();

  const std::string path_;
  const npz_writer_options options_;
  const int threads_;
  std::optional<npz_archive> older_;
  std::set<std::string, std::less<>> kept_;  // of the older one, by file name
  io::new_file fresh_;
  zip::zip_writer zip_;
  std::set<std::string, std::less<>> added_;
  std::optional<zip::member_output> member_;  // that has been begun, and its file name
  std::string file_name_;
  std::optional<growing> growing_;
  bool closed_ = false;
  bool failed_ = false;
};

}  // namespace npymap::detail
