// Each test is a function of a Python script, which runs the built tool beside NumPy.
#include <string>

#include "support/catch.hpp"
#include "support/python.hpp"
#include "support/skip.hpp"
#include "support/temp_folder.hpp"

namespace {

using namespace npymap_test;

void in_python(const std::string& test, const std::string& file = "tool.py") {
  if (!have_numpy()) NPYMAP_SKIP("needs NumPy");
  const temp_folder folder;
  const std::string script =
      read_file(NPYMAP_TEST_FOLDER "/tool_support.py") + read_file(NPYMAP_TEST_FOLDER "/" + file);
  INFO("seed " << random_seed());
  const python_result result =
      run_python(script, {test, NPYMAP_TOOL, folder.path().string(), std::to_string(random_seed()),
                          NPYMAP_TEST_FOLDER "/../../README.md"});
  INFO(result.err);
  REQUIRE(result.exit_code == 0);
}

}  // namespace

TEST_CASE("info: JSON is what NumPy's own header says, for every kind of dtype") {
  in_python("info_json");
}
TEST_CASE("info: text has a line for each fact") { in_python("info_text"); }
TEST_CASE("info: a truncated file is told of, then refused") { in_python("info_truncated"); }
TEST_CASE("info: Python objects are named, and their bytes are nobody's") {
  in_python("info_object");
}
TEST_CASE("info: a path of any bytes survives JSON, and harms no terminal") {
  in_python("info_odd_paths");
}
TEST_CASE("info: a long header is read when it is allowed") { in_python("info_long_header"); }

TEST_CASE("head: rows read as NumPy prints them") { in_python("head_random"); }
TEST_CASE("head: plain Python objects read as NumPy prints them") { in_python("head_objects"); }
TEST_CASE("head: long rows are abbreviated as NumPy does") { in_python("head_abbreviates"); }
TEST_CASE("head: what would print for ever is refused") { in_python("head_endless"); }
TEST_CASE("head: empty brackets count as values, and are printed as NumPy does") {
  in_python("head_brackets");
}

TEST_CASE("dump: any slice of any array is NumPy's tobytes") { in_python("dump_random"); }
TEST_CASE("dump: blocks and rows of blocks join seamlessly") { in_python("dump_large"); }
TEST_CASE("dump: one field of the records is NumPy's tobytes, and is sliced") {
  in_python("dump_field");
}
TEST_CASE("dump: memory is bounded, in both orders") { in_python("dump_memory"); }
TEST_CASE("dump: a slice that makes no sense is wrong usage, one outside the array is not") {
  in_python("dump_wrong_slices");
}
TEST_CASE("dump: a closed pipe ends it quietly") { in_python("dump_closed_pipe"); }
TEST_CASE("tool: a full disk behind standard output is an error") { in_python("dump_full_disk"); }
TEST_CASE("dump: a file that is truncated under way is an error, not a signal") {
  in_python("dump_truncated_under_way");
}
TEST_CASE("tool: progress is drawn when asked for, and never into a pipe unasked") {
  in_python("progress");
}
TEST_CASE("tool: progress is no wider than the terminal") { in_python("progress_narrow"); }

TEST_CASE("stats: numbers of every dtype are summarised as NumPy does, NaNs left out") {
  in_python("stats_random", "passes.py");
}
TEST_CASE("stats: along any axis, the lists of JSON are nested as NumPy's") {
  in_python("stats_along", "passes.py");
}
TEST_CASE("stats: what does not exist is null, and sums of nothing are 0") {
  in_python("stats_of_nothing", "passes.py");
}
TEST_CASE("stats: 64-bit extremes are exact, and sums wrap as NumPy's") {
  in_python("stats_extremes", "passes.py");
}
TEST_CASE("stats: text has a line for each fact, or the array that NumPy prints") {
  in_python("stats_text", "passes.py");
}
TEST_CASE("stats: elements at odd addresses are read as others are") {
  in_python("stats_unaligned", "passes.py");
}
TEST_CASE("stats: a few bytes of header cannot ask for endless results") {
  in_python("stats_endless", "passes.py");
}
TEST_CASE("stats, hist: what is no real number is refused, by name") {
  in_python("not_numbers", "passes.py");
}
TEST_CASE("stats, hist, convert: the budget holds, and the smallest is named") {
  in_python("memory", "passes.py");
}

TEST_CASE("hist: counts and edges are those of NumPy's histogram") {
  in_python("hist_random", "passes.py");
}
TEST_CASE("hist: text has a line for each bin, with a bar as long as it is full") {
  in_python("hist_text", "passes.py");
}
TEST_CASE("hist: numbers without a finite range need one") {
  in_python("hist_infinite", "passes.py");
}

