// Archives that went wrong: an error or the right value, never anything else.

#include <cstdint>
#include <filesystem>
#include <fstream>
#include <limits>
#include <string>
#include <vector>

#include <npymap/npymap.hpp>

#include "npz/raw_archive.hpp"
#include "support/catch.hpp"
#include "support/failure.hpp"
#include "support/process.hpp"
#include "support/python.hpp"
#include "support/skip.hpp"
#include "support/temp_folder.hpp"

using namespace npymap_test;
using namespace npymap;

namespace {

std::string npy_of(index_t n, std::uint64_t step = 3) {
  std::string bytes = header_bytes(dtype_of<std::int64_t>(), shape{n});
  for (std::uint64_t i = 0; i < std::uint64_t(n); ++i) bytes += numbers(i * step);
  return bytes;
}

index_t sum_of(const source& x) {
  index_t total = 0;
  for (const auto& block : blocks<std::int64_t>(x, {.budget_bytes = 1 << 20})) {
    for (const std::int64_t v : block) total += v;
  }
  return total;
}

/// All ways to read a member, which must come to the same end.
std::vector<std::error_code> codes_of_all_ways(const npz_reader& z, const npz_key& key,
                                               const std::string& to) {
  return {code_of([&] { z.load(key); }),
          code_of([&] { z.load<std::int64_t>(key); }),
          code_of([&] { sum_of(z.source_of(key)); }),
          code_of([&] { z.read_bytes(key); }),
          code_of([&] { z.extract(key, to); }),
          code_of([&] { z.verify(key); })};
}

}  // namespace

TEST_CASE("npz: a wrong CRC is told by all who read a member whole", "[npz]") {
  const temp_folder folder;
  const auto path = folder / "a.npz", to = folder / "out.npy";
  raw_archive raw{
      .members = {stored_member("s.npy", npy_of(5000)), deflated_member("d.npy", npy_of(5000))}};
  for (raw_member& m : raw.members) m.record.crc32 = m.local.crc32 += 1;
  write_file(path, raw.bytes());
  const npz_reader z(path);
  write_file(to, "what was there");
  for (const auto code : codes_of_all_ways(z, "d", to)) CHECK(code == errc::checksum_mismatch);
  CHECK(code_of([&] { z.load("s"); }) == errc::checksum_mismatch);
  CHECK(code_of([&] { z.verify("s"); }) == errc::checksum_mismatch);
  CHECK(code_of([&] { z.extract("s", to); }) == errc::checksum_mismatch);
  CHECK(read_file(to) == "what was there");
  CHECK(std::distance(std::filesystem::directory_iterator(folder.path()), {}) == 2);
  CHECK(message_of([&] { z.load("d"); }).find("a.npz:d.npy: CRC-32: expected ") !=
        std::string::npos);
  CHECK_NOTHROW(z.open("s"));  // whose elements nobody has vouched for
}

TEST_CASE("npz: a deflated member that is not what it says is refused by all who read it",
          "[npz]") {
  const temp_folder folder;
  const auto path = folder / "a.npz", to = folder / "out.npy";
  const auto refused = [&](const char* what, const auto& bend) {
    CAPTURE(what);
    raw_archive raw{.members = {deflated_member("d.npy", npy_of(5000))}};
    raw_member& m = raw.members[0];
    bend(m);
    m.local.compressed_bytes = m.record.compressed_bytes =
        static_cast<std::uint32_t>(m.data.size());
    m.local.uncompressed_bytes = m.record.uncompressed_bytes;
    write_file(path, raw.bytes());
    const npz_reader z(path);
    for (const auto code : codes_of_all_ways(z, "d", to)) {
      CHECK(code == errc::bad_archive);
    }
  };
  refused("shorter", [](raw_member& m) { m.data = deflated(npy_of(4999) + "short"); });
  refused("longer", [](raw_member& m) { m.data = deflated(npy_of(5000) + "x"); });
  refused("cut", [](raw_member& m) { m.data.resize(m.data.size() - 4); });
  refused("with bytes behind it", [](raw_member& m) { m.data += "x"; });
  refused("of an unknown block", [](raw_member& m) { m.data = "\x07" + m.data; });
}

