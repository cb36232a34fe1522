/// \file
/// What FILE, FILE:member and --member stand for.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>

#include <npymap/any_array.hpp>
#include <npymap/npz.hpp>
#include <npymap/source.hpp>

#include "cli/commands.hpp"

namespace npymap::cli {

/// How large a compressed member may be to be unpacked into memory, where it is not streamed.
inline constexpr std::uint64_t most_in_memory = std::uint64_t{64} << 20;

/// Around fields of text that is read or written.
inline constexpr const char* quote_of_text = "\"";

enum class file_format : char { npy, npz, pickle, text };

/// A file that is there, and what of it is meant.
struct input {
  std::string path;
  std::optional<std::string> member;      ///< as it was asked for
  file_format format = file_format::npy;  ///< by its first bytes; text by its name or options
  std::optional<npz_reader> archive;      ///< once it is open
};

/// True for `.txt`, `.csv` and `.tsv`, and those with `.gz` behind.
bool is_name_of_text(const std::string& path);
/// A comma, a tab, or none for any white space, by the name of the file.
std::string delimiter_of(const std::string& path);

/// What is written, where an option may be meant for that.
enum class written : char {
  other,
  archive,  ///< `--member` is its array, if what is read has no members
  text,     ///< `--delimiter` is between its fields, if what is read is no text
};

/// Find the file: what was typed, if there is one of that name; else what is before a colon.
/// \throws error the system's; not_npz for a member of what has none; invalid_argument for options
/// of text where there is none
input locate(const source_options& source, written to = written::other);

/// \throws error as `npz_reader`
void open_archive(input& found, std::size_t header_limit);

/// Both. \throws error as they do
input find_input(const source_options& source, written to = written::other);

/// The same options for another file of those that a command takes.
source_options of_file(source_options options, const std::string& path);

/// The same of what goes into another file: an .npy file, or an array of an archive or a pickle.
/// \throws error as they do; not_npy for text
input find_part(const source_options& source);

/// What is mapped has not been held against its CRC, and its copy will have none.
/// \throws error checksum_mismatch for a stored member that is damaged
void require_sound(const input& from, progress_display display);

/// True if there is something in front of which the NPY magic stands, good or bad.
bool is_array(const npz_reader& archive, const npz_member& member);

/// The member that is meant; the only array when none was asked for.
/// \throws error out_of_range, which says which ones there are
const npz_member& meant_member(const input& from);

/// All elements: mapped, or of a small compressed member in memory; a large one, and text, go to
/// `temporary_array`.
any_array elements_of(const input& from, const source_options& options,
                      const pass_settings& pass = {});

/// True if not all elements are meant.
bool is_part(const part_settings& part) noexcept;

/// Those of them that are meant, not copied. \throws error as `any_array::field` and `slice`
any_array part_of(any_array elements, const part_settings& part);

/// The order that NumPy would save them in: C where they are dense in both, or in neither.
order order_of(const any_array& elements) noexcept;

/// Dtype and shape of these elements. Nothing is inflated.
npymap::source outline_of(const input& from, const source_options& options);

/// The elements that are meant: without a map or a temporary file where that is all of them, for
/// what reads them in the order of the file.
npymap::source source_of(const input& from, const source_options& options,
                         const pass_settings& pass = {}, const part_settings& part = {});

/// The first rows of text.
any_array first_rows_of_text(const input& from, const source_options& options, index_t count);

/// All elements of text, straight to a new file.
void save_text_as_npy(const input& from, const source_options& options, const pass_settings& pass,
                      const std::string& path);

/// Map an array that `make` writes to the path it is given, in TMPDIR, and which goes with the map.
any_array temporary_array(const std::function<void(const std::string& path)>& make);
/// True for the path of such an array, which tells nobody anything.
bool is_temporary(const std::string& path);

}  // namespace npymap::cli
