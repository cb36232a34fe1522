#include "npz/zip_directory.hpp"

#include <cstdint>
#include <filesystem>
#include <fstream>
#include <functional>
#include <sstream>
#include <string>
#include <vector>

#include <fmt/format.h>

#include <npymap/error.hpp>

#include "npz/raw_archive.hpp"
#include "npz/zip_record.hpp"
#include "support/catch.hpp"
#include "support/failure.hpp"
#include "support/python.hpp"
#include "support/skip.hpp"
#include "support/temp_folder.hpp"

using namespace npymap_test;
using npymap::errc;
using npymap::open_mode;
using namespace npymap::zip;

namespace {

zip_directory directory_of(const std::string& path) {
  return read_directory(npymap::io::file::open(path, open_mode::read));
}

// The directory, and each member's place: what a reader of all members would look at.
void look_at_all(const std::string& path) {
  const auto archive = npymap::io::file::open(path, open_mode::read);
  for (const zip_entry& entry : read_directory(archive).entries) find_data(archive, entry);
}

raw_archive two_members() {
  return {.members = {stored_member("a.npy", "first"), stored_member("b.npy", "the second")}};
}

// As the directory read from it says, in the way of Python's zipfile.
std::string listing(const std::string& path) {
  const auto archive = npymap::io::file::open(path, open_mode::read);
  std::string out;
  for (const zip_entry& e : read_directory(archive).entries) {
    out += fmt::format("{} {} {} {} {} {} {}\n", e.name, e.method, e.flags, e.crc32,
                       e.compressed_bytes, e.uncompressed_bytes, e.header_offset_bytes);
    const zip_place place = find_data(archive, e);
    CHECK(place.data_offset_bytes + e.compressed_bytes <= e.end_offset_bytes);
  }
  return out;
}

constexpr const char* list_by_zipfile = R"(
import zipfile
for i in zipfile.ZipFile(sys.argv[1]).infolist():
    print(i.orig_filename, i.compress_type, i.flag_bits, i.CRC, i.compress_size, i.file_size, i.header_offset)
)";

}  // namespace

TEST_CASE("zip records: what is written is read again", "[npz]") {
  directory_record record{
      .flags = flag_utf8, .crc32 = 0x12345678, .header_offset_bytes = 0xfedcba98};
  std::string bytes;
  append_record(record, bytes);
  CHECK(bytes.substr(0, 4) == "PK\1\2");
  const auto again = read_record<directory_record>(std::as_bytes(std::span(bytes)));
  REQUIRE(again);
  CHECK(again->crc32 == record.crc32);
  CHECK(again->header_offset_bytes == record.header_offset_bytes);
  CHECK_FALSE(read_record<directory_record>(std::as_bytes(std::span(bytes)).first(45)));
  CHECK_FALSE(read_record<local_header>(std::as_bytes(std::span(bytes))));
}

TEST_CASE("zip directory: members come in the order of the directory, with their places", "[npz]") {
  const temp_folder folder;
  const auto path = folder / "a.npz";
  write_file(path, two_members().bytes());
  const auto archive = npymap::io::file::open(path, open_mode::read);
  const zip_directory directory = read_directory(archive);
  REQUIRE(directory.entries.size() == 2);
  CHECK(directory.entries[0].name == "a.npy");
  CHECK(directory.entries[1].name == "b.npy");
  const zip_place place = find_data(archive, directory.entries[1]);
  CHECK(read_file(path).substr(place.data_offset_bytes, 10) == "the second");
  CHECK(place.data_offset_bytes + 10 == directory.offset_bytes);
  CHECK(directory.entries[0].end_offset_bytes == directory.entries[1].header_offset_bytes);
}

TEST_CASE("zip directory: an archive of no members is one", "[npz]") {
  const temp_folder folder;
  const auto path = folder / "a.npz";
  write_file(path, raw_archive{}.bytes());
  CHECK(directory_of(path).entries.empty());
  write_file(path, raw_archive{.has_zip64 = true}.bytes());
  CHECK(directory_of(path).entries.empty());
}

