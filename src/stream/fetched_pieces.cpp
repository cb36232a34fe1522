#include "stream/fetched_pieces.hpp"

#include <algorithm>
#include <system_error>

#include "io/in_pieces.hpp"
#include "stream/element_source.hpp"

namespace npymap::detail {

fetched_pieces::fetched_pieces(const pass_operands& operands, const block_plan& plan, index_t slots,
                               piece_order& order)
    : operands_(operands),
      plan_(plan),
      order_(order),
      slots_(static_cast<std::size_t>(std::min(slots, plan.count()))) {
  for (const input_operand& from : operands.inputs()) {
    std::size_t bytes = 0;
    if (!from.elements->is_addressable() && plan.count() > 0) {
      const shape largest = from.box_of(plan.at(0)).extents;
      bytes = from.elements->slot_bytes(*array_bytes(largest, from.elements->type().itemsize()));
    }
    slot_bytes_.push_back(bytes);
    memory_.emplace_back(bytes * slots_.size());
  }
  for (slot& each : slots_) each.begin.resize(operands.inputs().size());
  const auto count = static_cast<std::size_t>(plan.count());
  if (count == 1) fetch(0);  // not worth a thread
  if (count < 2) return;
  try {
    fetching_ = std::async(std::launch::async, [this, count]() noexcept { fetch_all(count); });
  } catch (const std::system_error&) {
    is_on_demand_ = true;  // there is no thread to be had
  }
}

fetched_pieces::~fetched_pieces() {
  order_.end_of_pass();
  if (fetching_.valid()) fetching_.wait();
}

bool fetched_pieces::wait_for(index_t n) {
  if (is_on_demand_) return fetch(n), true;
  std::unique_lock lock(changing_);
  const slot& wanted = slots_[slot_of(n)];
  changed_.wait(lock, [&] { return wanted.holds == n || is_over_; });
  if (wanted.holds == n) return true;
  if (failure_) std::rethrow_exception(failure_);
  return false;
}

const std::byte* fetched_pieces::at(index_t n, std::size_t input) const {
  return slots_[slot_of(n)].begin[input];
}

void fetched_pieces::fetch(index_t n) {
  slot& to = slots_[slot_of(n)];
  for (std::size_t k = 0; k < memory_.size(); ++k) {
    if (slot_bytes_[k] == 0) continue;
    const input_operand& from = operands_.inputs()[k];
    to.begin[k] = from.elements->fetch(
        from.box_of(plan_.at(n)),
        memory_[k].bytes().subspan(slot_of(n) * slot_bytes_[k], slot_bytes_[k]));
  }
  const std::lock_guard lock(changing_);
  to.holds = n;
  changed_.notify_all();
}

void fetched_pieces::fetch_all(std::size_t count) noexcept {
  constexpr std::size_t most_requests = 8;  // enough to keep a disk busy
  try {
    io::in_pieces(count, 1, most_requests,
                  [this](std::size_t n, std::size_t) { fetch_in_turn(static_cast<index_t>(n)); });
  } catch (...) {  // for want of memory, before anything was fetched
    end(std::current_exception());
  }
}

void fetched_pieces::fetch_in_turn(index_t n) noexcept {
  std::exception_ptr failure;
  try {
    if (order_.wait_for_turn(n, static_cast<index_t>(slots_.size()))) return fetch(n);
  } catch (...) {
    failure = std::current_exception();
  }
  end(failure);
}

void fetched_pieces::end(const std::exception_ptr& failure) noexcept {
  const std::lock_guard lock(changing_);
  is_over_ = true;
  if (failure && !failure_) failure_ = failure;
  changed_.notify_all();
}

}  // namespace npymap::detail
