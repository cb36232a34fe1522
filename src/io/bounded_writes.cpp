#include "io/bounded_writes.hpp"

namespace npymap::io {

void bounded_writes::write(std::span<const std::byte> bytes, std::uint64_t offset) {
  to_.write_at(bytes, offset);
  to_.start_writing(offset, bytes.size());
  std::unique_lock lock(changing_);
  under_way_.push_back({offset, bytes.size()});
  under_way_bytes_ += bytes.size();
  while (under_way_bytes_ > most_bytes_) {
    const range eldest = under_way_.front();
    under_way_.pop_front();
    under_way_bytes_ -= eldest.size;
    lock.unlock();
    to_.wait_for_writing(eldest.offset, eldest.size);
    to_.forget(eldest.offset, eldest.size);
    lock.lock();
  }
}

void bounded_writes::finish() {
  const std::lock_guard lock(changing_);
  under_way_.clear();
  under_way_bytes_ = 0;
  to_.wait_for_writing();
  to_.forget(0, 0);  // pages, too, that two writes share
}

}  // namespace npymap::io