TEST_CASE("convert: the file is the one that NumPy saves, in any order") {
  in_python("convert_order", "passes.py");
}
TEST_CASE("convert: the file is the one that NumPy saves, as any dtype that the rule allows") {
  in_python("convert_dtype", "passes.py");
}
TEST_CASE("convert: a file may be converted into itself") {
  in_python("convert_self", "passes.py");
}
TEST_CASE("convert: a failure leaves what was there, and nothing else") {
  in_python("convert_failures", "passes.py");
}
TEST_CASE("convert: Ctrl-C and SIGTERM leave what was there, and end it as shells expect") {
  in_python("convert_interrupted", "passes.py");
}
TEST_CASE("stats, hist: Ctrl-C ends them with nothing said") {
  in_python("interrupted", "passes.py");
}
TEST_CASE("stats, hist, convert: Ctrl-C that whoever started them ignores stays ignored") {
  in_python("interrupt_ignored", "passes.py");
}
TEST_CASE("stats, hist, convert: a file that is truncated under way is an error, not a signal") {
  in_python("truncated_under_way", "passes.py");
}
TEST_CASE("stats, hist, convert: an option makes sense or is wrong usage") {
  in_python("options", "passes.py");
}
TEST_CASE("stats, hist, convert: progress is drawn when asked for") {
  in_python("passes_progress", "passes.py");
}
TEST_CASE("stats, hist: closed or full standard streams are no reason to crash") {
  in_python("passes_closed_streams", "passes.py");
}

TEST_CASE("verify: what NumPy saves is without fault") { in_python("verify_good"); }
TEST_CASE("verify: what is legal and odd is a warning") { in_python("verify_odd"); }
TEST_CASE("verify: a defect is named, with its place") { in_python("verify_defects"); }
TEST_CASE("verify: items that take no bytes cost no time, however many there are") {
  in_python("verify_nothing_without_end");
}
TEST_CASE("verify: items may be longer than what is read at once") {
  in_python("verify_large_items");
}
TEST_CASE("verify: a file that is truncated under way has a defect") {
  in_python("verify_truncated_under_way");
}

TEST_CASE("head, stats, hist, convert: a field or a slice is what the same part is as a file") {
  in_python("parts");
}
TEST_CASE("append: the file is what NumPy concatenates, of any dtype, in either order") {
  in_python("append_random", "append.py");
}
TEST_CASE("append: any files, a row, the file itself, through a link") {
  in_python("append_more", "append.py");
}
TEST_CASE("append: arrays of archives and pickles, as they are named") {
  in_python("append_members", "append.py");
}
TEST_CASE("append: of files of which one does not fit, none is appended") {
  in_python("append_refused", "append.py");
}
TEST_CASE("append: a header without room is written anew, or refused, and failures undo no row") {
  in_python("append_full_header", "append.py");
}
TEST_CASE("append: Ctrl-C and SIGTERM leave what was there, and end it as shells expect") {
  in_python("append_interrupted", "append.py");
}
TEST_CASE("append: a source that is truncated under way is an error, and nothing is appended") {
  in_python("append_source_truncated", "append.py");
}
TEST_CASE("append: kill -9 leaves a whole file, and recover finds every complete row") {
  in_python("append_killed", "append.py");
}
TEST_CASE("recover: a file cut anywhere has all complete rows, a whole one is left alone") {
  in_python("recover_cut", "append.py");
}
TEST_CASE("recover: what is no array that can grow is refused") {
  in_python("recover_refused", "append.py");
}
TEST_CASE("append, recover: an option makes sense or is wrong usage") {
  in_python("options", "append.py");
}

