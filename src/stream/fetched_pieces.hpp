/// \file
/// Pieces of files that are read, not mapped: fetched many at once, before they are asked for.
#pragma once

#include <condition_variable>
#include <cstddef>
#include <exception>
#include <future>
#include <mutex>
#include <vector>

#include <npymap/shape.hpp>

#include "io/aligned_buffer.hpp"
#include "stream/block_plan.hpp"
#include "stream/pass_operands.hpp"
#include "stream/piece_order.hpp"

namespace npymap::detail {

/// Fetches, in threads of its own, each piece into one of `slots`, as soon as the piece that was in
/// it, and all before that, have ended.
class fetched_pieces {
 public:
  fetched_pieces(const pass_operands& operands, const block_plan& plan, index_t slots,
                 piece_order& order);
  ~fetched_pieces();
  fetched_pieces(const fetched_pieces&) = delete;
  fetched_pieces& operator=(const fetched_pieces&) = delete;

  /// Wait until a piece is there, which stays until it has ended; false when the pass is over.
  /// \throws what went wrong when it was fetched
  bool wait_for(index_t n);
  /// Where it is for one of the inputs; null for one that is not fetched.
  const std::byte* at(index_t n, std::size_t input) const;

 private:
  struct slot {
    index_t holds = -1;
    std::vector<const std::byte*> begin;  // for each input
  };
  std::size_t slot_of(index_t n) const { return static_cast<std::size_t>(n) % slots_.size(); }
  void fetch(index_t n);
  void fetch_all(std::size_t count) noexcept;
  void fetch_in_turn(index_t n) noexcept;
  void end(const std::exception_ptr& failure) noexcept;

  const pass_operands& operands_;
  const block_plan& plan_;
  piece_order& order_;
  std::vector<slot> slots_;
  std::vector<std::size_t> slot_bytes_;  // for each input
  std::vector<io::aligned_buffer> memory_;
  std::mutex changing_;
  std::condition_variable changed_;
  bool is_over_ = false;
  bool is_on_demand_ = false;  // those who wait for a piece fetch it
  std::exception_ptr failure_;
  std::future<void> fetching_;
};

}  // namespace npymap::detail
