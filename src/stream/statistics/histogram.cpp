#include <algorithm>
#include <atomic>
#include <cerrno>
#include <cmath>
#include <cstdint>
#include <mutex>
#include <new>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include <npymap/detail/piece_walk.hpp>
#include <npymap/error.hpp>
#include <npymap/statistics.hpp>
#include <npymap/transform.hpp>

#include "stream/kernel/moments.hpp"
#include "stream/kernel/plain_number.hpp"
#include "stream/statistics/element_kind.hpp"
#include "stream/statistics/numbers.hpp"

namespace npymap {
namespace detail {
namespace {

/// Bins of equal width, as NumPy cuts them: the edges decide, whatever the division says.
class equal_bins {
 public:
  equal_bins(double low, double high, index_t count)
      : low_(low), high_(high), per_unit_(static_cast<double>(count) / (high - low)) {
    const auto step = (high - low) / static_cast<double>(count);
    edges_.reserve(static_cast<std::size_t>(count) + 1);  // too many are refused before any is made
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

// More than that are counted in one place for all threads.
constexpr index_t most_bins_of_a_thread = index_t{1} << 16;

struct tally {
  std::int64_t* counts;  // of each bin
  std::int64_t nan_count = 0;
};

template <class S>
void count_numbers(const equal_bins& cut, const void* numbers, index_t count, tally& to) {
  const S* const x = static_cast<const S*>(numbers);
  const bool is_shared = cut.count() > most_bins_of_a_thread;
  for (index_t i = 0; i < count; ++i) {
    to.nan_count += is_nan(x[i]) ? 1 : 0;
    const index_t bin = cut.bin_of(static_cast<double>(x[i]));
    if (bin < 0) continue;
    std::int64_t& found = to.counts[bin];
    if (is_shared) {
      std::atomic_ref(found).fetch_add(1, std::memory_order_relaxed);
    } else {
      ++found;
    }
  }
}

histogram_counts count_in_bins(const source& x, const element_kind& kind, const equal_bins& cut,
                               decltype(&count_numbers<double>) count_row,
                               const pass_options& options) {
  histogram_counts all{std::vector<std::int64_t>(static_cast<std::size_t>(cut.count())),
                       cut.edges()};
  std::mutex adding;
  // A piece is seen as the first bytes of its elements.
  auto count_piece = [&](const view<const std::byte>& piece) {
    thread_local std::vector<std::int64_t> own_counts;
    const bool is_shared = cut.count() > most_bins_of_a_thread;
    if (!is_shared) own_counts.assign(all.counts.size(), 0);
    tally mine{is_shared ? all.counts.data() : own_counts.data()};
    for_each_chunk(
        kind, piece.data(), {piece.shape(), piece.byte_strides(), kind.dtype.itemsize()},
        [&](const void* numbers, index_t count) { count_row(cut, numbers, count, mine); });
    const std::lock_guard lock(adding);
    all.nan_count += mine.nan_count;
    if (is_shared) return;
    for (std::size_t i = 0; i < all.counts.size(); ++i) all.counts[i] += mine.counts[i];
  };
  const pass_input input{x, kind.dtype, kind.alignment};
  visit_pieces<const std::byte>(*piece_walk::over({&input, 1}, {}, options), count_piece);
  return all;
}

/// The bins between two ends. \throws error invalid_argument where they make no sense
equal_bins bins_between(double low, double high, index_t count) {
  if (!(low <= high) || !std::isfinite(high - low)) {
    throw error(errc::invalid_argument,
                {.subject = "range of a histogram",
                 .expected = "two ends a finite distance apart, the lower one first",
                 .found = fmt::format("{} and {}", low, high)});
  }
  if (low == high) {
    low -= 0.5;
    high += 0.5;
  }
  const double width = (high - low) / static_cast<double>(count);
  if (!(low + width > low) || !(high - width < high) || !std::isfinite(1 / width)) {
    throw error(errc::invalid_argument,
                {.subject = "range of a histogram",
                 .expected = fmt::format("room for {} bins that differ", count),
                 .found = fmt::format("{} to {}", low, high)});
  }
  return {low, high, count};
}

void require_bins(index_t count) {
  constexpr index_t most = index_t{1} << 40;  // whose edges and counts take 16 TiB
  if (count >= 1 && count < most) return;
  throw error(errc::invalid_argument, {.subject = "bins of a histogram",
                                       .expected = fmt::format("1 to {}", most - 1),
                                       .found = fmt::format("{}", count)});
}

/// From the least to the greatest number.
template <class T>
std::pair<double, double> ends_of(const source& x, const pass_options& options) {
  const summary<T> found = summarize<T>(x, options);
  if (!found.min) return {0, 1};  // as NumPy has it of no elements
  return {static_cast<double>(*found.min), static_cast<double>(*found.max)};
}

}  // namespace
}  // namespace detail

template <ordered_number T>
histogram_counts histogram(const source& x, const histogram_options& bins,
                           const pass_options& options) try {
  detail::require_bins(bins.bins);
  // Without a range there are two passes, which are told of as one.
  const int passes = bins.range ? 1 : 2;
  const auto half = [&](int n) {
    pass_options one = options;
    if (options.progress && passes == 2) {
      one.progress = [told = options.progress, n](const pass_progress& now) {
        told({now.done_bytes + static_cast<std::uint64_t>(n) * now.total_bytes,
              2 * now.total_bytes});
      };
    }
    return one;
  };
  const auto [low, high] = bins.range ? *bins.range : detail::ends_of<T>(x, half(0));
  return detail::count_in_bins(x, detail::kind_of<T>(), detail::bins_between(low, high, bins.bins),
                               detail::count_numbers<detail::plain_number<T>>, half(passes - 1));
} catch (const std::bad_alloc&) {
  throw error(std::error_code(ENOMEM, std::system_category()),
              {.subject = "bins of a histogram", .found = fmt::format("{}", bins.bins)});
}

#define NPYMAP_HISTOGRAM(T)                                                       \
  template histogram_counts histogram<T>(const source&, const histogram_options&, \
                                         const pass_options&);
NPYMAP_FOR_ORDERED(NPYMAP_HISTOGRAM)

}  // namespace npymap
