#include "cli/input.hpp"

#include <array>
#include <cctype>
#include <cstdlib>
#include <limits>
#include <set>
#include <span>
#include <string_view>
#include <utility>

#include <fmt/format.h>

#include <npymap/error.hpp>
#include <npymap/load_text.hpp>
#include <npymap/pickle.hpp>

#include "cli/watched_pass.hpp"
#include "io/file.hpp"
#include "io/system.hpp"

namespace npymap::cli {
namespace {

bool is_there(const std::string& path) {
  io::sys::file_status found;
  return io::sys::status(path.c_str(), found) == 0;
}

// Of all the ways to cut at a colon the one with the longest path that is there.
void split_member(input& typed) {
  if (is_there(typed.path)) return;
  for (std::size_t colon = typed.path.rfind(':'); colon != std::string::npos && colon > 0;
       colon = typed.path.rfind(':', colon - 1)) {
    std::string path = typed.path.substr(0, colon);
    if (!is_there(path)) continue;
    typed.member = typed.path.substr(colon + 1);
    typed.path = std::move(path);
    return;
  }
}

// As APPNOTE 4.3.7 and 4.3.16 have the first record: of a member, or of an archive without any.
bool begins_as_archive(std::string_view start) {
  return start.starts_with("PK\3\4") || start.starts_with("PK\5\6");
}

std::string_view without_gz(std::string_view path) {
  if (path.ends_with(".gz")) path.remove_suffix(3);
  return path;
}

bool is_name_of_pickle(const std::string& path) {
  const std::string_view name = without_gz(path);
  return name.ends_with(".pkl") || name.ends_with(".pickle") || name.ends_with(".joblib");
}

// The first option that was given and tells how to read text; null if there is none.
const char* option_of_text(const text_settings& given) {
  if (given.delimiter) return "--delimiter";
  if (given.skip_rows > 0) return "--skip-rows";
  if (given.dtype) return "--read-as";
  if (given.use_columns) return "--use-columns";
  return given.missing.empty() ? nullptr : "--missing";
}

// The oldest pickles are printable, as text is: there the name decides, or who says how text is to
// be read. What is called a pickle and is none, as joblib compresses them, is refused as one.
file_format format_of(const std::string& path, text_settings text_as, written to) {
  std::array<std::byte, 16> bytes{};
  const auto start =
      std::span(bytes).first(io::file::open(path, open_mode::read).read_at(bytes, 0));
  const std::string_view text(reinterpret_cast<const char*>(start.data()), start.size());
  if (begins_as_archive(text)) return file_format::npz;
  const bool is_binary = text.starts_with('\x80') || text.starts_with('\x93');
  if (to == written::text && is_pickle(start)) text_as.delimiter.reset();
  const bool is_told = option_of_text(text_as) != nullptr;
  if (!is_binary && (is_told || is_name_of_text(path))) return file_format::text;
  const bool is_called_pickle = is_name_of_pickle(path) && !text.starts_with('\x93');
  return is_pickle(start) || is_called_pickle ? file_format::pickle : file_format::npy;
}

void require_use_of(text_settings given, const input& from, written to) {
  if (from.format == file_format::text) return;
  if (to == written::text) given.delimiter.reset();
  const char* const option = option_of_text(given);
  if (option == nullptr) return;
  throw error(errc::invalid_argument, {.path = from.path,
                                       .subject = option,
                                       .expected = "text",
                                       .found = from.format == file_format::npy   ? "an .npy file"
                                                : from.format == file_format::npz ? "an archive"
                                                                                  : "a pickle"});
}

std::optional<missing_fields> missing_of(const text_settings& given) {
  if (given.missing.empty()) return std::nullopt;
  return missing_fields{.words = given.missing};
}

load_text_options text_options(const input& from, const source_options& options,
                               const pass_options& pass) {
  return {.dtype = options.text.dtype.value_or(dtype_of<double>()),
          .delimiter = options.text.delimiter.value_or(delimiter_of(from.path)),
          .quote = quote_of_text,
          .skip_rows = options.text.skip_rows,
          .use_columns = options.text.use_columns,
          .missing = missing_of(options.text),
          .pass = pass};
}

// Text often begins with the names of its columns.
bool may_be_names(const error& e, const source_options& options) {
  const std::string& found = e.found();  // in quotes
  return e.code() == errc::bad_text && options.text.skip_rows == 0 &&
         e.subject().starts_with("line 1,") && found.size() > 1 &&
         (found[1] == '_' || std::isalpha(static_cast<unsigned char>(found[1])) != 0);
}

template <class F>
auto read_text(const source_options& options, const F& read) {
  try {
    return read();
  } catch (const error& e) {
    if (!may_be_names(e, options)) throw;
    throw error(e.code(), {.path = e.path(),
                           .subject = e.subject(),
                           .expected = e.expected() + " (or --skip-rows 1, if these are names)",
                           .found = e.found(),
                           .byte_offset = e.byte_offset()});
  }
}

std::set<std::string_view> names_of_arrays(const npz_reader& archive) {
  std::set<std::string_view> names;
  for (const npz_member& member : archive.members()) {
    if (is_array(archive, member)) names.insert(member.file_name);
  }
  return names;
}

[[noreturn]] void refuse_choice(const npz_reader& archive,
                                const std::set<std::string_view>& names) {
  constexpr std::size_t most_told = 5;
  std::string list;
  std::size_t told = 0;
  for (const npz_member& member : archive.members()) {
    if (told == most_told) break;
    if (!names.contains(member.file_name)) continue;
    list += (told++ == 0 ? "" : ", ") + quoted(member.name);
  }
  if (names.size() > most_told) list += fmt::format(" and {} more", names.size() - most_told);
  throw error(errc::out_of_range,
              {.path = archive.path(),
               .subject = "--member, or FILE:member",  // which all commands take
               .expected = names.empty() ? "an archive with an array" : "one of " + list,
               .found = names.empty() ? "one without" : "none"});
}

constexpr std::string_view temporary_suffix = ".tmp";

std::string temporary_prefix() {
  const char* const folder = std::getenv("TMPDIR");
  return fmt::format("{}/.npymap-", folder == nullptr || *folder == '\0' ? "/tmp" : folder);
}

std::string temporary_path() {
  return fmt::format("{}{:016x}{}", temporary_prefix(), io::sys::random_bits(), temporary_suffix);
}

// A name is removed as soon as it is not needed: what has no other goes with its last user.
class temporary_name {
 public:
  temporary_name() : path_(temporary_path()) {}
  temporary_name(const temporary_name&) = delete;
  temporary_name& operator=(const temporary_name&) = delete;
  ~temporary_name() {
    const std::size_t slash = path_.rfind('/');
    const io::sys::descriptor folder(io::sys::open_folder(path_.substr(0, slash + 1).c_str()));
    if (folder) io::sys::remove(folder.get(), path_.c_str() + slash + 1);
  }