TEST_CASE("zip directory: what is no archive is told from one that is cut", "[npz]") {
  const temp_folder folder;
  const auto path = folder / "a.npz";
  for (const std::string text :
       {"", "\x93NUMPY", "PK\5\6", "some text that is longer than a record"}) {
    write_file(path, text);
    CHECK(code_of([&] { directory_of(path); }) == errc::not_npz);
  }
  write_file(path, two_members().bytes().substr(0, 60));
  CHECK(code_of([&] { directory_of(path); }) == errc::truncated);
}

TEST_CASE("zip directory: comments, and bytes in front and behind, are as zipfile takes them",
          "[npz]") {
  if (!have_numpy()) NPYMAP_SKIP("needs NumPy");
  const temp_folder folder;
  const auto path = folder / "a.npz";
  const std::string longest(65535, 'c');
  for (const bool has_zip64 : {false, true}) {
    for (const std::string& comment :
         {std::string(), std::string("hello"), longest, std::string("PK\5\6 looks like an end")}) {
      for (const std::string front : {"", "#!/bin/sh\n"}) {
        raw_archive raw = two_members();
        raw.comment = comment;
        raw.front = front;
        raw.has_zip64 = has_zip64;
        write_file(path, raw.bytes());
        const auto by_zipfile = run_python(list_by_zipfile, {path});
        if (by_zipfile.exit_code != 0) {  // an end in the comment, which is no end
          CHECK_THROWS_AS(directory_of(path), npymap::error);
          continue;
        }
        CHECK(listing(path) == by_zipfile.out);
        const zip_directory directory = directory_of(path);
        CHECK(directory.comment == comment);
        CHECK(directory.front_bytes == front.size());
      }
    }
  }
  raw_archive raw = two_members();
  raw.behind = "padding";
  write_file(path, raw.bytes());
  CHECK(listing(path) == python(list_by_zipfile, {path}));
}

TEST_CASE("zip directory: archives of zipfile and Info-ZIP are listed as zipfile lists them",
          "[npz]") {
  if (!have_numpy()) NPYMAP_SKIP("needs NumPy");
  const temp_folder folder;
  const auto made = python(R"(
import zipfile, subprocess, shutil, io
os.chdir(sys.argv[1])
class Pipe(io.RawIOBase):
    def __init__(self, f): self.f = f
    def writable(self): return True
    def write(self, b): return self.f.write(b)
    def flush(self): self.f.flush()
def fill(z, methods):
    for n, method in enumerate(methods):
        z.writestr(zipfile.ZipInfo('plain%d' % n), b'x' * 100, method)
        with z.open(zipfile.ZipInfo('zip64_%d.npy' % n), 'w', force_zip64=True) as f: f.write(b'y' * 1000)
        z.writestr('gr\u00fc\u00dfe \u4f60 %d' % n, b'', method)
        z.writestr('dir/', b'')
        z.writestr('dir/x.npy', os.urandom(300), method)
    z.comment = b'a comment'
both = [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED]
with zipfile.ZipFile('plain.zip', 'w') as z: fill(z, both)
with open('streamed.zip', 'wb') as f, zipfile.ZipFile(Pipe(f), 'w') as z: fill(z, both)
with open('front.zip', 'wb') as f: f.write(b'#!shebang\n'); f.write(open('plain.zip', 'rb').read())
with zipfile.ZipFile('appended.zip', 'w') as z: fill(z, both)
with zipfile.ZipFile('appended.zip', 'a') as z: z.writestr('later', b'z' * 50)
np.savez('savez.zip', np.arange(10), b=np.eye(3)); os.rename('savez.zip.npz', 'savez.zip')
np.savez_compressed('deflated', np.arange(10), b=np.eye(3)); os.rename('deflated.npz', 'deflated.zip')
with zipfile.ZipFile('many.zip', 'w') as z:
    for n in range(70000): z.writestr(zipfile.ZipInfo('m%d' % n), b'')
if shutil.which('zip'):
    open('f', 'wb').write(b'contents ' * 100); open('g', 'wb').write(os.urandom(500))
    for name, args, stdin in [('iz.zip', ['f', 'g'], None), ('iz0.zip', ['-0', 'f', 'g'], None), ('iz64.zip', ['-fz', 'f', 'g'], None)]:
        subprocess.run(['zip', '-q', *args[:-2], name, *args[-2:]], check=True)
    with open('izstream.zip', 'wb') as f: subprocess.run('zip -q - f g | cat', shell=True, stdout=f, check=True)
    with open('izstdin.zip', 'wb') as f: subprocess.run('cat f | zip -q -fz- - - | cat', shell=True, stdout=f, check=True)
print(' '.join(sorted(n for n in os.listdir('.') if n.endswith('.zip'))))
)",
                           {folder.path().string()});
  std::istringstream names(made);
  int count = 0;
  for (std::string name; names >> name; ++count) {
    CAPTURE(name);
    CHECK(listing(folder / name) == python(list_by_zipfile, {folder / name}));
  }
  CHECK(count >= 7);
}

