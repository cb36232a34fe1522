#include <algorithm>
#include <cmath>
#include <complex>
#include <limits>
#include <mutex>

#include <fmt/format.h>

#include <npymap/error.hpp>
#include <npymap/statistics.hpp>
#include <npymap/transform.hpp>

#include "stream/kernel/moments.hpp"
#include "stream/statistics/accumulate.hpp"
#include "stream/statistics/numbers.hpp"

namespace npymap {
namespace detail {
namespace {

struct not_zero {
  template <class S>
  NPYMAP_KERNEL bool operator()(const S& value) const {
    return value != S{};
  }
};
struct not_a_number {
  template <class S>
  NPYMAP_KERNEL bool operator()(const S& value) const {
    return value != value;
  }
};

/// How many elements there are, and how many of these are such.
template <class T, class Such>
class counted_such {
 public:
  void add(const plain_number<T>* x, index_t count) {
    index_t found = 0;
    run_on(
        this_processor(), [&](auto) __attribute__((always_inline)) {
          for (index_t i = 0; i < count; ++i) found += Such()(x[i]) ? 1 : 0;
        });
    such_ += found;
    count_ += count;
  }
  void add(const counted_such& other) {
    such_ += other.such_;
    count_ += other.count_;
  }
  index_t such() const noexcept { return such_; }
  index_t others() const noexcept { return count_ - such_; }

 private:
  index_t such_ = 0;
  index_t count_ = 0;
};

/// Bins of equal width, as NumPy cuts them: the edges decide, whatever the division says.
class equal_bins {
 public:
  equal_bins(double low, double high, index_t count)
      : low_(low), high_(high), per_unit_(static_cast<double>(count) / (high - low)) {
    const auto step = (high - low) / static_cast<double>(count);
    for (index_t i = 0; i < count; ++i) edges_.push_back(low + static_cast<double>(i) * step);
    edges_.push_back(high);
  }

  const std::vector<double>& edges() const noexcept { return edges_; }
  index_t count() const noexcept { return static_cast<index_t>(edges_.size()) - 1; }

  /// -1 for what lies outside.
  index_t bin_of(double value) const noexcept {
    if (!(value >= low_ && value <= high_)) return -1;
    const index_t last = count() - 1;
    index_t bin = std::min(static_cast<index_t>((value - low_) * per_unit_), last);
    const auto edge = [&](index_t n) { return edges_[static_cast<std::size_t>(n)]; };
    if (value < edge(bin)) return bin - 1;
    if (value >= edge(bin + 1) && bin != last) return bin + 1;
    return bin;
  }

