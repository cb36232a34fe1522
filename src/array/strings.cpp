#include <npymap/strings.hpp>

#include <algorithm>
#include <cstdint>
#include <cstring>

#include <fmt/format.h>
#include <boost/endian/conversion.hpp>

#include <npymap/array.hpp>
#include <npymap/error.hpp>
#include <npymap/header.hpp>

#include "array/array_access.hpp"
#include "array/dtype_advice.hpp"
#include "format/unicode.hpp"

namespace npymap {
namespace {

// In characters of text, or bytes of raw items.
std::size_t unit_bytes(const dtype& type) {
  return type.kind() == dtype_kind::unicode ? sizeof(char32_t) : 1;
}

[[noreturn]] void refuse_character(char32_t c) {
  throw error(errc::invalid_argument, {.subject = "UTF-32 text",
                                       .expected = "characters of Unicode",
                                       .found = fmt::format("U+{:04X}", std::uint32_t{c})});
}

// Characters at any address, in either byte order.
std::u32string copy_unicode(std::span<const std::byte> item, byte_order order) {
  std::u32string text(item.size() / sizeof(char32_t), U'\0');
  if (!item.empty()) std::memcpy(text.data(), item.data(), item.size());
  if (order != native_byte_order) {
    for (char32_t& c : text) c = boost::endian::endian_reverse(std::uint32_t{c});
  }
  return text;
}

std::span<std::byte> item_at(const any_array& items, std::span<const index_t> index) {
  const index_t offset_bytes = detail::element_offset_bytes(items.layout(), index);
  return {detail::displaced(items.data(), offset_bytes),
          static_cast<std::size_t>(items.itemsize())};
}

}  // namespace

void detail::require_strings(const any_array& items, dtype_kind wanted) {
  const npymap::dtype& found = items.dtype();
  if (found.kind() != wanted) {
    throw error(errc::dtype_mismatch,
                {.path = items.path(),
                 .subject = "dtype",
                 .expected = fmt::format("'{}' of any length", static_cast<char>(wanted)),
                 .found = descr(found) + reader_of(found)});
  }
  if (!found.is_native()) {
    throw error(errc::dtype_mismatch, {.path = items.path(),
                                       .subject = "dtype",
                                       .expected = descr(found.with_byte_order(native_byte_order)),
                                       .found = descr(found) + reader_of(found)});
  }
  if (wanted == dtype_kind::unicode) {
    require_element(items, found, alignof(char32_t), false);
  }
}

void detail::assign_string(const any_array& items, std::span<const index_t> index,
                           std::span<const std::byte> text) try {
  require_element(items, items.dtype(), 1, true);
  const std::span<std::byte> item = item_at(items, index);
  if (text.size() > item.size()) {
    const std::size_t unit = unit_bytes(items.dtype());
    throw error(errc::invalid_argument,
                {.subject = "text to assign",
                 .expected = fmt::format("a length of at most {}", item.size() / unit),
                 .found = fmt::format("{}", text.size() / unit)});
  }
  if (items.dtype().kind() == dtype_kind::unicode) {
    const auto* const characters = reinterpret_cast<const char32_t*>(text.data());
    for (const char32_t c : std::span(characters, text.size() / sizeof(char32_t))) {
      if (c > max_code_point) refuse_character(c);
    }
  }
  // The text may be that of an element, this one too.
  if (!text.empty()) std::memmove(item.data(), text.data(), text.size());
  std::ranges::fill(item.subspan(text.size()), std::byte{0});
} catch (const error& e) {
  throw e.in_file(items.path());
}

std::string text_at(const any_array& items, const index_vector& index) try {
  const dtype& type = items.dtype();
  if (type.kind() != dtype_kind::bytes && type.kind() != dtype_kind::unicode) {
    throw error(errc::dtype_mismatch,
                {.subject = "dtype", .expected = "'S' or 'U'", .found = descr(type)});
  }
  const std::span<const std::byte> item = item_at(items, index);
  if (type.kind() == dtype_kind::unicode) {
    const std::u32string text = copy_unicode(item, type.byte_order());
    return to_utf8(detail::stripped(std::u32string_view(text)));
  }
  return std::string(
      detail::stripped(std::string_view(reinterpret_cast<const char*>(item.data()), item.size())));
} catch (const error& e) {
  throw e.in_file(items.path());
}

std::string to_utf8(std::u32string_view text) {
  std::string utf8;
  utf8.reserve(text.size());
  for (const char32_t c : text) {
    if (c > detail::max_code_point || detail::is_surrogate(c)) refuse_character(c);
    detail::append_utf8(utf8, c);
  }
  return utf8;
}

std::u32string to_utf32(std::string_view utf8) {
  std::u32string text;
  text.reserve(utf8.size());
  for (std::string_view rest = utf8; !rest.empty();) {
    const auto c = detail::take_utf8(rest);
    if (!c) {
      throw error(errc::invalid_argument, {.subject = "text",
                                           .expected = "UTF-8",
                                           .found = quoted(rest.substr(0, 4)),
                                           .byte_offset = utf8.size() - rest.size()});
    }
    text += *c;
  }
  return text;
}

}  // namespace npymap