namespace {

/// An archive with one oddity, and what is said of it.
struct oddity {
  const char* name;
  errc code;
  std::function<raw_archive()> make;
};

template <class F>
std::function<raw_archive()> bent(F bend) {
  return [bend] {
    raw_archive raw = two_members();
    bend(raw);
    return raw;
  };
}

template <class F>
std::function<raw_archive()> bent_end(F bend) {
  return bent([bend](raw_archive& raw) { raw.bend_end = bend; });
}

/// In both headers.
template <class F>
std::function<raw_archive()> bent_both(F bend) {
  return bent([bend](raw_archive& raw) {
    bend(raw.members[0].local);
    bend(raw.members[0].record);
  });
}

const std::vector<oddity>& oddities() {
  using raw = raw_archive;
  static const std::vector<oddity> all = {
      {"more entries than there are", errc::bad_archive,
       bent_end([](auto& e) { e.entries = e.entries_on_disk = 3; })},
      {"fewer entries than there are", errc::bad_archive,
       bent_end([](auto& e) { e.entries = e.entries_on_disk = 1; })},
      {"entries on other disks", errc::bad_archive, bent_end([](auto& e) { e.entries = 9; })},
      {"another disk", errc::bad_archive, bent_end([](auto& e) { e.disk = 1; })},
      {"a directory on another disk", errc::bad_archive,
       bent_end([](auto& e) { e.directory_disk = 1; })},
      {"a directory that begins in front of the file", errc::bad_archive,
       bent_end([](auto& e) { e.directory_bytes = 1 << 20; })},
      {"a directory behind its end", errc::bad_archive,
       bent_end([](auto& e) { e.directory_offset_bytes += 1; })},
      {"a directory that ends within a record", errc::bad_archive,
       bent_end([](auto& e) { e.directory_bytes -= 1, e.directory_offset_bytes += 1; })},
      {"zip64 values without zip64", errc::bad_archive,
       bent_end([](auto& e) { e.directory_offset_bytes = in_zip64_32; })},
      {"a comment that is longer than the file", errc::truncated,
       bent_end([](auto& e) { e.comment_bytes = 1; })},
      {"a zip64 end with other entries than the end", errc::bad_archive, bent([](raw& r) {
         r.has_zip64 = true;
         r.bend_end = [](auto& e) { e.entries = 1; };
       })},
      {"a zip64 end with another size than the end", errc::bad_archive, bent([](raw& r) {
         r.has_zip64 = true;
         r.bend_end = [](auto& e) { e.directory_bytes -= 1; };
       })},
      {"a zip64 end that claims 2^60 entries", errc::bad_archive, bent([](raw& r) {
         r.has_zip64 = true;
         r.bend_end = [](auto& e) { e.entries = e.entries_on_disk = in_zip64_16; };
         r.bend_zip64 = [](auto& e) { e.entries = e.entries_on_disk = std::uint64_t{1} << 60; };
       })},
      {"a zip64 end whose directory has 2^63 bytes", errc::bad_archive, bent([](raw& r) {
         r.has_zip64 = true;
         r.bend_end = [](auto& e) { e.directory_bytes = in_zip64_32; };
         r.bend_zip64 = [](auto& e) { e.directory_bytes = std::uint64_t{1} << 63; };
         r.bend_locator = [](auto& l) { l.end_record_offset_bytes += std::uint64_t{1} << 63; };
       })},
      {"a zip64 end of another length", errc::bad_archive, bent([](raw& r) {
         r.has_zip64 = true;
         r.bend_zip64 = [](auto& e) { e.remaining_bytes = 45; };
       })},
      {"a zip64 end on another disk", errc::bad_archive, bent([](raw& r) {
         r.has_zip64 = true;
         r.bend_zip64 = [](auto& e) { e.disk = 1; };
       })},
      {"a zip64 locator of two disks", errc::bad_archive, bent([](raw& r) {
         r.has_zip64 = true;
         r.bend_locator = [](auto& l) { l.disks = 2; };
       })},
      {"a zip64 locator that points elsewhere", errc::bad_archive, bent([](raw& r) {
         r.has_zip64 = true;
         r.bend_locator = [](auto& l) { l.end_record_offset_bytes -= 1; };
       })},
      {"a member behind the directory", errc::bad_archive, bent([](raw& r) {
         r.members[1].keeps_offset = true;
         r.members[1].record.header_offset_bytes = 100'000;
       })},
      {"a member in the directory", errc::bad_archive, bent([](raw& r) {
         r.members[1].keeps_offset = true;
         r.members[1].record.header_offset_bytes = 100;
       })},
      {"two members in one place", errc::bad_archive, bent([](raw& r) {
         r.members[1] = r.members[0];
         r.members[1].keeps_offset = true;
       })},
      {"a member within another", errc::bad_archive, bent([](raw& r) {
         r.members[0].data = raw{.members = {r.members[1]}}.bytes();
         r.members[0] = stored_member("a.npy", r.members[0].data);
         r.members[1].keeps_offset = true;
         r.members[1].record.header_offset_bytes = 35;
       })},
      {"data that reaches into the next member", errc::bad_archive,
       bent_both([](auto& h) { h.compressed_bytes += 1, h.uncompressed_bytes += 1; })},
      {"a member on another disk", errc::bad_archive,
       bent([](raw& r) { r.members[0].record.disk = 1; })},
      {"a stored member of two sizes", errc::bad_archive,
       bent_both([](auto& h) { h.uncompressed_bytes += 1; })},
      {"a name with a NUL", errc::bad_archive, bent([](raw& r) {
         r.members[0].name = r.members[0].local_name = std::string("a\0.npy", 6);
       })},
      {"a name that is no UTF-8", errc::bad_archive, bent([](raw& r) {
         r.members[0].name = r.members[0].local_name = "\xff";
         r.members[0].record.flags = r.members[0].local.flags = flag_utf8;
       })},
      {"a zip64 field that is too short", errc::bad_archive, bent([](raw& r) {
         r.members[0].record.uncompressed_bytes = in_zip64_32;
         r.members[0].extra = extra_field(extra_zip64, numbers(std::uint32_t{5}));
       })},
      {"an extra field that is cut", errc::bad_archive, bent([](raw& r) {
         r.members[0].extra = extra_field(0x4242, "some bytes");
         r.members[0].extra.pop_back();
       })},
      {"two zip64 fields", errc::bad_archive, bent([](raw& r) {
         r.members[0].extra = extra_field(extra_zip64, numbers(std::uint64_t{5})) +
                              extra_field(extra_zip64, numbers(std::uint64_t{6}));
       })},
      {"a zip64 size beyond the file", errc::bad_archive, bent([](raw& r) {
         auto& record = r.members[0].record;
         record.uncompressed_bytes = record.compressed_bytes = in_zip64_32;
         const std::uint64_t huge = ~std::uint64_t{0} - 10;
         r.members[0].extra = extra_field(extra_zip64, numbers(huge, huge));
       })},
      {"no local header", errc::bad_archive, bent([](raw& r) {
         r.members[1].keeps_offset = true;
         r.members[1].record.header_offset_bytes = 41;
       })},
      {"another name in the local header", errc::bad_archive,
       bent([](raw& r) { r.members[0].local_name = "c.npy"; })},
      {"another method in the local header", errc::bad_archive,
       bent([](raw& r) { r.members[0].local.method = method_deflated; })},
      {"another flag in the local header", errc::bad_archive,
       bent([](raw& r) { r.members[0].local.flags = flag_utf8; })},
      {"another CRC in the local header", errc::bad_archive,
       bent([](raw& r) { r.members[0].local.crc32 += 1; })},
      {"another size in the local header", errc::bad_archive,
       bent([](raw& r) { r.members[0].local.uncompressed_bytes += 1; })},
      {"another compressed size in the local header", errc::bad_archive,
       bent([](raw& r) { r.members[0].local.compressed_bytes -= 1; })},
      {"another size in a local zip64 field", errc::bad_archive, bent([](raw& r) {
         r.members[0].local.uncompressed_bytes = in_zip64_32;
         r.members[0].local_extra = extra_field(extra_zip64, numbers(std::uint64_t{6}));
       })},
      {"a local extra field into the next member", errc::bad_archive, bent([](raw& r) {
         r.members[0].data.clear();  // whose bytes the sizes still count
         r.members[0].local_extra = extra_field(0x4242, "x");
       })},
      {"a data descriptor of others", errc::bad_archive, bent([](raw& r) {
         r.members[0].local.flags = r.members[0].record.flags = flag_descriptor;
         r.members[0].descriptor =
             numbers(descriptor_signature, std::uint32_t{1}, std::uint32_t{5}, std::uint32_t{5});
       })},
      {"no data descriptor", errc::bad_archive, bent([](raw& r) {
         r.members[1].local.flags = r.members[1].record.flags = flag_descriptor;
       })},
      {"an encrypted member", errc::unsupported_member,
       bent_both([](auto& h) { h.flags = flag_encrypted; })},
      {"a strongly encrypted member", errc::unsupported_member,
       bent_both([](auto& h) { h.flags = flag_strongly_encrypted; })},
      {"a masked member", errc::unsupported_member,
       bent_both([](auto& h) { h.flags = flag_masked; })},
      {"a patch", errc::unsupported_member, bent_both([](auto& h) { h.flags = flag_patch; })},
      {"a member packed by bzip2", errc::unsupported_member,
       bent_both([](auto& h) { h.method = 12; })},
      {"a member packed by AES", errc::unsupported_member,
       bent_both([](auto& h) { h.method = 99; })},
      {"more than deflate can hold", errc::bad_archive, bent_both([](auto& h) {
         h.method = method_deflated;
         h.uncompressed_bytes = 1032 * 5 + 1032;
       })},
  };
  return all;
}

}  // namespace

