/// \file
/// The one exception of npymap, its codes, and the facts that it carries.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <system_error>

#include <npymap/detail/export.hpp>
#include <npymap/detail/shared.hpp>

namespace npymap {

/// What went wrong, where it was not the operating system that said so.
enum class errc {
  not_npy = 1,          ///< the bytes do not begin with the NPY magic
  unsupported_version,  ///< an NPY version other than 1.0, 2.0 and 3.0
  header_too_long,      ///< the header is longer than the caller's limit
  bad_header,           ///< the header is no dict of descr, fortran_order and shape
  bad_dtype,            ///< a dtype that NumPy would refuse, or one that npymap refuses on purpose
  object_dtype,         ///< Python objects: a pickle stands where the bytes should be
  dtype_mismatch,       ///< the file holds another dtype than the one asked for
  size_overflow,        ///< shape times itemsize does not fit 63 bits
  truncated,            ///< the file ends before the data that it declares
  layout_mismatch,      ///< rank, order, strides or alignment do not allow what was asked
  out_of_range,         ///< an index, an axis or a window outside the array
  invalid_argument,     ///< a call that makes no sense, whatever the file holds
  read_only,            ///< writing was asked of something opened for reading
  busy,                 ///< the map is still shared, or somebody else has the lock
  closed,               ///< the map has been closed
  not_regular_file,     ///< a folder, FIFO, socket or device
  stopped,              ///< the caller's stop token ended a pass
  replaced,             ///< the name stands for another file than was opened, or for none
  not_npz,              ///< the bytes do not end as a zip archive does
  bad_archive,          ///< an archive that contradicts itself, or has its members askew
  checksum_mismatch,    ///< a member's bytes are not those whose CRC-32 the archive has
  member_too_long,      ///< a member becomes longer than the caller's limit
  unsupported_member,   ///< a member that is encrypted, or packed in a way that NumPy never writes
  not_pickle,           ///< the bytes do not begin as a pickle does
  bad_pickle,           ///< a pickle that Python would not load, or NumPy make no array of
  refused_object,       ///< a pickle that would have something called, imported or made of a class
  bad_text,             ///< text that is no array: a word for a number, a row of another length
};

/// The category of `errc`; its name is "npymap".
NPYMAP_EXPORT const std::error_category& error_category() noexcept;

inline std::error_code make_error_code(errc code) noexcept {
  return {static_cast<int>(code), error_category()};
}

/// The facts of a failure, from which the one message is built; what is empty is left out.
struct error_facts {
  std::string path = {};
  std::string member = {};    ///< of an archive
  std::string subject = {};   ///< what was being read or done: "array data"
  std::string expected = {};  ///< "800 bytes"
  std::string found = {};     ///< "412"; text from a file goes through `quoted`
  std::optional<std::uint64_t> byte_offset =
      {};  ///< from the start of the file, or of the text parsed
};

/// Quote text from outside for a message: escapes what is not printable ASCII, and cuts at 80
/// characters, the width that DESIGN fixes for found text.
NPYMAP_EXPORT std::string quoted(std::string_view text);

/// The only exception that npymap throws of its own.
///
/// `what()` reads *path[:member]: subject: expected E, found F (at byte N): OS text*. `code()` is
/// an `errc`, or the system's errno in `std::system_category()`. Copies share their facts and do
/// not throw.
class NPYMAP_EXPORT error : public std::system_error {
 public:
  error(std::error_code code, error_facts facts);

  const char* what() const noexcept override;

  const std::string& path() const noexcept;
  const std::string& member() const noexcept;
  const std::string& subject() const noexcept;
  const std::string& expected() const noexcept;
  const std::string& found() const noexcept;
  std::optional<std::uint64_t> byte_offset() const noexcept;

  /// The same failure, told of a file: those who parse bytes do not know where these come from.
  /// `base_bytes` is where the parsed bytes begin in the file. An error that names a file already
  /// is returned as it is.
  error in_file(std::string path, std::uint64_t base_bytes = 0, std::string member = {}) const;

 private:
  struct state;
  detail::shared<state> state_;
};

}  // namespace npymap

template <>
struct std::is_error_code_enum<npymap::errc> : std::true_type {};
