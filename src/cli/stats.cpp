#include <cmath>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

#include <fmt/format.h>

#include <npymap/error.hpp>
#include <npymap/source.hpp>
#include <npymap/statistics.hpp>

#include "cli/commands.hpp"
#include "cli/input.hpp"
#include "cli/json.hpp"
#include "cli/number_type.hpp"
#include "cli/print/print_array.hpp"
#include "cli/terminal.hpp"
#include "cli/watched_pass.hpp"

namespace npymap::cli {
namespace {

// Each fact by name, and how a summary tells it: not at all where there is no number.
template <class T, class Visit>
void for_each_fact(const Visit& visit) {
  using real = real_of<T>;
  using given = const summary<T>&;
  const auto if_any = [](given s, real value) {
    return s.min ? std::optional<real>(value) : std::nullopt;
  };
  visit("count", [](given s) { return std::optional(s.count); });
  visit("nan_count", [](given s) { return std::optional(s.nan_count); });
  visit("min", [](given s) { return s.min; });
  visit("max", [](given s) { return s.max; });
  visit("mean", [&](given s) { return if_any(s, s.mean); });
  visit("std", [&](given s) { return if_any(s, std::sqrt(s.variance)); });
  visit("sum", [](given s) { return std::optional(s.sum); });
}

template <class T>
std::string json_of(const std::optional<T>& value) {
  if (!value) return "null";
  if constexpr (std::same_as<T, bool8>) {
    return json_number(static_cast<bool>(*value));
  } else if constexpr (std::signed_integral<T>) {
    return json_number(std::int64_t{*value});
  } else if constexpr (std::unsigned_integral<T>) {
    return json_number(std::uint64_t{*value});
  } else if constexpr (std::same_as<T, long double>) {
    return json_number(*value);
  } else {
    return json_number(static_cast<double>(*value));
  }
}

// Lists of lists of the texts, as NumPy's tolist has them.
template <class Text>
void write_nested(std::span<const index_t> extents, const Text& next_text) {
  if (extents.empty()) return write_output(next_text());
  write_output("[");
  for (index_t i = 0; i < extents.front(); ++i) {
    if (i > 0) write_output(", ");
    write_nested(extents.subspan(1), next_text);
  }
  write_output("]");
}

template <class T>
void write_json(const summary_list<T>& found) {
  std::string_view before = "{";
  for_each_fact<T>([&](std::string_view name, const auto& fact) {
    write_output(fmt::format(R"({}"{}": )", before, name));
    auto at = found.values.begin();
    write_nested(found.extents, [&] { return json_of(fact(*at++)); });
    before = ", ";
  });
  write_output("}\n");
}

// The values as NumPy prints them, "none" if there is none. An array of floats has a NaN instead;
// of integers, none has a value or all have.
template <class V, class T, class Fact>
void write_values(const summary_list<T>& found, const Fact& fact) {
  std::vector<V> values;
  values.reserve(found.values.size());
  for (const summary<T>& s : found.values) {
    const std::optional<V> value = fact(s);
    const bool is_float = std::numeric_limits<V>::has_quiet_NaN || std::same_as<V, float16>;
    if (!value && (found.extents.empty() || !is_float)) return write_output("none\n");
    values.push_back(value ? *value : static_cast<V>(std::numeric_limits<float>::quiet_NaN()));
  }
  const strides steps = dense_byte_strides(found.extents, sizeof(V), order::c);
  print_array([](std::string_view text) { write_output(text); }, dtype_of<V>(),
              reinterpret_cast<const std::byte*>(values.data()), found.extents, steps);
  write_output("\n");
}

template <class T>
void write_text(const summary_list<T>& found) {
  for_each_fact<T>([&](std::string name, const auto& fact) {
    using value = typename decltype(fact(found.values.front()))::value_type;
    if (name == "nan_count") name = "NaN count";
    write_output(found.extents.empty() ? fmt::format("{:<11}", name) : name + "\n");
    write_values<value>(found, fact);
  });
}

// A hundred bytes of header can ask for more results than there is memory, where there are no
// elements to pay for them.
void require_few_results(const source& x, int axis) {
  constexpr index_t most = 10'000'000;
  if (x.size() > 0) return;
  const int left_out = axis < 0 ? axis + x.rank() : axis;
  shape lists;
  for (int i = 0; i < x.rank(); ++i) {
    if (i == left_out) continue;
    if (x.extent(i) == 0) break;
    lists.push_back(x.extent(i));
  }
  const auto count = element_count(lists);
  if (count && *count <= most) return;
  throw error(errc::invalid_argument, {.subject = "statistics along an axis of no elements",
                                       .expected = fmt::format("at most {} results", most),
                                       .found = to_string(x.shape())});
}

template <class T>
summary_list<T> summaries_of(const source& x, std::optional<int> axis,
                             const pass_settings& settings) {
  if (axis) require_few_results(x, *axis);
  const watched_pass pass(settings);
  if (axis) return summarize<T>(x, along{*axis}, pass.options());
  return {.extents = {}, .values = {summarize<T>(x, pass.options())}};
}

}  // namespace

void stats(const stats_options& options) {
  const source x =
      source_of(find_input(options.source), options.source, options.pass, options.part);
  with_number_type(x.dtype(), [&]<class T>(std::type_identity<T>) {
    const summary_list<T> found = summaries_of<T>(x, options.axis, options.pass);
    options.json ? write_json(found) : write_text(found);
  });
}

}  // namespace npymap::cli
