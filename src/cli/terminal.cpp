#include "cli/terminal.hpp"

#include <cerrno>
#include <csignal>
#include <cstdio>
#include <system_error>

#include <fmt/format.h>

#include <npymap/error.hpp>

#include "format/unicode.hpp"

namespace npymap::cli {
namespace {

void check_output(bool good) {
  if (good) return;
  throw error(std::error_code(errno, std::system_category()),
              {.path = "standard output", .subject = "writing"});
}

}  // namespace

void write_output(std::string_view text) { write_output(std::as_bytes(std::span(text))); }

void write_output(std::span<const std::byte> bytes) {
  check_output(std::fwrite(bytes.data(), 1, bytes.size(), stdout) == bytes.size());
}

void flush_output() { check_output(std::fflush(stdout) == 0); }

std::string printable(std::string_view text) {
  std::string out;
  while (!text.empty()) {
    const std::string_view before = text;
    const auto c = detail::take_utf8(text);
    if (!c) text.remove_prefix(1);
    const std::string_view taken = before.substr(0, before.size() - text.size());
    if (c && detail::is_printable(*c)) {
      out += taken;
    } else {
      for (const char byte : taken)
        out += fmt::format("\\x{:02x}", static_cast<unsigned char>(byte));
    }
  }
  return out;
}

// Whoever started us may ignore SIGPIPE, and then each write would have to be asked.
void die_of_broken_pipes() { std::signal(SIGPIPE, SIG_DFL); }

}  // namespace npymap::cli