 private:
  double low_;
  double high_;
  double per_unit_;
  std::vector<double> edges_;
};

template <class T>
std::pair<double, double> range_of(const source& x, const histogram_options& bins,
                                   const pass_options& options) {
  std::pair<double, double> range{0, 1};  // as NumPy has it of no elements
  if (bins.range) {
    range = *bins.range;
  } else {
    const summary<T> found = summarize<T>(x, options);
    if (found.min) range = {static_cast<double>(*found.min), static_cast<double>(*found.max)};
  }
  if (!(range.first <= range.second) || !std::isfinite(range.second - range.first)) {
    throw error(errc::invalid_argument,
                {.subject = "range of a histogram",
                 .expected = "two finite ends, the lower one first",
                 .found = fmt::format("{} and {}", range.first, range.second)});
  }
  if (range.first == range.second) range = {range.first - 0.5, range.second + 0.5};
  const double width = (range.second - range.first) / static_cast<double>(bins.bins);
  if (!(range.first + width > range.first) || !(range.second - width < range.second) ||
      !std::isfinite(1 / width)) {
    throw error(errc::invalid_argument,
                {.subject = "range of a histogram",
                 .expected = fmt::format("room for {} bins that differ", bins.bins),
                 .found = fmt::format("{} to {}", range.first, range.second)});
  }
  return range;
}

}  // namespace
}  // namespace detail

template <number T>
bool any_nonzero(const source& x, const pass_options& options) {
  return detail::accumulate<detail::counted_such<T, detail::not_zero>, T>(x, options).such() > 0;
}
template <number T>
bool all_nonzero(const source& x, const pass_options& options) {
  return detail::accumulate<detail::counted_such<T, detail::not_zero>, T>(x, options).others() == 0;
}
template <number T>
index_t count_nan(const source& x, const pass_options& options) {
  return detail::accumulate<detail::counted_such<T, detail::not_a_number>, T>(x, options).such();
}
template <number T>
array<bool8> any_nonzero(const source& x, along axis, const pass_options& options) {
  const auto rows =
      detail::accumulate<detail::counted_such<T, detail::not_zero>, T>(x, axis, options);
  return detail::array_of<bool8>(x, axis, rows,
                                 [](const auto& row) { return bool8(row.such() > 0); });
}
template <number T>
array<bool8> all_nonzero(const source& x, along axis, const pass_options& options) {
  const auto rows =
      detail::accumulate<detail::counted_such<T, detail::not_zero>, T>(x, axis, options);
  return detail::array_of<bool8>(x, axis, rows,
                                 [](const auto& row) { return bool8(row.others() == 0); });
}
template <number T>
array<index_t> count_nan(const source& x, along axis, const pass_options& options) {
  const auto rows =
      detail::accumulate<detail::counted_such<T, detail::not_a_number>, T>(x, axis, options);
  return detail::array_of<index_t>(x, axis, rows, [](const auto& row) { return row.such(); });
}

template <ordered_number T>
histogram_counts histogram(const source& x, const histogram_options& bins,
                           const pass_options& options) {
  if (bins.bins < 1) {
    throw error(errc::invalid_argument, {.subject = "bins of a histogram",
                                         .expected = "at least 1",
                                         .found = fmt::format("{}", bins.bins)});
  }
  const auto [low, high] = detail::range_of<T>(x, bins, options);
  const detail::equal_bins cut(low, high, bins.bins);
  histogram_counts found{std::vector<std::int64_t>(static_cast<std::size_t>(bins.bins)),
                         cut.edges()};
  std::mutex adding;
  for_each_piece<T>(
      x,
      [&](const view<const T>& piece) {
        thread_local std::vector<std::int64_t> counts;
        counts.assign(found.counts.size(), 0);
        std::int64_t nan_count = 0;
        detail::for_each_chunk(piece, [&](const detail::plain_number<T>* first, index_t count) {
          for (index_t i = 0; i < count; ++i) {
            nan_count += detail::is_nan(first[i]) ? 1 : 0;
            const index_t bin = cut.bin_of(static_cast<double>(first[i]));
            if (bin >= 0) ++counts[static_cast<std::size_t>(bin)];
          }
        });
        const std::lock_guard lock(adding);
        found.nan_count += nan_count;
        for (std::size_t i = 0; i < counts.size(); ++i) found.counts[i] += counts[i];
      },
      options);
  return found;
}

#define NPYMAP_COUNTS(T)                                                           \
  template bool any_nonzero<T>(const source&, const pass_options&);                \
  template bool all_nonzero<T>(const source&, const pass_options&);                \
  template index_t count_nan<T>(const source&, const pass_options&);               \
  template array<bool8> any_nonzero<T>(const source&, along, const pass_options&); \
  template array<bool8> all_nonzero<T>(const source&, along, const pass_options&); \
  template array<index_t> count_nan<T>(const source&, along, const pass_options&);
#define NPYMAP_HISTOGRAM(T)                                                       \
  template histogram_counts histogram<T>(const source&, const histogram_options&, \
                                         const pass_options&);
NPYMAP_FOR_ORDERED(NPYMAP_COUNTS)
NPYMAP_FOR_COMPLEX(NPYMAP_COUNTS)
NPYMAP_FOR_ORDERED(NPYMAP_HISTOGRAM)

}  // namespace npymap
