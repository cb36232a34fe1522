/// \file
/// The order in which the pieces of a pass begin, end and are collected.
#pragma once

#include <condition_variable>
#include <functional>
#include <mutex>
#include <vector>

#include <npymap/shape.hpp>

namespace npymap::detail {

/// Pieces end in any order and are collected in their own; none begins that is far ahead of the
/// first that has not ended, so that few wait. Safe to use from any thread.
class piece_order {
 public:
  explicit piece_order(std::function<void(index_t n)> collect);

  /// Wait until piece `n` is less than `most_ahead` ahead of the first that has not ended; false
  /// when the pass is over.
  bool wait_for_turn(index_t n, index_t most_ahead);
  /// Collect piece `n`, which has ended, when its turn has come, and those that waited for it.
  /// \throws what `collect` throws
  void end_of(index_t n);
  /// No piece begins from now on.
  void end_of_pass() noexcept;

 private:
  const std::function<void(index_t n)> collect_;
  std::mutex changing_;
  std::condition_variable changed_;
  int waiting_ = 0;
  index_t next_ = 0;            // to be collected
  std::vector<index_t> ended_;  // out of their order
  bool is_over_ = false;
};

}  // namespace npymap::detail
