#include <algorithm>
#include <vector>

#include <fmt/format.h>

#include <npymap/error.hpp>
#include <npymap/header.hpp>

#include "cli/commands.hpp"
#include "cli/json.hpp"
#include "cli/npy_file.hpp"
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
  std::string_view check;
  verdict is;
  std::string detail;
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
  std::uint64_t odd_bools_ = 0;
};

bool can_be_wrong(const dtype& type) {
  if (type.is_record()) {
    return std::ranges::any_of(type.fields(), [](const field& f) { return can_be_wrong(f.type); });
  }
  return type.kind() == dtype_kind::boolean || type.kind() == dtype_kind::unicode;
}

void touch_pages(std::span<const std::byte> bytes) {
  constexpr std::size_t smallest_page = 4096;
  for (std::size_t i = 0; i < bytes.size(); i += smallest_page) {
    [[maybe_unused]] const volatile std::byte read = bytes[i];
  }
}

finding element_check::run(progress& bar) {
  const dtype& type = file_.facts.dtype;
  const std::uint64_t data_bytes = *file_.data_bytes();
  const auto itemsize = static_cast<std::uint64_t>(std::max<index_t>(type.itemsize(), 1));
  const bool look = can_be_wrong(type);
  const std::uint64_t block_bytes = std::max<std::uint64_t>((4 << 20) / itemsize, 1) * itemsize;
  for (std::uint64_t begin = 0; begin < data_bytes; begin += block_bytes) {
    const std::size_t offset = file_.facts.data_offset_bytes + begin;
    const std::size_t size = std::min(block_bytes, data_bytes - begin);
    const std::byte* const block = file_.map.data() + offset;
    touch_pages({block, size});
    if (look) look_at(type, block, static_cast<index_t>(size / itemsize));
    file_.map.advise(advice::dont_need, offset, size);
    bar.advance(size);
  }
  if (odd_bools_ > 0) {
    return {"elements", verdict::warning,
            fmt::format("{} bools are neither 0 nor 1, and count as True", odd_bools_)};
  }
  return {"elements", verdict::ok, fmt::format("{} bytes read", data_bytes)};
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
                {.path = file_.map.path(),
                 .subject = "array data",
                 .expected = "characters up to U+10FFFF",
                 .found = fmt::format("U+{:X}", c),
                 .byte_offset = static_cast<std::uint64_t>(at - file_.map.data())});
  }
}

finding header_form(const npy_file& file) {
  const header& facts = file.facts;
  if (facts.dtype.has_object()) return {"form", verdict::ok, "of Python objects, not compared"};
  const std::string canonical = header_bytes(facts.dtype, facts.shape, facts.order);
  const auto stored = std::span(file.map.data(), facts.data_offset_bytes);
  if (std::ranges::equal(stored, std::as_bytes(std::span(canonical)))) {
    return {"form", verdict::ok, "byte for byte as NumPy writes it"};
  }
  return {"form", verdict::warning, "legal, but not as NumPy writes it"};
}

finding data_place(const npy_file& file) {
  constexpr std::uint64_t numpy_alignment = 64;  // since NumPy 1.14; NEP 1 speaks of 16
  const std::uint64_t offset = file.facts.data_offset_bytes;
  const bool aligned = offset % numpy_alignment == 0;
  return {
      "place", aligned ? verdict::ok : verdict::warning,
      fmt::format("elements begin at byte {}{}", offset,
                  aligned ? "" : ", no multiple of 64: C++ may not be able to use them in place")};
}

finding data_end(const npy_file& file) {
  const std::uint64_t trailing = *file.trailing_bytes();
  if (trailing == 0) return {"end", verdict::ok, "nothing behind the elements"};
  return {"end", verdict::warning, fmt::format("{} bytes behind the elements", trailing)};
}

// Adds what it finds; the error is the defect that ends it.
void examine(const file_map& map, const verify_options& options, std::vector<finding>& findings) {
  const npy_file file = read_npy(map, options.source);
  findings.push_back({"header", verdict::ok,
                      fmt::format("version {}.{}, {} bytes", file.facts.version.major,
                                  file.facts.version.minor, file.facts.data_offset_bytes)});
  findings.push_back(header_form(file));
  findings.push_back(data_place(file));
  if (!file.data_bytes()) {
    findings.push_back({"elements", verdict::warning, "Python objects, a pickle: not checked"});
    return;
  }
  if (const auto cut_short = file.truncation()) throw *cut_short;
  findings.push_back(data_end(file));
  progress bar(options.progress, *file.data_bytes());
  findings.push_back(element_check(file).run(bar));
}

std::string json_of(const std::string& path, const std::vector<finding>& findings, bool good) {
  std::string checks;
  for (const finding& f : findings) {
    checks +=
        fmt::format(R"({}{{"check": "{}", "verdict": "{}", "detail": {}}})",
                    checks.empty() ? "" : ", ", f.check, name_of(f.is), json_string(f.detail));
  }
  return fmt::format(R"({{"path": {}, "format": "npy", "ok": {}, "checks": [{}]}})"
                     "\n",
                     json_string(path), good, checks);
}

std::string text_of(const std::vector<finding>& findings) {
  std::string text;
  for (const finding& f : findings) {
    text += fmt::format("{:<8}  {:<8}  {}\n", f.check, name_of(f.is), printable(f.detail));
  }
  return text;
}

}  // namespace

void verify(const verify_options& options) {
  const std::string& path = options.source.path;
  const file_map map = map_file(options.source);
  std::vector<finding> findings;
  std::optional<error> defect;
  try {
    examine(map, options, findings);
  } catch (const error& e) {
    defect = e.in_file(path);
    findings.push_back({findings.empty() ? "header" : "elements", verdict::defect, e.what()});
  }
  write_output(options.json ? json_of(path, findings, !defect) : text_of(findings));
  if (defect) throw *defect;
}

}  // namespace npymap::cli
