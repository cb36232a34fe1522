#include <npymap/error.hpp>

#include <array>
#include <string_view>
#include <utility>

#include <fmt/format.h>

namespace npymap {
namespace {

const char* text_of(errc code) {
  switch (code) {
    case errc::not_npy:
      return "not an NPY file";
    case errc::unsupported_version:
      return "unsupported NPY version";
    case errc::header_too_long:
      return "header too long";
    case errc::bad_header:
      return "malformed header";
    case errc::bad_dtype:
      return "malformed dtype";
    case errc::object_dtype:
      return "Python objects are not read";
    case errc::dtype_mismatch:
      return "dtype mismatch";
    case errc::size_overflow:
      return "size overflow";
    case errc::truncated:
      return "truncated file";
    case errc::layout_mismatch:
      return "layout mismatch";
    case errc::out_of_range:
      return "out of range";
    case errc::invalid_argument:
      return "invalid argument";
    case errc::read_only:
      return "read-only";
    case errc::busy:
      return "in use";
    case errc::closed:
      return "closed";
    case errc::not_regular_file:
      return "not a regular file";
    case errc::stopped:
      return "stopped";
    case errc::replaced:
      return "replaced";
    case errc::not_npz:
      return "not an NPZ file";
    case errc::bad_archive:
      return "malformed archive";
    case errc::checksum_mismatch:
      return "checksum mismatch";
    case errc::member_too_long:
      return "member too long";
    case errc::unsupported_member:
      return "unsupported member";
    case errc::not_pickle:
      return "not a pickle";
    case errc::bad_pickle:
      return "malformed pickle";
    case errc::refused_object:
      return "refused Python object";
    case errc::bad_text:
      return "malformed text";
  }
  return "unknown error";
}

class npymap_category final : public std::error_category {
 public:
  const char* name() const noexcept override { return "npymap"; }
  std::string message(int code) const override { return text_of(static_cast<errc>(code)); }
};

// The one place that puts a message together.
std::string message_of(const std::error_code& code, const error_facts& facts) {
  std::string text = facts.path;
  const auto append = [&text](std::string_view separator, std::string_view part) {
    if (part.empty()) return;
    if (!text.empty()) text += separator;
    text += part;
  };
  append(":", facts.member);
  append(": ", facts.subject);
  if (!facts.expected.empty() && !facts.found.empty()) {
    append(": ", fmt::format("expected {}, found {}", facts.expected, facts.found));
  } else if (!facts.expected.empty()) {
    append(": ", fmt::format("expected {}", facts.expected));
  } else if (!facts.found.empty()) {
    append(": ", fmt::format("found {}", facts.found));
  }
  if (facts.byte_offset) text += fmt::format(" (at byte {})", *facts.byte_offset);
  // Our own codes are told by the sentence itself; only the system has something to add.
  if (code.category() != error_category() || facts.subject.empty()) append(": ", code.message());
  return text;
}

}  // namespace

const std::error_category& error_category() noexcept {
  static const npymap_category category;
  return category;
}

std::string quoted(std::string_view text) {
  constexpr std::size_t longest = 80;  // DESIGN section 5: found text is cut at 80 characters
  std::string out = "'";
  for (const char c : text) {
    std::array<char, 8> escape{};
    std::string_view piece(&c, 1);
    const auto byte = static_cast<unsigned char>(c);
    if (c == '\'' || c == '\\') {
      escape = {'\\', c};
      piece = {escape.data(), 2};
    } else if (c == '\n') {
      piece = "\\n";
    } else if (byte < 0x20 || byte >= 0x7f) {
      const auto end = fmt::format_to(escape.data(), "\\x{:02x}", byte);
      piece = {escape.data(), static_cast<std::size_t>(end - escape.data())};
    }
    if (out.size() - 1 + piece.size() > longest) return out + "'...";
    out += piece;
  }
  return out + "'";
}

struct error::state final : detail::counted {
  state(const std::error_code& code, error_facts given)
      : facts(std::move(given)), message(message_of(code, facts)) {}

  const error_facts facts;
  const std::string message;
};

error::error(std::error_code code, error_facts facts)
    : std::system_error(code),
      state_(detail::shared<state>::adopt(new state(code, std::move(facts)))) {}

const char* error::what() const noexcept { return state_->message.c_str(); }
const std::string& error::path() const noexcept { return state_->facts.path; }
const std::string& error::member() const noexcept { return state_->facts.member; }
const std::string& error::subject() const noexcept { return state_->facts.subject; }
const std::string& error::expected() const noexcept { return state_->facts.expected; }
const std::string& error::found() const noexcept { return state_->facts.found; }
std::optional<std::uint64_t> error::byte_offset() const noexcept {
  return state_->facts.byte_offset;
}

error error::in_file(std::string path, std::uint64_t base_bytes, std::string member) const {
  if (!state_->facts.path.empty()) return *this;
  error_facts facts = state_->facts;
  facts.path = std::move(path);
  facts.member = std::move(member);
  if (facts.byte_offset) *facts.byte_offset += base_bytes;
  return {code(), std::move(facts)};
}

}  // namespace npymap
