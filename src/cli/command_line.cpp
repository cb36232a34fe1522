#include "cli/command_line.hpp"

#include <algorithm>
#include <cerrno>
#include <cstddef>
#include <new>
#include <optional>
#include <system_error>
#include <vector>

#include <fmt/format.h>

#include <npymap/error.hpp>

#include "cli/arguments.hpp"
#include "cli/input.hpp"

namespace npymap::cli {
namespace {

// CLI11 alone takes '' for 0, -1 for the largest number, 010 for 8, and cuts what does not fit.
template <class Value, class Parsed>
CLI::Option& add_parsed(CLI::App& command, const char* name, Value& value,
                        Parsed (*parse)(const std::string&), const char* description) {
  const auto take = [name, &value, parse](const std::string& text) {
    try {
      value = parse(text);
    } catch (const error& e) {
      throw CLI::ValidationError(name, complaint_about(e));
    }
  };
  return *command.add_option_function<std::string>(name, take, description)->take_last();
}

template <class Number>
void add_number(CLI::App& command, const char* name, Number& number,
                Number (*parse)(const std::string&), const char* description) {
  add_parsed(command, name, number, parse, description)
      .type_name("N")
      ->default_str(std::to_string(number));
}

bool is_standard_input(const error& e) {
  return e.path() == "-" && e.code() == std::errc::no_such_file_or_directory;
}

// What the library calls a budget was typed as --memory.
error of_memory(const error& e) {
  constexpr std::string_view budget = "the budget";
  const bool is_subject = e.subject().starts_with("budget_bytes");
  std::string expected = e.expected();
  if (expected.ends_with(budget)) {
    expected.replace(expected.size() - budget.size(), budget.size(), "--memory");
  }
  return {e.code(),
          {.path = e.path(),
           .member = e.member(),
           .subject = is_subject ? "--memory" : e.subject(),
           .expected = std::move(expected),
           .found = e.found(),
           .byte_offset = e.byte_offset()}};
}

// What was inflated or parsed to a file of the tool's own is known by the name of where it is from:
// but where the system refuses, that is about the folder of this file.
error in_input(const error& e, const std::string& path) {
  const bool is_systems = e.code().category() != error_category();
  if (is_systems || !is_temporary(e.path())) return e.in_file(path);
  return error(e.code(), {.path = path,
                          .subject = e.subject(),
                          .expected = e.expected(),
                          .found = e.found(),
                          .byte_offset = e.byte_offset()});
}

// Make a command run, and each of its errors name the file.
template <class Options>
void run_with(CLI::App& command, const Options& given, void (*run)(const Options&)) {
  command.final_callback([&given, run] {
    try {
      run(given);
    } catch (const error& e) {
      if (is_standard_input(e)) {
        throw error(errc::not_regular_file,
                    {.path = e.path(),
                     .subject = "kind of file",
                     .expected = "a regular file",
                     .found = "standard input, which cannot be read as one"});
      }
      const error told = in_input(e, given.source.path);
      if constexpr (requires { given.pass; }) throw of_memory(told);
      throw told;
    } catch (const std::bad_alloc&) {
      throw error(std::error_code(ENOMEM, std::system_category()), {.path = given.source.path});
    }
  });
}

void add_source(CLI::App& command, source_options& source, const char* name,
                const char* description) {
  add_parsed(command, name, source.path, parse_path, description).type_name("")->required();
  add_number(command, "--header-limit", source.header_limit, parse_number<std::size_t>,
             "The longest header to accept, in characters");
}

void add_input(CLI::App& command, source_options& source, const char* name = "FILE") {
  add_parsed(
      command, name, source.path, parse_path,
      "An .npy file; an .npz archive or a pickle; FILE:NAME, a member or array of one; or text:\n"
      ".txt, .csv, .tsv, those with .gz, and with --delimiter or another option of text any other")
      .type_name("")
      ->required();
  add_number(command, "--header-limit", source.header_limit, parse_number<std::size_t>,
             "The longest header to accept, in characters");
  command
      .add_option(
          "--member", source.member,
          "A member of the archive FILE, with or without .npy, or an array of the pickle FILE, as\n"
          "info lists it; the only array when left out")
      ->type_name("NAME")
      ->take_last();
  add_parsed(
      command, "--delimiter", source.text.delimiter, parse_delimiter,
      "What is between the fields of text; a comma in .csv, a tab in .tsv, else white space when\n"
      "left out")
      .type_name("TEXT");
  add_number(command, "--skip-rows", source.text.skip_rows, parse_number<index_t>,
             "Lines of text to pass over first");
  add_parsed(
      command, "--read-as", source.text.dtype, parse_dtype,
      "What elements of text are; float64 when left out. Records take a column for each field")
      .type_name("DTYPE");
  add_parsed(command, "--use-columns", source.text.use_columns, parse_columns,
             "Columns of text to read, in this order, counted from 0 or as -1 from the end: 1,-1; "
             "all\n"
             "when left out")
      .type_name("N,N");
  const auto take_word = [&words = source.text.missing](const std::string& word) {
    words.push_back(word);
  };
  command
      .add_option_function<std::string>("--missing", take_word,
                                        "A word that stands for nothing in text, as NA. It and "
                                        "empty fields become NaN, -1, False,\n"
                                        "NaT or empty text. May be given again, for another word")
      ->type_name("WORD")
      ->trigger_on_parse();
}

void add_part(CLI::App& command, part_settings& part) {
  command.add_option("--field", part.field, "One field of the records, by name or title")
      ->type_name("NAME")
      ->take_last();
  add_parsed(command, "--slice", part.slice, parse_slice_text,
             "Only these, as in NumPy: '2:6,4,::-1'")
      .type_name("SLICE");
}

void add_paths(CLI::App& command, const char* name, std::vector<std::string>& paths,
               const char* description) {
  const auto take = [name, &paths](const std::vector<std::string>& texts) {
    try {
      for (const std::string& text : texts) paths.push_back(parse_path(text));
    } catch (const error& e) {
      throw CLI::ValidationError(name, complaint_about(e));
    }
  };
  command.add_option_function<std::vector<std::string>>(name, take, description)
      ->type_name("")
      ->required();
}

void add_json(CLI::App& command, bool& json) {
  command.add_flag("--json", json, "Print one JSON object");
}

void add_progress(CLI::App& command, progress_display& display) {
  CLI::Option* const always = command.add_flag_callback(
      "--progress", [&display] { display = progress_display::always; },
      "Draw a progress bar even if standard error is no terminal");
  command
      .add_flag_callback(
          "--no-progress", [&display] { display = progress_display::never; }, "Draw none")
      ->excludes(always);
}

void add_pass(CLI::App& command, pass_settings& pass) {
  add_parsed(command, "--memory", pass.memory_bytes, parse_size,
             "What of the file may be in memory at once: 65536, 512MiB, 2GB")
      .type_name("SIZE")
      ->default_str(fmt::format("{}MiB", pass.memory_bytes >> 20));
  add_parsed(command, "--threads", pass.threads, parse_number<int, 1>,
             "How many work; as many as the machine has when left out")
      .type_name("N");
  add_progress(command, pass.progress);
}

void add_info(CLI::App& tool, info_options& given) {
  CLI::App& command = *tool.add_subcommand("info", "Print what the header says");
  add_input(command, given.source);
  add_json(command, given.json);
  run_with(command, given, info);
}

void add_head(CLI::App& tool, head_options& given) {
  CLI::App& command = *tool.add_subcommand("head", "Print the first rows as NumPy would");
  add_input(command, given.source);
  add_part(command, given.part);
  add_number(command, "--rows", given.rows, parse_number<index_t>, "How many");
  run_with(command, given, head);
}

void add_dump(CLI::App& tool, dump_options& given) {
  CLI::App& command = *tool.add_subcommand(
      "dump", "Write the elements in C order, as bytes, each as it is stored in the file");
  add_input(command, given.source);
  add_part(command, given.part);
  add_progress(command, given.progress);
  run_with(command, given, dump);
}

void add_stats(CLI::App& tool, stats_options& given) {
  CLI::App& command = *tool.add_subcommand(
      "stats",
      "Print count, NaN count, min, max, mean, standard deviation and sum of real numbers, NaNs\n"
      "left out. Sums of integers wrap at 64 bits, as NumPy's. JSON has null for what does not\n"
      "exist, and NaN and Infinity as Python writes and reads them");
  add_input(command, given.source);
  add_part(command, given.part);
  add_parsed(command, "--axis", given.axis, parse_number<int, -max_rank, max_rank>,
             "Along this axis, counted from the end when negative")
      .type_name("N");
  add_json(command, given.json);
  add_pass(command, given.pass);
  run_with(command, given, stats);
}

void add_hist(CLI::App& tool, hist_options& given) {
  constexpr index_t most_bins = 1'000'000;
  CLI::App& command = *tool.add_subcommand(
      "hist", "Draw a histogram of real numbers: for each bin its ends, how many, and a bar");
  add_input(command, given.source);
  add_part(command, given.part);
  add_number(command, "--bins", given.bins, parse_number<index_t, 1, most_bins>,
             "How many, all of the same width");
  add_parsed(command, "--range", given.range, parse_range,
             "The ends of the first and the last bin; those of the numbers when left out, which\n"
             "takes a pass more")
      .type_name("LOW,HIGH");
  add_json(command, given.json);
  add_pass(command, given.pass);
  run_with(command, given, hist);
}

void add_level(CLI::App& command, std::optional<int>& level) {
  add_parsed(
      command, "--level", level, parse_number<int, 1, 12>,
      "Compress, in an archive: 1 is fast, 6 about as small as NumPy, 12 smallest; as it is when\n"
      "left out, to be mapped")
      .type_name("N");
}

void add_convert(CLI::App& tool, convert_options& given) {
  CLI::App& command = *tool.add_subcommand(
      "convert",
      "Write the elements to another .npy file, or the same, or to an archive of their own, or as\n"
      "text, in another order or as another dtype: whole or not at all");
  add_input(command, given.source, "IN");
  add_parsed(
      command, "OUT", given.destination, parse_destination,
      "The file to write: .npy, .npz, .txt, .csv or .tsv, text with .gz as well. In an archive,\n"
      "the array is called as in IN, or --member, or arr_0; if IN is no text, --delimiter is\n"
      "between the fields of text")
      .type_name("")
      ->required();
  add_part(command, given.part);
  add_parsed(command, "--order", given.order, parse_order, "C or F; that of IN when left out")
      .type_name("ORDER");
  add_parsed(command, "--dtype", given.dtype, parse_dtype,
             "As NumPy writes it: '<f4' or float32; that of IN when left out")
      .type_name("DTYPE");
  add_parsed(command, "--casting", given.casting, parse_casting,
             "What may be lost, as in NumPy: safe, same_kind or unsafe")
      .type_name("RULE")
      ->default_str("same_kind");
  add_level(command, given.level);
  add_parsed(command, "--format", given.format, parse_text_format,
             "Of text: how to write a number, as in numpy.savetxt: '%.3f'; the fewest digits "
             "that\nread back as the same when left out")
      .type_name("FORMAT");
  add_pass(command, given.pass);
  run_with(command, given, convert);
}

void add_verify(CLI::App& tool, verify_options& given) {
  CLI::App& command = *tool.add_subcommand("verify", "Check everything that can be checked");
  add_input(command, given.source);
  add_json(command, given.json);
  add_progress(command, given.progress);
  run_with(command, given, verify);
}

void add_growth_order(CLI::App& command, std::optional<npymap::order>& order) {
  add_parsed(
      command, "--order", order, parse_order,
      "C to grow along the first axis, F along the last one; as the file says when left out,\n"
      "where one row or none says C")
      .type_name("ORDER");
}

void add_append(CLI::App& tool, append_options& given) {
  CLI::App& command = *tool.add_subcommand("append",
                                           "Append the elements of files to DEST, behind its last "
                                           "row: all of them, or on failure none.\n"
                                           "Other dtypes are cast by the rule same_kind");
  add_source(command, given.source, "DEST", "An .npy file");
  add_paths(command, "SRC", given.more,
            "The .npy files to append, or arrays of archives and pickles as FILE:member, where a\n"
            "name in brackets is ./[a]");
  add_growth_order(command, given.order);
  add_parsed(command, "--durability", given.durability, parse_append_durability,
             "on_close waits for the disk in the end; none does not")
      .type_name("WHEN")
      ->default_str("none");
  add_parsed(
      command, "--full-header", given.full_header, parse_full_header,
      "If the header of DEST has no room for more digits: rewrite copies DEST to a new file of\n"
      "that name, refuse does not")
      .type_name("POLICY")
      ->default_str("rewrite");
  add_json(command, given.json);
  add_progress(command, given.progress);
  run_with(command, given, append);
}

void add_recover(CLI::App& tool, recover_options& given) {
  CLI::App& command = *tool.add_subcommand(
      "recover",
      "Make a file whole whose writer died, or which was cut: its header tells of all complete\n"
      "rows, whatever their bytes are, and nothing is behind them");
  add_source(command, given.source, "FILE", "An .npy file");
  add_growth_order(command, given.order);
  add_json(command, given.json);
  run_with(command, given, recover);
}

void add_pack(CLI::App& tool, pack_options& given) {
  CLI::App& command = *tool.add_subcommand(
      "pack",
      "Write .npy files, and arrays of archives and pickles, to a new archive, which replaces an\n"
      "older one: whole or not at all");
  add_parsed(command, "OUT", given.source.path, parse_archive, "The .npz file to write")
      .type_name("")
      ->required();
  add_number(command, "--header-limit", given.source.header_limit, parse_number<std::size_t>,
             "The longest header to accept, in characters");
  const auto take = [&given](const std::vector<std::string>& texts) {
    try {
      for (const std::string& text : texts) given.files.push_back(parse_packed_file(text));
      require_different_names(given.files);
    } catch (const error& e) {
      throw CLI::ValidationError("IN", complaint_about(e));
    }
  };
  command
      .add_option_function<std::vector<std::string>>(
          "IN", take,
          "name=IN.npy, or IN.npy, whose name is then that of the file without .npy; as "
          "FILE:member\n"
          "an array of an archive or a pickle. What is before the first = is a name: of a file "
          "with\n"
          "one in its path, say name=PATH")
      ->type_name("")
      ->required();
  add_level(command, given.level);
  add_parsed(command, "--threads", given.threads, parse_number<int, 1>,
             "How many compress; as many as the machine has when left out")
      .type_name("N");
  add_json(command, given.json);
  add_progress(command, given.progress);
  run_with(command, given, pack);
}

void add_unpack(CLI::App& tool, unpack_options& given) {
  CLI::App& command = *tool.add_subcommand(
      "unpack",
      "Write each member of an archive to a file of its name in DIR, which is made if need be:\n"
      "each whole or not at all, and none outside of DIR or through a symbolic link in it. Of\n"
      "members of one name the last is written. If a name is unsafe or taken, nothing is");
  add_source(command, given.source, "IN", "An .npz archive");
  add_parsed(command, "DIR", given.folder, parse_path, "The folder to write to")
      .type_name("")
      ->required();
  command.add_flag("--force", given.force, "Replace files that have the names already");
  add_json(command, given.json);
  add_progress(command, given.progress);
  run_with(command, given, unpack);
}

std::string list_of_commands(const CLI::App& tool) {
  std::string list;
  const auto commands = tool.get_subcommands({});
  for (const CLI::App* command : commands) {
    const bool last = command == commands.back();
    list += (list.empty() ? "" : last ? " and " : ", ") + command->get_name();
  }
  return list;
}

}  // namespace

std::string complaint_about(const error& e) {
  std::string text = "expected " + e.expected();
  if (!e.found().empty()) text += ", found " + e.found();
  if (e.byte_offset()) text += fmt::format(" (at byte {})", *e.byte_offset());
  return text;
}

void add_commands(CLI::App& tool, given_options& given) {
  add_info(tool, given.info);
  add_head(tool, given.head);
  add_dump(tool, given.dump);
  add_stats(tool, given.stats);
  add_hist(tool, given.hist);
  add_convert(tool, given.convert);
  add_verify(tool, given.verify);
  add_append(tool, given.append);
  add_recover(tool, given.recover);
  add_pack(tool, given.pack);
  add_unpack(tool, given.unpack);
  for (CLI::App* command : tool.get_subcommands({})) command->group("Commands");
}

std::string complaint(const CLI::App& tool, const CLI::Error& otherwise) {
  const std::vector<std::string> left_over = tool.remaining(true);
  const auto first = std::ranges::find_if(left_over, [](const auto& word) { return word != "--"; });
  if (first != left_over.end()) {
    if (first->starts_with('-')) return fmt::format("unknown option '{}': see --help", *first);
    if (!tool.get_subcommands().empty()) return fmt::format("unexpected argument '{}'", *first);
    return fmt::format("unknown command '{}': there are {}", *first, list_of_commands(tool));
  }
  if (tool.get_subcommands().empty()) {
    return "a command is missing: there are " + list_of_commands(tool);
  }
  std::string what = otherwise.what();
  if (dynamic_cast<const CLI::ArgumentMismatch*>(&otherwise) == nullptr) return what;
  return what.substr(0, what.find(':')) + ": a value is missing";  // not "1 required N missing"
}

}  // namespace npymap::cli