TEST_CASE("zip directory: each oddity is refused by name, at a byte", "[npz]") {
  const temp_folder folder;
  const auto path = folder / "a.npz";
  write_file(path, two_members().bytes());
  look_at_all(path);
  for (const oddity& odd : oddities()) {
    CAPTURE(odd.name);
    write_file(path, odd.make().bytes());
    try {
      look_at_all(path);
      FAIL_CHECK("taken");
    } catch (const npymap::error& e) {
      INFO(e.what());
      CHECK(e.code() == odd.code);
      CHECK(e.path() == path);
      CHECK(e.byte_offset());
    }
  }
}

TEST_CASE("zip directory: what only looks like zip64, or says little by it, is as zipfile takes it",
          "[npz]") {
  if (!have_numpy()) NPYMAP_SKIP("needs NumPy");
  const temp_folder folder;
  const auto path = folder / "a.npz";
  raw_archive with_locator = two_members();
  std::string locator;
  append_record(zip64_locator{.end_record_offset_bytes = 5}, locator);
  with_locator.members.back().extra = extra_field(0x4242, locator);
  raw_archive with_disk = two_members();
  with_disk.members[1].record.disk = in_zip64_16;
  with_disk.members[1].extra = extra_field(extra_zip64, numbers(std::uint32_t{0}));
  for (const raw_archive& raw : {with_locator, with_disk}) {
    write_file(path, raw.bytes());
    CHECK(listing(path) == python(list_by_zipfile, {path}));
    look_at_all(path);
  }
  with_disk.members[1].extra = extra_field(extra_zip64, numbers(std::uint32_t{1}));
  write_file(path, with_disk.bytes());
  CHECK(code_of([&] { directory_of(path); }) == errc::bad_archive);
}

