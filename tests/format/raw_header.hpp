/// \file
/// Headers from text, good and bad.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>

#include <npymap/error.hpp>
#include <npymap/header.hpp>

#include "support/catch.hpp"

namespace npymap_test {

inline std::span<const std::byte> as_bytes(std::string_view text) {
  return std::as_bytes(std::span(text.data(), text.size()));
}

/// Magic, version, length and the text as it is, without any padding.
inline std::string raw_header(std::string_view text, int version = 1) {
  std::string bytes = "\x93NUMPY";
  bytes += static_cast<char>(version);
  bytes += '\0';
  for (int i = 0; i < (version == 1 ? 2 : 4); ++i) {
    bytes += static_cast<char>(text.size() >> (8 * i));
  }
  return bytes += text;
}

/// A header in which only the descr is of interest.
inline std::string header_of(std::string_view descr, std::string_view shape = "(6,)") {
  return "{'descr': " + std::string(descr) +
         ", 'fortran_order': False, 'shape': " + std::string(shape) + ", }";
}

inline npymap::header parse(std::string_view bytes,
                            std::size_t limit = npymap::default_header_limit) {
  return npymap::parse_header(as_bytes(bytes), limit);
}

/// The error that `call` ends in; fails the test if it does not.
template <class Call>
npymap::error failure(Call call) {
  try {
    call();
  } catch (const npymap::error& e) {
    return e;
  }
  FAIL("no error was thrown");
  throw 0;  // not reached
}

inline npymap::error parse_failure(std::string_view bytes,
                                   std::size_t limit = npymap::default_header_limit) {
  return failure([&] { parse(bytes, limit); });
}

}  // namespace npymap_test
