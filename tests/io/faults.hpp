/// \file
/// System calls that fail when a test says so.
#pragma once

#include <atomic>
#include <csignal>

#include "io/system.hpp"

namespace npymap_test {

using npymap::io::sys::call;

inline constexpr int call_kinds = static_cast<int>(call::lock) + 1;

/// Instead of an errno: the process is killed before it can make the call.
inline constexpr int killed = -2;

/// While it lives, counts the system calls of each kind, and fails those that it is told to. One at
/// a time.
class faults {
 public:
  faults() noexcept {
    for (auto& count : counts_) count = 0;
    for (auto& reason : always_) reason = 0;
    reason_ = 0;
    npymap::io::sys::inject(&answer);
  }
  /// Fail the `nth` call of a kind, counting from 1, and so many more behind it.
  faults(call which, int nth, int reason, int in_a_row = 1) noexcept : faults() {
    which_ = which;
    first_ = nth;
    last_ = nth + in_a_row - 1;
    reason_ = reason;
  }
  faults(const faults&) = delete;
  faults& operator=(const faults&) = delete;
  ~faults() { npymap::io::sys::inject(nullptr); }

  /// Fail every call of a kind, as a file system does that knows no such thing; 0 for none.
  void always(call which, int reason) noexcept { always_[static_cast<int>(which)] = reason; }

  static int count(call which) noexcept { return counts_[static_cast<int>(which)]; }

 private:
  static int answer(call which) noexcept {
    const auto kind = static_cast<int>(which);
    const int n = ++counts_[kind];
    if (reason_ == 0 || which != which_ || n < first_ || n > last_) return always_[kind];
    if (reason_ == killed) std::raise(SIGKILL);
    return reason_;
  }

  static inline std::atomic<int> counts_[call_kinds], always_[call_kinds];
  static inline std::atomic<int> reason_, first_, last_;
  static inline std::atomic<call> which_;
};

}  // namespace npymap_test
