/// \file
/// What every pass over arrays takes: memory, threads, a way to watch it and a way to stop it.
#pragma once

#include <concepts>
#include <cstdint>
#include <optional>
#include <stop_token>
#include <type_traits>
#include <utility>

#include <npymap/detail/shared.hpp>

namespace npymap {

/// How far a pass has come.
struct pass_progress {
  std::uint64_t done_bytes = 0;   ///< of elements that have been worked on
  std::uint64_t total_bytes = 0;  ///< of all elements that the pass reads
};

/// A function that is told how far a pass has come. Copies share it; a default constructed one
/// tells nobody. (std::function costs each includer a fifth of a second of compile time.)
class progress_callback {
 public:
  progress_callback() noexcept = default;
  template <std::invocable<const pass_progress&> Function>
  requires(!std::same_as<std::remove_cvref_t<Function>, progress_callback>)
      progress_callback(Function function)
      : listener_(detail::shared<listener>::adopt(new listening<Function>(std::move(function)))) {}

  explicit operator bool() const noexcept { return static_cast<bool>(listener_); }
  void operator()(const pass_progress& now) const {
    if (listener_) listener_->tell(now);
  }

 private:
  struct listener : detail::counted {
    virtual void tell(const pass_progress& now) = 0;
  };
  template <class Function>
  struct listening final : listener {
    explicit listening(Function told) : function(std::move(told)) {}
    void tell(const pass_progress& now) override { function(now); }
    Function function;
  };

  detail::shared<listener> listener_;
};

/// Where a pass may cut arrays into pieces.
enum class pieces : char {
  anywhere,    ///< a piece may be a part of a row, where rows are longer than a megabyte
  whole_rows,  ///< each piece is some rows, places along the first axis
};

/// How to go over arrays. The defaults suit one that is larger than memory.
struct pass_options {
  /// What stays of the files in memory at most: what is worked on and what is read ahead. Each
  /// thread that decodes has a scratch of about a megabyte beside it.
  std::uint64_t budget_bytes = std::uint64_t{256} << 20;
  /// How many threads work, no more than the machine has; all of these when left out.
  std::optional<int> threads = {};
  /// What the function that is called for each piece needs: a product of matrices, whole rows.
  npymap::pieces pieces = npymap::pieces::anywhere;
  /// Called now and then with how far the pass is, from one thread at a time, never two at once;
  /// what it throws ends the pass.
  progress_callback progress = {};
  /// Ends the pass soon after a stop is asked for, with error `stopped`.
  std::stop_token stop = {};
};

}  // namespace npymap
