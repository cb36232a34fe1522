#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include <npymap/error.hpp>
#include <npymap/header.hpp>

#include "cli/archive_commands.hpp"
#include "cli/commands.hpp"
#include "cli/input.hpp"
#include "cli/json.hpp"
#include "cli/npy_file.hpp"
#include "cli/other_formats.hpp"
#include "cli/print/stored.hpp"
#include "cli/progress.hpp"
#include "cli/terminal.hpp"
#include "format/unicode.hpp"

namespace npymap::cli {
namespace {

enum class verdict : char {
  ok,
  warning,  // legal, and odd
  defect,
};

std::string_view name_of(verdict v) {
  return v == verdict::ok ? "ok" : v == verdict::warning ? "warning" : "defect";
}

struct finding {
  verdict is;
  std::string detail;
};

struct check {
  std::string_view name;
  finding found;
};

// Reads every element, and looks at those whose bytes can be wrong: characters and bools.
class element_check {
 public:
  explicit element_check(const npy_file& file) : file_(file) {}

  // \throws error for a character that is none
  finding run(progress& bar);

 private:
  void look_at(const dtype& type, const std::byte* at, index_t count);
  void look_at_characters(const dtype& type, const std::byte* at, index_t count);

  const npy_file& file_;
  std::vector<std::byte> block_;  // of whole items, if these are looked at
  std::uint64_t block_offset_ = 0;
  std::uint64_t odd_bools_ = 0;
};

bool can_be_wrong(const dtype& type) {
  if (type.itemsize() == 0) return false;  // sub-arrays of nothing may have any extent
  if (type.is_record()) {
    return std::ranges::any_of(type.fields(), [](const field& f) { return can_be_wrong(f.type); });
  }
  return type.kind() == dtype_kind::boolean || type.kind() == dtype_kind::unicode;
}

finding element_check::run(progress& bar) {
  const dtype& type = file_.facts.dtype;
  const std::uint64_t data_bytes = *file_.data_bytes();
  const bool look = can_be_wrong(type);
  const std::uint64_t piece_bytes = look ? static_cast<std::uint64_t>(type.itemsize()) : 1;
  const std::uint64_t block_bytes =
      std::max<std::uint64_t>((4 << 20) / piece_bytes, 1) * piece_bytes;
  block_.resize(static_cast<std::size_t>(std::min(block_bytes, data_bytes)));
  for (std::uint64_t begin = 0; begin < data_bytes; begin += block_bytes) {
    block_offset_ = file_.facts.data_offset_bytes + begin;
    const auto block = std::span(block_).first(
        static_cast<std::size_t>(std::min(block_bytes, data_bytes - begin)));
    const std::size_t got = file_.opened.read_at(block, block_offset_);
    if (got < block.size()) throw file_.cut_short(begin + got);
    if (look) look_at(type, block.data(), static_cast<index_t>(block.size() / piece_bytes));
    bar.advance(block.size());
  }
  if (odd_bools_ > 0) {
    return {verdict::warning,
            fmt::format("{} bools are neither 0 nor 1, and count as True", odd_bools_)};
  }
  return {verdict::ok, fmt::format("{} bytes read", data_bytes)};
}

void element_check::look_at(const dtype& type, const std::byte* at, index_t count) {
  if (type.kind() == dtype_kind::unicode) return look_at_characters(type, at, count);
  if (type.kind() == dtype_kind::boolean) {
    odd_bools_ += static_cast<std::uint64_t>(
        std::count_if(at, at + count, [](std::byte b) { return b > std::byte{1}; }));
    return;
  }
  for (const field& f : type.fields()) {
    if (!can_be_wrong(f.type)) continue;
    for (index_t i = 0; i < count; ++i) {
      look_at(f.type, at + i * type.itemsize() + f.offset_bytes, *element_count(f.subshape));
    }
  }
}

void element_check::look_at_characters(const dtype& type, const std::byte* at, index_t count) {
  const std::byte* const end = at + count * type.itemsize();
  for (; at < end; at += 4) {
    const auto c = load<std::uint32_t>(at, type.byte_order());
    if (c <= detail::max_code_point) continue;
    throw error(errc::out_of_range,
                {.path = file_.opened.path(),
                 .subject = "array data",
                 .expected = "characters up to U+10FFFF",
                 .found = fmt::format("U+{:X}", c),
                 .byte_offset = block_offset_ + static_cast<std::uint64_t>(at - block_.data())});
  }
}

finding header_version(const npy_file& file) {
  const header& facts = file.facts;
  return {verdict::ok, fmt::format("version {}.{}, {} bytes", facts.version.major,
                                   facts.version.minor, facts.data_offset_bytes)};
}

finding header_form(const npy_file& file) {
  const header& facts = file.facts;
  if (facts.dtype.has_object()) return {verdict::warning, "of Python objects: not checked"};
  const std::string canonical = header_bytes(facts.dtype, facts.shape, facts.order);
  std::vector<std::byte> stored(static_cast<std::size_t>(facts.data_offset_bytes));
  stored.resize(file.opened.read_at(stored, 0));
  if (std::ranges::equal(stored, std::as_bytes(std::span(canonical)))) {
    return {verdict::ok, "byte for byte as NumPy writes it"};
  }
  return {verdict::warning, "legal, but not as NumPy writes it"};
}

finding data_place(const npy_file& file) {
  constexpr std::uint64_t numpy_alignment = 64;  // since NumPy 1.14; NEP 1 speaks of 16
  const std::uint64_t offset = file.facts.data_offset_bytes;
  if (offset % numpy_alignment == 0) {
    return {verdict::ok, fmt::format("elements begin at byte {}", offset)};
  }
  return {verdict::warning,
          fmt::format("elements begin at byte {}, no multiple of {}", offset, numpy_alignment)};
}

finding data_size(const npy_file& file) {
  if (!file.data_bytes()) return {verdict::warning, "Python objects, a pickle: not checked"};
  if (const auto cut_short = file.truncation()) throw *cut_short;
  const std::uint64_t trailing = *file.trailing_bytes();
  if (trailing == 0) return {verdict::ok, "the file ends with the elements"};
  return {verdict::warning, fmt::format("{} bytes behind the elements", trailing)};
}

// Check after check is added, until one throws: that one is the defect.
void examine(io::file opened, const verify_options& options, std::vector<check>& checks) {
  const auto add = [&checks](std::string_view name, const auto& look) {
    checks.push_back({name, {verdict::defect, {}}});
    checks.back().found = look();
  };
  npy_file file;
  add("header", [&] {
    file = read_npy(std::move(opened), options.source.header_limit);
    return header_version(file);
  });
  add("form", [&] { return header_form(file); });
  add("place", [&] { return data_place(file); });
  add("size", [&] { return data_size(file); });
  if (!file.data_bytes()) return;
  progress bar(options.progress, *file.data_bytes());
  add("elements", [&] { return element_check(file).run(bar); });
}

std::string json_of(const std::string& path, const std::vector<check>& checks, bool good) {
  std::string list;
  for (const auto& [name, found] : checks) {
    list +=
        fmt::format(R"({}{{"check": "{}", "verdict": "{}", "detail": {}}})",
                    list.empty() ? "" : ", ", name, name_of(found.is), json_string(found.detail));
  }
  return fmt::format(R"({{"path": {}, "format": "npy", "ok": {}, "checks": [{}]}})"
                     "\n",
                     json_string(path), good, list);
}

std::string text_of(const std::vector<check>& checks) {
  std::string text;
  for (const auto& [name, found] : checks) {
    text += fmt::format("{:<8}  {:<7}  {}\n", name, name_of(found.is), printable(found.detail));
  }
  return text;
}

}  // namespace

void verify(const verify_options& options) {
  input from = locate(options.source);
  if (from.format == file_format::npz) {
    try {
      open_archive(from, options.source.header_limit);
    } catch (const error& e) {
      refuse_archive(e.in_file(from.path), options);
    }
    return verify_archive(from, options);
  }
  if (from.format != file_format::npy) return verify_other(from, options);
  io::file opened = io::file::open(from.path, open_mode::read);
  std::vector<check> checks;
  std::optional<error> defect;
  try {
    examine(std::move(opened), options, checks);
  } catch (const error& e) {
    defect = e.in_file(options.source.path);
    checks.back().found.detail = defect->what();
  }
  write_output(options.json ? json_of(options.source.path, checks, !defect) : text_of(checks));
  if (defect) throw *defect;
}

}  // namespace npymap::cli
