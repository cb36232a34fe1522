/// \file
/// See parallel_for.h.
#pragma once

namespace tbb {

template <class Value>
class blocked_range {
 public:
  blocked_range(Value begin, Value end, Value grainsize)
      : begin_(begin), end_(end), grainsize_(grainsize) {}
  Value begin() const { return begin_; }
  Value end() const { return end_; }
  Value grainsize() const { return grainsize_; }

 private:
  Value begin_, end_, grainsize_;
};

}  // namespace tbb
