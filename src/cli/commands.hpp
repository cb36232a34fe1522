/// \file
/// The subcommands. Each writes its result to standard output and throws npymap::error.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <npymap/append.hpp>
#include <npymap/convert.hpp>
#include <npymap/dtype.hpp>
#include <npymap/header.hpp>
#include <npymap/pass.hpp>
#include <npymap/shape.hpp>
#include <npymap/statistics.hpp>

namespace npymap::cli {

/// How to read a file of text.
struct text_settings {
  std::optional<std::string> delimiter = {};  ///< by the file's name when left out
  index_t skip_rows = 0;
  std::optional<npymap::dtype> dtype = {};               ///< of its elements, float64 when left out
  std::optional<std::vector<index_t>> use_columns = {};  ///< all when left out
  std::vector<std::string> missing = {};                 ///< words of fields that hold nothing
};

/// The file to look at, as every subcommand takes it.
struct source_options {
  std::string path;                                 ///< of commands on archives perhaps FILE:member
  std::optional<std::string> member = {};           ///< of an archive, or in a pickle
  std::size_t header_limit = default_header_limit;  ///< in characters
  text_settings text = {};
};

/// Which of its elements are meant, as every subcommand takes it that looks at them.
struct part_settings {
  std::optional<std::string> field = {};  ///< by name or title; the slice is one of its elements
  std::optional<std::string> slice = {};  ///< as NumPy writes it; all when left out
};

/// Whether to draw a progress bar on standard error.
enum class progress_display : char { on_terminal, always, never };

/// How to go over all elements, as every subcommand takes it that does.
struct pass_settings {
  std::uint64_t memory_bytes = pass_options().budget_bytes;
  std::optional<int> threads = {};  ///< all of the machine when left out
  progress_display progress = progress_display::on_terminal;
};

struct info_options {
  source_options source;
  bool json = false;
};

struct head_options {
  source_options source;
  part_settings part;
  index_t rows = 10;
};

struct dump_options {
  source_options source;
  part_settings part;
  progress_display progress = progress_display::on_terminal;
};

struct verify_options {
  source_options source;
  bool json = false;
  progress_display progress = progress_display::on_terminal;
};

struct stats_options {
  source_options source;
  part_settings part;
  pass_settings pass;
  std::optional<int> axis = {};  ///< from the end when negative; over all elements when left out
  bool json = false;
};

struct hist_options {
  source_options source;
  part_settings part;
  pass_settings pass;
  index_t bins = histogram_options().bins;
  std::optional<std::pair<double, double>> range = {};  ///< that of the elements when left out
  bool json = false;
};

struct convert_options {
  source_options source;
  part_settings part;
  pass_settings pass;
  std::string destination;
  std::optional<npymap::order> order = {};  ///< that of the source when left out, as is the dtype
  std::optional<npymap::dtype> dtype = {};
  npymap::casting casting = npymap::casting::same_kind;
  std::optional<int> level = {};           ///< of an archive: deflated
  std::optional<std::string> format = {};  ///< of text: of each number, as NumPy's savetxt takes it
};

struct append_options {
  source_options source;          ///< to which is appended
  std::vector<std::string> more;  ///< what is, each perhaps FILE:member
  std::optional<npymap::order> order = {};
  npymap::append_durability durability = append_durability::none;
  npymap::full_header full_header = full_header::rewrite;
  bool json = false;
  progress_display progress = progress_display::on_terminal;
};

struct recover_options {
  source_options source;
  std::optional<npymap::order> order = {};
  bool json = false;
};

/// An array to pack, and what it is called in the archive.
struct packed_file {
  std::string name;
  std::string path;  ///< perhaps FILE:member
};

struct pack_options {
  source_options source;  ///< the archive to write
  std::vector<packed_file> files;
  std::optional<int> level = {};  ///< stored when left out
  std::optional<int> threads = {};
  bool json = false;
  progress_display progress = progress_display::on_terminal;
};

struct unpack_options {
  source_options source;
  std::string folder;
  bool force = false;  ///< replace files
  bool json = false;
  progress_display progress = progress_display::on_terminal;
};

/// What the header says. Of a truncated file, too, before this throws.
void info(const info_options& options);

/// The first rows, as NumPy would print them.
void head(const head_options& options);

/// The elements in C order, as bytes.
void dump(const dump_options& options);

/// All that can be checked, check by check; throws the defect after telling of it.
void verify(const verify_options& options);

/// Count, extremes, mean, standard deviation and sum, in one pass.
void stats(const stats_options& options);

/// How many elements there are in each of some bins, with a bar for each.
void hist(const hist_options& options);

/// Write the elements to another file, or to the same, in an order and as a dtype of choice: whole
/// or not at all.
void convert(const convert_options& options);

/// Add the elements of files to one behind its last row: of all of them, or of none.
void append(const append_options& options);

/// Make a file whole whose writer died, or which was cut, with all complete rows.
void recover(const recover_options& options);

/// Write arrays to a new archive: whole or not at all.
void pack(const pack_options& options);

/// Write all members of an archive to files in a folder, each whole or not at all.
void unpack(const unpack_options& options);

}  // namespace npymap::cli
