/// \file
/// Who asked to be told of a pass, and who may stop it.
#pragma once

#include <atomic>
#include <cstdint>
#include <mutex>

#include <npymap/error.hpp>
#include <npymap/pass.hpp>

namespace npymap::detail {

/// Safe to use from any thread.
class progress_meter {
 public:
  progress_meter(const pass_options& options, std::uint64_t total_bytes)
      : options_(options), total_bytes_(total_bytes) {}

  void throw_if_stopped() const {
    if (options_.stop.stop_requested()) {
      throw error(errc::stopped, {.subject = "a pass", .found = "a request to stop"});
    }
  }

  void add(std::uint64_t bytes) {
    const std::uint64_t done = done_bytes_.fetch_add(bytes, std::memory_order_relaxed) + bytes;
    if (!options_.progress || done == total_bytes_) return;
    const std::unique_lock lock(telling_, std::try_to_lock);
    if (!lock || done <= told_bytes_) return;  // somebody else is being heard, or knew more
    told_bytes_ = done;
    options_.progress({done, total_bytes_});
  }

  /// Say that all is done; from one thread, behind the last `add`.
  void finish() const { options_.progress({total_bytes_, total_bytes_}); }

 private:
  const pass_options& options_;
  const std::uint64_t total_bytes_;
  std::atomic<std::uint64_t> done_bytes_ = 0;
  std::mutex telling_;
  std::uint64_t told_bytes_ = 0;
};

}  // namespace npymap::detail
