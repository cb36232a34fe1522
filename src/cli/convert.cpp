#include <CLI/CLI.hpp>
#include <cstdint>
#include <string>

#include <fmt/format.h>

#include <npymap/any_array.hpp>
#include <npymap/copy.hpp>
#include <npymap/error.hpp>
#include <npymap/save_text.hpp>
#include <npymap/source.hpp>

#include "cli/archive_writing.hpp"
#include "cli/arguments.hpp"
#include "cli/command_line.hpp"
#include "cli/commands.hpp"
#include "cli/input.hpp"
#include "cli/watched_pass.hpp"
#include "io/system.hpp"

namespace npymap::cli {
namespace {

void save_npy(const std::string& path, const any_array& elements, const convert_options& options) {
  const watched_pass pass(options.pass);
  save_as(path, elements,
          {.order = options.order.value_or(order_of(elements)),
           .dtype = options.dtype,
           .casting = options.casting},
          pass.options());
}

bool is_changed(const any_array& elements, const convert_options& options) {
  const bool other_order =
      options.order &&
      (*options.order == order::c ? !elements.is_c_contiguous() : !elements.is_f_contiguous());
  return other_order || (options.dtype && *options.dtype != elements.dtype());
}

void save_npz(const std::string& name, any_array elements, const convert_options& options) {
  if (is_changed(elements, options)) {
    elements = temporary_array([&](const std::string& path) { save_npy(path, elements, options); });
  }
  archive_writing to(options.destination, options.pass.threads, options.pass.progress,
                     static_cast<std::uint64_t>(elements.size_bytes()));
  to.add(name, elements, options.level);
  to.commit();
}

// What is written is an archive of one array: not in the place of one with more.
void require_other_archive(const input& from, const convert_options& options) {
  if (!from.archive || from.archive->members().size() == 1) return;
  io::sys::file_status read, written;
  const bool is_same = io::sys::status(from.path.c_str(), read) == 0 &&
                       io::sys::status(options.destination.c_str(), written) == 0 &&
                       read.device == written.device && read.number == written.number;
  if (!is_same) return;
  throw error(errc::invalid_argument,
              {.path = options.destination,
               .subject = "OUT",
               .expected = "another file than IN, whose other members would be lost",
               .found = fmt::format("IN, with {} members", from.archive->members().size())});
}

// What is typed is between the fields of the text that is read, if that is text. For `save_text`,
// as for NumPy, a percent sign is two.
std::string delimiter_in_text(const input& from, const convert_options& options) {
  const auto& typed = options.source.text.delimiter;
  if (!typed || from.format == file_format::text) return delimiter_of(options.destination);
  std::string delimiter;
  for (const char c : *typed) delimiter.append(c == '%' ? 2 : 1, c);
  return delimiter;
}

void save_as_text(const input& from, const any_array& elements, const convert_options& options) {
  const watched_pass pass(options.pass);
  const std::string delimiter = delimiter_in_text(from, options);
  save_text(options.destination, source(elements),
            {.format = options.format.value_or("%s"),
             .delimiter = delimiter.empty() ? " " : delimiter,
             .quote = quote_of_text,
             .more_axes = more_axes::slices,
             .pass = pass.options()});
}

// Text that is read as the file that is wanted needs no other one beside it.
bool stays_as_read(const input& from, const convert_options& options,
                   const source_options& source) {
  return from.format == file_format::text && !is_part(options.part) &&
         options.order != order::fortran &&
         (!options.dtype || *options.dtype == *source.text.dtype);
}

// NumPy's key of a member, and what numpy.savez calls an array without a name.
std::string name_in_archive(const input& from) {
  if (from.archive) return meant_member(from).name;
  if (from.format == file_format::pickle || !from.member) return "arr_0";
  try {
    return parse_new_member(*from.member);
  } catch (const error& e) {
    throw CLI::ValidationError("--member", complaint_about(e));
  }
}

}  // namespace

void convert(const convert_options& options) {
  const bool to_archive = options.destination.ends_with(".npz");
  if (options.level && !to_archive) {
    throw CLI::ValidationError("--level", "only an .npz file is compressed");
  }
  const bool to_text = is_name_of_text(options.destination);
  if (options.format && !to_text) {
    throw CLI::ValidationError("--format", "only text is written in one");
  }
  const input from = find_input(options.source, to_archive ? written::archive
                                                : to_text  ? written::text
                                                           : written::other);
  require_other_archive(from, options);
  const std::string name = to_archive ? name_in_archive(from) : std::string();
  source_options source = options.source;
  if (!source.text.dtype) source.text.dtype = options.dtype;  // digits that float64 would lose
  if (!to_text && !to_archive && stays_as_read(from, options, source)) {
    return save_text_as_npy(from, source, options.pass, options.destination);
  }
  any_array elements = part_of(elements_of(from, source, options.pass), options.part);
  require_sound(from, options.pass.progress);
  if (to_text) {
    if (is_changed(elements, options)) {
      elements =
          temporary_array([&](const std::string& path) { save_npy(path, elements, options); });
    }
    return save_as_text(from, elements, options);
  }
  if (to_archive) return save_npz(name, elements, options);
  save_npy(options.destination, elements, options);
}

}  // namespace npymap::cli
