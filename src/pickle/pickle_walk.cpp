#include "pickle/pickle_walk.hpp"

#include <cstddef>

#include <fmt/format.h>

#include "format/python_repr.hpp"
#include "format/unicode.hpp"

namespace npymap::pickle {
namespace {

constexpr std::uint64_t longest_key = 1000;                     // in bytes of the file
constexpr std::size_t longest_tuple = 8;                        // that is told as a key
constexpr std::size_t most_name_bytes = std::size_t{64} << 20;  // of all names together

/// A container on the way, and how far its parts have been looked at.
struct on_the_way {
  value_ref at;
  std::size_t next = 0;
  std::size_t name_bytes;  // of the way to it
};

bool is_container(const value& of) {
  return of.kind == value_kind::list || of.kind == value_kind::tuple || of.kind == value_kind::dict;
}

// As Python would write it between brackets. Tuples of more, or of tuples, are not told in full,
// and neither is what is longer, or a str that no UTF-8 has.
std::string key_text(const pickle_bytes& from, const value_pool& pool, const value& key,
                     bool is_inner = false) {
  const bool is_string = key.kind == value_kind::text || key.kind == value_kind::bytes;
  if (is_string && key.range.size > longest_key) return "...";
  switch (key.kind) {
    case value_kind::text: {
      const std::string text = text_of(from, key, longest_key);
      if (!detail::utf8_length(text)) return "...";
      std::string told;
      detail::append_repr(told, text);
      return told;
    }
    case value_kind::integer:
      return fmt::format("{}", key.integer);
    case value_kind::boolean:
      return key.integer != 0 ? "True" : "False";
    case value_kind::none:
      return "None";
    case value_kind::floating:
      return fmt::format("{}", key.floating);
    case value_kind::bytes:
      return "b" + quoted(text_of(from, key, longest_key));
    case value_kind::tuple: {
      if (is_inner || key.parts.empty() || key.parts.size() > longest_tuple) return "...";
      std::string text;
      for (const value_ref part : key.parts) {
        if (!text.empty()) text += ", ";
        text += key_text(from, pool, pool[part], true);
      }
      return key.parts.size() == 1 ? text + "," : text;
    }
    default:
      return "...";
  }
}

}  // namespace

std::vector<named_value> arrays_of(const pickle_bytes& from, const value_pool& pool, value_ref root,
                                   int depth_limit) {
  std::vector<named_value> found;
  std::vector<bool> is_seen(pool.size());
  std::vector<on_the_way> way;
  std::string name = "$";
  std::size_t name_bytes = 0;
  const auto visit = [&](value_ref at) {
    if (is_seen[at]) return;
    const value& here = pool[at];
    is_seen[at] = true;
    if (here.kind == value_kind::array) {
      name_bytes += name.size();
      if (name_bytes > most_name_bytes) {
        throw error(errc::out_of_range,
                    {.subject = "pickle", .expected = "names of arrays that are shorter together"});
      }
      found.push_back({name, at});
    } else if (is_container(here)) {
      if (way.size() >= static_cast<std::size_t>(depth_limit)) {
        throw error(errc::out_of_range,
                    {.subject = "pickle",
                     .expected = fmt::format("at most {} containers in one another", depth_limit),
                     .found = "more"});
      }
      way.push_back({at, 0, name.size()});
    }
  };
  visit(root);
  while (!way.empty()) {
    on_the_way& last = way.back();
    name.resize(last.name_bytes);
    const value& here = pool[last.at];
    const bool is_dict = here.kind == value_kind::dict;
    if (last.next == here.parts.size()) {
      way.pop_back();
      continue;
    }
    const std::size_t n = last.next;
    last.next += is_dict ? 2 : 1;
    const value_ref part = here.parts[is_dict ? n + 1 : n];
    const value& to = pool[part];
    if (to.kind != value_kind::array && !is_container(to)) continue;
    name += fmt::format("[{}]",
                        is_dict ? key_text(from, pool, pool[here.parts[n]]) : fmt::format("{}", n));
    visit(part);
  }
  return found;
}

}  // namespace npymap::pickle
