/// \file
/// Archives of arrays: members that are mapped where they lie, inflated as they stream, or loaded.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

#include <npymap/any_array.hpp>
#include <npymap/array.hpp>
#include <npymap/detail/export.hpp>
#include <npymap/detail/shared.hpp>
#include <npymap/dtype.hpp>
#include <npymap/error.hpp>
#include <npymap/file_map.hpp>
#include <npymap/header.hpp>
#include <npymap/pass.hpp>
#include <npymap/source.hpp>

namespace npymap {

namespace detail {
class npz_archive;
}

/// How a member is packed: the numbers of PKWARE's APPNOTE, of which NumPy writes these two.
enum class npz_method : std::uint16_t { stored = 0, deflated = 8 };

/// A member of an archive, as the central directory has it.
struct npz_member {
  std::string name;       ///< NumPy's key: the file name without one `.npy`
  std::string file_name;  ///< UTF-8
  npz_method method = npz_method::stored;
  std::uint64_t compressed_bytes = 0;
  std::uint64_t uncompressed_bytes = 0;
  std::uint32_t crc32 = 0;         ///< when the archive was opened
  std::uint64_t offset_bytes = 0;  ///< of its local header, from the start of the file
  std::size_t place = 0;           ///< in `npz_reader::members`
};

/// Which member is meant: its name with or without `.npy`, of those of one name the last; or one of
/// `npz_reader::members` of this archive. Borrows the name.
class npz_key {
 public:
  template <class Text>
  requires std::is_convertible_v<const Text&, std::string_view> npz_key(const Text& name)
      : name_(name) {}
  npz_key(const npz_member& member) : name_(member.file_name), place_(member.place) {}

  std::string_view name() const noexcept { return name_; }
  std::optional<std::size_t> place() const noexcept { return place_; }

 private:
  std::string_view name_;
  std::optional<std::size_t> place_;
};

/// How to open an archive.
struct npz_options {
  /// The longest header of an array to accept, in characters.
  std::size_t header_limit = default_header_limit;
  /// The most bytes that a deflated member may become, wherever it is inflated. Without a limit it
  /// is what the directory says, which is at most 1032 times what the file has.
  std::optional<std::uint64_t> expansion_limit_bytes = {};
  /// `read_write` if members will be opened so.
  open_mode mode = open_mode::read;
  /// As `open_options::locking`, of all of the archive.
  npymap::locking locking = npymap::locking::none;
};

/// Reads a `.npz`: any zip archive whose members are stored or deflated.
///
/// Opening reads the central directory alone, which is the truth: members that overlap or lie
/// outside of the file are refused then, and a member whose own header says something else when it
/// is used. Members are found by NumPy's rules. A stored member is an array over the file, like a
/// `.npy`, and its CRC is not looked at; whatever reads all of a member checks the CRC. Arrays and
/// sources keep the file open, and outlive the reader. Errors name the member; their bytes count
/// from the start of the file, in the header of a deflated array from its own. Move-only; const
/// calls may come from several threads at once. NumPy: `numpy.load(path)`, which maps nothing of an
/// archive.
class NPYMAP_EXPORT npz_reader {
 public:
  /// \throws error not_npz, bad_archive, truncated, not_regular_file, busy, the system's
  explicit npz_reader(const std::string& path, const npz_options& options = {});
  npz_reader(npz_reader&&) noexcept = default;
  npz_reader& operator=(npz_reader&&) noexcept = default;

  const std::string& path() const noexcept;
  /// In the order of the archive; a name twice when it is there twice.
  std::span<const npz_member> members() const& noexcept;
  /// Of a reader that will be gone: `for (auto& m : npz_reader(path).members())`.
  std::vector<npz_member> members() const&& { return {members().begin(), members().end()}; }
  bool contains(const npz_key& key) const noexcept;
  /// \throws error out_of_range when there is none of that name
  const npz_member& member(const npz_key& key) const;

  /// Read the header of an array, and little else: dtype, shape and order.
  /// \throws error not_npy for a member that is no array, and as `parse_header`; unsupported_member
  /// and bad_archive, as all that follows
  header info(const npz_key& key) const;

  /// Where in the archive the bytes of a stored member begin: `info(key).data_offset_bytes` behind
  /// that, its elements. \throws error unsupported_member for a deflated one
  std::uint64_t data_offset_bytes(const npz_key& key) const;

