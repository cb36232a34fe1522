#include "pickle/pickle_value.hpp"

#include <limits>

#include <fmt/format.h>

#include "pickle/escaped_text.hpp"

namespace npymap::pickle {

value_ref value_pool::add(value made) {
  count(2 * sizeof(value) + made.parts.size() * sizeof(value_ref));
  if (values_.size() > std::numeric_limits<value_ref>::max() - 1) {
    throw error(errc::out_of_range, {.subject = "pickle", .expected = "fewer than 2**32 values"});
  }
  values_.push_back(std::move(made));
  return static_cast<value_ref>(values_.size() - 1);
}

void value_pool::count(std::uint64_t bytes) {
  bytes_ += bytes;
  if (bytes_ > most_bytes_) refuse_memory(most_bytes_);
}

void refuse_memory(std::uint64_t most_bytes) {
  throw error(errc::out_of_range,
              {.subject = "pickle",
               .expected = fmt::format("values that take at most {} bytes of memory", most_bytes),
               .found = "more"});
}

std::optional<std::uint64_t> told_offset(std::uint64_t at) noexcept {
  return at == no_offset ? std::nullopt : std::optional(at);
}

void refuse(std::string subject, std::string expected, std::string found, std::uint64_t at) {
  throw error(errc::bad_pickle, {.subject = std::move(subject),
                                 .expected = std::move(expected),
                                 .found = std::move(found),
                                 .byte_offset = told_offset(at)});
}

const char* name_of(value_kind kind) noexcept {
  switch (kind) {
    case value_kind::none:
      return "None";
    case value_kind::boolean:
      return "a bool";
    case value_kind::integer:
    case value_kind::large_integer:
      return "an int";
    case value_kind::floating:
      return "a float";
    case value_kind::complex:
      return "a complex";
    case value_kind::text:
      return "a str";
    case value_kind::bytes:
      return "bytes";
    case value_kind::tuple:
      return "a tuple";
    case value_kind::list:
      return "a list";
    case value_kind::dict:
      return "a dict";
    case value_kind::set:
      return "a set";
    case value_kind::global:
      return "a type or function";
    case value_kind::dtype:
      return "a dtype";
    case value_kind::array:
      return "an array";
    case value_kind::scalar:
      return "a NumPy scalar";
    case value_kind::joblib_array:
      return "an array of joblib's";
  }
  return "something else";
}

std::string text_of(const pickle_bytes& from, const value& text, std::uint64_t most_bytes) {
  if (text.kind != value_kind::text && text.kind != value_kind::bytes) {
    refuse("pickle", "a str", name_of(text.kind), text.range.offset);
  }
  if (text.range.size > most_bytes) {
    refuse("pickle", fmt::format("a str of at most {} bytes", most_bytes),
           fmt::format("{}", text.range.size), text.range.offset);
  }
  const std::string written = from.text(text.range);
  std::string decoded;
  text_decoder decoder(text.coding);
  if (!decoder.decode(written, decoded) || !decoder.finish(decoded)) {
    refuse("pickle", "a str", quoted(written), text.range.offset);
  }
  return decoded;
}

}  // namespace npymap::pickle
