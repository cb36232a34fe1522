#include "array/dtype_difference.hpp"

#include <algorithm>
#include <string_view>

#include <fmt/format.h>

#include <npymap/error.hpp>
#include <npymap/header.hpp>

#include "core/time_step.hpp"

namespace npymap::detail {
namespace {

// Not dtype::find, which takes titles for names.
const field* find(const dtype& record, std::string_view name) {
  const auto found = std::ranges::find(record.fields(), name, &field::name);
  return found == record.fields().end() ? nullptr : &*found;
}

std::string description(const field& f) {
  const std::string shape = f.subshape.empty() ? "" : " of shape " + to_string(f.subshape);
  return fmt::format("{}{} at byte {}", descr(f.type), shape, f.offset_bytes);
}

// `owner` is " of 'outer'" in the fields of a nested record.
std::optional<dtype_difference> record_difference(const dtype& wanted, const dtype& found,
                                                  const std::string& owner) {
  for (const field& mine : wanted.fields()) {
    const std::string name = quoted(mine.name) + owner;
    const field* const other = find(found, mine.name);
    if (!other) return dtype_difference{"field " + name, description(mine), "no such field"};
    const bool in_place =
        mine.offset_bytes == other->offset_bytes && mine.subshape == other->subshape;
    if (in_place && mine.type.is_record() && other->type.is_record()) {
      if (auto inside = record_difference(mine.type, other->type, " of " + name)) return inside;
    } else if (!in_place || !same_meaning(mine.type, other->type)) {
      return dtype_difference{"field " + name, description(mine), description(*other)};
    }
  }
  for (const field& other : found.fields()) {
    if (find(wanted, other.name)) continue;
    return dtype_difference{"field " + quoted(other.name) + owner, "none but those of the struct",
                            description(other)};
  }
  if (wanted.itemsize() == found.itemsize()) return {};
  return dtype_difference{"record" + owner, fmt::format("{} bytes", wanted.itemsize()),
                          fmt::format("{} bytes", found.itemsize())};
}

}  // namespace

std::optional<dtype_difference> difference(const dtype& wanted, const dtype& found) {
  if (wanted.is_record() && found.is_record()) return record_difference(wanted, found, "");
  if (same_meaning(wanted, found)) return {};
  return dtype_difference{"dtype", descr(wanted), descr(found)};
}

}  // namespace npymap::detail
