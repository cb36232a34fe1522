/// \file
/// What passes over matrices stand on: tasks for threads, and the tiles of a product.
#pragma once

#include <cstdint>

#include <npymap/any_array.hpp>
#include <npymap/detail/export.hpp>
#include <npymap/dtype.hpp>
#include <npymap/pass.hpp>
#include <npymap/shape.hpp>
#include <npymap/source.hpp>

namespace npymap::detail {

/// Call `task(context, n)` for each n from 0 to `count`, once, in any thread and order. `seen` is
/// what tasks may look at in its map, or null. \throws error invalid_argument for threads below 1,
/// stopped; truncated and the system's of that map; what a task throws first
NPYMAP_EXPORT void run_tasks(index_t count, const pass_options& options, const source* seen,
                             void (*task)(void* context, index_t n), void* context);

template <class Task>
void run_tasks(index_t count, const pass_options& options, const source* seen, Task task) {
  run_tasks(
      count, options, seen, [](void* context, index_t n) { (*static_cast<Task*>(context))(n); },
      &task);
}

/// How a budget is shared by sums of products of columns, and by blocks of rows.
struct product_shares {
  index_t strands;  ///< of rows, each of which has sums of its own
  index_t block_rows;
  std::uint64_t block_budget;
};

/// For sums of `itemsize` bytes. \throws error as `gram`, which is one that may ask
NPYMAP_EXPORT product_shares share_budget(const source& x, index_t itemsize, const char* who,
                                          std::uint64_t budget_bytes);

/// Parts of three tiles in memory, each in C order with so many elements from row to row: a of
/// (rows, depth), b of (depth, columns) and c of (rows, columns).
struct product_part {
  const void* a;
  const void* b;
  void* c;
  index_t a_step, b_step, c_step;
  index_t rows, depth, columns;
};

/// Multiply two matrices tile by tile. Tiles are read and decoded ahead in C order as `number`, and
/// `multiply_add`, which may be called from several threads at once, adds the product of two to a
/// third. \throws error as `multiply`
NPYMAP_EXPORT void multiply_tiles(const source& a, const source& b, const any_array& c,
                                  const dtype& number,
                                  void (*multiply_add)(const product_part& part),
                                  const pass_options& options);

}  // namespace npymap::detail