TEST_CASE("info: of an archive, JSON is what zipfile and NumPy's headers say") {
  in_python("archive_info_json", "archives.py");
}
TEST_CASE("info: of an archive, text has a line for each member") {
  in_python("archive_info_text", "archives.py");
}
TEST_CASE("info: of an archive, a name may be there twice, and what is no array is told of") {
  in_python("archive_info_of_oddities", "archives.py");
}
TEST_CASE(
    "tool: a member is named behind a colon or by --member, and a file's own name comes first") {
  in_python("archive_names", "archives.py");
}
TEST_CASE("head, dump, stats, hist, convert: a member is what the same array is as a file") {
  in_python("archive_elements", "archives.py");
}
TEST_CASE("tool: a compressed member larger than memory is streamed, or goes by way of TMPDIR") {
#ifdef __SANITIZE_ADDRESS__
  NPYMAP_SKIP("the sanitizer needs memory of its own");
#endif
  in_python("archive_streams", "archives.py");
}
TEST_CASE("tool: a large compressed member is taken and refused as a small one is") {
  in_python("archive_large_members", "archives.py");
}
TEST_CASE("convert: to an archive of one array, of any order, dtype and level") {
  in_python("archive_convert", "archives.py");
}
TEST_CASE("verify: of an archive, each defect is named with its member and place") {
  in_python("archive_verify", "archives.py");
}
TEST_CASE("tool: a damaged archive ends in output or one line of error") {
  in_python("archive_hostile", "archives.py");
}
TEST_CASE("pack: the archive is what NumPy reads and zipfile finds no fault in") {
  in_python("pack_random", "archives.py");
}
TEST_CASE("pack: large arrays go in pieces, in bounded memory") {
#ifdef __SANITIZE_ADDRESS__
  NPYMAP_SKIP("the sanitizer needs memory of its own");
#endif
  in_python("pack_large", "archives.py");
}
TEST_CASE("pack: members of archives and pickled arrays are packed anew, if they are sound") {
  in_python("pack_members", "archives.py");
}
TEST_CASE("pack: a failure leaves what was there, and nothing else") {
  in_python("pack_failures", "archives.py");
}
TEST_CASE("pack, convert: Ctrl-C and SIGTERM leave what was there, and no half an archive") {
  in_python("pack_interrupted", "archives.py");
}
TEST_CASE("unpack: files are byte for byte those that zipfile extracts") {
  in_python("unpack_random", "archives.py");
}
TEST_CASE("unpack: of one name the last is written, and files are replaced when asked for") {
  in_python("unpack_twice", "archives.py");
}
TEST_CASE("unpack: of an archive with an unsafe name nothing is written") {
  in_python("unpack_unsafe", "archives.py");
}
TEST_CASE("unpack: no symbolic link leads out of the folder") {
  in_python("unpack_links", "archives.py");
}
TEST_CASE("unpack: a defect is named, and half a file is never there") {
  in_python("unpack_failures", "archives.py");
}
TEST_CASE("unpack: Ctrl-C leaves whole files alone") {
  in_python("unpack_interrupted", "archives.py");
}

TEST_CASE("tool: members without bytes are no arrays, and no defects") {
  in_python("archive_folders", "archives.py");
}
TEST_CASE(
    "unpack: names that are too long or deep are refused, and folders made as they are told") {
  in_python("unpack_deep", "archives.py");
}
TEST_CASE("convert, pack: names are kept, and nothing is lost beside what is written") {
  in_python("convert_keeps", "archives.py");
}
TEST_CASE("convert: an array in an archive is called as it is typed, if unpack can write that") {
  in_python("convert_names", "archives.py");
}
TEST_CASE("convert: a member that is damaged is told of") {
  in_python("convert_checks", "archives.py");
}
TEST_CASE("unpack, verify: Ctrl-C ends them in the middle of a member") {
  in_python("interrupted_in_member", "archives.py");
}
TEST_CASE("tool: progress of archives is drawn when asked for") {
  in_python("archive_progress", "archives.py");
}

TEST_CASE("tool: text is read as NumPy reads it, and told of by line and column") {
  in_python("text_in", "formats.py");
}
TEST_CASE("tool: columns of text are chosen, and missing fields told, wherever it is read") {
  in_python("text_columns", "formats.py");
}
TEST_CASE("tool: the README's text is converted as it says") { in_python("readme", "formats.py"); }
TEST_CASE("tool: an option of text is refused where there is none") {
  in_python("text_options_elsewhere", "formats.py");
}
TEST_CASE("tool: text is read within --memory, which an error names") {
  in_python("text_memory", "formats.py");
}
TEST_CASE("tool: progress of reading text is drawn when asked for") {
  in_python("text_progress", "formats.py");
}
TEST_CASE("convert: text that is kept as it is read goes straight to the file") {
  in_python("text_goes_straight", "formats.py");
}
TEST_CASE("convert: to text, as NumPy writes it") { in_python("text_out", "formats.py"); }
TEST_CASE("convert: --delimiter is that of the text that is read, or else of what is written") {
  in_python("text_delimiter", "formats.py");
}
TEST_CASE("tool: arrays in pickles are listed, named and read, and nothing is run") {
  in_python("pickles", "formats.py");
}

TEST_CASE("tool: a file of 2 TiB costs what is asked of it") { in_python("huge"); }
TEST_CASE("tool: a file may be larger than the address space, where its rows are not") {
#ifdef __SANITIZE_ADDRESS__
  NPYMAP_SKIP("the sanitizer needs terabytes of addresses");
#endif
  in_python("address_space");
}
TEST_CASE("tool: wrong usage is exit code 2 and one line that names it as it was typed") {
  in_python("usage");
}
TEST_CASE("tool: a number is digits that fit, or wrong usage") { in_python("numbers"); }
TEST_CASE("tool: a file may have the name of a command or an option") { in_python("odd_names"); }
TEST_CASE("tool: closed or full standard streams are no reason to crash") {
  in_python("closed_streams");
}
TEST_CASE("tool: with standard streams closed, no file gets what is meant for them") {
  in_python("closed_streams_are_no_files");
}
TEST_CASE("dump: lost pages end it with exit code 1 even if nobody can be told") {
  in_python("lost_pages_in_silence");
}
TEST_CASE("tool: what is no NPY file is refused") { in_python("not_npy"); }
TEST_CASE("tool: a damaged file ends in output or one line of error") { in_python("hostile"); }
