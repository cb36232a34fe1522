#include "stream/piece_order.hpp"

#include <algorithm>
#include <utility>

namespace npymap::detail {

piece_order::piece_order(std::function<void(index_t n)> collect) : collect_(std::move(collect)) {}

bool piece_order::wait_for_turn(index_t n, index_t most_ahead) {
  std::unique_lock lock(changing_);
  ++waiting_;
  changed_.wait(lock, [&] { return is_over_ || n < next_ + most_ahead; });
  --waiting_;
  return !is_over_;
}

void piece_order::end_of(index_t n) {
  const std::lock_guard lock(changing_);
  ended_.push_back(n);
  while (!is_over_) {
    const auto found = std::find(ended_.begin(), ended_.end(), next_);
    if (found == ended_.end()) return;
    ended_.erase(found);
    is_over_ = true;  // if it throws, what it made of the values before is not to be touched again
    collect_(next_++);
    is_over_ = false;
    if (waiting_ > 0) changed_.notify_all();
  }
}

void piece_order::end_of_pass() noexcept {
  const std::lock_guard lock(changing_);
  is_over_ = true;
  changed_.notify_all();
}

}  // namespace npymap::detail
