#include "core/shape_text.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

namespace npymap {

std::string shape_text(std::span<const index_t> values) {
  return fmt::format("({}{})", fmt::join(values, ", "), values.size() == 1 ? "," : "");
}

}  // namespace npymap