  const std::string& path() const noexcept { return path_; }

 private:
  std::string path_;
};

}  // namespace

bool is_name_of_text(const std::string& path) {
  const std::string_view name = without_gz(path);
  return name.ends_with(".txt") || name.ends_with(".csv") || name.ends_with(".tsv");
}

std::string delimiter_of(const std::string& path) {
  const std::string_view name = without_gz(path);
  return name.ends_with(".csv") ? "," : name.ends_with(".tsv") ? "\t" : "";
}

input locate(const source_options& source, written to) {
  input found{.path = source.path, .member = source.member, .archive = {}};
  if (!found.member) split_member(found);
  found.format = format_of(found.path, source.text, to);
  const bool has_members = found.format == file_format::npz || found.format == file_format::pickle;
  require_use_of(source.text, found, to);
  const bool is_for_output = to == written::archive && source.member;
  if (has_members || !found.member || is_for_output) return found;
  throw error(errc::not_npz, {.path = found.path,
                              .member = *found.member,
                              .subject = "file",
                              .expected = "an archive or a pickle, of which this would be a part"});
}

void open_archive(input& found, std::size_t header_limit) {
  found.archive.emplace(found.path, npz_options{.header_limit = header_limit});
}

input find_input(const source_options& source, written to) {
  input found = locate(source, to);
  if (found.format == file_format::npz) open_archive(found, source.header_limit);
  return found;
}

source_options of_file(source_options options, const std::string& path) {
  options.path = path;
  return options;
}

input find_part(const source_options& source) {
  input found = find_input(source);
  if (found.format != file_format::text) return found;
  throw error(errc::not_npy, {.path = found.path,
                              .subject = "file",
                              .expected = "an .npy file, or an array of an archive or a pickle",
                              .found = "text, of which `npymap convert` makes one"});
}

void require_sound(const input& from, progress_display display) {
  if (!from.archive || meant_member(from).method != npz_method::stored) return;
  const watched_pass checking({.progress = display});
  from.archive->verify(meant_member(from), checking.options());
}

bool is_array(const npz_reader& archive, const npz_member& member) try {
  archive.info(member);
  return true;
} catch (const error& e) {
  return e.code() != errc::not_npy && e.code() != errc::unsupported_member;
}

const npz_member& meant_member(const input& from) {
  const npz_reader& archive = from.archive.value();
  if (from.member) return archive.member(*from.member);
  const std::set<std::string_view> names = names_of_arrays(archive);
  if (names.size() != 1) refuse_choice(archive, names);
  return archive.member(*names.begin());
}

any_array temporary_array(const std::function<void(const std::string& path)>& make) {
  const temporary_name name;
  make(name.path());
  // Whatever limit there is has been held against what it was made of.
  return open(name.path(), open_mode::read,
              {.header_limit = std::numeric_limits<std::size_t>::max()});
}

bool is_temporary(const std::string& path) {
  return path.starts_with(temporary_prefix()) && path.ends_with(temporary_suffix);
}

any_array first_rows_of_text(const input& from, const source_options& options, index_t count) {
  load_text_options how = text_options(from, options, {});
  how.max_rows = count;
  return read_text(options, [&] { return load_text(from.path, how); });
}

void save_text_as_npy(const input& from, const source_options& options, const pass_settings& pass,
                      const std::string& path) {
  const watched_pass reading(pass);
  read_text(options,
            [&] { text_to_npy(from.path, path, text_options(from, options, reading.options())); });
}

any_array elements_of(const input& from, const source_options& options, const pass_settings& pass) {
  if (from.format == file_format::pickle) {
    return read_pickled_array(from.path, from.member.value_or(std::string()));
  }
  if (from.format == file_format::text) {
    return temporary_array(
        [&](const std::string& path) { save_text_as_npy(from, options, pass, path); });
  }
  if (!from.archive) {
    return open(from.path, open_mode::read, {.header_limit = options.header_limit});
  }
  const npz_member& member = meant_member(from);
  if (member.method == npz_method::stored) return from.archive->open(member);
  if (member.uncompressed_bytes <= most_in_memory) return from.archive->load(member);
  // What is no array, or goes on behind one, need not be inflated to find that out.
  from.archive->source_of(member);
  const watched_pass inflating(pass);
  return temporary_array([&](const std::string& path) {
    from.archive->extract(member, path, {}, inflating.options());
  });
}

order order_of(const any_array& elements) noexcept {
  return elements.is_f_contiguous() && !elements.is_c_contiguous() ? order::fortran : order::c;
}

npymap::source outline_of(const input& from, const source_options& options) {
  if (from.archive) return from.archive->source_of(meant_member(from));
  return elements_of(from, options);
}

bool is_part(const part_settings& part) noexcept { return part.field || part.slice; }

any_array part_of(any_array elements, const part_settings& part) {
  if (part.field) elements = elements.field(*part.field);
  if (part.slice) elements = elements.slice(*part.slice);
  return elements;
}

npymap::source source_of(const input& from, const source_options& options,
                         const pass_settings& pass, const part_settings& part) {
  if (is_part(part)) return part_of(elements_of(from, options, pass), part);
  if (from.archive) return from.archive->source_of(meant_member(from));
  if (from.format != file_format::npy) return elements_of(from, options, pass);
  return source(from.path,
                read_options{.reading = reading::once, .header_limit = options.header_limit});
}

}  // namespace npymap::cli