TEST_CASE("zip directory: what writers leave open in local headers is taken", "[npz]") {
  const temp_folder folder;
  const auto path = folder / "a.npz";
  const auto takes = [&](const char* what, const auto& bend) {
    CAPTURE(what);
    raw_archive raw = two_members();
    bend(raw.members[0], raw.members[0].local, raw.members[0].record);
    write_file(path, raw.bytes());
    CHECK_NOTHROW(look_at_all(path));
  };
  takes("ones in place of sizes, and a zip64 field", [](auto& m, auto& local, auto&) {
    local.compressed_bytes = local.uncompressed_bytes = in_zip64_32;
    m.local_extra = extra_field(extra_zip64, numbers(std::uint64_t{5}, std::uint64_t{5}));
  });
  takes("ones in place of sizes, and nothing else", [](auto&, auto& local, auto&) {
    local.compressed_bytes = local.uncompressed_bytes = in_zip64_32;
  });
  takes("other hints of the packer", [](auto&, auto& local, auto&) { local.flags = 0x6; });
  takes("an extra field to align the data",
        [](auto& m, auto&, auto&) { m.local_extra = extra_field(0xd935, std::string(20, '\0')); });
  takes("an extra field that ends in padding",
        [](auto& m, auto&, auto&) { m.local_extra = m.extra = std::string(3, '\0'); });
  takes("zip64 values that none refers to", [](auto& m, auto&, auto&) {
    m.extra = extra_field(extra_zip64, numbers(std::uint64_t{77}));
  });
  for (const bool is_signed : {false, true}) {
    for (const bool is_wide : {false, true}) {
      takes("a data descriptor", [&](auto& m, auto& local, auto& record) {
        local.flags = record.flags = flag_descriptor;
        local.crc32 = local.compressed_bytes = local.uncompressed_bytes = 0;
        if (is_signed) m.descriptor = numbers(descriptor_signature);
        m.descriptor += numbers(record.crc32);
        m.descriptor += is_wide ? numbers(std::uint64_t{5}, std::uint64_t{5})
                                : numbers(std::uint32_t{5}, std::uint32_t{5});
      });
    }
  }
}