  /// Map a stored member; no element is read, copied or checked.
  ///
  /// NumPy does not align the elements, so that most are read as `open<stored<double>>`. In
  /// `read_write`, `flush` and `close` bring the CRC up to date wherever the archive has it, and
  /// read all of the array for that: it then vouches for what was wrong before, too. In between,
  /// and if neither is called, the archive has a wrong one. \throws error as `npymap::open`;
  /// unsupported_member for one that is deflated; read_only
  any_array open(const npz_key& key, open_mode mode = open_mode::read) const;
  template <element T, open_mode Mode = open_mode::read>
  array<element_in_mode<T, Mode>> open(const npz_key& key) const {
    const any_array x = open(key, Mode);
    return as_member<element_in_mode<T, Mode>>(x, key);
  }

  /// Read a member into memory of its own, aligned to 64 bytes, and check its CRC.
  /// \throws error as `npymap::load`; checksum_mismatch; bad_archive for a deflated member that is
  /// longer than its array; member_too_long
  any_array load(const npz_key& key) const;
  template <element T>
  array<std::remove_const_t<T>> load(const npz_key& key) const {
    return as_member<std::remove_const_t<T>>(load_native(key, dtype_of<T>()), key);
  }

  /// Read some rows alone: along the first axis in C order, the last in Fortran order.
  ///
  /// Costs what they are, of a stored member and of a deflated one that `npz_writer` has packed;
  /// else all that is before them has to be inflated. Checks the CRC of what it unpacks only in
  /// members of `npz_writer`. \throws error as `load`; out_of_range
  any_array load(const npz_key& key, const row_range& rows) const;
  template <element T>
  array<std::remove_const_t<T>> load(const npz_key& key, const row_range& rows) const {
    return as_member<std::remove_const_t<T>>(load_native(key, dtype_of<T>(), rows), key);
  }

  /// A member for passes and blocks: mapped if it is stored, and the file system is one for that;
  /// else read, or inflated, as it is wanted.
  ///
  /// Memory is bounded by the blocks. Those of a deflated member that `npz_writer` has packed are
  /// read in any order, on all cores. Of others that are not mapped they are to be read in the
  /// order of the file, by one pass at a time: going back means to begin anew; the CRC is checked
  /// when the end is reached, and before that a pass has seen elements which nobody has vouched
  /// for. \throws error as `load`, in the pass too
  source source_of(const npz_key& key) const;

  /// Read the bytes of a member, which need be no array, and check the CRC.
  /// \throws error as `load`
  std::vector<std::byte> read_bytes(const npz_key& key) const;

  /// Write the bytes of a member, which are a `.npy` if it is an array, to a file, and check the
  /// CRC: whole or not at all, in bounded memory. Where to is up to the caller: names of members
  /// are not used as paths. Of `pass`, `progress` and `stop` count.
  /// \throws error as `load`, of an array whose header can be read, and as `save`; stopped
  void extract(const npz_key& key, const std::string& path, const save_options& options = {},
               const pass_options& pass = {}) const;

  /// Read all of a member and hold it against what the archive says: both headers, sizes, CRC, and
  /// of an array that there is nothing behind its elements. In bounded memory. Of `pass`,
  /// `progress` and `stop` count. \throws error as `load`; stopped
  void verify(const npz_key& key, const pass_options& pass = {}) const;

 private:
  any_array load_native(const npz_key& key, const dtype& type,
                        const std::optional<row_range>& rows = {}) const;
  error in_member(const error& e, const npz_key& key) const;

  template <element T>
  array<T> as_member(const any_array& x, const npz_key& key) const try {
    return x.as<T>();
  } catch (const error& e) {
    throw in_member(e, key);
  }

  detail::shared<detail::npz_archive> archive_;
};

/// How to index an archive.
struct npz_index_options {
  /// At least so many bytes of a member lie between two places where reading may begin. Each place
  /// costs 32 KiB of disk: less than a hundredth. From 32 KiB to 16 MiB.
  std::uint64_t spacing_bytes = std::uint64_t{4} << 20;
};

/// Unpack all deflated members of an archive once, and keep beside it, in `path` + ".index", where
/// in the middle of them reading may begin.
///
/// From then on `npz_reader` unpacks a part of them without what is before it, and in parallel, as
/// it does with those that `npz_writer` has packed, which are passed over here, as are members with
/// more than 32 MiB between two such places. An index that does not fit the archive any more is
/// ignored. It is an archive itself, and believed like the one beside it: CRCs find its damages,
/// not what somebody forges who may write to the folder. In bounded memory. \throws error as
/// `npz_reader::verify`, and the system's; invalid_argument
NPYMAP_EXPORT void build_npz_index(const std::string& path, const npz_index_options& options = {});

}  // namespace npymap
