#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>

#include <npymap/detail/matrix_walk.hpp>
#include <npymap/error.hpp>
#include <npymap/guard.hpp>

#include "stream/element_source.hpp"
#include "stream/threads.hpp"

namespace npymap::detail {

void run_tasks(index_t count, const pass_options& options, const source* seen,
               void (*task)(void* context, index_t n), void* context) {
  const auto step = [&](std::size_t n, std::size_t) {
    if (options.stop.stop_requested()) {
      throw error(errc::stopped, {.subject = "a pass", .found = "a request to stop"});
    }
    const auto run = [&] { task(context, static_cast<index_t>(n)); };
    seen ? guarded(seen->elements()->map(), run) : run();
  };
  in_parts(static_cast<std::size_t>(count), 1, checked_threads(options.threads), step);
}

// Few columns have little to share out, so their rows are dealt to many strands; of many columns,
// one matrix is as much as may be had.
product_shares share_budget(const source& x, index_t itemsize, const char* who,
                            std::uint64_t budget_bytes) {
  if (x.rank() != 2) {
    throw error(errc::layout_mismatch, {.path = x.elements()->path(),
                                        .subject = who,
                                        .expected = "rank 2",
                                        .found = "rank " + std::to_string(x.rank())});
  }
  constexpr index_t least_rows = 8, most_strands = 64;
  constexpr std::uint64_t most_block_bytes = std::uint64_t{32} << 20;
  constexpr std::uint64_t most_strands_bytes = std::uint64_t{8} << 20;
  const index_t columns = std::max<index_t>(x.extent(1), 1);
  const index_t item = std::max(x.dtype().itemsize(), itemsize);
  const std::optional<index_t> sums = array_bytes(shape{columns, columns}, itemsize);
  const std::optional<index_t> rows = array_bytes(shape{columns, least_rows}, item);
  const auto refuse = [&](const std::string& expected, const std::string& found) {
    throw error(errc::invalid_argument, {.path = x.elements()->path(),
                                         .subject = std::string("budget_bytes of ") + who,
                                         .expected = expected,
                                         .found = found});
  };
  if (!sums || !rows || *sums > INT64_MAX - *rows) {
    refuse("columns whose products fit memory", std::to_string(columns));
  }
  const auto sums_bytes = static_cast<std::uint64_t>(*sums);
  const auto least = static_cast<std::uint64_t>(*sums + *rows);
  if (budget_bytes < least) {
    refuse("at least " + std::to_string(least) + ", for " + std::to_string(columns) + " columns",
           std::to_string(budget_bytes));
  }
  const std::uint64_t for_strands = std::min(most_strands_bytes, budget_bytes / 4);
  const std::uint64_t strands =
      std::clamp<std::uint64_t>(for_strands / sums_bytes, 1, most_strands);
  const std::uint64_t rest = budget_bytes - strands * sums_bytes;
  const std::uint64_t block_bytes = std::min(most_block_bytes, rest / 4);
  const auto row_bytes = static_cast<std::uint64_t>(*rows / least_rows);
  return {static_cast<index_t>(strands),
          static_cast<index_t>(std::max<std::uint64_t>(block_bytes / row_bytes, 1)), rest};
}

}  // namespace npymap::detail
