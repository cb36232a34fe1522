#include <cstring>
#include <string>
#include <string_view>
#include <vector>

#include <npymap/error.hpp>
#include <npymap/header.hpp>

#include "cli/print/print_array.hpp"
#include "support/catch.hpp"
#include "support/python.hpp"
#include "support/skip.hpp"
#include "support/temp_folder.hpp"

namespace {

using namespace npymap;
using namespace npymap_test;

std::string printed(const dtype& type, const std::byte* origin, const shape& extents,
                    const strides& byte_strides) {
  std::string text;
  cli::print_array([&text](std::string_view piece) { text += piece; }, type, origin, extents,
                   byte_strides);
  return text;
}

std::string printed(const dtype& type, std::string_view bytes, const shape& extents) {
  return printed(type, reinterpret_cast<const std::byte*>(bytes.data()), extents,
                 dense_byte_strides(extents, type.itemsize(), order::c));
}

// The pieces of print_cases.py, each behind its length.
std::string_view next_piece(std::string_view& rest) {
  std::uint64_t length = 0;
  std::memcpy(&length, rest.data(), sizeof length);
  const std::string_view piece = rest.substr(sizeof length, length);
  rest.remove_prefix(sizeof length + length);
  return piece;
}

struct array_bytes_at {
  header facts;
  std::vector<char> memory;
  std::byte* data;
};

// The elements of an .npy, at an address that fits no number.
array_bytes_at unaligned(std::string_view npy) {
  const header facts = parse_header(std::as_bytes(std::span(npy)));
  const std::string_view elements = npy.substr(facts.data_offset_bytes);
  array_bytes_at result{facts, std::vector<char>(elements.size() + 1), nullptr};
  result.data = reinterpret_cast<std::byte*>(result.memory.data()) + 1;
  if (!elements.empty()) std::memcpy(result.data, elements.data(), elements.size());
  return result;
}

std::string print_piece(std::string_view how, std::string_view npy) {
  const array_bytes_at a = unaligned(npy);
  strides byte_strides = dense_byte_strides(a.facts.shape, a.facts.dtype.itemsize(), a.facts.order);
  const std::byte* origin = a.data;
  if (how == "reversed" && a.facts.shape[0] > 0) {
    origin += (a.facts.shape[0] - 1) * byte_strides[0];
    byte_strides[0] = -byte_strides[0];
  }
  return printed(a.facts.dtype, origin, a.facts.shape, byte_strides);
}

// NumPy 2 shows some numbers of rank 0 with other thresholds, and b'' as np.bytes_(b'').
bool have_numpy_1() { return have_numpy() && python("print(np.__version__)").starts_with("1."); }

}  // namespace

TEST_CASE("print: any array reads as NumPy prints it") {
  if (!have_numpy_1()) NPYMAP_SKIP("needs NumPy 1");
  const temp_folder folder;
  const std::string script = read_file(NPYMAP_TEST_FOLDER "/print_cases.py");
  python(script, {std::to_string(random_seed()), "3000", folder / "cases"});
  const std::string cases = read_file(folder / "cases");
  for (std::string_view rest = cases; !rest.empty();) {
    const std::string_view how = next_piece(rest);
    const std::string_view type = next_piece(rest);
    const std::string_view npy = next_piece(rest);
    const std::string_view expected = next_piece(rest);
    INFO("seed " << random_seed() << ", dtype " << type << ' ' << how);
    REQUIRE(print_piece(how, npy) == expected);
  }
}

TEST_CASE("print: every float16 reads as NumPy prints it alone") {
  if (!have_numpy_1()) NPYMAP_SKIP("needs NumPy 1");
  const std::string expected = python(R"(
for bits in range(65536): print(np.array(bits, 'u2').view('f2')))");
  std::string text;
  const dtype half = dtype::scalar(dtype_kind::floating, 2, byte_order::little);
  for (unsigned bits = 0; bits < 65536; ++bits) {
    const char bytes[] = {static_cast<char>(bits & 0xff), static_cast<char>(bits >> 8)};
    text += printed(half, std::string_view(bytes, 2), {}) + "\n";
  }
  REQUIRE(text == expected);
}

TEST_CASE("print: times that NumPy computes wrongly, or not at all, are told") {
  const dtype seconds =
      dtype::time(dtype_kind::datetime, {time_unit::second, INT32_MAX}, byte_order::little);
  const std::string_view largest = "\xff\xff\xff\xff\xff\xff\xff\x7f";
  // (2**63 - 1) * (2**31 - 1) seconds: NumPy wraps.
  CHECK(printed(seconds, largest, {}) == "627660130780143545598-02-27T23:08:49");
  const dtype generic = dtype::time(dtype_kind::datetime, {}, byte_order::little);
  CHECK(printed(generic, largest, {1}) == "['9223372036854775807']");
}

TEST_CASE("print: characters that are none are escaped") {
  const dtype text = dtype::text(dtype_kind::unicode, 2, byte_order::little);
  const std::string_view bytes("\x00\xd8\x00\x00\x00\x00\x11\x00", 8);
  CHECK(printed(text, bytes, {1}) == "['\\ud800\\U00110000']");
  CHECK(printed(text, bytes, {}) == "\\ud800\\U00110000");
}

TEST_CASE("print: an amount that nobody can read is refused") {
  const dtype nothing = dtype::scalar(dtype_kind::raw, 0);
  const auto refusal = [](const dtype& type, const shape& extents) {
    try {
      printed(type, std::string_view(), extents);
    } catch (const error& e) {
      return e.code();
    }
    return std::error_code();
  };
  CHECK(refusal(nothing, shape(20, 6)) == errc::invalid_argument);
  CHECK(refusal(dtype::scalar(dtype_kind::raw, 1 << 30), {1}) == errc::invalid_argument);
  const dtype many = dtype::record({{.name = "a", .type = nothing, .subshape = {INT32_MAX}}}, 0);
  CHECK(refusal(many, {1}) == errc::invalid_argument);
  const auto brackets = [](const shape& subshape) {
    const dtype number = dtype::scalar(dtype_kind::floating, 8);
    return dtype::record({{.name = "a", .type = number, .subshape = subshape}}, 0);
  };
  CHECK(refusal(brackets({INT32_MAX, 0}), {1}) == errc::invalid_argument);
  CHECK(refusal(brackets({2, INT32_MAX, 0, 3}), {1}) == errc::invalid_argument);
  CHECK_FALSE(refusal(brackets({0, INT32_MAX}), {1}));
  CHECK(refusal(dtype::object(), {1}) == errc::object_dtype);
  CHECK_FALSE(refusal(nothing, {INT64_MAX}));
}