TEST_CASE("npz: a deflated member that is longer than its array is refused before it is inflated",
          "[npz]") {
  const temp_folder folder;
  const auto path = folder / "a.npz", to = folder / "out.npy";
  raw_archive raw{.members = {deflated_member("d.npy", npy_of(50) + std::string(100'000, 'x')),
                              deflated_member("bytes.npy", "\x93NUMPY of no known version")}};
  raw.members[0].data.resize(raw.members[0].data.size() - 8);  // what would be found when inflated
  raw.members[0].local.compressed_bytes = raw.members[0].record.compressed_bytes =
      static_cast<std::uint32_t>(raw.members[0].data.size());
  write_file(path, raw.bytes());
  const npz_reader z(path);
  const auto refusal = [&](auto&& f) {
    return message_of(f).find("as its header says") != std::string::npos;
  };
  CHECK(refusal([&] { z.load("d"); }));
  CHECK(refusal([&] { z.verify("d"); }));
  CHECK(refusal([&] { z.extract("d", to); }));
  CHECK(!std::filesystem::exists(to));
  CHECK_NOTHROW(z.extract("bytes", to));
}

TEST_CASE("npz: a member that is longer than its array is told by verify", "[npz]") {
  const temp_folder folder;
  const auto path = folder / "a.npz";
  write_file(path, raw_archive{.members = {stored_member("s.npy", npy_of(50) + "more"),
                                           deflated_member("d.npy", npy_of(50) + "more")}}
                       .bytes());
  const npz_reader z(path);
  CHECK(code_of([&] { z.verify("s"); }) == errc::bad_archive);
  CHECK(code_of([&] { z.verify("d"); }) == errc::bad_archive);
  CHECK(z.load<std::int64_t>("s")(49) == 147);  // as of a file with more behind it
  CHECK(z.open<stored<std::int64_t>>("s")(49) == 147);
  CHECK(code_of([&] { z.load("d"); }) == errc::bad_archive);  // before it is inflated
  CHECK(code_of([&] { z.source_of("d"); }) == errc::bad_archive);
}

TEST_CASE("npz: a member that is shorter than its array is truncated", "[npz]") {
  const temp_folder folder;
  const auto path = folder / "a.npz";
  const std::string npy = npy_of(50);
  const std::string part = npy.substr(0, npy.size() - 1);
  write_file(path,
             raw_archive{.members = {stored_member("s.npy", part), deflated_member("d.npy", part)}}
                 .bytes());
  const npz_reader z(path);
  for (const char* name : {"s", "d"}) {
    CHECK(code_of([&] { z.load(name); }) == errc::truncated);
    CHECK(code_of([&] { z.source_of(name); }) == errc::truncated);
    CHECK(code_of([&] { z.verify(name); }) == errc::truncated);
  }
  CHECK(code_of([&] { z.open("s"); }) == errc::truncated);
}

TEST_CASE("npz: nothing is inflated past the caller's limit", "[npz]") {
  const temp_folder folder;
  const auto path = folder / "a.npz", to = folder / "out.npy";
  const std::string npy = npy_of(10'000, 0);
  write_file(
      path,
      raw_archive{.members = {deflated_member("d.npy", npy), stored_member("s.npy", npy)}}.bytes());
  const npz_reader z(path, {.expansion_limit_bytes = npy.size() - 1});
  for (const auto code : codes_of_all_ways(z, "d", to)) CHECK(code == errc::member_too_long);
  CHECK(z.info("d").shape == shape{10'000});
  for (const auto code : codes_of_all_ways(z, "s", to)) CHECK(!code);
  const npz_reader exact(path, {.expansion_limit_bytes = npy.size()});
  for (const auto code : codes_of_all_ways(exact, "d", to)) CHECK(!code);
}

TEST_CASE("npz: Python objects are told, and not read", "[npz]") {
  if (!have_numpy()) NPYMAP_SKIP("needs NumPy");
  const temp_folder folder;
  const auto path = folder / "a.npz";
  python("np.savez(sys.argv[1], o=np.array([{}, []], dtype=object))", {path});
  const npz_reader z(path);
  CHECK(z.info("o").dtype.has_object());
  CHECK(code_of([&] { z.load("o"); }) == errc::object_dtype);
  CHECK(code_of([&] { z.open("o"); }) == errc::object_dtype);
  CHECK(code_of([&] { z.source_of("o"); }) == errc::object_dtype);
  CHECK_NOTHROW(z.verify("o"));
}

TEST_CASE("npz: members packed by bzip2 and lzma, and encrypted ones, are refused by name",
          "[npz]") {
  if (!have_numpy()) NPYMAP_SKIP("needs NumPy");
  const temp_folder folder;
  const auto path = folder / "a.npz";
  python(R"(
import zipfile
with zipfile.ZipFile(sys.argv[1], 'w') as z:
    z.writestr('b', b'x' * 100, zipfile.ZIP_BZIP2)
    z.writestr('l', b'x' * 100, zipfile.ZIP_LZMA)
    z.writestr('s', b'x' * 100)
)",
         {path});
  const npz_reader z(path);
  CHECK(z.read_bytes("s").size() == 100);
  for (const auto& [name, method] : {std::pair{"b", "bzip2"}, std::pair{"l", "lzma"}}) {
    CHECK(code_of([&, n = name] { z.read_bytes(n); }) == errc::unsupported_member);
    CHECK(message_of([&, n = name] { z.verify(n); }).find(method) != std::string::npos);
  }
}

namespace {

/// What a damaged archive gives, told by all ways to read it: nothing but what was put in.
class expectation {
 public:
  explicit expectation(const temp_folder& folder)
      : path_(folder / "damaged.npz"), to_(folder / "out") {}

  raw_archive archive() const {
    raw_archive raw{.members = {stored_member("s.npy", npy_), deflated_member("d.npy", npy_),
                                stored_member("t", "text")}};
    raw.comment = "comment";
    raw.has_zip64 = true;
    raw_member& streamed = raw.members[1];
    streamed.local.flags = streamed.record.flags = zip::flag_descriptor;
    streamed.descriptor =
        numbers(zip::descriptor_signature, streamed.record.crc32, streamed.record.compressed_bytes,
                streamed.record.uncompressed_bytes);
    return raw;
  }

  /// Returns how many members were read.
  int check(const std::string& bytes) const {
    write_file(path_, bytes);
    int read = 0;
    try {
      const npz_reader z(path_);
      for (const npz_member& m : z.members()) read += check(z, m);
    } catch (const error& e) {
      REQUIRE(e.path() == path_);
    }
    return read;
  }

 private:
  bool check(const npz_reader& z, const npz_member& m) const {
    try {
      z.verify(m);
    } catch (const error& e) {
      REQUIRE(e.path() == path_);
      code_of([&] { z.load(m); });
      code_of([&] { z.open(m); });
      code_of([&] { z.extract(m, to_); });
      return false;
    }
    const auto bytes = z.read_bytes(m);
    const std::string text(reinterpret_cast<const char*>(bytes.data()), bytes.size());
    const bool is_right = text == npy_ || text == "text" || text.empty();
    REQUIRE(is_right);
    if (text != npy_) return true;
    const bool is_loaded = z.load<std::int64_t>(m)(4) == 12 && sum_of(z.source_of(m)) == 30;
    REQUIRE(is_loaded);
    return true;
  }

  const std::string npy_ = npy_of(5);
  const std::string path_, to_;
};

}  // namespace

TEST_CASE("npz: an archive that is cut anywhere is an error", "[npz]") {
  const temp_folder folder;
  const expectation expected(folder);
  const std::string whole = expected.archive().bytes();
  CHECK(expected.check(whole) == 3);
  for (std::size_t n = 0; n < whole.size(); ++n) {
    CAPTURE(n);
    REQUIRE(expected.check(whole.substr(0, n)) == 0);
  }
}

TEST_CASE("npz: whichever bit flips, what is read is right or an error", "[npz]") {
  const temp_folder folder;
  const expectation expected(folder);
  const std::string whole = expected.archive().bytes();
  for (std::size_t bit = 0; bit < 8 * whole.size(); ++bit) {
    CAPTURE(bit / 8, bit % 8);
    std::string bent = whole;
    bent[bit / 8] = static_cast<char>(bent[bit / 8] ^ (1 << (bit % 8)));
    expected.check(bent);
  }
}

TEST_CASE("npz: an archive that shrinks while it is open is an error", "[npz]") {
  const temp_folder folder;
  const auto path = folder / "a.npz", to = folder / "out.npy";
  const std::string npy = npy_of(100'000, 0x9e3779b97f4a7c15);  // more than is read ahead
  write_file(
      path,
      raw_archive{.members = {deflated_member("d.npy", npy), stored_member("s.npy", npy)}}.bytes());
  const npz_reader z(path);
  const source d = z.source_of("d");
  std::filesystem::resize_file(path, 5000);
  CHECK(code_of([&] { sum_of(d); }) == errc::truncated);
  for (const auto code : codes_of_all_ways(z, "d", to)) CHECK(code == errc::truncated);
  CHECK(code_of([&] { z.load("s"); }));
  CHECK(code_of([&] { z.open("s"); }));
}

TEST_CASE("npz: a hundred thousand members are opened and found", "[npz]") {
  raw_archive raw{.has_zip64 = true};
  constexpr int count = 100'000;
  for (int i = 0; i < count; ++i) {
    raw.members.push_back(stored_member("m" + std::to_string(i), std::to_string(i)));
  }
  raw.bend_end = [](auto& e) { e.entries = e.entries_on_disk = zip::in_zip64_16; };
  const temp_folder folder;
  const auto path = folder / "a.npz";
  write_file(path, raw.bytes());
  const npz_reader z(path);
  REQUIRE(z.members().size() == count);
  for (int i = 0; i < count; i += 997) {
    const auto bytes = z.read_bytes("m" + std::to_string(i));
    const std::string text(reinterpret_cast<const char*>(bytes.data()), bytes.size());
    REQUIRE(text == std::to_string(i));
  }
}

TEST_CASE("npz: a stored member of more than 4 GiB is mapped through zip64", "[npz]") {
  if (!have_numpy()) NPYMAP_SKIP("needs NumPy");
  const temp_folder folder;
  const auto path = folder / "a.npz";
  constexpr index_t n = index_t{5} << 27;  // of 8 bytes: 5 GiB
  const std::string head = header_bytes(dtype_of<std::int64_t>(), shape{n});
  const std::uint64_t size = head.size() + 8 * std::uint64_t{n};
  const std::string extra = extra_field(zip::extra_zip64, numbers(size, size));
  zip::local_header local;
  local.compressed_bytes = local.uncompressed_bytes = zip::in_zip64_32;
  local.name_bytes = 5;
  local.extra_bytes = static_cast<std::uint16_t>(extra.size());
  std::string front;
  zip::append_record(local, front);
  front += "x.npy" + extra;
  const std::uint64_t data = front.size();
  front += head;
  zip::directory_record record;
  record.compressed_bytes = record.uncompressed_bytes = zip::in_zip64_32;
  record.name_bytes = 5;
  record.extra_bytes = static_cast<std::uint16_t>(extra.size());
  std::string back = numbers(std::uint64_t{42});  // the last element; a hole is before it
  const std::size_t directory_begin = back.size();
  zip::append_record(record, back);
  back += "x.npy" + extra;
  zip::zip64_end_record wide{.entries_on_disk = 1,
                             .entries = 1,
                             .directory_bytes = back.size() - directory_begin,
                             .directory_offset_bytes = data + size};
  zip::append_record(wide, back);
  zip::append_record(
      zip::zip64_locator{.end_record_offset_bytes = data + size + wide.directory_bytes}, back);
  zip::end_record end{.entries_on_disk = 1, .entries = 1};
  end.directory_bytes = static_cast<std::uint32_t>(wide.directory_bytes);
  end.directory_offset_bytes = zip::in_zip64_32;
  zip::append_record(end, back);
  write_file(path, front);
  std::filesystem::resize_file(path, data + size - 8);
  std::ofstream(path, std::ios::binary | std::ios::app) << back;

  const npz_reader z(path);
  CHECK(z.members()[0].uncompressed_bytes == size);
  const auto x = z.open<stored<std::int64_t>>("x");
  CHECK(x.shape() == shape{n});
  CHECK(x(n - 1) == 42);
  CHECK(x(n - 2) == 0);
  CHECK(code_of([&] { z.extract("x", folder / "none/out.npy"); }) ==
        std::error_code(ENOENT, std::system_category()));
  CHECK(python("import zipfile\nprint(zipfile.ZipFile(sys.argv[1]).getinfo('x.npy').file_size)",
               {path}) == std::to_string(size) + "\n");
}

TEST_CASE("npz: what a member claims to become costs nothing before it does", "[npz]") {
  const temp_folder folder;
  const auto path = folder / "a.npz";
  constexpr std::uint64_t packed = 8 << 20, claimed = packed * 1032;  // 8 GiB of 8 MiB
  const std::string extra = extra_field(zip::extra_zip64, numbers(claimed));
  raw_archive raw{.members = {stored_member("d.npy", std::string(packed, '\xff'))}};
  raw_member& m = raw.members[0];
  m.local.method = m.record.method = zip::method_deflated;
  m.local.uncompressed_bytes = m.record.uncompressed_bytes = zip::in_zip64_32;
  m.local_extra = m.extra = extra;
  write_file(path, raw.bytes());
  const npz_reader z(path);
  REQUIRE(z.members()[0].uncompressed_bytes == claimed);
  const std::uint64_t before = resident_bytes();
  for (const auto code : codes_of_all_ways(z, "d", folder / "out.npy")) {
    CHECK(code == errc::bad_archive);
  }
  CHECK(resident_bytes() < before + (std::uint64_t{64} << 20));
}
