#include "format/time_step_string.hpp"

#include <algorithm>
#include <array>
#include <cstdint>
#include <span>

#include <fmt/format.h>

#include <npymap/detail/checked.hpp>
#include <npymap/error.hpp>

#include "format/item.hpp"

namespace npymap::detail {
namespace {

// By time_unit.
constexpr auto unit_names = std::to_array<std::string_view>(
    {"generic", "Y", "M", "W", "D", "h", "m", "s", "ms", "us", "ns", "ps", "fs", "as"});

struct division {
  index_t parts;
  time_unit unit;
};

// NumPy's _multiples_table: the units that a divisor may resolve into, the largest first. There,
// the row of the week ends in an accidental 0, which any divisor divides, and turns `[W/11]` into
// `[0Y]`.
constexpr auto divisions_of_year =
    std::to_array<division>({{12, time_unit::month}, {52, time_unit::week}, {365, time_unit::day}});
constexpr auto divisions_of_month =
    std::to_array<division>({{4, time_unit::week}, {30, time_unit::day}, {720, time_unit::hour}});
constexpr auto divisions_of_week = std::to_array<division>(
    {{7, time_unit::day}, {168, time_unit::hour}, {10080, time_unit::minute}});
constexpr auto divisions_of_day = std::to_array<division>(
    {{24, time_unit::hour}, {1440, time_unit::minute}, {86400, time_unit::second}});
constexpr auto divisions_of_hour =
    std::to_array<division>({{60, time_unit::minute}, {3600, time_unit::second}});
constexpr auto divisions_of_minute =
    std::to_array<division>({{60, time_unit::second}, {60000, time_unit::millisecond}});

std::optional<division> divide(std::span<const division> choices, index_t divisor) {
  for (const division& choice : choices) {
    if (choice.parts % divisor == 0) return division{choice.parts / divisor, choice.unit};
  }
  return std::nullopt;
}

std::optional<division> divide(time_unit unit, index_t divisor) {
  switch (unit) {
    case time_unit::generic:
    case time_unit::attosecond:
      return std::nullopt;
    case time_unit::year:
      return divide(divisions_of_year, divisor);
    case time_unit::month:
      return divide(divisions_of_month, divisor);
    case time_unit::week:
      return divide(divisions_of_week, divisor);
    case time_unit::day:
      return divide(divisions_of_day, divisor);
    case time_unit::hour:
      return divide(divisions_of_hour, divisor);
    case time_unit::minute:
      return divide(divisions_of_minute, divisor);
    default: {
      const auto finer = [unit](int steps) {
        return static_cast<time_unit>(static_cast<int>(unit) + steps);
      };
      const std::array<division, 2> choices = {division{1000, finer(1)},
                                               division{1'000'000, finer(2)}};
      return divide(std::span(choices).first(unit == time_unit::femtosecond ? 1 : 2), divisor);
    }
  }
}

std::optional<time_unit> unit_of(std::string_view name) {
  if (name == "\xce\xbcs") return time_unit::microsecond;  // a small Greek mu, in UTF-8
  const auto found = std::ranges::find(unit_names, name);
  if (found == unit_names.end()) return std::nullopt;
  return static_cast<time_unit>(found - unit_names.begin());
}

std::optional<time_step> read_within_brackets(std::string_view text) {
  const index_t count = take_c_integer(text).value_or(1);
  const std::size_t slash = std::min(text.find('/'), text.size());
  const auto unit = unit_of(text.substr(0, slash));
  text.remove_prefix(slash);
  index_t divisor = 1;
  if (!text.empty()) {
    text.remove_prefix(1);
    divisor = take_c_integer(text).value_or(0);
  }
  if (!unit || count < 1 || count > INT32_MAX || divisor < 1 || !text.empty()) return std::nullopt;
  if (divisor == 1) return time_step{*unit, static_cast<std::int32_t>(count)};
  const auto smaller = divide(*unit, divisor);
  if (!smaller) return std::nullopt;
  const auto total = checked_multiply(count, smaller->parts);
  if (!total || *total > INT32_MAX) return std::nullopt;
  return time_step{smaller->unit, static_cast<std::int32_t>(*total)};
}

}  // namespace

std::optional<index_t> take_c_integer(std::string_view& text) noexcept {
  std::size_t at = std::min(text.find_first_not_of(" \t\n\v\f\r"), text.size());
  bool negative = false;
  if (at < text.size() && (text[at] == '-' || text[at] == '+')) negative = text[at++] == '-';
  const std::size_t first_digit = at;
  index_t value = 0;
  for (; at < text.size() && text[at] >= '0' && text[at] <= '9'; ++at) {
    const index_t digit = text[at] - '0';
    const auto tens = checked_multiply(value, 10);
    const auto sum = tens ? checked_add(*tens, negative ? -digit : digit) : std::nullopt;
    value = sum.value_or(negative ? INT64_MIN : INT64_MAX);
  }
  if (at == first_digit) return std::nullopt;
  text.remove_prefix(at);
  return value;
}

time_step read_time_step(std::string_view text) {
  if (text.empty()) return {};
  const bool bracketed = text.front() == '[' && text.find(']') == text.size() - 1;
  const auto step =
      bracketed ? read_within_brackets(text.substr(1, text.size() - 2)) : std::nullopt;
  if (!step) refuse_dtype("a time unit as in '[25s]'", quoted(text));
  return *step;
}

std::string time_step_string(time_step step) {
  if (step.unit == time_unit::generic) return {};
  const auto name = unit_names[static_cast<std::size_t>(step.unit)];
  return step.count == 1 ? fmt::format("[{}]", name) : fmt::format("[{}{}]", step.count, name);
}

}  // namespace npymap::detail