TEST_CASE("zip directory: each name of code page 437 is what Python makes of it", "[npz]") {
  if (!have_numpy()) NPYMAP_SKIP("needs NumPy");
  std::string all;
  for (int c = 1; c < 256; ++c) all += static_cast<char>(c);
  const temp_folder folder;
  const auto path = folder / "a.npz";
  write_file(path, raw_archive{.members = {stored_member(all, "")}}.bytes());
  CHECK(directory_of(path).entries.at(0).name ==
        python("sys.stdout.write(bytes(range(1, 256)).decode('cp437'))"));
}

TEST_CASE("zip directory: a million members that are not there cost nothing", "[npz]") {
  const temp_folder folder;
  const auto path = folder / "a.npz";
  raw_archive raw;
  raw.has_zip64 = true;
  raw.bend_end = [](auto& e) {
    e.entries = e.entries_on_disk = in_zip64_16;
    e.directory_bytes = in_zip64_32;
  };
  const std::uint64_t claimed = std::uint64_t{1} << 40;
  raw.bend_zip64 = [](auto& e) {
    e.entries = e.entries_on_disk = claimed / 46;
    e.directory_bytes = claimed;
  };
  raw.bend_locator = [](auto& l) { l.end_record_offset_bytes = claimed; };
  write_file(path, "");
  std::filesystem::resize_file(path, claimed);  // a hole
  std::ofstream(path, std::ios::binary | std::ios::app) << raw.bytes();
  CHECK(code_of([&] { directory_of(path); }) == errc::bad_archive);
}
