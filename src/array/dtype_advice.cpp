#include "array/dtype_advice.hpp"

#include <fmt/format.h>

#include <npymap/convert.hpp>

#include "core/time_step.hpp"

namespace npymap::detail {

std::string advice_for(const dtype& found, const dtype& wanted) {
  const dtype native = found.with_byte_order(native_byte_order);
  if (!found.is_record() && same_meaning(native, wanted)) {
    return fmt::format(
        " in place (as<stored<T, byte_order::{}>> reads it value by value, convert<T>"
        " copies it)",
        found.byte_order() == byte_order::big ? "big" : "little");
  }
  if (same_meaning(found, wanted.with_byte_order(native_byte_order))) {
    return " (the file's byte order is this machine's: leave out stored)";
  }
  if (can_cast(found, wanted, casting::same_kind)) return " (convert<T> makes it so)";
  const bool would_do = can_cast(found, wanted, casting::unsafe);
  return would_do ? " (convert<T> makes it so, with casting::unsafe)" : "";
}

std::string reader_of(const dtype& type) {
  const auto time = [&](const char* kind) -> std::string {
    if (!type.is_native()) return "";
    const auto [unit, count] = type.step();
    const std::string counted = count == 1 ? "" : fmt::format(", {}", count);
    return fmt::format(" (as<{}<time_unit::{}{}>> reads it)", kind, name_of(unit), counted);
  };
  switch (type.kind()) {
    case dtype_kind::bytes:
      return " (as_strings<char> reads it)";
    case dtype_kind::unicode:
      return type.is_native() ? " (as_strings<char32_t> reads it)"
                              : " (as_strings<char32_t>(to_native(a)) reads it)";
    case dtype_kind::raw:
      return " (as_strings<std::byte> reads it)";
    case dtype_kind::datetime:
      return time("datetime64");
    case dtype_kind::timedelta:
      return time("timedelta64");
    default:
      return "";
  }
}

}  // namespace npymap::detail
